"""Steps of a packet's way: decisions, and the end."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct, field

from netwright.verify.network_model.fib import Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import Packet

FIRST_TTL = 64


PlaceKind = Literal["machine", "pod", "container", "outside"]
"""What has an IP: a machine itself, a pod or a container of it, or the internet behind it."""


class Cause(Struct, frozen=True):
    """A cause that names a subject, which may differ where the cause is the same: the pod network that is not routed,
    the neighbour that does not answer. `before` and `after` are the text around it.
    """

    before: str
    subject: str
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.subject}{self.after}"


class Decision(Struct, frozen=True, kw_only=True):
    """One thing that a machine did with the packet, and the line that made it do so."""

    node: str
    text: str
    origin: Origin | None = None


class End(Struct, frozen=True, kw_only=True):
    """End of a packet's way. `cause` is what findings are grouped by: it names no machine. `target` is the end of
    the cause that names the neighbour asked for, if it does. `cure` is what to write, where that is known. A packet
    that `leaves` goes to the internet, where its destination is no address.
    """

    outcome: Outcome
    machine: Machine
    packet: Packet
    cause: str = ""
    target: str = ""
    origin: Origin | None = None
    place: PlaceKind = "machine"
    cure: str = ""
    leaves: bool = False


class Crossing(Struct, frozen=True):
    """A packet's way from one machine's interface to another's: the hop by which it left, the packet then, and who took
    it in by which interface, None where a pod did. `outer` are the crossings of the tunnel that carried it."""

    sender: Machine
    hop: Hop
    packet: Packet
    receiver: Machine | None = None
    port: str = ""
    outer: tuple["Crossing", ...] = ()


Note = tuple[str, Callable[[], str], Origin | None]


class Offer(Struct, frozen=True, kw_only=True):
    """A redirect that a router sends to the machine from which a packet came: the hop that it is to take instead, and
    the packet as that machine sent it."""

    router: Machine
    sender: Machine
    hop: Hop
    packet: Packet


class Way(Struct):
    """A packet under way: what it met so far. Notes are put into words only when they are read. `hiding` are the rules
    that gave it another source."""

    notes: list[Note] = field(default_factory=list)
    seen: set[tuple[str, str, Packet]] = field(default_factory=set)
    ttl: int = FIRST_TTL
    misdirected: list[str] = field(default_factory=list)
    redirects: list[str] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    hiding: list[Origin] = field(default_factory=list)

    def note(self, machine: Machine, text: Callable[[], str], origin: Origin | None = None) -> None:
        """Keeps a decision."""
        self.notes.append((machine.name, text, origin))

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions in words."""
        return tuple(Decision(node=node, text=text(), origin=origin) for node, text, origin in self.notes)


class Stopped(Exception):  # noqa: N818
    """The packet goes no further."""

    def __init__(self, end: End) -> None:
        """Takes where and why."""
        super().__init__(end.outcome)
        self.end = end
