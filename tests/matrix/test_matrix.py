"""`netwright verify --matrix`: who reaches whom, as a table and as a picture."""

import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netwright.matrix.matrix import LEAST_OF_A_CELL, measure
from netwright.production.production import prepare
from netwright.verdict_formats.plain import matrix_lines
from netwright.verify import Traffic
from netwright.verify_input.parties import group_parties
from netwright.verify_input.reading import read_forms
from tests.netwright import PROJECT, netwright
from tests.proving.small import TOPOLOGY, change, judge


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str], str]:
    run = netwright("verify", "--matrix", "--format", "json", cwd=PROJECT)
    assert (run.status, run.stderr) == (0, "")
    return {(cell["source"], cell["destination"]): cell["verdict"] for cell in json.loads(run.stdout)["matrix"]}


@pytest.mark.parametrize(
    ("source", "destination", "verdict"),
    [
        ("ingress", "pods", "all"),
        ("ingress", "workers", "none"),
        ("pods", "lan", "none"),
        ("kube02", "kube03", "some"),
        ("pods", "internet", "all"),
    ],
)
def test_a_cell_says_who_reaches_whom(
    cells: dict[tuple[str, str], str], source: str, destination: str, verdict: str
) -> None:
    assert cells[source, destination] == verdict


def test_the_internet_only_receives(cells: dict[tuple[str, str], str]) -> None:
    assert "internet" not in {source for source, _ in cells}


def test_the_table_has_a_row_for_each_source() -> None:
    text = netwright("verify", "--matrix", cwd=PROJECT).stdout

    rows = text.partition("rows to columns, there and back:\n")[2].partition("\n\n")[0].splitlines()
    table = rows[: rows.index("What stops the rest:")]
    assert [row.split()[0] for row in table[1:]] == [*table[0].split()][:-2]
    assert table[-1].split()[1] == "none"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the matrix as a picture, drawn twice."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("1.svg", "2.svg"):
        run = netwright("verify", "--quiet", "--matrix-out", str(folder / name), cwd=PROJECT)
        assert (run.status, run.stdout, run.stderr) == (0, "", "")
    return folder


def test_a_picture_is_complete_in_itself_and_always_the_same(pictures: Path) -> None:
    texts = [(pictures / f"{number}.svg").read_text() for number in (1, 2)]

    assert texts[0] == texts[1]
    assert all(word not in texts[0] for word in ("href", "url(", "src=", "@import"))


def test_a_cell_of_the_picture_says_how_many_get_through_and_what_stops_the_rest(pictures: Path) -> None:
    picture = ElementTree.parse(pictures / "1.svg").getroot()

    tips = {str(one.text).partition("\n")[0]: str(one.text) for one in picture.iter() if one.tag.endswith("title")}
    assert "ingress to pods: 14 of 14 class pairs" in tips
    assert "\nFILTERED at kvm (" in tips["pods to ingress: 0 of 14 class pairs"]


def test_names_in_the_picture_do_not_overlap(pictures: Path) -> None:
    picture = ElementTree.parse(pictures / "1.svg").getroot()

    names = [one for one in picture.iter() if one.tag.endswith("text") and "rotate" in one.get("transform", "")]
    columns = [float(one.attrib["transform"].removeprefix("translate(").split()[0]) for one in names]
    width = float(picture.attrib["width"])
    assert [one.text for one in names][-2:] == ["kubernetes.api", "internet"]
    assert all(after - before >= 24 for before, after in pairwise(columns))
    assert all(column + 7 * 0.71 * len(str(one.text)) < width for column, one in zip(columns, names, strict=True))


def test_many_nodes_make_a_picture_of_glyphs(tmp_path: Path) -> None:
    run = netwright("verify", "-q", "--matrix-by", "node", "--matrix-out", str(tmp_path / "nodes.svg"), cwd=PROJECT)

    picture = ElementTree.parse(tmp_path / "nodes.svg").getroot()
    assert run.status == 0
    assert {one.attrib["width"] for one in picture.iter() if one.tag.endswith("rect") and one.get("rx") == "3"} == {
        "20",
        "22",
    }


@pytest.mark.parametrize(("traffic", "verdict"), [("tcp/6443", "all"), ("tcp/80", "none"), ("icmp", "none")])
def test_traffic_can_be_chosen(traffic: str, verdict: str) -> None:
    run = netwright("verify", "--matrix", "--matrix-traffic", traffic, "--format", "json", cwd=PROJECT)

    cells = {(cell["source"], cell["destination"]): cell for cell in json.loads(run.stdout)["matrix"]}
    assert cells["masters", "kubernetes.api"]["verdict"] == verdict
    assert cells["masters", "kubernetes.api"]["traffic"] == traffic


