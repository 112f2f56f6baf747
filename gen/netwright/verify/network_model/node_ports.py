"""Ports of Kubernetes nodes that Services may have: what comes there goes on to pods in prerouting, before the node's
input chain sees it."""

from collections.abc import Collection, Mapping

from netwright.verify.reading.formats.k3s import K3sSetting
from netwright.verify.values.addresses import Range, Ranges, merge
from netwright.verify.values.packets import TCP, UDP

NodePorts = Mapping[int, Ranges]
"""The ports of each protocol, by its number."""
_NODE_PORTS: Range = (30000, 32767)
"""The default of K3s's --service-node-port-range, for Services of type NodePort and LoadBalancer."""
_WEB: Ranges = ((80, 80), (443, 443))
"""The ports of K3s's Traefik, which its servicelb takes on every node (docs.k3s.io, "Networking Services")."""


def ports_of_services(told: Mapping[str, Mapping[str, K3sSetting]], servers: Collection[str]) -> NodePorts:
    """Return the ports that K3s gives to Services, as its servers are told: each deploys what it is not told to leave
    out, for the whole cluster, and gives ports of its own range. Of one without files nothing is known."""
    settings = [told.get(name, {}) for name in servers] or [{}]
    disabled = [{*one["disable"].values} if "disable" in one else set() for one in settings]
    ranges = merge(one for setting in settings for one in _ranges(setting))
    has_web = not {"traefik", "servicelb"}.intersection(*disabled)
    return {TCP: merge((*_WEB, *ranges)) if has_web else ranges, UDP: ranges}


def _ranges(settings: Mapping[str, K3sSetting]) -> Ranges:
    stated = settings.get("service-node-port-range")
    words = [word.partition("-") for word in stated.values] if stated is not None else []
    found = [(int(first), int(last)) for first, _, last in words if first.isdecimal() and last.isdecimal()]
    return tuple(one for one in found if one[0] <= one[1]) or (_NODE_PORTS,)
