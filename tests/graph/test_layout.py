"""Nothing in a picture overlaps or leaves its box, whatever the topology."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from netwright.graph.draw import draw
from netwright.graph.layout import lay_out, rectangles
from netwright.graph.lettering import Rect
from netwright.graph.shapes import Picture, PlacedBox
from tests.graph.pictures import CASES, REFERENCE, draw_topology
from tests.produced import prepare_text
from tests.topologies import topologies, write_flow

TOPOLOGIES = (REFERENCE, *sorted(CASES.glob("*/topology.yaml")))


def faults(picture: Picture) -> Iterator[str]:
    """Yield the faults of a picture to the eye."""
    for one, other in combinations(rectangles(picture), 2):
        if one.overlaps(other):
            yield f"{one} and {other} overlap"
    yield from (fault for placed in picture.boxes for fault in faults_within(placed))
    for segment in picture.segments:
        for text in segment.texts:
            if not inside(text.rect, segment.tab):
                yield f"{text.text} leaves {segment.tab}"
        for rect in rectangles(picture):
            if rect != segment.tab and rect.overlaps(segment.bar):
                yield f"{rect} lies on the bar of {segment.segment.name}"
    yield from crossings(picture)
    paper = Rect(x=0, y=0, width=picture.width, height=picture.height)
    yield from (f"{rect} leaves the paper" for rect in rectangles(picture) if not inside(rect, paper))


def faults_within(placed: PlacedBox) -> Iterator[str]:
    """Yield texts and pills of a box that leave it or overlap."""
    parts = (*(text.rect for text in placed.texts), *(pill.rect for pill in placed.pills))
    yield from (f"{one} and {other} overlap" for one, other in combinations(parts, 2) if one.overlaps(other))
    yield from (f"{placed.box.title}: {rect} leaves {placed.rect}" for rect in parts if not inside(rect, placed.rect))
    for pill in placed.pills:
        for text in pill.texts:
            if not inside(text.rect, pill.rect):
                yield f"{placed.box.title}: {text.text} leaves {pill.rect}"


def crossings(picture: Picture) -> Iterator[str]:
    """Links' lines that lead across boxes or labels."""
    for link in picture.links:
        top, bottom = sorted((link.box_y, link.bar_y))
        line = Rect(x=link.x - 1, y=top, width=2, height=bottom - top)
        # A box of many begins to show the others behind it below its own edge.
        solid = (
            *(placed.rect for placed in picture.boxes),
            *(text.rect for one in picture.links for text in one.texts),
        )
        yield from (f"the line at {line} crosses {rect}" for rect in solid if rect.overlaps(line))


def inside(inner: Rect, outer: Rect) -> bool:
    return outer.x <= inner.x and outer.y <= inner.y and inner.right <= outer.right and inner.bottom <= outer.bottom


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda path: path.parent.name)
def test_picture_of_a_golden_topology_has_no_faults(topology: Path) -> None:
    picture = lay_out(draw_topology(topology))

    assert list(faults(picture)) == []


@settings(max_examples=40)
@given(document=topologies())
def test_picture_of_a_random_topology_has_no_faults(document: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        production = prepare_text(write_flow(document), Path(folder))
    assume(production is not None)
    assert production is not None
    production.close()
    flows = production.resolved.topology.flows

    picture = lay_out(draw(production.resolved, production.derivation.passages, flows[0] if flows else None))

    assert list(faults(picture)) == []


@st.composite
def meshes(draw_value: DrawFn) -> dict[str, Any]:
    """Up to eight networks, up to six routers on some of them each, and hosts on any, some of them twice."""
    count = draw_value(st.integers(1, 8))
    nodes: dict[str, Any] = {}
    numbers = st.lists(st.integers(1, count), min_size=1, max_size=8)
    for number in range(1, draw_value(st.integers(1, 14)) + 1):
        on = draw_value(numbers)
        interfaces = {
            f"interface{place}": {"network": f"net{net}", "address": f"10.{net}.{place}.{number}"}
            for place, net in enumerate(on)
        }
        name = draw_value(st.sampled_from(("r", "a-rather-long-name-of-a-host-")))
        node = {"os": "unmanaged", "forward": name == "r", "interfaces": interfaces}
        nodes[f"{name}{number}"] = node | ({"internet": True} if draw_value(st.integers(0, 6)) == 0 else {})
    networks = {f"net{number}": {"cidr": f"10.{number}.0.0/16"} for number in range(1, count + 1)}
    return {"version": 1, "name": "mesh", "networks": networks, "nodes": nodes}


@settings(max_examples=60)
@given(document=meshes())
def test_picture_of_a_mesh_of_routers_has_no_faults(document: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        production = prepare_text(write_flow(document), Path(folder))
    assume(production is not None)
    assert production is not None
    production.close()

    picture = lay_out(draw(production.resolved, (), None))

    assert list(faults(picture)) == []
