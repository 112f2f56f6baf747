"""Segments -> cables: a switch where a bridge of no node carries a segment, and veth pairs to every card.

Frames with VLAN tags come to the segment of their number, and no others: where a cable has tagged frames there is a
VLAN for each number at the switch's end, and a switch takes untagged frames only. What a switch must know as one port,
the cards of a bond, is a bond there too.
"""

import itertools
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress

from netwright.lab.namespaces import Namespaces
from netwright.lab.plugs import Plug, Tags, carriers, find_plugs
from netwright.verify.values.facts import BondMode
from netwright.verify.values.wiring import AssignedLink, Exit, Port, Wiring

SWITCH = "SWITCH"
"""The namespace of the switches; names of nodes have small letters only."""

OUTSIDE = "INTERNET"
"""The namespace of the internet behind the first device that leads there."""
CARD = "eth0"
"""The only card of a namespace of pods, or of the internet."""
_LARGEST = 9216
"""Octets that a switch takes: more than its machines send."""

Waiting = dict[tuple[str, str], list[str]]
"""The ends of cables that wait for a bridge, by its node and name."""


def outsides(wiring: Wiring) -> dict[str, Exit]:
    """The namespaces of the internet, one behind each device that leads there, with the way by which it does."""
    return {OUTSIDE if number == 1 else f"{OUTSIDE}{number}": one for number, one in enumerate(wiring.exits, start=1)}


class Cables:
    """Numbers for the ends of cables. An end with a number of its own comes up at once; others may take a second."""

    def __init__(self) -> None:
        """Starts far above what a new namespace has."""
        self._numbers = itertools.count(100)

    def connect(
        self,
        spaces: Namespaces,
        here: tuple[str, str],
        there: tuple[str, str],
        mac: str | None = None,
        *,
        mtu: int | None = None,
    ) -> None:
        """A cable from a namespace's interface to another's; `mac` is the far end's hardware address, `mtu` what this
        one takes."""
        near, far = next(self._numbers), next(self._numbers)
        address, size = f" address {mac}" if mac else "", f" mtu {mtu}" if mtu else ""
        peer = f"peer name {there[1]} index {far}{address} netns {spaces.path(there[0])}"
        spaces.ip(here[0], [f"link add name {here[1]} index {near}{size} type veth {peer}"])


def port_name(number: int) -> str:
    """Return libvirt's name of a guest's end on the host."""
    return f"vnet{number}"


def cable(spaces: Namespaces, wiring: Wiring, cables: Cables) -> Waiting:
    """The ends that wait on each host for its bridge, by node and bridge; switches are all connected."""
    return _Room(spaces, wiring, cables).connect()


def switches_of(wiring: Wiring) -> dict[str, str]:
    """The switches by segment: of all that no bridge of a node carries alone.

    Only a switch can take frames with tags, and those of several segments.
    """
    shared = {one for plug in _plugs(wiring) if [*plug.segments] != [()] for one in plug.segments.values()}
    alone = carriers(wiring).keys() - shared
    return {one.name: f"sw{number}" for number, one in enumerate(wiring.segments) if one.name not in alone}


def _plugs(wiring: Wiring) -> tuple[Plug, ...]:
    return (*find_plugs(wiring), *_providers(wiring))


class _Room:
    """The room of the switches, with a cable to each plug."""

    def __init__(self, spaces: Namespaces, wiring: Wiring, cables: Cables) -> None:
        self._spaces, self._cables = spaces, cables
        self._plugs = _plugs(wiring)
        self._carriers = carriers(wiring)
        self._switches = switches_of(wiring)
        self._numbers = itertools.count()
        self._waiting: Waiting = {}

    def connect(self) -> Waiting:
        tagged = {one for plug in self._plugs for tags, one in plug.segments.items() if tags}
        for segment, switch in self._switches.items():
            self._spaces.ip(SWITCH, _bridge_lines(switch, filters=segment in tagged))
        for plug in self._plugs:
            own = plug.segments.get(())
            if own is None or own in self._switches:
                self._plug_in(plug)
            else:
                home = self._carriers[own]
                self._wait(home, self._lay(home.node, plug.node, plug.cards[0]))
        for segment, home in self._carriers.items():
            if segment in self._switches:
                switch = self._switches[segment]
                end = self._lay(SWITCH, home.node, AssignedLink(name=f"up.{switch}"))
                self._spaces.ip(SWITCH, [f"link set {end} master {switch}"])
                self._wait(home, f"up.{switch}")
        return self._waiting

    def _lay(self, room: str, node: str, card: AssignedLink) -> str:
        """Lays a cable to a card; returns its other end."""
        end = port_name(next(self._numbers))
        mtu = _LARGEST if room == SWITCH else None
        self._cables.connect(self._spaces, (room, end), (node, card.name), card.mac, mtu=mtu)
        self._spaces.ip(room, [f"link set {end} up"])
        return end

    def _wait(self, home: Port, end: str) -> None:
        self._spaces.ip(home.node, [f"link set {end} up"])
        self._waiting.setdefault((home.node, home.interface), []).append(end)

    def _plug_in(self, plug: Plug) -> None:
        ends = [self._lay(SWITCH, plug.node, card) for card in plug.cards]
        made: dict[Tags, str] = {(): ends[0] if plug.bond is None else self._bond(plug.bond, ends)}
        for tags, segment in plug.segments.items():
            self._spaces.ip(SWITCH, [f"link set {self._tagged(made, tags)} master {self._switches[segment]}"])

    def _bond(self, mode: BondMode, ends: Sequence[str]) -> str:
        """The bond of the switch's ends."""
        name = f"bond{next(self._numbers)}"
        rate = " lacp_rate fast" if mode is BondMode.LACP else ""
        lines = [f"link add name {name} mtu {_LARGEST} type bond miimon 100 mode {mode}{rate}"]
        for end in ends:
            lines += (f"link set {end} down", f"link set {end} master {name}")
        self._spaces.ip(SWITCH, [*lines, f"link set {name} up"])
        return name

    def _tagged(self, made: dict[Tags, str], tags: Tags) -> str:
        """The device for frames with these tags on a cable, with those that it stands on."""
        if tags not in made:
            parent, name = self._tagged(made, tags[:-1]), f"tag{next(self._numbers)}"
            lines = [f"link add link {parent} name {name} type vlan id {tags[-1]}", f"link set {name} up"]
            self._spaces.ip(SWITCH, lines)
            made[tags] = name
        return made[tags]


def _providers(wiring: Wiring) -> Iterator[Plug]:
    """The internet's own cards on a segment by which devices lead there."""
    ports = {(port.node, port.interface): one.name for one in wiring.segments for port in one.ports}
    for space, way_out in outsides(wiring).items():
        segment = ports.get((way_out.node, way_out.interface or ""))
        if segment is not None:
            yield Plug(node=space, cards=(AssignedLink(name=CARD),), segments={(): segment})


def join_bridges(spaces: Namespaces, waiting: Waiting) -> None:
    """Connects the ends that wait for a bridge of a node which is there now."""
    for node, bridge in [*waiting]:
        with spaces.enter(node), suppress(OSError):
            socket.if_nametoindex(bridge)
            ends = waiting.pop((node, bridge))
            spaces.ip(node, [f"link set {end} master {bridge} up" for end in ends])


def _bridge_lines(name: str, *, filters: bool) -> tuple[str, str]:
    # One that filters takes frames without a tag only: each port has number 1 then, and no other.
    filtering = " vlan_filtering 1" if filters else ""
    return f"link add name {name} type bridge forward_delay 0{filtering}", f"link set {name} up"
