"""Comparison of OUT with what generate would write."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from netwright.parallel.fault import OutputError, faults, report_paths
from netwright.parallel.workers import collector_paused
from netwright.text.counting import count
from netwright.text.natural import natural_key
from netwright.text.report import Report
from netwright.write.index import Index, read_index
from netwright.write.judging import Build, Progress, judge_nodes
from netwright.write.layout import Wanted
from netwright.write.manifest import MANIFEST
from netwright.write.objections import DifferenceKind
from netwright.write.place import OutFolder, hold
from netwright.write.toplevel import survey_top_level
from netwright.write.verdict import NodeChanges

_MESSAGES = {
    DifferenceKind.MISSING: "is missing; run netwright generate",
    DifferenceKind.OUTDATED: "is not as generated from the topology; run netwright generate",
    DifferenceKind.STALE: "is not generated any more; run netwright generate",
    DifferenceKind.FOREIGN: "not written by netwright; remove it, or move it out of the node's folder",
}


class Difference(Struct, frozen=True, kw_only=True):
    """One path below OUT that is not as generated; before and after are there only if the comparison kept bytes.

    `with_folder`: all that is or was generated for the node comes or goes with it.
    """

    node: str
    path: str
    kind: DifferenceKind
    message: str
    with_folder: bool = False
    before: Wanted | None = None
    after: Wanted | None = None


class Differences(Struct, frozen=True, kw_only=True):
    """Differences between OUT and what generate would write, by node and path, and the trees' reports."""

    title: str
    exists: bool
    report: Report
    nodes: int
    files: int
    differences: tuple[Difference, ...] = ()

    @property
    def differs(self) -> bool:
        """Return whether anything is different."""
        return bool(self.differences)

    @property
    def findings(self) -> Report:
        """The differences as errors for people: one for each path, for each folder that comes or goes, or for OUT."""
        if not self.exists and self.differences:
            return report_paths([(self.title, "does not exist; run netwright generate")])
        return report_paths(self._lines())

    def _lines(self) -> Iterator[tuple[str, str]]:
        for node, group in groupby(self.differences, key=lambda difference: difference.node):
            differences = tuple(group)
            if all(difference.with_folder for difference in differences):
                what = "is missing" if differences[0].kind is DifferenceKind.MISSING else "is not generated any more"
                yield f"{self.title}/{node}", f"{what} ({count(len(differences), 'file')}); run netwright generate"
                continue
            for difference in differences:
                yield f"{self.title}/{difference.path}", difference.message


def compare(
    out: Path,
    nodes: Sequence[str],
    build: Build,
    *,
    fingerprint: str | None = None,
    keep_bytes: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Differences:
    """Compare OUT with the trees of `nodes` (in natural order); see generate for `build` and `fingerprint`.

    With keep_bytes every difference carries the file before and after, for a diff; without, no more than a few trees
    are in memory at a time. Foreign files count inside the folders of nodes, where they would be taken for generated
    ones, and not next to them.
    """
    try:
        with collector_paused(), hold(out, writing=False) as place:
            index = read_index(place)
            if fingerprint is not None and (same := _as_left(place, nodes, index, fingerprint)):
                return same
            judged = judge_nodes(
                place, nodes, build, workers=workers, progress=progress, keep_bytes=keep_bytes, known=index.nodes
            )
            verdicts = (judged.beside, *judged.verdicts)
            return Differences(
                title=place.title.rstrip("/"),
                exists=place.fd is not None,
                report=judged.report,
                nodes=len(nodes),
                files=sum(len(verdict.paths) for verdict in verdicts),
                differences=tuple(found for verdict in verdicts for found in _differences(verdict)),
            )
    except OutputError as error:
        return Differences(title=str(out), exists=True, report=error.report, nodes=len(nodes), files=0)


def _as_left(place: OutFolder, nodes: Sequence[str], index: Index, fingerprint: str) -> Differences | None:
    """The comparison with an OUT that is as the last run left it, which had the same inputs; None for any other."""
    last = index.find_run(place, fingerprint)
    if last is None or not index.is_exact:
        return None
    with faults(place.title, "can't be read"):
        unwanted, beside = survey_top_level(place.path, nodes)
    if unwanted or beside.objections:
        return None
    title = place.title.rstrip("/")
    return Differences(title=title, exists=True, report=last.report, nodes=len(nodes), files=last.files)


def _differences(verdict: NodeChanges) -> Iterator[Difference]:
    kinds: dict[str, tuple[DifferenceKind, str]] = {}
    groups = [
        (DifferenceKind.MISSING, verdict.added),
        (DifferenceKind.OUTDATED, verdict.changed),
        (DifferenceKind.STALE, verdict.pruned),
    ]
    if verdict.node:
        groups.append((DifferenceKind.FOREIGN, verdict.foreign))
    for kind, paths in groups:
        kinds.update((path, (kind, _MESSAGES[kind])) for path in paths)
    for objection in verdict.objections:
        kinds[objection.path] = (objection.kind, objection.message)
    # A folder that goes had a manifest, which went last if the files were deleted by hand.
    comes = verdict.paths == verdict.added
    goes = not verdict.paths and MANIFEST in verdict.pruned
    bytes_of = {change.path: change for change in verdict.changes}
    for path, (kind, message) in sorted(kinds.items(), key=lambda found: natural_key(found[0])):
        change = bytes_of.get(path)
        yield Difference(
            node=verdict.node,
            path="/".join(filter(None, (verdict.node, path))),
            kind=kind,
            message=message,
            with_folder=(comes and kind is DifferenceKind.MISSING) or (goes and kind is DifferenceKind.STALE),
            before=change.before if change else None,
            after=change.after if change else None,
        )
