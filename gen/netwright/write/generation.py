"""Generating OUT: every node judged and staged, and the whole committed at once, or not at all."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.parallel.fault import OutputError, faults, report_paths
from netwright.parallel.workers import collector_paused, share_out, worker_count
from netwright.text.report import Report, Severity
from netwright.write.commit import commit, commit_in_place, commit_node, exchangeable, open_closed_folders
from netwright.write.index import Index, LastRun, read_index, save_index
from netwright.write.judging import Build, Judged, Progress, judge_nodes
from netwright.write.layout import Wanted
from netwright.write.objections import Objection
from netwright.write.place import OutFolder, hold
from netwright.write.removable import find_stuck
from netwright.write.removal import remove_folder, remove_nodes
from netwright.write.stage import (
    Staging,
    carry_foreign,
    link_node,
    make_alike,
    stage_changes,
    stage_node,
    umask_cleared,
)
from netwright.write.stamps import Stamps, stamp_top, take_stamps
from netwright.write.toplevel import IN_PLACE_STAGING
from netwright.write.verdict import NodeChanges


class Changes(Struct, frozen=True, kw_only=True):
    """Changes that a run made to OUT, or would make; paths are relative to OUT. None with errors in the report."""

    report: Report
    nodes: int
    files: int = 0
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        """Number of files written."""
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
) -> Changes:
    """Make OUT hold exactly the files of `nodes` (in natural order) and what netwright never wrote; return the outcome.

    `build` returns the same tree for the same node at any time and in any process; `fingerprint` changes whenever one
    of the trees may. Nothing is committed if a tree's report has errors, or if files would be lost and `force` is not
    given. `dry_run` only looks. `in_place` renames file by file instead of exchanging all of OUT. `progress` hears of
    finished nodes.
    """
    try:
        with collector_paused(), hold(out, writing=not dry_run) as place:
            run = _Run(place=place, nodes=nodes, build=build, force=force, workers=workers, progress=progress)
            if dry_run:
                return run.look_on(fingerprint)
            if not in_place:
                _refuse_to_pull_the_rug(place)
            with umask_cleared(), _staging(place, in_place=in_place and place.fd is not None) as staging:
                return run.generate(fingerprint, staging)
    except OutputError as error:
        return Changes(report=error.report, nodes=len(nodes))


def _refuse_to_pull_the_rug(place: OutFolder) -> None:
    """Raise OutputError where OUT holds the current directory, which would be exchanged away below the user's feet."""
    try:
        current = os.getcwd()
    except FileNotFoundError:
        return
    if os.path.commonpath([current, place.path]) == place.path:
        message = "holds the current directory; run this from outside of it, or pass --in-place to rename file by file"
        raise OutputError(place.title, message)


@contextlib.contextmanager
def _staging(place: OutFolder, *, in_place: bool) -> Iterator[Staging]:
    """The staging directory, empty: what a killed run left there is removed first, and so is ours in the end."""
    assert place.parent_fd is not None  # noqa: S101 - held for writing
    parent_fd, name = place.parent_fd, f".{place.name}.netwright-staging"
    with faults(place.title, "can't be cleared of what an interrupted run left"):
        remove_folder(parent_fd, name)
        if place.fd is not None:
            remove_folder(place.fd, IN_PLACE_STAGING)
    staging = Staging(place.fd, IN_PLACE_STAGING) if in_place and place.fd is not None else Staging(parent_fd, name)
    try:
        yield staging
    finally:
        staging.close()
        with contextlib.suppress(OSError):
            remove_folder(staging.parent_fd, staging.name)


