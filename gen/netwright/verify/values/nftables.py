"""nftables rules as values: what a rule matches, and what it then does."""

from enum import StrEnum
from typing import Final, Literal, get_args

from msgspec import Struct, field

from netwright.verify.values.addresses import AddressNumber, Range, Ranges
from netwright.verify.values.blocks import EVERYTHING, Places, Region, smallest_block
from netwright.verify.values.facts import Origin, Unknown

PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
CONNTRACK_PRIORITY = -200

State = Literal["new", "established", "related", "invalid", "untracked"]
"""State of a packet's connection."""
STATES: Final[dict[str, State]] = {state: state for state in get_args(State)}
ChainType = Literal["filter", "nat", "route"]
CHAIN_TYPES: Final[dict[str, ChainType]] = {kind: kind for kind in get_args(ChainType)}
Point = Literal["prerouting", "input", "forward", "output", "postrouting"]
"""Region on a packet's way at which chains are called."""
POINTS: Final[dict[str, Point]] = {point: point for point in get_args(Point)}
Policy = Literal["accept", "drop"]
POLICIES: Final[dict[str, Policy]] = {policy: policy for policy in get_args(Policy)}
NatKind = Literal["masquerade", "snat", "dnat", "redirect"]
NAT_KINDS: Final[dict[str, NatKind]] = {kind: kind for kind in get_args(NatKind)}
PlainKind = Literal["accept", "drop", "return", "notrack", "continue"]
"""Kind of a statement of one word."""
PLAIN_KINDS: Final[dict[str, PlainKind]] = {kind: kind for kind in get_args(PlainKind)}
StatementKind = Literal[PlainKind, NatKind, "reject", "jump", "goto", "mark"]
TableFamily = Literal["ip", "inet", "ip6"]
TABLE_FAMILIES: Final[dict[str, TableFamily]] = {family: family for family in get_args(TableFamily)}


class NumberField(StrEnum):
    """A number of a packet; ICMP is the type of one of ICMP."""

    SADDR = "saddr"
    DADDR = "daddr"
    PROTOCOL = "protocol"
    SPORT = "sport"
    DPORT = "dport"
    ICMP = "icmp"


class NumberMatch(Struct, frozen=True, kw_only=True):
    """A number of the packet is in the ranges; no ranges: never."""

    of: NumberField
    ranges: Ranges


class NameMatch(Struct, frozen=True, kw_only=True):
    """The ingress (or egress) interface is one of the names, or is none of them; a name may end in `*`."""

    egress: bool
    names: tuple[str, ...]
    negated: bool


class StateMatch(Struct, frozen=True, kw_only=True):
    """The packet's connection is in one of the states."""

    states: frozenset[State]


class TranslatedMatch(Struct, frozen=True, kw_only=True):
    """The packet's connection has another destination than it asked for (ct status dnat)."""


class OwnMatch(Struct, frozen=True, kw_only=True):
    """The destination is an address of the machine's own, or is none (fib daddr type local); or the source is."""

    negated: bool
    of_source: bool = False


class OpenedMatch(Struct, frozen=True, kw_only=True):
    """A number of the packet that opened the connection, as it came (ct original), is in the ranges: its source, its
    destination or its port."""

    of: NumberField
    ranges: Ranges


class MarkMatch(Struct, frozen=True, kw_only=True):
    """The bits of `mask` of the packet's mark are `value`, or are not. Without a rule that sets one, it is 0."""

    mask: int
    value: int
    negated: bool


class BeginningMatch(Struct, frozen=True, kw_only=True):
    """A packet of TCP begins a connection, and has SYN alone of the flags SYN and ACK; or it does not."""

    negated: bool


Match = NumberMatch | NameMatch | StateMatch | TranslatedMatch | OwnMatch | OpenedMatch | MarkMatch | BeginningMatch


class Statement(Struct, frozen=True, kw_only=True):
    """Action of a rule. `chain` is where jump and goto lead.

    A source NAT has one of: a fixed `ip`; `keep`, the address stays as it is; `pairs`, a prefix for a prefix. The mark
    of a packet keeps those bits that are in `kept`, and then those of `turned` are turned over.
    """

    kind: StatementKind
    chain: str | None = None
    ip: AddressNumber | None = None
    port: int | None = None
    keep: bool = False
    pairs: tuple[tuple[Range, Range], ...] = ()
    kept: int = 0
    turned: int = 0


class Rule(Struct, frozen=True, kw_only=True):
    """A rule: its matches all hold, then its statements follow. `unread` is a part that the reader does not know.

    `misread` is one of which nft may know nothing either: it loads none of the file then.
    """

    matches: tuple[Match, ...]
    statements: tuple[Statement, ...]
    text: str
    origin: Origin
    unread: str | None = None
    misread: str | None = None

    @property
    def place(self) -> Region | None:
        """The place of the numbers that match, one of each NumberField; None where one is matched twice, or by
        nothing."""
        matches = [match for match in self.matches if isinstance(match, NumberMatch)]
        ranges = {match.of: match.ranges for match in matches}
        if len(ranges) < len(matches) or not all(ranges.values()):
            return None
        return tuple(smallest_block(ranges[of]) if of in ranges else EVERYTHING for of in NumberField)


class Hook(Struct, frozen=True, kw_only=True):
    """Call of a base chain; `number` counts the ruleset's base chains in the order in which they are made."""

    kind: ChainType
    point: Point
    priority: int
    policy: Policy
    number: int = 0


class Chain(Struct):
    """A chain; only a base chain has a hook. It is `made` once a block of it is read. `places` are those of its rules,
    once they are asked for."""

    name: str
    origin: Origin
    hook: Hook | None = None
    rules: list[Rule] = field(default_factory=list)
    made: bool = False
    places: Places | None = None


class Table(Struct):
    """A table; its sets by type and name."""

    family: TableFamily
    name: str
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[tuple[str, str], Ranges] = field(default_factory=dict)


class Ruleset(Struct):
    """All tables of one machine, by family and name. What `optional` ones refuse, another version or setting of their
    program may let through."""

    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)
    hooks: int = 0
    optional: bool = False

    def count_hook(self) -> int:
        """The number of the next base chain."""
        self.hooks += 1
        return self.hooks
