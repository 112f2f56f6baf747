"""Rules that no packet reaches, since an earlier rule of the chain takes all that they match."""

from collections.abc import Sequence

from netwright.text.report import Severity
from netwright.verify.network_model.machine import Machine
from netwright.verify.proof.findings import Findings
from netwright.verify.values.blocks import EVERYTHING, Places
from netwright.verify.values.nftables import (
    Match,
    NameMatch,
    NumberField,
    NumberMatch,
    OpenedMatch,
    Rule,
    StateMatch,
)
from netwright.verify.values.outcome import Fault

_ENDING = frozenset({"accept", "drop", "reject", "return"})


def check_shadows(machine: Machine, findings: Findings) -> bool:
    """Add the rules that are never reached, and return whether there are any."""
    found = False
    for chain in machine.firewall.chains:
        earlier = _Earlier()
        for rule in chain.rules:
            if rule.unread is not None:
                continue
            hiding = next((other for other in earlier.around(rule) if _covers(other.matches, rule.matches)), None)
            if hiding is not None:
                cause = f"`{rule.text}` is never reached: `{hiding.text}` before it takes all that it matches"
                findings.add(Fault.SHADOWED_RULE, cause, machine.name, severity=Severity.WARNING, origin=rule.origin)
                found = True
            if any(statement.kind in _ENDING for statement in rule.statements):
                earlier.add(rule)
    return found


class _Earlier:
    """The rules of a chain that let no packet on."""

    def __init__(self) -> None:
        """Begins without rules."""
        self._rules: list[Rule] = []
        self._places = Places()

    def add(self, rule: Rule) -> None:
        """Take a rule."""
        self._rules.append(rule)
        self._places.add(rule.place or (EVERYTHING,) * len(NumberField))

    def around(self, rule: Rule) -> Sequence[Rule]:
        """Return the rules that may take all of another, the first one first."""
        place = rule.place
        return self._rules if place is None else [self._rules[number] for number in self._places.around(place)]


def _covers(wide: Sequence[Match], narrow: Sequence[Match]) -> bool:
    """Return whether everything that `narrow` matches is matched by `wide`; False where that is not easily seen."""
    return all(any(_implies(one, other) for one in narrow) for other in wide)


def _implies(one: Match, other: Match) -> bool:
    if (isinstance(one, NumberMatch) and isinstance(other, NumberMatch)) or (
        isinstance(one, OpenedMatch) and isinstance(other, OpenedMatch)
    ):
        return one.of == other.of and all(
            any(low <= first and last <= high for low, high in other.ranges) for first, last in one.ranges
        )
    if isinstance(one, StateMatch) and isinstance(other, StateMatch):
        return one.states <= other.states
    if isinstance(one, NameMatch) and isinstance(other, NameMatch):
        same = one.egress == other.egress and not one.negated and not other.negated
        return one == other or (same and set(one.names) <= set(other.names))
    return one == other
