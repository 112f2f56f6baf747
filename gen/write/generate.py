"""Generating OUT: every node judged and staged, and the whole committed at once, or not at all."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gen.report import Report, Severity
from gen.write.commit import commit, commit_in_place
from gen.write.fault import OutputError, faults, report_paths
from gen.write.judging import Build, Judged, Progress, judge_nodes
from gen.write.layout import Wanted
from gen.write.place import Place, hold
from gen.write.stage import Staging, carry_foreign, link_node, remove_folder, stage_changes, stage_node
from gen.write.toplevel import IN_PLACE_STAGING
from gen.write.verdict import Objection, Verdict
from gen.write.workers import collector_paused, share_out, worker_count


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run did to OUT, or would do; paths are relative to OUT. With errors in the report it did nothing."""

    report: Report
    nodes: int
    files: int = 0
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        """How many files were written."""
        return len(self.added) + len(self.changed)


def generate(
    out: Path,
    nodes: Sequence[str],
    build: Build,
    *,
    fingerprint: str,
    force: bool = False,
    dry_run: bool = False,
    in_place: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """What was done to make OUT hold exactly the files of `nodes` (in natural order) and what netwright never wrote.

    `build` returns the same tree for the same node at any time and in any process; `fingerprint` changes whenever one
    of the trees may. Nothing is committed if a tree's report has errors, or if files would be lost and `force` is not
    given. `dry_run` only looks. `in_place` renames file by file instead of exchanging all of OUT. `progress` hears of
    finished nodes.
    """
    del fingerprint
    try:
        with collector_paused(), hold(out, writing=not dry_run) as place:
            if dry_run:
                judged = judge_nodes(place, nodes, build, workers=workers, progress=progress)
                return _outcome(judged, _report(judged, place, force=force), len(nodes))
            with _staging(place, in_place=in_place and place.exists) as staging:
                run = _Run(place=place, staging=staging, force=force, workers=workers)
                return run.generate(nodes, build, progress)
    except OutputError as error:
        return Outcome(report=error.report, nodes=len(nodes))


@contextlib.contextmanager
def _staging(place: Place, *, in_place: bool) -> Iterator[Staging]:
    """The staging directory, empty: what a killed run left there is removed first, and so is ours in the end."""
    assert place.parent_fd is not None  # noqa: S101 - held for writing
    with contextlib.ExitStack() as stack:
        parent_fd, name = place.parent_fd, f".{place.name}.netwright-staging"
        with faults(place.title, "can't be cleared of what an interrupted run left"):
            remove_folder(parent_fd, name)
            if place.exists:
                out_fd = os.open(place.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                stack.callback(os.close, out_fd)
                remove_folder(out_fd, IN_PLACE_STAGING)
        staging = Staging(out_fd, IN_PLACE_STAGING) if in_place else Staging(parent_fd, name)
        try:
            yield staging
        finally:
            staging.close()
            with contextlib.suppress(OSError):
                remove_folder(staging.parent_fd, staging.name)


class _Run:
    """One run that writes, with OUT held."""

    def __init__(self, *, place: Place, staging: Staging, force: bool, workers: int | None) -> None:
        self.place, self.staging, self.force, self.workers = place, staging, force, workers
        self.in_place = staging.name == IN_PLACE_STAGING

    def generate(self, nodes: Sequence[str], build: Build, progress: Progress | None) -> Outcome:
        judged = judge_nodes(
            self.place, nodes, build, workers=self.workers, progress=progress, then=self._stage_if_changed
        )
        report = _report(judged, self.place, force=self.force)
        changed = [verdict for verdict in judged.verdicts if not verdict.is_unchanged]
        if changed and not report.errors:
            with faults(self.place.title, "can't be written"):
                if self.in_place:
                    commit_in_place(self.staging.parent_fd, self.staging, changed)
                else:
                    self._stage_rest(judged)
                    commit(self.place, self.staging)
        return _outcome(judged, report, len(nodes))

    def _stage_if_changed(self, wanted: Mapping[str, Wanted], verdict: Verdict) -> None:
        if verdict.is_unchanged or any(_stands(objection, force=self.force) for objection in verdict.objections):
            return
        with faults(self.place.title, "can't be written"):
            if self.in_place:
                stage_changes(self.staging.fd, wanted, verdict)
            elif wanted or verdict.foreign or verdict.foreign_folders:
                stage_node(self.staging.fd, self.place.path, wanted, verdict)

    def _stage_rest(self, judged: Judged) -> None:
        """Link what does not change, which costs something and is done only when it is sure that OUT changes."""

        def link(verdicts: Sequence[Verdict]) -> Iterator[tuple[int, None]]:
            for verdict in verdicts:
                with faults(self.place.title, "can't be written"):
                    link_node(stage_fd, self.place.path, verdict)
            yield len(verdicts), None

        stage_fd = self.staging.fd
        unchanged = [verdict for verdict in judged.verdicts if verdict.is_unchanged]
        share_out(unchanged, link, workers=worker_count(len(unchanged), self.workers))
        carry_foreign(stage_fd, self.place.path, judged.beside)


def _stands(objection: Objection, *, force: bool) -> bool:
    return not (objection.forcible and force)


def _report(judged: Judged, place: Place, *, force: bool) -> Report:
    """The trees' reports, errors for what would be lost, and warnings for foreign files among a node's."""
    lost = [
        (place.title_of(verdict.node, objection.path), objection.message)
        for verdict in (judged.beside, *judged.verdicts)
        for objection in verdict.objections
        if _stands(objection, force=force)
    ]
    kept = [
        (place.title_of(verdict.node, path), "not written by netwright, and kept; remove it if nobody needs it")
        for verdict in judged.verdicts
        for path in verdict.foreign
    ]
    return judged.report + report_paths(lost) + report_paths(kept, severity=Severity.WARNING)


def _outcome(judged: Judged, report: Report, nodes: int) -> Outcome:
    def paths(group: Callable[[Verdict], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(f"{verdict.node}/{path}" for verdict in judged.verdicts for path in group(verdict))

    return Outcome(
        report=report,
        nodes=nodes,
        files=sum(verdict.files for verdict in judged.verdicts),
        added=paths(lambda verdict: verdict.added),
        changed=paths(lambda verdict: verdict.changed),
        pruned=paths(lambda verdict: verdict.pruned),
    )
