"""A machine's nftables chains at work on one packet."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Literal, assert_never

from msgspec import Struct, field

from netwright.verify.network_model.lookup import PORTS, number_of, rules_for
from netwright.verify.values.addresses import contains
from netwright.verify.values.nftables import (
    CONNTRACK_PRIORITY,
    NAT_KINDS,
    PRIORITIES,
    BeginningMatch,
    Chain,
    Hook,
    MarkMatch,
    NameMatch,
    NumberField,
    NumberMatch,
    OpenedMatch,
    OwnMatch,
    Point,
    Policy,
    Rule,
    Ruleset,
    State,
    StateMatch,
    Statement,
    Table,
    TranslatedMatch,
)
from netwright.verify.values.packets import EPHEMERAL, EPHEMERAL_PORTS, PORTED, Connection, Packet

_NAT_PRIORITIES = {"prerouting": PRIORITIES["dstnat"], "output": PRIORITIES["dstnat"]}


class BaseChain(Struct, frozen=True, kw_only=True):
    """A chain that the kernel calls by itself; `loaded` orders chains as they were made. `optional`: see Ruleset."""

    table: Table
    chain: Chain
    priority: int
    policy: Policy
    is_nat: bool
    optional: bool
    loaded: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.table.family} {self.table.name} {self.chain.name}"


class Verdict(Struct, frozen=True, kw_only=True):
    """End of a chain: accept, drop, or unknown. `rule` is the rule that decided, None where the policy did."""

    kind: Policy | Literal["unknown"]
    base: BaseChain
    rule: Rule | None


class Passage(Struct):
    """A packet at one hook: where it comes from and goes to, its connection's state, and what rules did to it.

    `judged` once connection tracking has seen it: until then, and where nothing tracks, every state is invalid.
    `unwanted`: it must not arrive, so that chains which are optional do not count. `own` tells the machine's own
    addresses. `mark` is what rules of the machine have marked it with.
    """

    packet: Packet
    incoming: str | None
    outgoing: str | None
    state: State
    untracked: bool = False
    judged: bool = False
    unwanted: bool = False
    own: Callable[[int], bool] = lambda _: False
    connection: Connection | None = None
    translation: Statement | None = None
    translator: Rule | None = None
    mark: int = 0


class Stage(Struct):
    """The chains of one hook in order: before connection tracking, then up to the NAT chains, then behind them."""

    raw: list[BaseChain] = field(default_factory=list)
    early: list[BaseChain] = field(default_factory=list)
    nat: list[BaseChain] = field(default_factory=list)
    late: list[BaseChain] = field(default_factory=list)

    def add(self, base: BaseChain, point: Point, translating: tuple[int, int]) -> None:
        """Takes the next chain; all NAT chains run together, at the place of the kernel's own NAT, which was taken
        when the first of them was made."""
        nat_priority = _NAT_PRIORITIES.get(point, PRIORITIES["srcnat"])
        if base.is_nat:
            self.nat.append(base)
        elif base.priority < CONNTRACK_PRIORITY and point in _NAT_PRIORITIES:
            self.raw.append(base)
        elif base.priority < nat_priority or (base.priority == nat_priority and base.loaded > translating):
            self.early.append(base)
        else:
            self.late.append(base)


class Firewall:
    """All base chains of a machine by hook.

    Of thousands of machines few are sent a packet: chains are put in order when the first one comes.
    """

    def __init__(self, rulesets: Iterable[Ruleset]) -> None:
        """Takes the tables of all rulesets, in the order in which they are loaded."""
        self._loaded = tuple(
            (number, table, ruleset.optional)
            for number, ruleset in enumerate(rulesets)
            for table in ruleset.tables.values()
            if table.family != "ip6"
        )
        self.tables = tuple(table for _, table, _ in self._loaded)

    @cached_property
    def tracks(self) -> bool:
        """Return whether anything turns connection tracking on."""
        return any(_turns_tracking_on(rule) for rule in self.rules)

    @property
    def chains(self) -> tuple[Chain, ...]:
        """All chains, those without a hook too."""
        return tuple(chain for table in self.tables for chain in table.chains.values())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all chains."""
        return tuple(rule for chain in self.chains for rule in chain.rules)

    @cached_property
    def _stages(self) -> dict[Point, Stage]:
        bases = [
            _base(number, table, chain, chain.hook, optional=optional)
            for number, table, optional in self._loaded
            for chain in table.chains.values()
            if chain.hook is not None
        ]
        # Of chains with one priority the kernel asks first the one that was made last. Its own address translation
        # takes its place at all hooks when the first chain for it is made.
        bases.sort(key=lambda base: base.loaded, reverse=True)
        bases.sort(key=lambda base: base.priority)
        translating = min((base.loaded for base in bases if base.is_nat), default=(0, 0))
        stages: dict[Point, Stage] = {}
        for base in bases:
            if base.chain.hook is not None:
                point = base.chain.hook.point
                stages.setdefault(point, Stage()).add(base, point, translating)
        return stages

    def stage(self, point: Point) -> Stage | None:
        """The hook's chains, None if there are none."""
        return self._stages.get(point)


def _turns_tracking_on(rule: Rule) -> bool:
    """The kernel tracks connections for rules that ask for their state or translates addresses, also in words that the
    reader does not know."""
    return (
        any(isinstance(match, StateMatch | TranslatedMatch | OpenedMatch) for match in rule.matches)
        or any(statement.kind in NAT_KINDS for statement in rule.statements)
        or (rule.unread is not None and not _TRACKING_WORDS.isdisjoint(rule.text.split()))
    )


