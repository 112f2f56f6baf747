"""Collects what the rules find in one document."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack

from msgspec import Struct, field

from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath


class More(TypedDict, total=False):
    """What a finding may have besides its message: other places, and whether it is about the key."""

    related: tuple[TopologyPath, ...]
    on_key: bool


class Diagnostics(Struct):
    """The findings of one compilation, in the order in which they were made."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(self, path: TopologyPath, rule: str, message: str, **more: Unpack[More]) -> None:
        """Add an error about the value at `path`, or about its key."""
        self.diagnostics.append(Diagnostic(severity=Severity.ERROR, path=path, message=message, rule=rule, **more))

    def warning(self, path: TopologyPath, rule: str, message: str, **more: Unpack[More]) -> None:
        """Add a warning about the value at `path`, or about its key."""
        self.diagnostics.append(Diagnostic(severity=Severity.WARNING, path=path, message=message, rule=rule, **more))

    @property
    def fatal(self) -> bool:
        """Return whether an error is among them."""
        return any(found.severity is Severity.ERROR for found in self.diagnostics)


Rule = Callable[[Mapping[str, Any], TopologyPath, Diagnostics], None]
"""Judges one object: the object, where it stands, and where to put what is found."""
