"""Ports of Kubernetes nodes that Services may have: what comes there goes on to pods in prerouting, before the node's
input chain sees it."""

from collections.abc import Iterable, Mapping

from netwright.verify.reading.formats.k3s import K3sSetting
from netwright.verify.values.addresses import Range, Ranges, merge
from netwright.verify.values.packets import TCP, UDP

NodePorts = Mapping[int, Ranges]
"""The ports of each protocol, by its number."""
_NODE_PORTS: Range = (30000, 32767)
"""The default of K3s's --service-node-port-range, for Services of type NodePort and LoadBalancer."""
_WEB: Ranges = ((80, 80), (443, 443))
"""The ports of K3s's Traefik, which its servicelb takes on every node (docs.k3s.io, "Networking Services")."""


def ports_of_services(told: Iterable[Mapping[str, K3sSetting]]) -> NodePorts:
    """Return the ports that K3s gives to Services, as its servers are told."""
    settings = [*told]
    ranges = [_NODE_PORTS, *(one for setting in settings for one in _stated_range(setting))]
    disabled = {name for one in settings if "disable" in one for name in one["disable"].values}
    own = merge(ranges[1:] or ranges)
    return {TCP: own if disabled & {"traefik", "servicelb"} else merge((*_WEB, *own)), UDP: own}


def _stated_range(settings: Mapping[str, K3sSetting]) -> Iterable[Range]:
    for word in settings["service-node-port-range"].values if "service-node-port-range" in settings else ():
        first, _, last = word.partition("-")
        if first.isdecimal() and last.isdecimal() and int(first) <= int(last):
            yield int(first), int(last)
