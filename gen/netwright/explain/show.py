"""Explanations and stories as text for people."""

from itertools import groupby

from netwright.explain.explanation import Explanation
from netwright.explain.story import Story
from netwright.text.report import excerpt, printable
from netwright.text.source import Source, format_path


def explanation_text(explanation: Explanation, source: Source, summaries: dict[str, str]) -> str:
    """The line, and below it each reason with the topology's lines; `summaries` are flows in one line, by name."""
    lines = [
        f"{explanation.file}:{explanation.line}",
        f"{explanation.line:>5} | {explanation.text.expandtabs(4)}",
    ]
    for reason in explanation.reasons:
        lines += ["", reason.title]
        lines += [f"  for {flow}: {summaries[flow]}" for flow in reason.flows]
        for path, place in reason.causes:
            position = place.key or place.value
            lines.append(f"  {source.name}:{position.line}:{position.column}: {format_path(path) or 'the topology'}")
            lines += excerpt(source, position)
        if reason.without is not None:
            lines.append(f"  without it: {reason.without}")
    return "".join(f"{printable(line)}\n" for line in lines)


def story_text(story: Story) -> str:
    """The flow, its ways, and node by node what it needs with the lines that contain it."""
    lines = [f"{story.name}: {story.summary}"]
    lines += ["", *(" -> ".join(way) for way in story.ways)]
    for node, steps in groupby(story.steps, key=lambda step: step.node):
        lines += ["", node]
        for step in steps:
            lines.append(f"  {step.title}")
            shown = [line for line in step.lines if line.text]
            lines += [f"    {line.file}:{line.number}: {line.text.strip()}" for line in shown]
            if step.without is not None:
                lines.append(f"    without it: {step.without}")
    return "".join(f"{printable(line)}\n" for line in lines)