class _Run(Struct, frozen=True, kw_only=True):
    """One run, with OUT held."""

    place: OutFolder
    nodes: Sequence[str]
    build: Build
    force: bool
    workers: int | None
    progress: Progress | None

    def look_on(self, fingerprint: str) -> Changes:
        """Return what generating would do."""
        index = read_index(self.place)
        if last := index.find_run(self.place, fingerprint):
            return Changes(report=last.report, nodes=len(self.nodes), files=last.files)
        judged = self._judge(None, index)
        return _outcome(judged, self._report(judged), len(self.nodes))

    def generate(self, fingerprint: str, staging: Staging) -> Changes:
        """Generate, and return what was done."""
        index = read_index(self.place)
        if last := index.find_run(self.place, fingerprint):
            return Changes(report=last.report, nodes=len(self.nodes), files=last.files)
        start = time.time_ns()
        judged = self._judge(staging, index)
        outcome = _outcome(judged, self._report(judged), len(self.nodes))
        if outcome.report.errors:
            return outcome
        changed = [verdict for verdict in judged.verdicts if not verdict.is_unchanged]
        if stuck := self._find_stuck(judged, changed, staging):
            return replace(outcome, report=outcome.report + report_paths(stuck))
        with faults(self.place.title, "can't be written"):
            if self.place.fd is not None:
                open_closed_folders(self.place.fd, judged.verdicts)
            out_fd = self._commit(judged, changed, staging) if changed else self.place.fd
        if out_fd is not None:
            end = time.time_ns()
            with contextlib.suppress(OSError, OutputError):
                stamps = self._take_stamps(judged, index, out_fd, start, end)
                top = stamp_top(out_fd, done=end) if changed else stamp_top(out_fd, done=start, settled=start)
                save_index(self.place, stamps, self._last_run(fingerprint, outcome, stamps, top))
        return outcome

    def _commit(self, judged: Judged, changed: list[NodeChanges], staging: Staging) -> int:
        """The open directory that is OUT after the changes were put into effect."""
        out_fd = self.place.fd
        if staging.name == IN_PLACE_STAGING:
            commit_in_place(staging.parent_fd, staging, changed)
            remove_folder(staging.parent_fd, staging.name)
            return staging.parent_fd
        if out_fd is not None and len(changed) == 1:
            commit_node(self.place, out_fd, staging, changed[0].node)
            return out_fd
        if out_fd is not None:
            self._stage_rest(judged, staging, out_fd)
        commit(self.place, staging)
        if out_fd is not None:
            self._remove_replaced(judged, out_fd)
        return staging.fd

    def _judge(self, staging: Staging | None, index: Index) -> Judged:
        def stage(wanted: Mapping[str, Wanted], verdict: NodeChanges) -> None:
            if staging is not None and not verdict.is_unchanged and not self._standing(verdict):
                self._stage(staging, wanted, verdict)

        return judge_nodes(
            self.place,
            self.nodes,
            self.build,
            workers=self.workers,
            progress=self.progress,
            known=index.nodes,
            then=stage,
        )

    def _stage(self, staging: Staging, wanted: Mapping[str, Wanted], verdict: NodeChanges) -> None:
        with faults(self.place.title, "can't be written"):
            if staging.name == IN_PLACE_STAGING:
                stage_changes(staging.fd, wanted, verdict)
            elif wanted or verdict.foreign or verdict.foreign_folders:
                with exchangeable(self.place):
                    stage_node(staging.fd, self.place.fd, wanted, verdict)

    def _find_stuck(self, judged: Judged, changed: list[NodeChanges], staging: Staging) -> list[tuple[str, str]]:
        """Return the paths to be replaced that this user may not remove, and why."""
        out_fd, in_place = self.place.fd, staging.name == IN_PLACE_STAGING
        if out_fd is None or not changed:
            return []
        replaced = changed if in_place or len(changed) == 1 else [judged.beside, *judged.verdicts]

        def find(verdicts: Sequence[NodeChanges]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
            with faults(self.place.title, "can't be read"), exchangeable(self.place):
                yield len(verdicts), [*find_stuck(out_fd, verdicts, in_place=in_place)]

        parts = share_out(replaced, find, workers=worker_count(len(replaced), self.workers))
        found = dict.fromkeys(one for part in parts for one in part)
        return [(self.place.title_of("" if path == "." else path), reason) for path, reason in found]

    def _stage_rest(self, judged: Judged, staging: Staging, out_fd: int) -> None:
        """Link what does not change, which costs something and is done only when it is sure that OUT changes."""
        stage_fd = staging.fd

        def link(verdicts: Sequence[NodeChanges]) -> Iterator[tuple[int, None]]:
            for verdict in verdicts:
                with faults(self.place.title, "can't be written"), exchangeable(self.place):
                    link_node(stage_fd, out_fd, verdict)
            yield len(verdicts), None

        unchanged = [verdict for verdict in judged.verdicts if verdict.is_unchanged]
        share_out(unchanged, link, workers=worker_count(len(unchanged), self.workers))
        with exchangeable(self.place):
            carry_foreign(stage_fd, out_fd, judged.beside)
        make_alike(stage_fd, os.fstat(out_fd))

    def _remove_replaced(self, judged: Judged, replaced_fd: int) -> None:
        """Remove most of the state that was replaced, whose files are known, without searching for them."""

        def remove(verdicts: Sequence[NodeChanges]) -> Iterator[tuple[int, None]]:
            remove_nodes(replaced_fd, verdicts)
            yield len(verdicts), None

        with contextlib.suppress(OutputError):
            share_out(judged.verdicts, remove, workers=worker_count(len(judged.verdicts), self.workers))

    def _take_stamps(self, judged: Judged, index: Index, out_fd: int, start: int, end: int) -> list[Stamps]:
        """Return stamps of the nodes' files that are as generated: judged since `start`, or written until `end`.

        In an exchanged OUT all are stamped again: the directories are others, and links change a file's ctime.
        """

        def take(verdicts: list[NodeChanges], **times: int) -> list[Stamps]:
            workers = worker_count(len(verdicts), self.workers)
            batches = share_out(verdicts, lambda slice_: take_stamps(out_fd, slice_, **times), workers=workers)
            return [stamps for batch in batches for stamps in batch]

        generated = [verdict for verdict in judged.verdicts if verdict.paths]
        if out_fd != self.place.fd:
            return take(generated, done=end)
        return [
            *(index.nodes[verdict.node] for verdict in generated if verdict.is_recorded),
            *take([one for one in generated if one.is_unchanged and not one.is_recorded], done=start, settled=start),
            *take([one for one in generated if not one.is_unchanged], done=end),
        ]

    def _last_run(
        self, fingerprint: str, outcome: Changes, stamps: Sequence[Stamps], top: tuple[int, int] | None
    ) -> LastRun | None:
        """This run for the index; None if something was not stamped, so that no run can rely on all of it."""
        if top is None or len(stamps) < len(self.nodes):
            return None
        return LastRun(
            fingerprint=fingerprint, title=self.place.title, top=top, files=outcome.files, report=outcome.report
        )

    def _standing(self, verdict: NodeChanges) -> list[Objection]:
        return [objection for objection in verdict.objections if not (objection.forcible and self.force)]

    def _report(self, judged: Judged) -> Report:
        """The trees' reports, errors for what would be lost, and warnings for foreign files among a node's."""
        lost = [
            (self.place.title_of(verdict.node, objection.path), objection.message)
            for verdict in (judged.beside, *judged.verdicts)
            for objection in self._standing(verdict)
        ]
        kept = [
            (
                self.place.title_of(verdict.node, path),
                "not written by netwright, and kept; remove it if it is not needed",
            )
            for verdict in judged.verdicts
            for path in verdict.foreign
        ]
        return judged.report + report_paths(lost) + report_paths(kept, severity=Severity.WARNING)


def _outcome(judged: Judged, report: Report, nodes: int) -> Changes:
    def paths(group: Callable[[NodeChanges], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(f"{verdict.node}/{path}" for verdict in judged.verdicts for path in group(verdict))

    return Changes(
        report=report,
        nodes=nodes,
        files=sum(len(verdict.paths) for verdict in judged.verdicts),
        added=paths(lambda verdict: verdict.added),
        changed=paths(lambda verdict: verdict.changed),
        pruned=paths(lambda verdict: verdict.pruned),
    )
