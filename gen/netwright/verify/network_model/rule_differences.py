"""The tables of nft that a machine's files make, compared with those that its kernel has: by what their rules do."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from netwright.verify.network_model.difference import Difference
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.machine import Machine
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import Ranges
from netwright.verify.values.nftables import Chain, Hook, Match, NumberField, NumberMatch, Rule, Statement, Table


def compare_rulesets(configuration: Configuration, live: Machine, record: Record) -> Iterator[Difference]:
    """Differences of the tables that files of ours make."""
    if record.state.ruleset is None:
        return
    there = {(table.family, table.name): table for table in live.firewall.tables}
    for table in configuration.ruleset.tables.values():
        if table.family != "ip6":
            yield from _table_differences(table, there.get((table.family, table.name)))


def _table_differences(wanted: Table, there: Table | None) -> Iterator[Difference]:
    name = f"{wanted.family} {wanted.name}"
    if there is None:
        origin = next((chain.origin for chain in wanted.chains.values()), None)
        if origin is not None:
            what = f"the table {name}"
            yield Difference(kind="missing", subject="nft", what=what, origin=origin, expected=name)
        return
    for chain in wanted.chains.values():
        yield from _chain_differences(f"{name} {chain.name}", chain, there.chains.get(chain.name))
    for chain in there.chains.values():
        if chain.name not in wanted.chains:
            said = f"{name} {chain.name}"
            yield Difference(kind="extra", subject="nft", what=f"the chain {said}", origin=chain.origin, found=said)


def _chain_differences(name: str, wanted: Chain, there: Chain | None) -> Iterator[Difference]:
    if there is None:
        yield Difference(kind="missing", subject="nft", what=f"the chain {name}", origin=wanted.origin, expected=name)
        return
    if _hook(wanted.hook) != _hook(there.hook):
        yield Difference(
            kind="different",
            subject="nft",
            what=f"the chain {name} at",
            origin=wanted.origin,
            expected=_hook(wanted.hook),
            found=_hook(there.hook),
        )
    before, after = [_meaning(rule) for rule in wanted.rules], [_meaning(rule) for rule in there.rules]
    for tag, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for rule in wanted.rules[start:end]:
            what = f"`{rule.text}` in chain {name}" + _elsewhere(rule, there)
            yield Difference(kind="missing", subject="nft", what=what, origin=rule.origin, expected=rule.text)
        for rule in there.rules[first:last]:
            what = f"`{rule.text}` in chain {name}" + _elsewhere(rule, wanted)
            yield Difference(kind="extra", subject="nft", what=what, origin=rule.origin, found=rule.text)


def _elsewhere(rule: Rule, other: Chain) -> str:
    return " at its place" if any(_meaning(one) == _meaning(rule) for one in other.rules) else ""


def _hook(hook: Hook | None) -> str:
    if hook is None:
        return "no hook"
    return f"{hook.point} priority {hook.priority} policy {hook.policy}, type {hook.kind}"


_Meaning = tuple[frozenset[Match | tuple[NumberField, Ranges]], tuple[Statement, ...], str | None]
_ICMPV6 = ((58, 58),)


def _meaning(rule: Rule) -> _Meaning:
    """What a rule does to packets of IPv4, however it is written; of one that is not known its words.

    Of `meta nfproto ipv6 meta l4proto icmpv6` nft 1.0.6 shows the second match alone.
    """
    numbers: dict[NumberField, Ranges] = {}
    others: set[Match | tuple[NumberField, Ranges]] = set()
    for match in rule.matches:
        if isinstance(match, NumberMatch):
            numbers[match.of] = _both(numbers[match.of], match.ranges) if match.of in numbers else match.ranges
        else:
            others.add(match)
    if not all(numbers.values()) or numbers.get(NumberField.PROTOCOL) == _ICMPV6:
        return frozenset({(NumberField.PROTOCOL, ())}), (), None
    return frozenset((*others, *numbers.items())), rule.statements, rule.unread and rule.text


def _both(one: Ranges, other: Ranges) -> Ranges:
    """The numbers that are in both."""
    pairs = ((max(first, low), min(last, high)) for first, last in one for low, high in other)
    return tuple(sorted((first, last) for first, last in pairs if first <= last))
