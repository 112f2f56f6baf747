"""Faults that stop a run though the topology is right: refused and failed work on OUT, as findings."""

import contextlib
from collections.abc import Iterable, Iterator

from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source


class OutputError(Exception):
    """OUT can't be read or written; `name` is the path as the user knows it, `message` ends in what would be right."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    @property
    def report(self) -> Report:
        """A report of this one error."""
        return report_paths([(self.name, self.message)])


def report_paths(
    messages: Iterable[tuple[str, str]], severity: Severity = Severity.ERROR, rule: str = "output"
) -> Report:
    """A report with one finding for each (path, message)."""
    return Report(
        entries=tuple(
            (Source(name=name, text=None), Diagnostic(severity=severity, path=(), message=message, rule=rule))
            for name, message in messages
        )
    )


@contextlib.contextmanager
def faults(title: str, what: str) -> Iterator[None]:
    """A block in which what the system refuses becomes an OutputError about `title`."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if isinstance(error.filename, str) else ""
        raise OutputError(title, f"{what}: {explain(error)}{where}") from error


def explain(error: OSError) -> str:
    """Return the system's own message, without errno and without temporary paths."""
    return error.strerror or type(error).__name__
