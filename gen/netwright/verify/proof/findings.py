"""Findings of a verification, grouped by cause: fifty nodes that lack one route are one finding."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.text.counting import list_first
from netwright.text.natural import natural_key
from netwright.text.report import Severity
from netwright.verify.network_model.trace import Cause, Decision
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault, Outcome


class Example(Struct, frozen=True, kw_only=True):
    """One packet's way, hop by hop: who to whom with what, the way there, and the way back as far as it got.

    `sender` and `receiver` name the owners of the addresses.
    """

    flow: str
    source: str
    sender: str
    destination: str
    receiver: str
    traffic: str
    there: tuple[Decision, ...]
    back: tuple[Decision, ...]


FindingKind = Outcome | Fault


class Finding(Struct, frozen=True, kw_only=True):
    """One cause, the machines where it happens, the number of address pairs of flows that it affects, and the lines.

    `differences` are those of machines, on the way or at fault, from their files.
    """

    severity: Severity
    kind: FindingKind
    cause: str
    nodes: tuple[str, ...]
    flows: tuple[str, ...] = ()
    pairs: int = 0
    origins: tuple[Origin, ...] = ()
    example: Example | None = None
    differences: tuple[str, ...] = ()


class _Group(Struct):
    """The faults of one cause. `pairs` are those of the form of the network that is judged now, `most` are the most of
    any form before."""

    severity: Severity
    example: Callable[[], Example | None]
    nodes: set[str] = field(default_factory=set)
    flows: dict[str, None] = field(default_factory=dict)
    pairs: int = 0
    most: int = 0
    origins: dict[Origin, None] = field(default_factory=dict)

    def finding(self, kind: FindingKind, cause: str) -> Finding:
        """Return the finding."""
        return Finding(
            severity=self.severity,
            kind=kind,
            cause=cause,
            nodes=tuple(sorted(self.nodes, key=natural_key)),
            flows=tuple(self.flows),
            pairs=max(self.pairs, self.most),
            origins=tuple(sorted(self.origins, key=lambda origin: (natural_key(origin.file), origin.line))),
            example=self.example(),
        )


_Key = tuple[FindingKind, str | Cause]
"""A kind of fault, and its cause."""

_Likeness = tuple[FindingKind, str, str, frozenset[str], Severity]
"""Properties shared by findings with causes that differ by their subject alone."""

_SUBJECTS = 8
"""Number of subjects a cause names at most."""


def _on_boot(key: _Key, boot: Boot) -> _Key:
    """The key with the boot on which alone it is so, if there is one that it does not name."""
    kind, cause = key
    if not boot or str(cause).endswith(f"({boot})"):
        return key
    return kind, f"{cause} ({boot})" if isinstance(cause, str) else replace(cause, after=f"{cause.after} ({boot})")


def combine(found: Mapping[Boot, "Findings"]) -> "Findings":
    """Return what was found on any boot, with the boot where it is not so on all that are judged as a whole."""
    if len(found) == 1:
        return next(iter(found.values()))
    whole = [boot for boot in found if boot != Boot.BEFORE]
    together = Findings()

    def when(key: _Key) -> Boot:
        there = [boot for boot in found if found[boot].has(key)]
        if there == [Boot.BEFORE]:
            return Boot.BEFORE
        return Boot.EVERY if all(boot in there for boot in whole) else next(boot for boot in there if boot in whole)

    for findings in found.values():
        together.absorb(findings, when)
    return together


class Findings:
    """Gathers single faults and groups them."""

    def __init__(self) -> None:
        """Starts empty."""
        self._groups: dict[_Key, _Group] = {}
        self._blamed: set[tuple[FindingKind, str, str]] = set()

    def has(self, key: _Key) -> bool:
        """Return whether a cause of a kind was found."""
        return key in self._groups

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(
        self,
        kind: FindingKind,
        cause: str | Cause,
        node: str,
        *,
        severity: Severity = Severity.ERROR,
        flow: str | None = None,
        pairs: int = 0,
        origin: Origin | None = None,
        example: Callable[[], Example | None] = lambda: None,
        ends: str = "",
    ) -> None:
        """Notes a fault; `example` is asked only for the first of its group, `ends` is the bare cause for which packets
        end at the node, if the cause tells more."""
        group = self._groups.get((kind, cause))
        if group is None:
            made = example()
            group = self._groups[kind, cause] = _Group(severity=severity, example=lambda: made)
        group.nodes.add(node)
        group.pairs += pairs
        if ends:
            self._blamed.add((kind, ends, node))
        if flow is not None:
            group.flows[flow] = None
        if origin is not None:
            group.origins[origin] = None

    def turn(self) -> None:
        """Go on to another form of the network. A pair that fails in two forms is one pair: of the forms the worst
        counts."""
        for group in self._groups.values():
            group.most, group.pairs = max(group.most, group.pairs), 0

    def absorb(self, other: "Findings", when: Callable[[_Key], Boot]) -> None:
        """Adds what another has found; `when` maps each kind and cause to the boot where it is so.

        What is found on several boots is one fault, and affects no more pairs.
        """
        self._blamed |= other._blamed
        for key, group in other._groups.items():
            known = self._groups.setdefault(_on_boot(key, when(key)), group)
            if known is not group:
                known.nodes |= group.nodes
                known.flows |= group.flows
                known.origins |= group.origins
                known.most, known.pairs = max(known.most, known.pairs, group.most, group.pairs), 0

    def blames(self, kind: FindingKind, cause: str, node: str) -> bool:
        """Return whether a flow's packets end at a machine in this way already, there or on the way back."""
        return (kind, cause, node) in self._blamed

    def grouped(self) -> tuple[Finding, ...]:
        """The findings: errors first, those that affect most first."""
        found = [group.finding(kind, cause) for (kind, cause), group in self._folded()]
        return tuple(sorted(found, key=lambda one: (one.severity is Severity.WARNING, -one.pairs, one.kind, one.cause)))

    def _folded(self) -> Iterator[tuple[tuple[FindingKind, str], _Group]]:
        """Yield the groups, those together that have the same cause at the same machines, but for its subject."""
        alike: dict[_Likeness, list[tuple[Cause, _Group]]] = defaultdict(list)
        for (kind, cause), group in self._groups.items():
            if isinstance(cause, str):
                yield (kind, cause), group
            else:
                alike[kind, cause.before, cause.after, frozenset(group.nodes), group.severity].append((cause, group))
        for (kind, *_), members in alike.items():
            causes = sorted((cause for cause, _ in members), key=lambda cause: natural_key(cause.subject))
            subjects = list_first([cause.subject for cause in causes], _SUBJECTS)
            yield (kind, str(replace(causes[0], subject=subjects))), _together([group for _, group in members])


def _together(groups: Sequence[_Group]) -> _Group:
    """Return the faults of several groups as one."""
    first, *others = groups
    whole = replace(first, nodes={*first.nodes}, flows={**first.flows}, origins={**first.origins})
    for group in others:
        whole.flows |= group.flows
        whole.origins |= group.origins
        whole.pairs += group.pairs
        whole.most += group.most
    return whole
