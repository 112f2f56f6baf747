"""Contents of a picture, and the end of the command."""

import os
import re
import stat
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from netwright.graph.drawing import Box, Drawing
from netwright.graph.layout import lay_out
from netwright.graph.mermaid import render_mermaid
from netwright.graph.svg import render_svg
from tests.graph.pictures import CASES, REFERENCE, draw_topology, large_topology
from tests.netwright import netwright

SVG = "{http://www.w3.org/2000/svg}"


def box_of(drawing: Drawing, name: str) -> Box:
    return next(box for box in drawing.boxes if name in box.names)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("workers", [500, 5000])
def test_many_alike_share_a_box(tmp_path: Path, workers: int) -> None:
    (tmp_path / "topology.yaml").write_text(large_topology(workers))

    drawing = draw_topology(tmp_path / "topology.yaml", "ingress-to-pods")

    folded = box_of(drawing, "worker17")
    assert folded.title == f"worker1 ... worker{workers}"
    assert folded.lines[0] == f"{workers} nodes"
    assert folded.links[0].addresses[0] == "10.16.1.1"
    assert {box.title for box in drawing.boxes} == {"gw", *(f"lb{number}" for number in range(1, 7)), folded.title}
    assert lay_out(drawing).width < 2000


@pytest.mark.parametrize(("workers", "boxes"), [(6, 6), (7, 1)])
def test_few_alike_have_boxes_of_their_own(tmp_path: Path, workers: int, boxes: int) -> None:
    text = large_topology(workers).partition("flows:")[0]
    (tmp_path / "topology.yaml").write_text(text)

    drawing = draw_topology(tmp_path / "topology.yaml")

    assert sum(box.title.startswith("worker") for box in drawing.boxes) == boxes


def test_node_that_a_flow_concerns_alone_has_a_box_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(large_topology(40))

    drawing = draw_topology(tmp_path / "topology.yaml", "one")

    assert box_of(drawing, "worker17").title == "worker17"
    assert box_of(drawing, "worker17").traced
    assert not box_of(drawing, "worker16").traced
    assert box_of(drawing, "worker16").lines[0] == "39 nodes"


def test_flow_is_traced_over_the_router_that_it_names() -> None:
    drawing = draw_topology(CASES / "flows-two-routers" / "topology.yaml", "there")

    assert [box.title for box in drawing.boxes if box.traced] == ["host1", "host2", "r1", "r2"]


def test_flow_is_traced_over_the_router_of_its_via_both_ways(tmp_path: Path) -> None:
    text = (CASES / "flows-two-routers" / "topology.yaml").read_text()
    (tmp_path / "topology.yaml").write_text(text.replace("via: [r2]", "via: [r3]"))

    drawing = draw_topology(tmp_path / "topology.yaml", "there")

    assert [box.title for box in drawing.boxes if box.traced] == ["host1", "host2", "r1", "r3"]


def test_a_pool_has_a_box_with_its_addresses_and_the_nodes_that_answer() -> None:
    drawing = draw_topology(CASES / "pools" / "topology.yaml", "learned")

    pools = [box for box in drawing.boxes if box.is_pool]
    assert [(box.title, box.lines, box.traced) for box in pools] == [
        ("ingress", ("pool at w1, w2",), False),
        ("learned", ("pool at b1, b2", "learned by inner"), True),
    ]
    assert [(box.segments, *(link.addresses for link in box.links)) for box in pools] == [
        (("lan",), ("192.168.0.200", "... 192.168.0.202")),
        (("back",), ("10.9.9.0", "... 10.9.9.1")),
    ]


@pytest.mark.parametrize(("flow", "routers"), [("shell", ["inner"]), ("mail", ["edge"]), ("no-shell", [])])
def test_port_forwards_stand_at_their_router(flow: str, routers: list[str]) -> None:
    drawing = draw_topology(CASES / "port-forwards" / "topology.yaml", flow)

    assert {box.title: box.forwards for box in drawing.boxes if box.forwards} == {
        "edge": ("tcp/80, tcp/443 -> web", "tcp/25 -> mail:2525", "udp/5000-5010 -> lb2"),
        "inner": ("tcp/2222 -> mail:22 for client",),
    }
    assert [box.title for box in drawing.boxes if box.leads_on] == routers


