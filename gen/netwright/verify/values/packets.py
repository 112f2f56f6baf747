"""Packets of a conversation, and what a machine's connection tracking knows of it (nf_conntrack, nf_nat)."""

from typing import Literal, NamedTuple

from msgspec import Struct

from netwright.verify.values.addresses import AddressNumber, format_ip
from netwright.verify.values.nftables import State

ICMP, TCP, UDP, SCTP = 1, 6, 17, 132
PORTED = (TCP, UDP, SCTP)
"""The protocols with ports."""
PROTOCOLS = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "sctp": SCTP, "esp": 50, "ah": 51, "gre": 47, "vrrp": 112}
"""The protocols that a flow can name (IANA, Protocol Numbers)."""
ECHO_REQUEST, ECHO_REPLY = 8, 0
EPHEMERAL_PORTS = (32768, 60999)
EPHEMERAL = 40000
"""The port from which every client calls; a rule that tells it from other such ports makes a verdict unknown."""
PORTLESS = tuple(number for name, number in PROTOCOLS.items() if name in ("esp", "ah", "gre", "vrrp"))
"""Protocols of which connection tracking knows the two ends only: whatever comes the other way is an answer."""
_NAMES = {number: name for name, number in PROTOCOLS.items()}

Tuple = tuple[int, AddressNumber, int, AddressNumber, int]
"""Identity of a connection: protocol, source, source port, destination, destination port."""


TcpKind = Literal["syn", "synack", "ack", "other"]
"""Flags of a segment of TCP; other for every other packet."""


class Packet(NamedTuple):
    """An IPv4 packet. For ICMP the ports are the identifier and the type."""

    protocol: int
    source: AddressNumber
    sport: int
    destination: AddressNumber
    dport: int
    kind: TcpKind = "other"

    @property
    def key(self) -> Tuple:
        """The packet's tuple."""
        return self[:5]

    def __str__(self) -> str:
        name = _NAMES.get(self.protocol, f"protocol {self.protocol}")
        if self.protocol == ICMP:
            name += " echo request" if self.dport == ECHO_REQUEST else " echo reply"
        ends = [format_ip(self.source), format_ip(self.destination)]
        if self.protocol in PORTED:
            ends = [f"{end}:{port}" for end, port in zip(ends, (self.sport, self.dport), strict=True)]
        flags = {"syn": " SYN", "synack": " SYN+ACK", "ack": " ACK"}.get(self.kind, "")
        return f"{name}{flags} {ends[0]} -> {ends[1]}"


def inverse(key: Tuple) -> Tuple:
    """The tuple of the answer."""
    protocol, source, sport, destination, dport = key
    if protocol == ICMP:
        return protocol, destination, sport, source, ECHO_REPLY if dport == ECHO_REQUEST else ECHO_REQUEST
    return protocol, destination, dport, source, sport


class Connection(Struct):
    """One tracked connection: its two tuples, and how far it has come."""

    original: Tuple
    reply: Tuple
    midway: bool = False
    replied: bool = False
    source_bound: bool = False
    destination_bound: bool = False

    @property
    def has_other_destination(self) -> bool:
        """Return whether its destination is translated: IPS_DST_NAT of a connection that is (nf_nat_setup_info)."""
        return inverse(self.reply)[3:] != self.original[3:]


class Tracked(Struct):
    """A packet's connection, the direction in which the packet goes, and its state; no connection: invalid."""

    connection: Connection | None
    answers: bool
    state: State


class Tracker:
    """One machine's connections."""

    def __init__(self, *, loose: bool) -> None:
        """`loose` picks up TCP connections of which the first packets went elsewhere."""
        self._loose = loose
        self._connections: dict[Tuple, tuple[Connection, bool]] = {}

    def track(self, packet: Packet) -> Tracked:
        """The packet's connection and state; a connection it opens is kept only by `confirm`."""
        connection, answers = self._connections.get(packet.key, (None, False))
        if connection is None:
            if not self._opens(packet):
                return Tracked(connection=None, answers=False, state="invalid")
            made = Connection(original=packet.key, reply=inverse(packet.key), midway=packet.kind == "ack")
            return Tracked(connection=made, answers=False, state="new")
        if packet.kind == "ack" and not (connection.replied or connection.midway or answers):
            # The machine saw the SYN and no SYN+ACK: an ACK does not fit.
            return Tracked(connection=None, answers=False, state="invalid")
        if answers:
            connection.replied = True
        state: State = "established" if connection.replied else "new"
        return Tracked(connection=connection, answers=answers, state=state)

    def _opens(self, packet: Packet) -> bool:
        if packet.protocol == ICMP:
            return packet.dport == ECHO_REQUEST
        if packet.protocol == TCP:
            return packet.kind == "syn" or (packet.kind == "ack" and self._loose)
        return True

    def confirm(self, connection: Connection) -> None:
        """Keeps the connection once its first packet has passed."""
        self._connections[connection.original] = (connection, False)
        self._connections[connection.reply] = (connection, True)
