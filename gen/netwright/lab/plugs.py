"""Plugs of nodes: cards, or the cards of a bond, each with the segments that its frames belong to, by their VLAN tags.

A frame's tags are those of the VLANs on its card, the outermost first; none where frames go as they are. Of the ports
of a bridge one leads to each segment whose frames it passes: a second way there would be a circle. A bridge that
filters VLANs gives a frame its number, by which it leaves a port with a tag or without.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from netwright.text.counting import list_some
from netwright.verify.values.facts import BondMode, Kind
from netwright.verify.values.wiring import AssignedLink, Port, Segment, Wiring

Tags = tuple[int, ...]
"""The VLAN numbers of a frame, the outermost first."""

_PORTS_SHOWN = 5
_NO_CABLE = (Kind.DUMMY, Kind.WIREGUARD)
_SWITCH_MODES = {
    BondMode.LACP: BondMode.LACP,
    BondMode.BALANCE_RR: BondMode.BALANCE_XOR,
    BondMode.BALANCE_XOR: BondMode.BALANCE_XOR,
    BondMode.BROADCAST: BondMode.BALANCE_XOR,
}
"""The modes of a bond whose other end must be a bond too, and that one's mode (Linux, bonding.rst, 5)."""


class Plug(Struct, frozen=True, kw_only=True):
    """The cards of a node that one port of a switch is for; `bond` is the mode of that port if it is a bond."""

    node: str
    cards: tuple[AssignedLink, ...]
    segments: Mapping[Tags, str]
    bond: BondMode | None = None


class SecondWay(Struct, frozen=True, kw_only=True):
    """A bridge that is led to a segment by its first `port` that passes the segment's frames, and so not by `others`,
    which would close a circle."""

    node: str
    bridge: str
    segment: str
    port: str
    others: tuple[str, ...]


def find_plugs(wiring: Wiring) -> Iterator[Plug]:
    """Yield the plugs of all nodes: what ends on a segment without a cable of its own, a bridge that carries it or a
    device, has none."""
    for stack in _stacks(wiring):
        yield from stack.plugs()


def find_second_ways(wiring: Wiring) -> Iterator[SecondWay]:
    """Yield the ways of bridges to segments that have one way already."""
    for stack in _stacks(wiring):
        yield from stack.second_ways()


def remark_on_bridges(wiring: Wiring) -> Iterator[str]:
    """Remark on the ports of bridges that are led nowhere."""
    for way in find_second_ways(wiring):
        others = list_some(way.others, _PORTS_SHOWN)
        leads = f"{way.bridge} leads to {way.segment} by {way.port}, and not by {others}"
        yield f"{way.node}: {leads}: that would be a circle"


def _stacks(wiring: Wiring) -> Iterator["_Stack"]:
    carried = {(one.bridge.node, one.bridge.interface) for one in wiring.segments if one.bridge is not None}
    ports: dict[str, dict[str, tuple[Segment, Port]]] = defaultdict(dict)
    for segment in wiring.segments:
        for port in segment.ports:
            if (port.node, port.interface) not in carried and port.kind not in _NO_CABLE:
                ports[port.node][port.interface] = segment, port
    for node in wiring.nodes:
        own = ports[node]
        cards = {name: AssignedLink(name=name, mac=port.mac, kind=port.kind) for name, (_, port) in own.items()}
        links = {**cards, **{link.name: link for link in wiring.links.get(node, ())}}
        yield _Stack(node, links, {name: segment.name for name, (segment, _) in own.items()})


