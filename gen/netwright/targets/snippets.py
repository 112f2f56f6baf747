"""Snippets of the user's, read for a node."""

from netwright.butane import Fragment
from netwright.files.project import ProjectFileError
from netwright.plan.types import NodePlan, PlannedSnippet
from netwright.targets.context import TargetContext
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source


def read_snippets(snippets: tuple[PlannedSnippet, ...], context: TargetContext) -> tuple[tuple[Source, ...], Report]:
    """The snippets' texts in their order, and which can't be read."""
    sources: list[Source] = []
    found: list[Diagnostic] = []
    for snippet in snippets:
        try:
            sources.append(context.snippet(snippet.path))
        except ProjectFileError as error:
            found.append(_finding(snippet, "snippets_are_files", str(error)))
    return tuple(sources), Report.about(context.topology, found)


def read_fragments(plan: NodePlan, context: TargetContext) -> tuple[tuple[Fragment, ...], Report]:
    """The node's Butane snippets as fragments of its version, and what is wrong with them."""
    sources, report = read_snippets(plan.butane_snippets, context)
    loaded = [context.fragment(source, plan.butane_version, plan.local_files_mib) for source in sources]
    fragments = tuple(one.fragment for one in loaded if one.fragment is not None)
    reports = [report, *(one.report for one in loaded)]
    if sum(fragment.local_bytes for fragment in fragments) > plan.local_files_mib * 1024 * 1024:
        message = f"the local files of {plan.name}'s snippets are larger than {plan.local_files_mib} MiB together; "
        finding = _finding(plan.butane_snippets[-1], "local_files_are_bounded", f"{message}{_RAISE}")
        reports.append(Report.about(context.topology, [finding]))
    return fragments, Report.of(reports)


_RAISE = "make them smaller, or raise local_files_mib"


def _finding(snippet: PlannedSnippet, rule: str, message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=snippet.cause, rule=rule, message=message)
