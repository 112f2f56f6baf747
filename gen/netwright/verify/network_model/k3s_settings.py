"""Settings of K3s on a node that contradict the topology."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.verify.reading.formats.k3s import K3sSetting, joined_server
from netwright.verify.values.addresses import Prefix, format_ip, parse_ip, parse_prefix
from netwright.verify.values.wiring import Backend, Wiring

_OWN = {"node-ip": (), "bind-address": ("0.0.0.0", "127.0.0.1")}  # noqa: S104
"""Settings that are addresses of the node itself, with what they may be besides."""


class Contradiction(Struct, frozen=True, kw_only=True):
    """A setting of K3s's, and the key of the topology with another value, and that value."""

    setting: K3sSetting
    path: tuple[str, ...]
    stated: str

    @property
    def reason(self) -> str:
        """What the topology has instead, for the setting's line."""
        where = f" as {'.'.join(self.path)}" if self.path != _CLUSTER else ""
        return f"the topology has {self.stated}{where}, and K3s is told otherwise"


_CLUSTER = ("kubernetes",)


def port_of_server(told: Mapping[str, K3sSetting], wiring: Wiring) -> int:
    """Return the port of the API at a server: the one that K3s is told, or its default; where nothing that is delivered
    speaks of K3s, the topology's."""
    own = told["https-listen-port"].values if "https-listen-port" in told else ()
    if own and own[0].isdigit():
        return int(own[0])
    return _API if told else wiring.server_port


_API = 6443


def contradictions(
    told: Mapping[str, K3sSetting],
    wiring: Wiring,
    *,
    node: str,
    backend: Backend,
    card: str | None,
    cards: Sequence[str],
    addresses: Sequence[int],
) -> Iterator[Contradiction]:
    """Yield K3s settings of a node that contradict the topology. `backend` is flannel's, none where pods have another
    network; `card` is the one that the topology states for flannel, `cards` and `addresses` are the node's."""
    own = ("nodes", node, "interfaces")
    pods, services = wiring.pods, wiring.services
    for setting in told.values():
        path: tuple[str, ...] | None = None
        stated = ""
        if setting.key == "flannel-backend" and setting.values != (backend,):
            path, stated = ("kubernetes", "cni", "plugin" if backend == "none" else "backend"), backend
        elif setting.key == "cluster-cidr" and _differs(setting, pods):
            path, stated = ("kubernetes", "pods", "cidr"), str(pods)
        elif setting.key == "service-cidr" and _differs(setting, services):
            path, stated = ("kubernetes", "services", "cidr"), str(services)
        elif setting.key == "flannel-iface" and card is not None and setting.values != (card,):
            path, stated = ("kubernetes", "cni", "interface"), card
        elif setting.key == "flannel-iface" and not {*setting.values} <= {*cards}:
            path, stated = own, ", ".join(cards)
        elif setting.key in _OWN and not all(_is_own(ip, addresses, _OWN[setting.key]) for ip in setting.values):
            path, stated = own, ", ".join(map(format_ip, addresses))
        if path is not None:
            yield Contradiction(setting=setting, path=path, stated=stated)
    yield from _of_the_cluster(told, wiring, addresses)


def _of_the_cluster(
    told: Mapping[str, K3sSetting], wiring: Wiring, addresses: Sequence[int]
) -> Iterator[Contradiction]:
    """Yield addresses of the cluster at which nothing of it can be: its API's, and that of its name server."""
    said = {key: setting for key, setting in told.items() if key in ("server", "advertise-address", "cluster-dns")}
    for key, setting in said.items():
        for value in setting.values:
            joined = joined_server(value)
            ip = joined[0] if joined is not None else None
            if ip is None:
                continue
            path: tuple[str, ...] = ("kubernetes", "services", "cidr") if key == "cluster-dns" else _CLUSTER
            if key == "cluster-dns":
                stated = _not_a_service(ip, told, wiring)
            else:
                stated = _no_server(ip, wiring) if ip not in addresses else None
            if stated is not None:
                yield Contradiction(setting=setting, path=path, stated=stated)


def _not_a_service(ip: int, told: Mapping[str, K3sSetting], wiring: Wiring) -> str | None:
    """CoreDNS is a Service: Kubernetes makes none outside of the Services' network. Another name server may be
    anywhere."""
    without = "disable" in told and "coredns" in told["disable"].values
    return str(wiring.services) if wiring.services is not None and not without and ip not in wiring.services else None


def _no_server(ip: int, wiring: Wiring) -> str | None:
    """Return what the topology has at an address where K3s's API is to be, None if it may be there."""
    owner = wiring.owners.get(ip)
    if owner is None:
        inside = wiring.owners and any(ip in network for network in wiring.networks)
        return f"no machine with {format_ip(ip)}" if inside else None
    return f"{format_ip(ip)} at {owner}, an agent" if owner in wiring.agents else None


def _differs(setting: K3sSetting, network: Prefix | None) -> bool:
    """Return whether the setting's IPv4 networks are another one than the topology's."""
    said = [value for value in setting.values if ":" not in value]
    return network is not None and bool(said) and [parse_prefix(value) for value in said] != [network]


def _is_own(text: str, addresses: Sequence[int], besides: Sequence[str]) -> bool:
    ip = parse_ip(text)
    return ":" in text or text in besides or (ip is not None and ip in addresses)
