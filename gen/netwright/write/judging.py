"""The verdicts on all nodes of OUT: on those that are generated, and on those that are there and not generated."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.files.artifact import NodeTree
from netwright.parallel.fault import faults
from netwright.parallel.workers import share_out, worker_count
from netwright.text.report import Report
from netwright.write.layout import Wanted, lay_out, manifest_digest
from netwright.write.place import OutFolder
from netwright.write.stamps import Stamps, look_the_same
from netwright.write.toplevel import survey_top_level
from netwright.write.verdict import NodeChanges, judge

Build = Callable[[str], NodeTree]
Progress = Callable[[int], None]

NOTHING_BESIDE = NodeChanges(node="", paths=())
NOTHING_KNOWN: Mapping[str, Stamps] = {}
_BATCH = 100


class Judged(Struct, frozen=True, kw_only=True):
    """The verdicts in natural order, one (of node "") on what lies next to the nodes, and the trees' reports."""

    verdicts: list[NodeChanges]
    beside: NodeChanges
    report: Report


def judge_nodes(
    place: OutFolder,
    nodes: Sequence[str],
    build: Build,
    *,
    workers: int | None,
    progress: Progress | None = None,
    keep_bytes: bool = False,
    known: Mapping[str, Stamps] = NOTHING_KNOWN,
    then: Callable[[Mapping[str, Wanted], NodeChanges], None] | None = None,
) -> Judged:
    """Return the effect on OUT of generating `nodes`. Raises OutputError.

    Trees are built, judged and dropped one by one; `then` is called with each node's files and verdict, in the process
    that built them. Files that look as in `known`, when they are known to be those of the tree, are not read.
    """
    with faults(place.title, "can't be read"):
        unwanted, beside = survey_top_level(place.path, nodes) if place.fd is not None else ((), NOTHING_BESIDE)
    wanted_nodes = frozenset(nodes)

    def work(slice_: Sequence[str]) -> Iterator[tuple[int, tuple[list[NodeChanges], Report]]]:
        reports: list[Report] = []
        for start in range(0, len(slice_), _BATCH):
            verdicts = []
            for node in slice_[start : start + _BATCH]:
                wanted = _built(node, build, reports) if node in wanted_nodes else {}
                verdict = _recall(place, node, wanted, known.get(node))
                if verdict is None:
                    with faults(place.title, "can't be read"):
                        verdict = judge(node, wanted, f"{place.path}/{node}", keep_bytes=keep_bytes)
                if then is not None:
                    then(wanted, verdict)
                verdicts.append(verdict)
            yield sum(verdict.node in wanted_nodes for verdict in verdicts), (verdicts, Report())
        # All reports of a process travel together, so that a source they share is sent once.
        yield 0, ([], merge_reports(reports))

    tasks = (*nodes, *unwanted)
    parts = share_out(tasks, work, workers=worker_count(len(tasks), workers), progress=progress)
    return Judged(
        verdicts=[verdict for verdicts, _ in parts for verdict in verdicts],
        beside=beside,
        report=merge_reports(report for _, report in parts),
    )


def _built(node: str, build: Build, reports: list[Report]) -> Mapping[str, Wanted]:
    tree = build(node)
    if tree.node != node:
        raise ValueError(f"the tree of {tree.node} was built for {node}")
    reports.append(tree.report)
    return lay_out(tree)


def _recall(place: OutFolder, node: str, wanted: Mapping[str, Wanted], stamps: Stamps | None) -> NodeChanges | None:
    """The verdict on a folder that was recorded when it held just this tree, and looks the same; else None."""
    if stamps is None or place.fd is None or not stamps.digest or stamps.digest != manifest_digest(wanted):
        return None
    if not look_the_same(place.fd, stamps):
        return None
    return NodeChanges(node=node, paths=tuple(wanted), digest=stamps.digest, is_recorded=True)


def merge_reports(reports: Iterable[Report]) -> Report:
    """One report with every finding once; sources that came through pipes as copies become one again."""
    entries = [entry for report in reports for entry in report.entries]
    known = {(source.name, source.text): source for source, _ in reversed(entries)}
    merged = dict.fromkeys((known[source.name, source.text], diagnostic) for source, diagnostic in entries)
    return Report(entries=tuple(merged))
