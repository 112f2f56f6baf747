"""The switch of a case: what the cards of its machines are plugged into, so that their networks are what is planned.

One bridge that filters VLANs. A port with tagged networks is a trunk that carries every number of the case: what keeps
two machines apart is the number that they set themselves. Untagged frames belong to their network's number, or to one
made up. The cards of a bond whose mode needs it are a bond on this side too.
"""

import itertools
from collections.abc import Iterator, Mapping

from msgspec import Struct
from netaddr import IPNetwork

from netwright.model import Bond, Vlan
from netwright.plan.types import Link, NodePlan

_SWITCH_MODES = {
    "802.3ad": "802.3ad lacp_rate fast",
    "balance-rr": "balance-xor",
    "balance-xor": "balance-xor",
    "broadcast": "balance-xor",
}
"""Modes of a bond whose other end must be a bond, and that one's mode."""
_MADE_UP = 3001
_LARGEST = 9216
"""Bytes; a switch does not cut what its machines send."""


class Cable(Struct, frozen=True, kw_only=True):
    """A card of a machine and the switch's port at the other end; a card with a MAC is real hardware that has it.

    `first` is its name before it gets the one that is planned.
    """

    node: str
    card: str
    first: str
    mac: str | None
    port: str


class Trunk(Struct, frozen=True, kw_only=True):
    """The cables of a case, lines for the switch's own `ip` and `bridge`, and one port of each bond, to be pulled."""

    cables: tuple[Cable, ...]
    ip: tuple[str, ...]
    bridge: tuple[str, ...]
    pulled: tuple[str, ...]


class _Port(Struct, frozen=True, kw_only=True):
    """A port of the bridge: one cable, or the bond of several; `top` is the machine's card or bond behind it."""

    name: str
    node: str
    top: Link
    mode: str | None = None
    cables: tuple[str, ...] = ()


def plan_trunk(plans: Mapping[str, NodePlan]) -> Trunk:
    """The switch to which all cards of these nodes are connected."""
    numbers, macs = itertools.count(1), itertools.count(1)
    cables = tuple(
        Cable(
            node=plan.name,
            card=link.name,
            first=f"x-{link.name}" if link.is_renamed else link.name,
            mac=link.mac or (f"06:00:00:00:01:{next(macs):02x}" if link.is_renamed else None),
            port=f"port{next(numbers)}",
        )
        for plan in plans.values()
        for link in plan.links
        if link.device is None
    )
    places = {(cable.node, cable.card): cable.port for cable in cables}
    ports = [port for plan in plans.values() for port in _ports(plan, places)]
    return Trunk(
        cables=cables,
        ip=(
            f"link add name switch mtu {_LARGEST} type bridge vlan_filtering 1 vlan_default_pvid 0 stp_state 0",
            *(f"link set dev {place} mtu {_LARGEST}" for place in places.values()),
            *(line for port in ports for line in _connect(port)),
            *(f"link set dev {place} up" for place in places.values()),
            "link set dev switch up",
        ),
        bridge=tuple(_admit(ports, plans)),
        pulled=tuple(
            cable.port
            for cable in cables
            # Nothing tells a card of hardware that the other end of its cable went down.
            if cable.mac is None and cable.card in first_members(plans[cable.node])
        ),
    )


def first_members(plan: NodePlan) -> tuple[str, ...]:
    """The card of each bond of several that is in use before the others."""
    bonds = [link.device for link in plan.links if isinstance(link.device, Bond) and len(link.device.members) > 1]
    return tuple((bond.primary or bond.members[0]).value for bond in bonds)


def _ports(plan: NodePlan, places: Mapping[tuple[str, str], str]) -> Iterator[_Port]:
    bonded: dict[str, Link] = {}
    for link in plan.links:
        if isinstance(link.device, Bond):
            cables = {member.value: places[plan.name, member.value] for member in link.device.members}
            bonded |= dict.fromkeys(cables, link)
            mode = _SWITCH_MODES.get(link.device.effective_mode)
            if mode is not None:
                name = f"bond-{next(iter(cables.values()))}"
                yield _Port(name=name, node=plan.name, top=link, mode=mode, cables=tuple(cables.values()))
            else:
                yield from (_Port(name=cable, node=plan.name, top=link) for cable in cables.values())
    for link in plan.links:
        if link.device is None and link.name not in bonded:
            yield _Port(name=places[plan.name, link.name], node=plan.name, top=link)


def _connect(port: _Port) -> Iterator[str]:
    if port.mode is not None:
        yield f"link add name {port.name} mtu {_LARGEST} type bond miimon 100 mode {port.mode}"
        yield from (f"link set dev {cable} master {port.name}" for cable in port.cables)
        yield f"link set dev {port.name} up"
    yield f"link set dev {port.name} master switch"


def _admit(ports: list[_Port], plans: Mapping[str, NodePlan]) -> Iterator[str]:
    """What `bridge` is told: each port's number of untagged frames, and every number on those with tagged ones."""
    tags = _tags(plans)
    made_up = itertools.count(_MADE_UP)
    numbers: dict[str, int] = {}
    for port in ports:
        links = {link.name: link for link in plans[port.node].links}
        networks = list(_untagged(port.top, links))
        for network in networks:
            numbers.setdefault(network, tags[network] if network in tags else next(made_up))
        own = numbers[networks[0]] if networks else None
        if own is not None:
            yield f"vlan add dev {port.name} vid {own} pvid untagged"
        if _has_tagged(port.top, links):
            yield from (f"vlan add dev {port.name} vid {tag}" for tag in sorted({*tags.values()} - {own}))


def _tags(plans: Mapping[str, NodePlan]) -> dict[str, int]:
    """The number of each tagged network, by its prefix."""
    tags: dict[str, int] = {}
    for plan in plans.values():
        links = {link.name: link for link in plan.links}
        for link in plan.links:
            if isinstance(link.device, Vlan) and link.device.tag is not None:
                tags |= dict.fromkeys(_untagged(link, links), link.device.tag.value)
    return tags


def networks_of(link: Link) -> list[str]:
    """The prefixes of the link's addresses."""
    return [str(IPNetwork(f"{address.ip}/{address.prefix}").cidr) for address in link.addresses]


def _untagged(link: Link, links: Mapping[str, Link]) -> Iterator[str]:
    """The networks whose frames the link takes as they are: its own, or those of what it is a member of."""
    yield from networks_of(link)
    if link.controller is not None:
        yield from _untagged(links[link.controller.name], links)


def _has_tagged(link: Link, links: Mapping[str, Link]) -> bool:
    return bool(link.vlans) or (link.controller is not None and _has_tagged(links[link.controller.name], links))