def test_of_many_port_forwards_some_are_shown(tmp_path: Path) -> None:
    text = (CASES / "port-forwards" / "topology.yaml").read_text()
    more = "".join(
        f"  p{port}: {{at: edge, from: internet, port: tcp/{port}, to: mail}}\n" for port in range(7000, 7007)
    )
    (tmp_path / "topology.yaml").write_text(text.replace("forwards:\n", f"forwards:\n{more}"))

    shown = box_of(draw_topology(tmp_path / "topology.yaml"), "edge").forwards

    assert (shown[0], len(shown), shown[-1]) == ("tcp/7000 -> mail", 9, "and 2 more")


def test_segments_stand_in_natural_order(tmp_path: Path) -> None:
    numbers = (10, 9, 2, 1)
    networks = ", ".join(f"rack{number}: {{cidr: 10.{number}.0.0/24}}" for number in numbers)
    interfaces = ", ".join(f"eth{number}: {{network: rack{number}, address: 10.{number}.0.1}}" for number in numbers)
    wan = "wan0: {network: wan, address: 192.0.2.1}"
    (tmp_path / "topology.yaml").write_text(
        f"version: 1\nname: racks\nnetworks: {{wan: {{cidr: 192.0.2.0/24}}, {networks}}}\n"
        f"nodes: {{gw: {{os: unmanaged, forward: true, interfaces: {{{wan}, {interfaces}}}}}}}\n"
    )

    drawing = draw_topology(tmp_path / "topology.yaml")

    assert [segment.name for segment in drawing.segments] == ["wan", "rack1", "rack2", "rack9", "rack10"]


def test_flow_to_pods_starts_at_its_senders_and_marks_the_pod_networks() -> None:
    drawing = draw_topology(REFERENCE, "ingress-to-pods")

    assert [box.title for box in drawing.boxes if any(link.is_start for link in box.links)] == ["lb1", "lb2"]
    ends = [box.title for box in drawing.boxes if any(link.is_end for link in box.links)]
    cluster = ["master1", "master2", "master3", "worker1", "worker2", "worker3", "worker4"]
    assert ends == cluster
    assert [box.title for box in drawing.boxes if box.from_pods] == cluster
    assert [link.interface for link in box_of(drawing, "kvm").links if link.traced] == ["virbr_kube01", "virbr_kube02"]


def test_denied_flow_points_only_where_it_must_not_go() -> None:
    drawing = draw_topology(CASES / "flows-internet" / "topology.yaml", "not-the-router")

    assert [box.title for box in drawing.boxes if any(link.is_end for link in box.links)] == ["router"]
    assert "stroke-dasharray: 9 5" in render_svg(lay_out(drawing))


def test_denied_flow_is_not_red() -> None:
    denied = draw_topology(CASES / "flows-internet" / "topology.yaml", "not-the-router")

    colours = {line.split("stroke: ")[1][:7] for line in render_svg(lay_out(denied)).splitlines() if ".flow, " in line}
    assert colours == {"#4b51b5", "#a9aefc"}


def test_picture_is_dark_at_night_and_on_paper_as_by_day() -> None:
    picture = render_svg(lay_out(draw_topology(REFERENCE)))

    by_day, _, by_night = picture.partition("@media screen and (prefers-color-scheme: dark) {")
    papers = [style.partition(".paper { fill: ")[2][:7] for style in (by_day, by_night)]
    assert papers == ["#ffffff", "#14191f"]


def test_internet_is_a_cloud_at_its_device_that_a_flow_reaches() -> None:
    picture = lay_out(draw_topology(CASES / "flows-internet" / "topology.yaml", "updates"))

    assert [cloud.traced for cloud in picture.clouds] == [True]
    router = next(placed for placed in picture.boxes if placed.box.title == "router")
    assert picture.clouds[0].rect.bottom < router.rect.y


def test_svg_names_every_node_address_and_network_of_the_reference() -> None:
    shown = texts(render_svg(lay_out(draw_topology(REFERENCE))))

    assert {"kvm", "api-lb", "worker4", "virbr_kube02", "10.17.4.27", "192.168.0.0/24", "pods 10.42.9.0/24"} <= {*shown}
    assert {"internet", "flatcar", "unmanaged", "Kubernetes agent", "libvirt host, router"} <= {*shown}


