"""Repairs of a failed flow: every suggestion was generated and verified before it is made."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from netwright.parallel.progress import progress_bar
from netwright.production.production import Production
from netwright.repair.candidates import propose
from netwright.repair.edits import Candidate, apply, describe, places, show_edits, write_value
from netwright.repair.trial import Workbench
from netwright.text.counting import count
from netwright.text.load import Document, load
from netwright.text.report import Severity
from netwright.text.source import Source, format_path
from netwright.verify import Verification

MOST_CANDIDATES = 40
MOST_REPAIRS = 3
MOST_PLANS = 8000
"""Changes that are tried, those that prove everything and are enough, and nodes that are planned for it: each
change costs a look at all nodes."""

REGENERATE = "run netwright generate, with --force over files edited by hand"


class Repair(Struct, frozen=True, kw_only=True):
    """One change, where in the topology it is made (None: not there), and the flows that it repairs or improves.

    `typed` are the lines to change, each with a caret and what to type there.
    """

    change: str
    place: str | None
    repairs: tuple[str, ...]
    improves: tuple[str, ...]
    edits: tuple[dict[str, Any], ...] = ()
    typed: tuple[str, ...] = ()


class Search(Struct, frozen=True, kw_only=True):
    """The repairs that were found, how many changes were tried, and how many more suggested themselves."""

    repairs: tuple[Repair, ...]
    tried: int
    left: int

    @property
    def summary(self) -> str:
        """Return why no repair was found, in words; empty if one was."""
        if self.repairs:
            return ""
        if not self.tried:
            return "No repair found: no change of the topology that netwright knows fits these failures."
        tried = count(self.tried, "change")
        left = f"; {self.left} more {'was' if self.left == 1 else 'were'} left out" if self.left else ""
        return f"No repair found: {tried} of the topology tried, none makes a flow better and none worse{left}."


def describe_repair(repair: Repair) -> str:
    """The repair for people, on one line."""
    gains = (("repairs", repair.repairs), ("improves", repair.improves))
    effects = [f"{verb} {', '.join(flows)}" for verb, flows in gains if flows]
    place = f"{repair.place}: " if repair.place is not None else ""
    return f"{place}{repair.change}: {'; '.join(effects)}"


def find_repairs(production: Production, verification: Verification, *, quiet: bool) -> Search:
    """Return repairs of the failed flows of OUT that break none.

    What generate writes is tried first: OUT may be outdated or edited by hand. Only if that leaves a flow failing, the
    topology itself is to blame, and changes of it are tried.
    """
    bench = Workbench(production, quiet=quiet)
    wanted = frozenset(result.flow.name for result in verification.flows)
    fresh = bench.verification
    regenerated = _gain(REGENERATE, verification, fresh, wanted)
    found = [regenerated] if regenerated is not None else []
    document, _ = load(production.source)
    refuted = [result.flow.name for result in fresh.flows if not result.proved and result.flow.name in wanted]
    if not refuted or document is None:
        return Search(repairs=tuple(found), tried=0, left=0)
    errors = [one for one in fresh.findings if one.severity is Severity.ERROR]
    failures = [one for one in errors if {*one.flows} & {*refuted}] + [one for one in errors if not one.flows]
    candidates = [*dict.fromkeys(propose(document, failures))]
    most = min(MOST_CANDIDATES, max(MOST_PLANS // len(production.nodes), 1))
    with progress_bar(min(most, len(candidates)), quiet=quiet, what="changes") as advance:
        trial = _Trial(production.source, document, bench, wanted)
        tried = 0
        for candidate in islice(candidates, most):
            repair = trial.attempt(candidate)
            tried += 1
            advance(1)
            found += [repair] if repair is not None else []
            if sum({*refuted} <= {*one.repairs} for one in found) >= MOST_REPAIRS:
                break
    left = len(candidates) - tried
    return Search(repairs=_best(found), tried=tried, left=left)


class _Trial(Struct, frozen=True):
    source: Source
    document: Document
    bench: Workbench
    wanted: frozenset[str]

    def attempt(self, candidate: Candidate) -> Repair | None:
        """The repair that a candidate is; None if it is none."""
        after = self.bench.attempt(apply(self.document, candidate))
        if after is None:
            return None
        change = describe(self.document, candidate) + self._errand(candidate)
        return _gain(change, self.bench.verification, after, self.wanted, lambda: self._where(candidate))

    def _errand(self, candidate: Candidate) -> str:
        """Whom to tell: what an unmanaged device needs, a person does."""
        nodes = self.bench.resolved.nodes
        told = dict.fromkeys(str(edit.path[1]) for edit in candidate if edit.path[0] == "nodes")
        sheets = [f"{name}/handoff.md" for name in told if (os := nodes[name].os) and os.value.name == "unmanaged"]
        return f" and hand over {', '.join(sheets)}" if sheets else ""

    def _where(self, candidate: Candidate) -> dict[str, Any]:
        """The further fields of the candidate's repair."""
        positions = places(self.source, candidate)
        edits = tuple(
            {
                "path": format_path(edit.path),
                "verb": edit.verb,
                "value": None if edit.verb == "remove" else write_value(edit.value),
                "line": position.line,
                "column": position.column,
            }
            for edit, position in zip(candidate, positions, strict=True)
        )
        place = f"{self.source.name}:{positions[0].line}:{positions[0].column}"
        return {"place": place, "edits": edits, "typed": tuple(show_edits(self.source, self.document, candidate))}


def _gain(
    change: str,
    before: Verification,
    after: Verification,
    wanted: frozenset[str],
    where: Callable[[], dict[str, Any]] = lambda: {"place": None},
) -> Repair | None:
    """Return the gain of the change, None if it improves no wanted flow or makes any worse."""
    earlier = {result.flow.name: result for result in before.flows}
    repairs, improves = [], []
    for result in after.flows:
        was = earlier.get(result.flow.name)
        if was is None:
            continue
        if result.failed > was.failed or (was.proved and not result.proved):
            return None
        if result.proved and not was.proved:
            repairs.append(result.flow.name)
        elif result.failed < was.failed:
            improves.append(result.flow.name)
    if not wanted & {*repairs, *improves}:
        return None
    return Repair(change=change, repairs=tuple(repairs), improves=tuple(improves), **where())


def _best(found: Sequence[Repair]) -> tuple[Repair, ...]:
    """The repairs that repair the most first, without those that improve only what another one repairs, and without
    those of several edits of which fewer do the same."""
    repaired = {flow for repair in found for flow in repair.repairs}
    kept = [repair for repair in found if repair.repairs or not {*repair.improves} <= repaired]
    kept = [repair for repair in kept if not any(_is_simpler(other, repair) for other in kept)]
    return tuple(sorted(kept, key=lambda repair: (repair.place is not None, -len(repair.repairs))))


def _is_simpler(one: Repair, other: Repair) -> bool:
    """Return whether one repair does as much as another with some of its edits."""
    edits = [{(edit["path"], edit["verb"], edit["value"]) for edit in repair.edits} for repair in (one, other)]
    return bool(edits[0]) and edits[0] < edits[1] and {*one.repairs} >= {*other.repairs}
