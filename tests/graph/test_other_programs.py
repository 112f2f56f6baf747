"""Drawings for other programs: DOT as Graphviz draws it, and D2 by the rules of its parser."""

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from netwright.graph.d2 import render_d2
from netwright.graph.dot import render_dot
from netwright.graph.drawing import Drawing
from netwright.graph.joints import joints, ties
from tests.graph.pictures import CASES, REFERENCE, draw_topology, topology_of_hosts
from tests.graph.test_graph_golden import FLOWS
from tests.netwright import netwright

EVIL = "a\"b\\c$d ${x} {y} #z | ; 's' <t> & &amp; %u \\N"

# No package of Debian brings D2. All that these drawings use of it; d2 0.9.0 found them valid, and drew EVIL as it is
# (https://github.com/terrastruct/d2, d2parser/parse.go).
_STRING = r'"(?:[^"\\$\n]|\\.)*"'
_ATTRIBUTE = r'(?:shape|near|style\.[a-z-]+): (?:[a-z0-9-]+|"#[0-9a-f]{6}")'
_ATTRIBUTES = rf" ?(?:\{{{_ATTRIBUTE}(?:; {_ATTRIBUTE})*\}})?"
D2 = re.compile(
    rf"direction: down|title: {_STRING}{_ATTRIBUTES}|[sni]\d+: {_STRING}{_ATTRIBUTES}"
    rf"|[sni]\d+ (?:--|->|<-|<->) [sn]\d+(?::(?: {_STRING})?{_ATTRIBUTES})?"
)


DRAWINGS = [(REFERENCE, "ingress-to-pods"), *((CASES / case / "topology.yaml", flow) for case, flow in FLOWS.items())]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hosts") / "topology.yaml"
    path.write_text(topology_of_hosts(8, 7))
    return path


every_drawing = pytest.mark.parametrize(("topology", "flow"), DRAWINGS, ids=["reference", *FLOWS])


def evil_drawing() -> Drawing:
    drawing = draw_topology(REFERENCE, "ingress-to-pods")
    return replace(drawing, title=EVIL, boxes=(replace(drawing.boxes[0], title=EVIL), *drawing.boxes[1:]))


def graphviz(text: str) -> ElementTree.Element:
    """What Graphviz draws; it has nothing to complain of."""
    program = shutil.which("dot")
    if program is None:
        pytest.skip("needs dot (Debian's package graphviz)")
    run = subprocess.run([program, "-Tsvg"], input=text.encode(), capture_output=True, check=True)
    assert run.stderr == b""
    return ElementTree.fromstring(run.stdout)


def drawn(picture: ElementTree.Element, kind: str) -> list[str]:
    """The names of nodes or edges that Graphviz drew."""
    groups = [one for one in picture.iter() if one.tag.endswith("}g") and one.get("class") == kind]
    return [str(next(part.text for part in one if part.tag.endswith("title"))) for one in groups]


def words(picture: ElementTree.Element) -> set[str]:
    return {str(one.text).replace("\xa0", " ") for one in picture.iter() if one.tag.endswith("}text")}


@every_drawing
def test_graphviz_draws_every_joint_tie_and_text(topology: Path, flow: str | None) -> None:
    drawing = draw_topology(topology, flow)

    picture = graphviz(render_dot(drawing))

    assert sorted(drawn(picture, "node")) == sorted(joint.name for joint in joints(drawing))
    assert sorted(drawn(picture, "edge")) == sorted(f"{tie.upper}--{tie.lower}" for tie in ties(drawing))
    texts = [line for joint in joints(drawing) for line in joint.lines]
    texts += [line for tie in ties(drawing) for line in tie.lines]
    assert {*texts} <= words(picture)


def test_graphviz_takes_text_as_it_is() -> None:
    picture = graphviz(render_dot(evil_drawing()))

    assert EVIL in words(picture)
    assert any(text.startswith(f"{EVIL} - ingress-to-pods") for text in words(picture))


def test_graphviz_draws_eight_hosts_with_arrows_where_a_flow_starts_and_ends(hosts: Path) -> None:
    text = render_dot(draw_topology(hosts, "ingress-to-pods"))

    assert len(drawn(graphviz(text), "node")) == 51
    starts = re.findall(r"s\d+ -- n\d+ .*dir=back", text)
    ends = re.findall(r"s\d+ -- n\d+ .*dir=forward", text)
    assert (len(starts), len(ends)) == (8, 16)


@every_drawing
def test_every_line_of_d2_is_one_that_it_reads(topology: Path, flow: str | None) -> None:
    drawing = draw_topology(topology, flow)

    lines = render_d2(drawing).splitlines()

    assert [line for line in lines if not D2.fullmatch(line)] == []
    assert len(lines) == 2 + len([*joints(drawing)]) + len([*ties(drawing)])


def test_d2_has_text_in_quotes_that_it_cannot_leave() -> None:
    lines = render_d2(evil_drawing()).splitlines()

    assert [line for line in lines if not D2.fullmatch(line)] == []
    quoted = re.search(_STRING, lines[1])
    assert quoted is not None
    assert re.sub(r"\\(.)", r"\1", quoted[0])[1:].startswith(EVIL)


@pytest.mark.parametrize("format_", ["dot", "d2"])
def test_both_are_formats_of_graph(format_: str) -> None:
    run = netwright("graph", "--flow", "ingress-to-pods", "--format", format_, cwd=REFERENCE.parent)

    renders = {"dot": render_dot, "d2": render_d2}
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == renders[format_](draw_topology(REFERENCE, "ingress-to-pods"))
