"""Snippets of the user's, read for a node."""

from gen.plan.types import PlannedSnippet
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
