"""Snippets of the user's, read for a node."""

from gen.butane import Fragment
from gen.plan.types import NodePlan, PlannedSnippet
from gen.project import ProjectFileError
from gen.report import Diagnostic, Report, Severity
from gen.source import Source
from gen.targets.workshop import Workshop


def read_snippets(snippets: tuple[PlannedSnippet, ...], workshop: Workshop) -> tuple[tuple[Source, ...], Report]:
    """The snippets' texts in their order, and which can't be read."""
    sources: list[Source] = []
    report = Report()
    for snippet in snippets:
        try:
            sources.append(workshop.snippet(snippet.path))
        except ProjectFileError as error:
            finding = Diagnostic(
                severity=Severity.ERROR, path=snippet.cause, rule="snippets_are_files", message=str(error)
            )
            report += Report.about(workshop.topology, [finding])
    return tuple(sources), report


def read_fragments(plan: NodePlan, workshop: Workshop) -> tuple[tuple[Fragment, ...], Report]:
    """The node's Butane snippets as fragments of its version, and what is wrong with them."""
    sources, report = read_snippets(plan.butane_snippets, workshop)
    fragments: list[Fragment] = []
    for source in sources:
        loaded = workshop.fragment(source, plan.butane_version)
        report += loaded.report
        if loaded.fragment is not None:
            fragments.append(loaded.fragment)
    return tuple(fragments), report
