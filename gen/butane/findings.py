"""Collects what the rules find in one document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gen.report import Diagnostic, Severity
from gen.source import TopologyPath


@dataclass(slots=True)
class Findings:
    """The findings of one compilation, in the order in which they were made."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(self, path: TopologyPath, rule: str, message: str, *, related: tuple[TopologyPath, ...] = ()) -> None:
        """Add an error about the value at `path`."""
        self._add(Severity.ERROR, path, rule, message, related)

    def warning(self, path: TopologyPath, rule: str, message: str, *, related: tuple[TopologyPath, ...] = ()) -> None:
        """Add a warning about the value at `path`."""
        self._add(Severity.WARNING, path, rule, message, related)

    def _add(
        self, severity: Severity, path: TopologyPath, rule: str, message: str, related: tuple[TopologyPath, ...]
    ) -> None:
        self.diagnostics.append(Diagnostic(severity=severity, path=path, message=message, rule=rule, related=related))

    @property
    def fatal(self) -> bool:
        """Whether an error is among them."""
        return any(found.severity is Severity.ERROR for found in self.diagnostics)


Rule = Callable[[Mapping[str, Any], TopologyPath, Findings], None]
"""Judges one object: the object, where it stands, and where to put what is found."""
