"""`netwright verify --matrix`: who reaches whom, as a table and as a picture."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.netwright import PROJECT, netwright


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

    rows = text.partition("rows to columns:\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows[1:]] == [*rows[0].split()][:-1]
    assert rows[-1].split()[1] == "none"


@pytest.mark.parametrize("name", ["map.svg", "map.html"])
def test_the_picture_is_complete_in_itself_and_always_the_same(tmp_path: Path, name: str) -> None:
    pictures = []
    for _ in range(2):
        run = netwright("verify", "--quiet", "--matrix-out", str(tmp_path / name), cwd=PROJECT)
        assert (run.status, run.stdout, run.stderr) == (0, "", "")
        pictures.append((tmp_path / name).read_text())

    svg = pictures[0][pictures[0].index("<svg") : pictures[0].index("</svg>") + 6]
    picture = ElementTree.fromstring(svg)
    assert pictures[0] == pictures[1]
    assert "href" not in svg
    assert "url(" not in svg
    assert "ingress to pods: 14 of 14 class pairs" in {
        title.text for title in picture.iter() if title.tag.endswith("title")
    }


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    run = netwright("verify", "--matrix-out", str(tmp_path / "none" / "map.svg"), cwd=PROJECT)

    assert run.status == 2
    assert "can't be written: No such file or directory" in run.stderr
