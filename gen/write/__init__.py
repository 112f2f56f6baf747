"""Node trees to OUT: staged, committed at once, checked and compared. The only part of netwright that writes OUT."""

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