@pytest.mark.parametrize("flow", [None, "ingress-to-pods", "pods-not-to-lan"])
def test_svg_is_complete_in_itself(flow: str | None) -> None:
    svg = render_svg(lay_out(draw_topology(REFERENCE, flow)))

    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root[0].tag == f"{SVG}title"
    assert {element.tag for element in root.iter()}.isdisjoint({f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"})
    assert not re.search(r"href|url\(|@import", svg)


AWKWARD = 'a<b>&"c#\u0007\u202e`|'
"""No topology can hold such a name today; a picture would be none if one could."""


def test_svg_escapes_text() -> None:
    drawing = replace(draw_topology(CASES / "flows-two-routers" / "topology.yaml"), title=AWKWARD)

    svg = render_svg(lay_out(drawing))

    assert 'a<b>&"c#\\u0007\\u202e`|' in texts(svg)


def test_mermaid_escapes_labels() -> None:
    drawing = draw_topology(CASES / "flows-two-routers" / "topology.yaml")
    segment = replace(drawing.segments[0], heading=AWKWARD, lines=())

    mermaid = render_mermaid(replace(drawing, segments=(segment, *drawing.segments[1:])))

    escaped = "a#lt;b#gt;#amp;#quot;c#35;#92;u0007#92;u202e#96;#124;"
    assert f'  s1["{escaped}"]:::segment' in mermaid.splitlines()


def test_crowd_of_few_alike_is_folded_as_well(tmp_path: Path) -> None:
    text = large_topology(40)
    for number in range(1, 41):
        text = text.replace(
            f"  worker{number}: {{groups: [workers]", f"  worker{number}: {{groups: [workers, r{number}]"
        )
    racks = ", ".join(f"r{number}: {{}}" for number in range(1, 41))
    (tmp_path / "topology.yaml").write_text(text.replace("groups: {workers:", f"groups: {{{racks}, workers:"))

    drawing = draw_topology(tmp_path / "topology.yaml")

    assert box_of(drawing, "worker7").lines == ("40 nodes", "flatcar", "Kubernetes agent")


def test_mermaid_joins_every_link_once_and_styles_those_of_the_flow() -> None:
    drawing = draw_topology(REFERENCE, "ingress-to-pods")

    lines = render_mermaid(drawing).splitlines()

    edges = [line for line in lines if " --- " in line or " ---|" in line]
    styled = next(line for line in lines if line.startswith("  linkStyle")).split()[1].split(",")
    assert len(edges) == sum(len(box.links) for box in drawing.boxes) + 1
    assert len(styled) == sum(link.traced for box in drawing.boxes for link in box.links)
    assert all("10.17." in edges[int(number)] for number in styled)


def test_boxes_of_a_row_stand_in_natural_order() -> None:
    picture = lay_out(draw_topology(REFERENCE))

    workers = [placed for placed in picture.boxes if placed.box.title.startswith("worker")]
    assert [placed.box.title for placed in workers] == ["worker1", "worker2", "worker3", "worker4"]
    assert all(left.rect.x < right.rect.x for left, right in pairwise(workers))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "topology.yaml").write_text((CASES / "flows-two-routers" / "topology.yaml").read_text())
    return tmp_path


def test_unknown_flow_is_an_error_that_names_a_similar_one(folder: Path) -> None:
    run = netwright("graph", "--flow", "theer", cwd=folder)

    assert run.status == 2
    assert run.stdout == ""
    assert 'there is no flow theer; did you mean "there"?' in run.stderr


def test_output_goes_to_stdout_or_whole_into_a_file(folder: Path) -> None:
    printed = netwright("graph", cwd=folder)
    (folder / "picture.svg").write_text("old")
    written = netwright("graph", "-o", "picture.svg", cwd=folder)

    assert (printed.status, written.status, written.stdout) == (0, 0, "")
    assert (folder / "picture.svg").read_text() == printed.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["picture.svg", "topology.yaml"]


def test_pipe_is_written_to_and_not_replaced(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    run = netwright("graph", "--format", "mermaid", "-o", "pipe", cwd=folder)
    text = os.read(reader, 65536).decode()
    os.close(reader)

    assert run.status == 0
    assert text == netwright("graph", "--format", "mermaid", cwd=folder).stdout
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


def test_symlink_stays_one(folder: Path) -> None:
    (folder / "link.svg").symlink_to("target.svg")

    run = netwright("graph", "-o", "link.svg", cwd=folder)

    assert run.status == 0
    assert (folder / "link.svg").is_symlink()
    assert (folder / "target.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none/a.svg", "there is no directory none; make it first"),
        (".", "it is a directory; name a file"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_unwritable_file_is_an_error(folder: Path, path: str, reason: str) -> None:
    run = netwright("graph", "-o", path, cwd=folder)

    assert run.status == 2
    assert f"can't be written: {reason}" in run.stderr
