"""Findings about flows."""

from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath


def warning(path: TopologyPath, rule: str, message: str) -> Diagnostic:
    """Return what works and will bite, with the caret at the key."""
    return Diagnostic(severity=Severity.WARNING, path=path, rule=rule, message=message, on_key=True)


def error(path: TopologyPath, rule: str, message: str) -> Diagnostic:
    """Return what stops the next stage."""
    return Diagnostic(severity=Severity.ERROR, path=path, rule=rule, message=message)
