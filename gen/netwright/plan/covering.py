"""Needless packet filter rules, since others accept all that they would, or drop it before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from netwright.flows.types import Networks
from netwright.plan.filter_types import FilterRule
from netwright.plan.traffic import merge_ranges
from netwright.text.natural import natural_key


def is_accepted(rule: FilterRule, others: Iterable[FilterRule]) -> bool:
    """Return whether others accept all that the rule accepts: each source and each destination of the rule one by
    one, the ports of several joined. Of a rule with many of both one of the others has to accept all."""
    accepting = [one for one in others if one.accept]
    if any(_takes_all(one, rule) for one in accepting):
        return True
    few = len(rule.sources) * len(rule.destinations) <= _MOST_PARTS
    return len(accepting) > 1 and few and all(_is_taken(part, accepting) for part in _parts(rule))


_MOST_PARTS = 256


def is_refused(rule: FilterRule, others: Iterable[FilterRule]) -> bool:
    """Return whether one of others drops all that the rule would accept."""
    return any(_takes_all(one, rule) for one in others if not one.accept)


def leave_out_covered(rules: Iterable[FilterRule]) -> tuple[FilterRule, ...]:
    """Return rules that accept without those of which an earlier one takes all; that one serves their flows as well."""
    kept: list[FilterRule] = []
    served: dict[int, set[str]] = {}
    places = _Places()
    for rule in rules:
        number = next((one for one in places.around(rule) if _takes_all(kept[one], rule)), None)
        if number is None:
            places.add(rule, len(kept))
            kept.append(rule)
        else:
            served.setdefault(number, {*kept[number].flows}).update(rule.flows)
    for number, flows in served.items():
        kept[number] = replace(kept[number], flows=tuple(sorted(flows, key=natural_key)))
    return tuple(kept)


_Block = tuple[int, int]
"""Numbers that differ in their last bits only, as those of a prefix do: how many bits, and the bits before these."""
_EVERYTHING = (32, 0)


class _Places:
    """The numbers of rules by the blocks that hold their sources, their destinations and their ports.

    Blocks have few sizes, however many the rules are, and one of each size holds what another rule matches: so few
    are compared.
    """

    def __init__(self) -> None:
        self._sizes: set[tuple[int, ...]] = set()
        self._numbers: dict[tuple[_Block, ...], list[int]] = defaultdict(list)

    def add(self, rule: FilterRule, number: int) -> None:
        """Take a rule."""
        for place in _places(rule):
            self._sizes.add(tuple(bits for bits, _ in place))
            self._numbers[place].append(number)

    def around(self, rule: FilterRule) -> list[int]:
        """Return the rules that may take all of another, the first one first."""
        own = next(_places(rule))
        found: list[int] = []
        for sizes in self._sizes:
            if all(size >= bits for size, (bits, _) in zip(sizes, own, strict=True)):
                place = tuple((size, rest >> size - bits) for size, (bits, rest) in zip(sizes, own, strict=True))
                found += self._numbers.get(place, ())
        return sorted(found)


def _places(rule: FilterRule) -> Iterator[tuple[_Block, ...]]:
    """Yield the place of each source of a rule."""
    destinations = [] if rule.destinations_outside else [(one.first, one.last) for one in rule.destinations]
    sources = [] if rule.sources_outside else [[(one.first, one.last)] for one in rule.sources]
    for source in sources or [[]]:
        yield _block(source), _block(destinations), _block(rule.ports)


def _block(ranges: Sequence[tuple[int, int]]) -> _Block:
    """Return the smallest block that holds ranges; none are all numbers."""
    if not ranges:
        return _EVERYTHING
    first, last = min(ranges)[0], max(last for _, last in ranges)
    bits = (first ^ last).bit_length()
    return bits, first >> bits


def _parts(rule: FilterRule) -> Iterator[FilterRule]:
    """Yield the rule for one source and one destination at a time, but for what is outside of several networks."""
    for sources in _split(rule.sources, rule.sources_outside):
        for destinations in _split(rule.destinations, rule.destinations_outside):
            yield replace(rule, sources=sources, destinations=destinations)


def _split(networks: Networks, outside: bool) -> Iterable[Networks]:
    return [networks] if outside or not networks else [(one,) for one in networks]


def _is_taken(part: FilterRule, accepting: Sequence[FilterRule]) -> bool:
    whole = replace(part, ports=())
    alike = [one for one in accepting if one.answers is part.answers or not one.ports]
    taking = [one for one in alike if _takes_all(replace(one, ports=()), whole)]
    if any(not one.ports for one in taking):
        return True
    joined = merge_ranges(ports for one in taking for ports in one.ports)
    return bool(part.ports) and all(_is_inside(ports, joined) for ports in part.ports)


def _takes_all(wide: FilterRule, rule: FilterRule) -> bool:
    """Return whether a rule matches each packet that another matches."""
    return (
        wide.ingress in (None, rule.ingress)
        and wide.egress in (None, rule.egress)
        and (wide.besides in ((), rule.besides) or (rule.egress is not None and rule.egress not in wide.besides))
        and (wide.protocol == rule.protocol or (wide.protocol is None and not wide.answers))
        and (rule.translated or not wide.translated)
        and (wide.answers is rule.answers or not (wide.answers or wide.ports))
        and (wide.opened is rule.opened or not (wide.ports or wide.destinations))
        and (not wide.ports or (bool(rule.ports) and all(_is_inside(ports, wide.ports) for ports in rule.ports)))
        and _holds(wide.sources, wide.sources_outside, rule.sources, rule.sources_outside)
        and _holds(wide.destinations, wide.destinations_outside, rule.destinations, rule.destinations_outside)
    )


def _holds(wide: Networks, wide_outside: bool, networks: Networks, outside: bool) -> bool:
    """Return whether each address among networks, or `outside` of them all, is so of the wide ones; none are any."""
    if not wide:
        return True
    if not networks:
        return False
    if wide_outside:
        if outside:
            return all(any(one in two for two in networks) for one in wide)
        return not any(one in two or two in one for one in networks for two in wide)
    return not outside and all(any(one in two for two in wide) for one in networks)


def _is_inside(ports: tuple[int, int], wide: Iterable[tuple[int, int]]) -> bool:
    return any(first <= ports[0] and ports[1] <= last for first, last in wide)
