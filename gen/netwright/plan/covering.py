"""Needless packet filter rules, since others accept all that they would."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from netaddr import IPNetwork

from netwright.plan.traffic import merge_ranges
from netwright.plan.types import FilterRule
from netwright.text.natural import natural_key

Networks = tuple[IPNetwork, ...]


def is_accepted(rule: FilterRule, others: Iterable[FilterRule]) -> bool:
    """Return whether others accept all that the rule accepts: each source and each destination of the rule one by
    one, the ports of several joined. Of a rule with many of both one of the others has to accept all."""
    accepting = [one for one in others if one.accept]
    if any(_takes_all(one, rule) for one in accepting):
        return True
    few = len(rule.sources) * len(rule.destinations) <= _MOST_PARTS
    return len(accepting) > 1 and few and all(_is_taken(part, accepting) for part in _parts(rule))


_MOST_PARTS = 256


def leave_out_covered(rules: Iterable[FilterRule]) -> tuple[FilterRule, ...]:
    """Return rules that accept without those of which an earlier one takes all; that one serves their flows as well."""
    kept: list[FilterRule] = []
    sources = _Sources()
    for rule in rules:
        number = next((one for one in sources.around(rule) if _takes_all(kept[one], rule)), None)
        if number is None:
            sources.add(rule, len(kept))
            kept.append(rule)
        else:
            flows = sorted({*kept[number].flows, *rule.flows}, key=natural_key)
            kept[number] = replace(kept[number], flows=tuple(flows))
    return tuple(kept)


class _Sources:
    """The numbers of rules by their sources, so that few are compared with each other."""

    def __init__(self) -> None:
        self._any: list[int] = []
        self._by_network: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._lengths: set[int] = set()

    def add(self, rule: FilterRule, number: int) -> None:
        """Take a rule."""
        if not rule.sources or rule.sources_outside:
            self._any.append(number)
            return
        for network in rule.sources:
            self._lengths.add(network.prefixlen)
            self._by_network[network.first, network.prefixlen].append(number)

    def around(self, rule: FilterRule) -> list[int]:
        """Return the rules whose sources may contain those of another, the first one first."""
        found = [*self._any]
        if rule.sources and not rule.sources_outside:
            ip, longest = rule.sources[0].first, rule.sources[0].prefixlen
            for length in (one for one in self._lengths if one <= longest):
                found += self._by_network.get((ip >> (32 - length) << (32 - length), length), ())
        return sorted(found)


def _parts(rule: FilterRule) -> Iterator[FilterRule]:
    """Yield the rule for one source and one destination at a time, but for what is outside of several networks."""
    for sources in _split(rule.sources, rule.sources_outside):
        for destinations in _split(rule.destinations, rule.destinations_outside):
            yield replace(rule, sources=sources, destinations=destinations)


def _split(networks: Networks, outside: bool) -> Iterable[Networks]:
    return [networks] if outside or not networks else [(one,) for one in networks]


def _is_taken(part: FilterRule, accepting: Sequence[FilterRule]) -> bool:
    whole = replace(part, ports=())
    taking = [one for one in accepting if _takes_all(replace(one, ports=()), whole)]
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
        and wide.protocol in (None, rule.protocol)
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
