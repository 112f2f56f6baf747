"""Node trees to OUT: staged, committed at once, checked and compared. The only part of netwright that writes OUT.

generate: hold OUT (place) -> is it as the last run left it? (index) -> judge each node's tree against its folder
(judging, verdict, survey, manifest) and stage those that change (stage) -> report what stands against it, or link the
rest and exchange (commit). compare: judge, and keep the differences (comparison) to render them (unified, rendering).
docs/output.md has the promises.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netwright.write.comparison import Difference, Differences, compare
    from netwright.write.generation import Changes, generate
    from netwright.write.objections import DifferenceKind
    from netwright.write.rendering import render_diff_json, render_diff_markdown, render_diff_text

__all__ = [
    "Changes",
    "Difference",
    "DifferenceKind",
    "Differences",
    "compare",
    "generate",
    "render_diff_json",
    "render_diff_markdown",
    "render_diff_text",
]

_HOMES = {
    "Differences": "comparison",
    "Difference": "comparison",
    "DifferenceKind": "objections",
    "Changes": "generation",
    "compare": "comparison",
    "generate": "generation",
    "render_diff_json": "rendering",
    "render_diff_markdown": "rendering",
    "render_diff_text": "rendering",
}


def __getattr__(name: str) -> Any:
    """Return a name of one module, imported on demand: generate does not load diff's modules, and vice versa."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
