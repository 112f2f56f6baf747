"""Small networks to try in the kernel and in the model: the same description is applied to one and written as files
for the other."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.network import Network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.values.addresses import AddressNumber, parse_ip, parse_prefix
from netwright.verify.values.wiring import (
    AssignedAddress,
    AssignedLink,
    Assumptions,
    Backend,
    PodNetwork,
    Port,
    Segment,
    Wiring,
)


class Route(Struct, frozen=True, kw_only=True):
    """A route of a box; `dev` is None for those that reject. `next_hops` are several, each a gateway and a card."""

    to: str
    via: str | None = None
    dev: str | None = None
    metric: int = 0
    table: int = 254
    onlink: bool = False
    kind: str = "unicast"
    src: str | None = None
    next_hops: tuple[tuple[str, str], ...] = ()


class Rule(Struct, frozen=True, kw_only=True):
    """A policy rule of a box."""

    priority: int
    table: int
    source: str = "0.0.0.0/0"
    to: str = "0.0.0.0/0"
    iif: str | None = None
    mark: str | None = None
    suppress: int | None = None


class Box(Struct, frozen=True, kw_only=True):
    """A machine: cards by name with their segment and addresses, routes, rules, sysctl lines, nft rules.

    `bridges` names segments that are bridges of the box itself, each by its card of that name.
    """

    name: str
    cards: Mapping[str, tuple[str, tuple[str, ...]]]
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    sysctls: tuple[str, ...] = ()
    nft: str = ""
    bridges: tuple[str, ...] = ()

    def ips(self) -> tuple[str, ...]:
        """The box's own IPs."""
        return tuple(address.partition("/")[0] for _, addresses in self.cards.values() for address in addresses)


class World(Struct, frozen=True, kw_only=True):
    """Boxes, and the conversations to try: source IP, destination IP. `seed` is where it came from."""

    boxes: tuple[Box, ...]
    pairs: tuple[tuple[str, str], ...]
    seed: int | None = None
    notes: tuple[str, ...] = field(default=())

    def box_of(self, ip: str) -> Box:
        """The box that has the IP."""
        return next(box for box in self.boxes if ip in box.ips())


def network_file(box: Box, card: str, routes: tuple[Route, ...]) -> str:
    """The card's .network file; policy rules and rejecting routes stand in the first card's."""
    lines = ["[Match]", f"Name={card}", "[Network]", *(f"Address={address}" for address in box.cards[card][1])]
    for route in routes:
        lines += ["[Route]", f"Destination={route.to}"]
        lines += [f"MultiPathRoute={gateway}@{dev}" for gateway, dev in route.next_hops]
        is_direct = route.kind == "unicast" and not route.next_hops
        lines += [f"Gateway={route.via}"] if route.via else ["Scope=link"] if is_direct else []
        lines += ["GatewayOnLink=yes"] if route.onlink else []
        lines += [f"PreferredSource={route.src}"] if route.src else []
        lines += [f"Type={route.kind}"] if route.kind != "unicast" else []
        lines += [f"Metric={route.metric}", f"Table={route.table}"]
    if card == next(iter(box.cards)):
        for rule in box.rules:
            lines += ["[RoutingPolicyRule]", f"Priority={rule.priority}", f"Table={rule.table}"]
            lines += [f"From={rule.source}", f"To={rule.to}"]
            lines += [f"IncomingInterface={rule.iif}"] if rule.iif else []
            lines += [f"FirewallMark={rule.mark}"] if rule.mark else []
            lines += [f"SuppressPrefixLength={rule.suppress}"] if rule.suppress is not None else []
    return "\n".join(lines) + "\n"


def delivery_of(box: Box) -> Delivery:
    """The box's files."""
    first = next(iter(box.cards))
    texts = {
        f"/etc/systemd/network/10-{card}.network": network_file(
            box, card, tuple(route for route in box.routes if (route.dev or first) == card)
        )
        for card in box.cards
    }
    texts["/etc/sysctl.d/90-box.conf"] = "\n".join(box.sysctls) + "\n"
    if box.nft:
        texts["/etc/nftables/box.nft"] = box.nft
    files = {path: Text(path=path, shown=f"{box.name}{path}", text=text, mode=None) for path, text in texts.items()}
    return Delivery(node=box.name, files=files, enabled=frozenset(), libvirt=(), handoff=None, unknown=())


def model_of(
    world: World,
    pods: Mapping[str, str] = MappingProxyType({}),
    cni: Backend = "vxlan",
    addresses: tuple[AssignedAddress, ...] = (),
    routers: tuple[str, ...] = (),
    *,
    links: Mapping[str, tuple[AssignedLink, ...]] = MappingProxyType({}),
) -> Network:
    """The network as the verifier reads it; `pods` names the owner of each pod network, by card e0; `addresses` and
    `links` are those that a topology would give, and `routers` those that it calls so."""
    ports: dict[str, list[Port]] = {}
    bridges: dict[str, Port] = {}
    for box in world.boxes:
        for card, (segment, _) in box.cards.items():
            ports.setdefault(segment, []).append(Port(node=box.name, interface=card))
            if segment in box.bridges:
                bridges[segment] = Port(node=box.name, interface=card)
    wiring = Wiring(
        nodes=tuple(box.name for box in world.boxes),
        segments=tuple(
            Segment(name=name, ports=tuple(members), bridge=bridges.get(name)) for name, members in ports.items()
        ),
        pod_networks=tuple(
            PodNetwork(network=network, node=node, interface="e0")
            for text, node in pods.items()
            if (network := parse_prefix(text)) is not None
        ),
        pods=parse_prefix("10.42.0.0/16") if pods else None,
        addresses=addresses,
        routers=routers,
        links=links,
    )
    configurations = [read_configuration(delivery_of(box)) for box in world.boxes]
    return build_network(configurations, wiring, Assumptions(system_sysctls=False, cni=cni))


def ip_number(text: str) -> AddressNumber:
    """The IP as a number."""
    number = parse_ip(text)
    assert number is not None
    return number
