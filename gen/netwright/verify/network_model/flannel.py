"""K3s and its flannel on a node: the card that flannel takes, and settings of K3s that contradict the topology."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.formats.k3s import K3sSetting
from netwright.verify.values.addresses import Prefix, format_ip, parse_ip, parse_prefix
from netwright.verify.values.facts import MAIN_TABLE, Link
from netwright.verify.values.wiring import Backend, PodNetwork


def flannel_card(configuration: Configuration, links: Iterable[tuple[str, Link]], pod: PodNetwork) -> str:
    """The card by which flannel reaches other nodes: K3s's flannel-iface, the one that the topology states, that of the
    default route (flannel's GetDefaultGatewayInterface), or what the topology suggests where there is none."""
    told = configuration.k3s.get("flannel-iface")
    if told is not None and told.values:
        return told.values[0]
    if pod.stated:
        return pod.interface
    defaults = [
        (route.metric, name)
        for name, link in links
        for route in link.routes
        if route.to.length == 0 and route.table == MAIN_TABLE and route.kind == "unicast"
    ]
    return min(defaults)[1] if defaults else pod.interface


class Contradiction(Struct, frozen=True, kw_only=True):
    """A setting of K3s's, and the key of the topology with another value, and that value."""

    setting: K3sSetting
    path: tuple[str, ...]
    stated: str


def contradictions(
    settings: Iterable[K3sSetting],
    *,
    node: str,
    backend: Backend,
    pods: Prefix | None,
    services: Prefix | None,
    card: str | None,
    cards: Sequence[str],
    addresses: Sequence[int],
) -> Iterator[Contradiction]:
    """Yield K3s settings of a node that contradict the topology. `backend` is flannel's, none where pods have another
    network; `card` is the one that the topology states for flannel, `cards` and `addresses` are the node's."""
    own = ("nodes", node, "interfaces")
    for setting in settings:
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
        elif setting.key == "node-ip" and not all(_is_own(ip, addresses) for ip in setting.values):
            path, stated = own, ", ".join(map(format_ip, addresses))
        if path is not None:
            yield Contradiction(setting=setting, path=path, stated=stated)


def _differs(setting: K3sSetting, network: Prefix | None) -> bool:
    """Return whether the setting's IPv4 networks are another one than the topology's."""
    said = [value for value in setting.values if ":" not in value]
    return network is not None and bool(said) and [parse_prefix(value) for value in said] != [network]


def _is_own(text: str, addresses: Sequence[int]) -> bool:
    ip = parse_ip(text)
    return ":" in text or (ip is not None and ip in addresses)
