"""Snippets of the user's, read for a node, and rendered where they are templates."""

from msgspec import Struct

from netwright.butane import Fragment
from netwright.files.project import ProjectFileError
from netwright.plan.types import NodePlan, PlannedSnippet
from netwright.targets.context import TargetContext
from netwright.templating.snippets import SnippetError
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source


class ReadSnippets(Struct, frozen=True, kw_only=True):
    """The snippets' texts in their order, the names of the secrets in them, and which can't be read."""

    sources: tuple[Source, ...]
    secrets: tuple[str, ...]
    report: Report


def read_snippets(node: str, snippets: tuple[PlannedSnippet, ...], context: TargetContext) -> ReadSnippets:
    """Read the snippets of a node."""
    sources: list[Source] = []
    secrets: dict[str, None] = {}
    reports: list[Report] = []
    for snippet in snippets:
        try:
            source = context.snippet(snippet.path)
            if snippet.is_template:
                rendered = context.snippets.render(source, node)
                source = rendered.source
                secrets |= dict.fromkeys(rendered.secrets)
            sources.append(source)
        except ProjectFileError as error:
            reports.append(Report.about(context.topology, [_finding(snippet, "snippets_are_files", str(error))]))
        except SnippetError as error:
            reports.append(error.report)
    return ReadSnippets(sources=tuple(sources), secrets=tuple(secrets), report=Report.of(reports))


class ReadFragments(Struct, frozen=True, kw_only=True):
    """A node's Butane snippets as fragments, the names of the secrets in them, and what is wrong with them."""

    fragments: tuple[Fragment, ...]
    secrets: tuple[str, ...]
    report: Report


def read_fragments(plan: NodePlan, context: TargetContext) -> ReadFragments:
    """The node's Butane snippets as fragments of its version."""
    read = read_snippets(plan.name, plan.butane_snippets, context)
    loaded = [context.fragment(source, plan.butane_version, plan.local_files_mib) for source in read.sources]
    fragments = tuple(one.fragment for one in loaded if one.fragment is not None)
    reports = [read.report, *(one.report for one in loaded)]
    if sum(fragment.local_bytes for fragment in fragments) > plan.local_files_mib * 1024 * 1024:
        message = f"the local files of {plan.name}'s snippets are larger than {plan.local_files_mib} MiB together; "
        finding = _finding(plan.butane_snippets[-1], "local_files_are_bounded", f"{message}{_RAISE}")
        reports.append(Report.about(context.topology, [finding]))
    return ReadFragments(fragments=fragments, secrets=read.secrets, report=Report.of(reports))


_RAISE = "make them smaller, or raise local_files_mib"


def _finding(snippet: PlannedSnippet, rule: str, message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=snippet.cause, rule=rule, message=message)
