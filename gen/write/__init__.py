"""Node trees to OUT: staged, committed at once, checked and compared. The only part of netwright that writes OUT.

generate: hold OUT (place) -> is it as the last run left it? (index) -> judge each node's tree against its folder
(judging, verdict, survey, manifest) and stage those that change (stage) -> report what stands against it, or link the
rest and exchange (commit). compare: judge, and keep the differences (comparison) to render them (unified, rendering).
docs/output.md has the promises.
"""

from gen.write.comparison import Comparison, Difference, compare
from gen.write.generate import Outcome, generate
from gen.write.rendering import render_diff_json, render_diff_markdown, render_diff_text
from gen.write.verdict import Kind

__all__ = [
    "Comparison",
    "Difference",
    "Kind",
    "Outcome",
    "compare",
    "generate",
    "render_diff_json",
    "render_diff_markdown",
    "render_diff_text",
]
