"""A flow's way, hop by hop, with every line that it needs on every device."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from netwright.explain.attribution import file_lines, lines_of
from netwright.explain.explanation import describe_flow, what_breaks
from netwright.explain.fact import Fact
from netwright.explain.facts import facts_of
from netwright.flows.filters import Passage
from netwright.model import Flow
from netwright.production.production import Production
from netwright.text.natural import natural_key


class Line(Struct, frozen=True, kw_only=True):
    """A line of a generated file: the file below OUT, the number, and the text."""

    file: str
    number: int
    text: str


class Step(Struct, frozen=True, kw_only=True):
    """A fact that a flow needs of a node, and the lines that contain it; no lines if a wider one stands in for it."""

    node: str
    title: str
    lines: tuple[Line, ...]
    without: str | None


class Story(Struct, frozen=True, kw_only=True):
    """A flow, the ways that it takes (each a row of nodes), and what it needs, node by node along the ways."""

    name: str
    summary: str
    ways: tuple[tuple[str, ...], ...]
    steps: tuple[Step, ...]


def tell_story(production: Production, flow: Flow, out: str) -> Story:
    """The story of a flow."""
    passages = [passage for passage in production.derivation.passages if passage.flow.name == flow.name]
    ways = tuple(dict.fromkeys(_way(passage) for passage in passages))
    order = {node: None for passage in passages for node in _nodes(passage)}
    serving = [node for node in order if node in production.nodes]
    serving += [node for node in production.nodes if node not in order]
    return Story(
        name=flow.name,
        summary=describe_flow(flow),
        ways=ways,
        steps=tuple(step for node in serving for step in _steps(production, node, flow, out)),
    )


def _nodes(passage: Passage) -> tuple[str, ...]:
    return (*passage.source.nodes, *(hop.router for hop in passage.way), *passage.destination.nodes)


def _way(passage: Passage) -> tuple[str, ...]:
    start = _short(passage.source.nodes) or passage.source.network
    end = _short(passage.destination.nodes) or passage.destination.owner or passage.destination.network
    routers = [hop.router for hop in passage.way]
    return (start, *routers, *([end] if routers[-1:] != [end] else []))  # a device to the internet is a router as well


def _short(nodes: tuple[str, ...]) -> str:
    names = sorted(nodes, key=natural_key)
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _steps(production: Production, node: str, flow: Flow, out: str) -> list[Step]:
    plan = production.plan(node)
    facts: list[Fact] = [fact for fact in facts_of(plan) if flow.name in fact.flows]
    if not facts:
        return []
    tree = production.build(node)
    steps = []
    for fact, places in zip(facts, lines_of(production.build_plan, plan, facts), strict=True):
        lines = tuple(
            Line(file=f"{out}/{node}/{path}", number=number, text=(file_lines(tree, path) or [])[number - 1])
            for path, number in places
        )
        steps.append(Step(node=node, title=fact.title, lines=lines, without=what_breaks(fact, node)))
    return steps


def story_json(story: Story) -> Mapping[str, Any]:
    """The story as plain data."""
    return {
        "flow": story.name,
        "summary": story.summary,
        "ways": [list(way) for way in story.ways],
        "steps": [
            {
                "node": step.node,
                "fact": step.title,
                "lines": [{"file": line.file, "line": line.number, "text": line.text} for line in step.lines],
                "without": step.without,
            }
            for step in story.steps
        ],
    }
