"""The way of packets through the kernels of a lab, as nftables' tracing tells it.

A table of our own notes where a packet is: it has chains before and behind all others of every hook and no verdicts.
"""

import re
import socket
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from netwright.lab.namespaces import Namespaces
from netwright.lab.netlink import TraceEvent, open_trace, read_trace
from netwright.verify.values.packets import ECHO_REPLY, ECHO_REQUEST, ICMP, TCP, UDP

TUNNEL_PORT = 8472
_TABLE = "netwright_lab"
_LISTED = re.compile(r"(?P<indent>\t*)(?P<text>.*?) # handle (?P<handle>\d+)")
_TRACKS = re.compile(r"\bct (state|status|mark|zone)\b|\b(masquerade|snat|dnat|redirect)\b")
"""Texts that turn connection tracking on; only where it is on already, may our table ask for a packet's state."""

# Connection tracking works at -200; a packet's state can't be asked for before, and then stays what it is.
_CHAINS = (
    ("enters", "prerouting", -450, "meta nftrace set 1"),
    ("tracked_in", "prerouting", -190, "STATE"),
    ("goes_in", "prerouting", 450, ""),
    ("is_for_here", "input", -450, ""),
    ("is_taken", "input", 450, ""),
    ("passes", "forward", -450, ""),
    ("starts", "output", -450, "meta nftrace set 1"),
    ("tracked_out", "output", -190, "STATE"),
    ("leaves", "postrouting", 450, ""),
)
_ROUTED = frozenset({"is_for_here", "is_taken", "passes", "leaves"})


class Visit(Struct):
    """One packet in one namespace: as it came in, as it was routed, as it left, and which of our chains saw it.

    `drop` is the chain and the rule that dropped it, `invalid` the state of its connection there.
    """

    space: str
    first: "Header"
    routed: "Header"
    last: "Header"
    incoming: int
    outgoing: int = 0
    marks: set[str] = field(default_factory=set)
    drop: str | None = None
    invalid: bool = False

    @property
    def is_routed(self) -> bool:
        """Return whether the kernel found a way for it."""
        return bool(self.marks & _ROUTED) or "starts" in self.marks


class Header(Struct, frozen=True, kw_only=True):
    """Header fields that tell packets apart; for a ping both ports are its identifier."""

    protocol: int
    source: int
    sport: int
    destination: int
    dport: int
    ttl: int
    answers: bool = False

    @property
    def ends(self) -> tuple[int, int]:
        """From where to where."""
        return self.source, self.destination


class Tracer:
    """Tracing in the given namespaces, until it is closed."""

    def __init__(self, spaces: Namespaces, names: Iterable[str]) -> None:
        """Loads our table everywhere. Raises LabError."""
        self._spaces = spaces
        self._ears: dict[str, socket.socket] = {}
        self._rules: dict[tuple[str, str, str, int], str] = {}
        for name in names:
            listed = spaces.output(name, ["nft", "-a", "list", "ruleset"])
            self._rules.update({(name, *key): text for key, text in _read_rules(listed)})
            spaces.run(name, ["nft", "-f", "-"], _ruleset(tracks=bool(_TRACKS.search(listed))))
            with spaces.enter(name):
                self._ears[name] = open_trace()

    def close(self) -> None:
        """Takes our table away."""
        for name, ear in self._ears.items():
            ear.close()
            self._spaces.run(name, ["nft", "delete", "table", "ip", _TABLE])

    def visits(self) -> Iterator[Visit]:
        """All visits of packets since the last time, in each namespace in the order in which they began."""
        for name, ear in self._ears.items():
            under_way: dict[int, Visit] = {}
            begun: list[Visit] = []
            for event in read_trace(ear):
                self._note(name, event, under_way, begun)
            yield from begun

    def _note(self, name: str, event: TraceEvent, under_way: dict[int, Visit], begun: list[Visit]) -> None:
        header = _read_header(event)
        starts = event.table == _TABLE and event.chain in ("enters", "starts") and header is not None
        if starts and header is not None:
            visit = Visit(space=name, first=header, routed=header, last=header, incoming=event.incoming)
            under_way[event.id] = visit
            begun.append(visit)
        known = under_way.get(event.id)
        if known is None:
            return
        known.last = header or known.last
        if header is not None and event.chain == "goes_in" and event.table == _TABLE:
            known.routed = header
        known.outgoing = event.outgoing or known.outgoing
        if event.table == _TABLE:
            known.marks.add(event.chain)
            known.invalid = known.invalid or (event.chain.startswith("tracked") and event.handle > 0)
        elif event.drops:
            family, rule = self._rule(name, event)
            known.drop = f"dropped by {rule} in chain {family} {event.table} {event.chain}"

    def _rule(self, name: str, event: TraceEvent) -> tuple[str, str]:
        """The family of the event's table, and the rule in words."""
        for family in ("inet", "ip"):
            text = self._rules.get((name, family, f"{event.table} {event.chain}", event.handle))
            if text is not None:
                return family, f"`{text}`" if event.handle else "the policy"
        return "ip", f"rule {event.handle}"


def _ruleset(*, tracks: bool) -> str:
    lines = [f"table ip {_TABLE} {{"]
    for name, hook, priority, rule in _CHAINS:
        text = rule.replace("STATE", "ct state invalid" if tracks else "")
        lines.append(f"chain {name} {{ type filter hook {hook} priority {priority}; policy accept; {text}\n}}")
    return "\n".join([*lines, "}", ""])


def _read_rules(listed: str) -> Iterator[tuple[tuple[str, str, int], str]]:
    """The text of every rule by family, table and chain, and handle; that of a chain itself has handle 0."""
    family = place = table = ""
    for line in listed.splitlines():
        match = _LISTED.fullmatch(line)
        if match is None:
            continue
        words = match["text"].split()
        if not match["indent"]:
            family, table = words[1], words[2]
        elif len(match["indent"]) == 1 and words[0] == "chain":
            place = f"{table} {words[1]}"
            yield (family, place, 0), ""
        elif len(match["indent"]) > 1:
            yield (family, place, int(match["handle"])), match["text"]


def _read_header(event: TraceEvent) -> Header | None:
    """The packet's header, if the event has it and it is of a protocol that the lab sends."""
    if len(event.header) < 20:
        return None
    protocol, ttl = event.header[9], event.header[8]
    source, destination = (int.from_bytes(event.header[at : at + 4], "big") for at in (12, 16))
    header = event.transport
    if protocol == ICMP and len(header) >= 6 and header[0] in (ECHO_REQUEST, ECHO_REPLY):
        sport = dport = int.from_bytes(header[4:6], "big")
        answers = header[0] == ECHO_REPLY
    elif protocol in (TCP, UDP) and len(header) >= 4:
        sport, dport = (int.from_bytes(header[at : at + 2], "big") for at in (0, 2))
        answers = False
    else:
        return None
    return Header(
        protocol=protocol, source=source, sport=sport, destination=destination, dport=dport, ttl=ttl, answers=answers
    )