def test_a_cell_of_json_says_why(tmp_path: Path) -> None:
    run = netwright("verify", "--matrix", "--matrix-by", "node", "--format", "json", cwd=PROJECT)

    cells = {(cell["source"], cell["destination"]): cell for cell in json.loads(run.stdout)["matrix"]}
    cell = cells["api-lb", "worker1 pods"]
    assert (cell["arrived"], cell["judged"], cell["verdict"]) == (0, 1, "none")
    assert [(reason["verdict"], reason["node"]) for reason in cell["reasons"]] == [("UNREACHABLE_ROUTE", "router")]
    assert cells["lb1", "worker1 pods"]["reasons"] == []
    assert cells["worker1", "worker1"]["verdict"] == "-"


def test_markdown_carries_the_table() -> None:
    text = netwright("verify", "--matrix", "--format", "markdown", cwd=PROJECT).stdout

    assert "Who reaches whom by ping, rows to columns, there and back:\n\n| | `lan` | `kube01` |" in text
    assert "\n| `pods` | none: filtered | " in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--matrix", "--format", "junit"], "--matrix: junit has no place for a table; take text, json or markdown"),
        (["--against", "HEAD", "--format", "sarif"], "--against: sarif has no place for changes"),
        (["--matrix-traffic", "icmp"], "add one of them"),
        (["--matrix", "--matrix-traffic", "tcp/0"], "tcp/0 is no traffic; write icmp, tcp/PORT or udp/PORT"),
        (["--matrix", "--matrix-traffic", "tcp/65536"], "tcp/65536 is no traffic"),
        (["--matrix-out", "map.png"], "map.png is no picture by its name; end it in .svg"),
        (["--matrix-out", "a.html"], "a.html is a page by its name; netwright report -o a.html makes one"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_work(arguments: list[str], reason: str) -> None:
    run = netwright("verify", *arguments, cwd=PROJECT)

    assert (run.status, run.stdout) == (2, "")
    assert reason in " ".join(run.stderr.split())


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    run = netwright("verify", "--matrix-out", str(tmp_path / "none" / "map.svg"), cwd=PROJECT)

    assert run.status == 2
    assert "can't be written: there is no directory " in run.stderr


def test_more_rows_than_anybody_can_look_at_are_refused(tmp_path: Path) -> None:
    interfaces = "{{eth0: {{network: lan, address: 10.1.{}.{}}}}}"
    places = [interfaces.format(number // 250, number % 250 + 1) for number in range(201)]
    nodes = "".join(f"  n{number}: {{os: unmanaged, interfaces: {place}}}\n" for number, place in enumerate(places))
    (tmp_path / "topology.yaml").write_text(
        f"version: 1\nname: many\nnetworks:\n  lan: {{cidr: 10.1.0.0/16}}\nnodes:\n{nodes}"
    )
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    run = netwright("verify", "--matrix", "--matrix-by", "node", cwd=tmp_path)

    assert run.status == 2
    assert "201 rows are more than the 200 that it has at most" in run.stderr


def test_of_very_many_pairs_an_even_spread_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lan = "{{groups: [rocky], interfaces: {{eth0: {{network: lan, address: 192.168.0.{}}}}}}}"
    more = "".join(f"  n{number}: {lan.format(number)}\n" for number in range(51, 55))
    judgement = judge(tmp_path, change(TOPOLOGY, ("  lb:\n", f"{more}  lb:\n")))
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None
    assert judgement.verification.proved
    monkeypatch.setattr("netwright.matrix.matrix.MOST_CONVERSATIONS", 1)
    (network,) = read_forms(tmp_path / "out", production.resolved)

    matrix = measure(network, group_parties(production.resolved), Traffic(protocol="icmp"))

    production.close()
    cells = {(cell.source, cell.destination): cell for row in matrix.cells for cell in row}
    assert not cells["front", "pods"].spread
    assert cells["front", "pods"].judged == cells["front", "pods"].classes == LEAST_OF_A_CELL
    assert cells["rocky", "lan"].spread
    assert LEAST_OF_A_CELL <= cells["rocky", "lan"].judged < cells["rocky", "lan"].classes
    assert all(cell.judged <= cell.classes for cell in cells.values())
    assert "*" in "".join(matrix_lines(matrix))