_TRACKING_WORDS = frozenset({"ct", "masquerade", "snat", "dnat", "redirect"})


def _base(ruleset: int, table: Table, chain: Chain, hook: Hook, *, optional: bool) -> BaseChain:
    return BaseChain(
        table=table,
        chain=chain,
        priority=hook.priority,
        policy=hook.policy,
        is_nat=hook.kind == "nat",
        optional=optional,
        loaded=(ruleset, hook.number),
    )


def run_chains(chains: Sequence[BaseChain], passage: Passage) -> Verdict | None:
    """The verdict that ends the packet's way, None if every chain lets it pass: an accept ends its own chain only."""
    for base in chains:
        if base.optional and passage.unwanted:
            continue
        verdict = _walk(base, base.chain, passage)
        kind = verdict.kind if verdict is not None else base.policy
        if kind != "accept":
            return verdict or Verdict(kind="drop", base=base, rule=None)
        if base.is_nat and passage.translation is not None:
            return None
    return None


def _walk(base: BaseChain, chain: Chain, passage: Passage) -> Verdict | None:  # noqa: PLR0912 -- one a statement
    """The verdict of a chain's rules, None if they end without one."""
    for rule in rules_for(chain, passage.packet):
        if not _matches(rule, passage):
            continue
        if rule.unread is not None or _is_uncertain(rule, passage):
            return Verdict(kind="unknown", base=base, rule=rule)
        for statement in rule.statements:
            match statement.kind:
                case "accept":
                    return Verdict(kind="accept", base=base, rule=rule)
                case "drop" | "reject":
                    return Verdict(kind="drop", base=base, rule=rule)
                case "return":
                    return None
                case "goto":
                    return _call(base, rule, statement, passage)
                case "jump":
                    verdict = _call(base, rule, statement, passage)
                    if verdict is not None:
                        return verdict
                case "notrack":
                    passage.untracked = True
                case "masquerade" | "snat" | "dnat" | "redirect":
                    if not _has_address_for(statement, passage.packet):
                        break
                    passage.translation, passage.translator = statement, rule
                    return Verdict(kind="accept", base=base, rule=rule)
                case "mark":
                    passage.mark = (passage.mark & statement.kept) ^ statement.turned
                case "continue":
                    pass
                case _:
                    assert_never(statement.kind)
    return None


def _has_address_for(statement: Statement, packet: Packet) -> bool:
    """Return whether a statement's map of addresses, if any, holds the packet's; otherwise the rule breaks off."""
    return not statement.pairs or any(first <= packet.source <= last for (first, last), _ in statement.pairs)


def _call(base: BaseChain, rule: Rule, statement: Statement, passage: Passage) -> Verdict | None:
    target = base.table.chains.get(statement.chain or "")
    return _walk(base, target, passage) if target else Verdict(kind="unknown", base=base, rule=rule)


def _matches(rule: Rule, passage: Passage) -> bool:
    packet = passage.packet
    for match in rule.matches:
        if isinstance(match, NumberMatch):
            number = number_of(match.of, packet)
            if not contains(match.ranges, number) and not _may_hold_client_port(match, number):
                return False
        elif isinstance(match, StateMatch):
            if passage.state not in match.states:
                return False
        elif isinstance(match, NameMatch):
            if not _name_matches(match, passage):
                return False
        elif isinstance(match, OpenedMatch | TranslatedMatch):
            if not _connection_matches(match, passage.connection):
                return False
        elif isinstance(match, OwnMatch | MarkMatch | BeginningMatch):
            if _holds(match, passage) is match.negated:
                return False
        else:
            assert_never(match)
    return True


def _holds(match: OwnMatch | MarkMatch | BeginningMatch, passage: Passage) -> bool:
    packet = passage.packet
    if isinstance(match, MarkMatch):
        return passage.mark & match.mask == match.value
    if isinstance(match, BeginningMatch):
        return packet.kind == "syn"
    return passage.own(packet.source if match.of_source else packet.destination)


def _connection_matches(match: OpenedMatch | TranslatedMatch, connection: Connection | None) -> bool:
    """Return whether a packet's connection matches; one without any matches nothing of it."""
    if connection is None:
        return False
    if isinstance(match, TranslatedMatch):
        return connection.has_other_destination
    return contains(match.ranges, connection.original[_PLACES[match.of]])


_PLACES = {NumberField.SADDR: 1, NumberField.DADDR: 3, NumberField.DPORT: 4}
"""The places of numbers in a connection's tuple."""


def _name_matches(match: NameMatch, passage: Passage) -> bool:
    # Where the hook has no such interface, the kernel compares with an empty name.
    name = (passage.outgoing if match.egress else passage.incoming) or ""
    found = any(name == wanted or (wanted.endswith("*") and name.startswith(wanted[:-1])) for wanted in match.names)
    return found is not match.negated


def _may_hold_client_port(match: NumberMatch, number: int) -> bool:
    """Return whether the number is a client's port and the match holds some port that a client may have."""
    first, last = EPHEMERAL_PORTS
    return (
        number == EPHEMERAL and match.of in PORTS and any(low <= last and first <= high for low, high in match.ranges)
    )


def _is_uncertain(rule: Rule, passage: Passage) -> bool:
    """Return whether the rule picks some of the ports from which a client may call, and not all."""
    packet = passage.packet
    if packet.protocol not in PORTED:
        return False
    first, last = EPHEMERAL_PORTS
    return any(
        isinstance(match, NumberMatch)
        and match.of in PORTS
        and number_of(match.of, packet) == EPHEMERAL
        and not any(low <= first and last <= high for low, high in match.ranges)
        for match in rule.matches
    )
