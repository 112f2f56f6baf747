"""Segments -> cables: a switch where a bridge of no node carries a segment, and veth pairs to every port."""

import itertools
from collections.abc import Iterator

from netwright.lab.namespaces import Namespaces
from netwright.verify.values.wiring import Exit, Port, Segment, Wiring

SWITCH = "SWITCH"
"""The namespace of the switches; names of nodes have small letters only."""

OUTSIDE = "INTERNET"
"""The namespace of the internet behind the first device that leads there."""
CARD = "eth0"
"""The only card of a namespace of pods, or of the internet."""


def outsides(wiring: Wiring) -> dict[str, Exit]:
    """The namespaces of the internet, one behind each device that leads there, with the way by which it does."""
    return {OUTSIDE if number == 1 else f"{OUTSIDE}{number}": one for number, one in enumerate(wiring.exits, start=1)}


class Cables:
    """Numbers for the ends of cables. An end with a number of its own comes up at once; others may take a second."""

    def __init__(self) -> None:
        """Starts far above what a new namespace has."""
        self._numbers = itertools.count(100)

    def connect(
        self, spaces: Namespaces, here: tuple[str, str], there: tuple[str, str], mac: str | None = None
    ) -> None:
        """A cable from a namespace's interface to another's; `mac` is the far end's hardware address."""
        near, far = next(self._numbers), next(self._numbers)
        address = f" address {mac}" if mac else ""
        peer = f"peer name {there[1]} index {far}{address} netns {spaces.path(there[0])}"
        spaces.ip(here[0], [f"link add name {here[1]} index {near} type veth {peer}"])


def port_name(number: int) -> str:
    """Return libvirt's name of a guest's end on the host."""
    return f"vnet{number}"


def cable(spaces: Namespaces, wiring: Wiring, cables: Cables) -> dict[tuple[str, str], list[str]]:
    """The ends that wait on each libvirt host for its bridge, by node and bridge; switches are all connected."""
    waiting: dict[tuple[str, str], list[str]] = {}
    numbers = itertools.count()
    spaces.ip(SWITCH, [line for number, _ in _switched(wiring) for line in _bridge_lines(f"sw{number}")])
    switches = {segment.name: f"sw{number}" for number, segment in _switched(wiring)}
    for segment in wiring.segments:
        home = (segment.bridge.node, segment.bridge.interface) if segment.bridge else None
        for port in (*segment.ports, *_providers(wiring, segment)):
            if (port.node, port.interface) == home:
                continue
            end = port_name(next(numbers))
            host = home[0] if home else SWITCH
            cables.connect(spaces, (host, end), (port.node, port.interface), port.mac)
            if home:
                waiting.setdefault(home, []).append(end)
                spaces.ip(host, [f"link set {end} up"])
            else:
                spaces.ip(SWITCH, [f"link set {end} master {switches[segment.name]} up"])
    return waiting


def _providers(wiring: Wiring, segment: Segment) -> Iterator[Port]:
    """The internet's own cards on a segment by which devices lead there."""
    ports = {(port.node, port.interface) for port in segment.ports}
    for space, way_out in outsides(wiring).items():
        if (way_out.node, way_out.interface) in ports:
            yield Port(node=space, interface=CARD)


def _switched(wiring: Wiring) -> Iterator[tuple[int, Segment]]:
    return ((number, segment) for number, segment in enumerate(wiring.segments) if segment.bridge is None)


def _bridge_lines(name: str) -> tuple[str, str]:
    return f"link add name {name} type bridge forward_delay 0", f"link set {name} up"
