"""The way of a flow on top of the page's picture is the one that `graph --flow` draws."""

import re
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netwright.graph.layout import lay_out
from netwright.graph.shapes import Picture
from netwright.production.production import prepare
from netwright.report.overlay import Mark, draw_overlaid
from tests.graph.pictures import CASES, REFERENCE, draw_topology, topology_of_hosts

Stretch = tuple[int, int, int]
"""Where a line begins, from left to right, and how far it goes to the right and down."""


def overlay(topology: Path, flow: str, *stops: str) -> dict[str, list[str]]:
    """The shapes of a flow's group by their class."""
    production, _ = prepare(str(topology))
    assert production is not None
    with closing(production):
        resolved = production.resolved
        chosen = next(one for one in resolved.topology.flows if one.name == flow)
        mark = Mark(number=7, flow=chosen, kind="holds", stops=frozenset(stops))
        picture = ElementTree.fromstring(draw_overlaid(resolved, production.derivation.passages, [mark]))
    (group,) = [one for one in picture.iter() if one.get("id") == "way-7"]
    shapes: dict[str, list[str]] = {}
    for shape in group:
        shapes.setdefault(shape.attrib["class"], []).append(shape.get("d", ""))
    return shapes


def lines(path: str) -> set[Stretch]:
    numbers = [tuple(map(int, found)) for found in re.findall(r"M (\d+) (\d+) L (\d+) (\d+)", path)]
    return {(min(x, x2), abs(x2 - x), abs(y2 - y)) for x, y, x2, y2 in numbers}


def traced(picture: Picture) -> set[Stretch]:
    found = {(link.x, 0, abs(link.box_y - link.bar_y)) for link in picture.links if link.link.traced}
    found |= {(cloud.x, 0, cloud.box_y - cloud.rect.bottom + 2) for cloud in picture.clouds if cloud.traced}
    bars = (segment.traced for segment in picture.segments if segment.traced is not None)
    return found | {(left, right - left, 0) for left, right in bars}


@pytest.mark.parametrize(
    ("topology", "flow"),
    [
        (REFERENCE, "ingress-to-pods"),
        (REFERENCE, "pods-not-to-lan"),
        (CASES / "flows-internet/topology.yaml", "updates"),
        (CASES / "flows-two-routers/topology.yaml", "there"),
        (CASES / "pools/topology.yaml", "ingress"),
    ],
    ids=["pods", "denied", "internet", "two routers", "pool"],
)
def test_the_way_is_that_of_graph(topology: Path, flow: str) -> None:
    picture = lay_out(draw_topology(topology, flow))

    shapes = overlay(topology, flow)

    assert lines(shapes["line"][0]) == traced(picture)
    arrows = sum(link.link.is_start + link.link.is_end for link in picture.links)
    arrows += sum(cloud.starts + cloud.ends for cloud in picture.clouds)
    dots = sum(link.link.is_start for link in picture.links)
    assert shapes["tip"][0].count("M ") == arrows + dots
    assert shapes["on"][0].count("M ") == sum(
        placed.box.traced or placed.box.from_internet or placed.box.to_internet for placed in picture.boxes
    )
    assert "stop" not in shapes


def test_the_way_between_panels_is_that_of_graph(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text(topology_of_hosts(3, 7))

    assert lines(overlay(topology, "ingress-to-pods")["line"][0]) == traced(
        lay_out(draw_topology(topology, "ingress-to-pods"))
    )


def test_a_cross_stands_at_each_node_that_stops_a_flow() -> None:
    shapes = overlay(REFERENCE, "ingress-to-pods", "kvm", "worker2", "elsewhere")

    assert (len(shapes["stop"]), len(shapes["cross"])) == (2, 2)
