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
from netwright.graph.layout import WIDEST, lay_out, rectangles
from netwright.graph.lettering import Rect
from netwright.graph.shapes import Picture, PlacedBox
from tests.graph.pictures import CASES, REFERENCE, draw_topology, topology_of_hosts
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


@pytest.mark.parametrize("flow", [None, "ingress-to-pods"])
@pytest.mark.parametrize("storage", [False, True], ids=["one network", "two networks"])
@pytest.mark.parametrize(("hosts", "boxes"), [(3, 13), (8, 33)])
def test_picture_of_several_hosts_fits_on_a_page(
    tmp_path: Path, hosts: int, boxes: int, storage: bool, flow: str | None
) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text(topology_of_hosts(hosts, 7, storage=storage))

    picture = lay_out(draw_topology(topology, flow))

    assert list(faults(picture)) == []
    assert picture.width <= WIDEST
    assert len(picture.boxes) == boxes
    assert sum(len(placed.box.names) for placed in picture.boxes) == 8 * hosts + 1
    assert len(picture.frames) == hosts
    for frame, other in combinations(picture.frames, 2):
        assert not frame.overlaps(other)


def test_a_flow_between_hosts_takes_the_whole_bar_that_joins_their_panels(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text(topology_of_hosts(3, 7))

    picture = lay_out(draw_topology(topology, "ingress-to-pods"))

    first, *others = [placed for placed in picture.segments if placed.segment.name == "lan"]
    assert first.traced == (first.bar.x, first.bar.right)
    assert [placed.traced and placed.traced[0] for placed in others] == [placed.bar.x for placed in others]
    assert not first.segment.is_continued
    assert all(placed.segment.is_continued for placed in others)


def test_a_box_on_networks_of_two_hosts_keeps_them_in_one_panel(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    both = "eth0: {network: net1-0, address: 10.1.0.9}, eth1: {network: net2-0, address: 10.2.0.9}"
    text = topology_of_hosts(4, 3).replace(
        "flows:", f"  both: {{os: flatcar, default_route: {{via: kvm1}}, interfaces: {{{both}}}}}\nflows:"
    )
    topology.write_text(text)

    picture = lay_out(draw_topology(topology))

    assert list(faults(picture)) == []
    assert len(picture.frames) == 3


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