class _Stack:
    """The links of one node, from the cards up."""

    def __init__(self, node: str, links: Mapping[str, AssignedLink], segments: Mapping[str, str]) -> None:
        self._node, self._links, self._segments = node, links, segments
        self._controllers = {
            lower: link for link in links.values() if link.kind in (Kind.BOND, Kind.BRIDGE) for lower in link.below
        }
        self._vlans: dict[str, list[AssignedLink]] = defaultdict(list)
        for link in links.values():
            if link.kind is Kind.VLAN:
                self._vlans[link.below[0]].append(link)

    def plugs(self) -> Iterator[Plug]:
        for link in self._links.values():
            controller = self._controllers.get(link.name)
            is_bonded = controller is not None and controller.kind is Kind.BOND and controller.mode in _SWITCH_MODES
            if link.kind is None and not is_bonded:
                yield Plug(node=self._node, cards=(link,), segments=dict(self._carried(link)))
            elif link.kind is Kind.BOND and link.mode in _SWITCH_MODES:
                cards = tuple(self._links[name] for name in link.below)
                mode = _SWITCH_MODES[link.mode]
                yield Plug(node=self._node, cards=cards, segments=dict(self._carried(link)), bond=mode)

    def _carried(self, link: AssignedLink) -> Iterator[tuple[Tags, str]]:
        """The segments whose frames go by the link, by the tags that they have there."""
        if link.name in self._segments:
            yield (), self._segments[link.name]
        controller = self._controllers.get(link.name)
        if controller is not None and controller.kind is Kind.BOND:
            yield from self._carried(controller)
        elif controller is not None:
            yield from ((way.tags, way.segment) for way in self._ways(controller) if way.port == link.name)
        for vlan in self._vlans[link.name]:
            yield from (((vlan.tag or 0, *tags), segment) for tags, segment in self._carried(vlan))

    def _ways(self, bridge: AssignedLink) -> Iterator["_Way"]:
        """The ports of a bridge by which it is led to the segments whose frames are on it."""
        for tags, segment in self._carried(bridge):
            passing = ((port, _beyond(bridge, port, tags)) for port in bridge.below)
            ways = [_Way(port=port, tags=outer, segment=segment) for port, outer in passing if outer is not None]
            yield from ways[:1]

    def second_ways(self) -> Iterator[SecondWay]:
        """The ports of bridges that are not led to a segment whose frames they pass."""
        for bridge in (link for link in self._links.values() if link.kind is Kind.BRIDGE):
            for tags, segment in self._carried(bridge):
                passing = [port for port in bridge.below if _beyond(bridge, port, tags) is not None]
                if len(passing) > 1:
                    yield SecondWay(
                        node=self._node, bridge=bridge.name, segment=segment, port=passing[0], others=tuple(passing[1:])
                    )


class _Way(Struct, frozen=True, kw_only=True):
    """A port of a bridge, and the tags that a segment's frames have beyond it."""

    port: str
    tags: Tags
    segment: str


def _beyond(bridge: AssignedLink, port: str, tags: Tags) -> Tags | None:
    """Return the tags beyond a port of the bridge of frames that have `tags` on the bridge itself, None if it does not
    pass them."""
    if not bridge.ports:
        return tags
    vlans = {one.name: one for one in bridge.ports}
    number, inner = (tags[0], tags[1:]) if tags else (vlans[bridge.name].untagged, ())
    if number is not None and number == vlans[port].untagged:
        return inner
    return (number, *inner) if number in vlans[port].tagged else None


def carriers(wiring: Wiring) -> Mapping[str, Port]:
    """The ports whose nodes carry the frames of a segment on a bridge of their own, by segment: libvirt's, and a bridge
    that has no cards, which others join."""
    lonely = {
        (node, link.name)
        for node, links in wiring.links.items()
        for link in links
        if link.kind is Kind.BRIDGE and not link.below
    }
    found = {segment.name: segment.bridge for segment in wiring.segments if segment.bridge is not None}
    for segment in wiring.segments:
        own = [port for port in segment.ports if (port.node, port.interface) in lonely]
        if own and segment.name not in found:
            found[segment.name] = own[0]
    return found


def kinds_of(wiring: Wiring) -> Mapping[Kind, tuple[str, str]]:
    """The kinds of devices that nodes have, each with the first node and link of it."""
    found: dict[Kind, tuple[str, str]] = {}
    for node, links in wiring.links.items():
        for link in links:
            if link.kind is not None:
                found.setdefault(link.kind, (node, link.name))
    return found


def has_tunnels(links: Iterable[AssignedLink]) -> bool:
    """Return whether some of the links are WireGuard tunnels."""
    return any(link.kind is Kind.WIREGUARD for link in links)
