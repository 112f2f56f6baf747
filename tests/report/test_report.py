"""`netwright report`: one page that needs nothing but itself."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from netwright.report.lines import LONGEST, Lines
from netwright.report.ways import most_ways
from netwright.verify.values.facts import Origin
from tests.graph.pictures import large_topology
from tests.netwright import netwright
from tests.report.network import TOPOLOGY

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def page(lab: Path) -> str:
    return (lab / "page.html").read_text(encoding="utf-8")


class _Reader(HTMLParser):
    """Collects the text that is read, and what is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in {"src", "href", "data", "action", "srcset"}]
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"} and data.strip():
            self.words.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def reader(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def test_the_page_is_the_committed_one_but_for_its_style(
    reader: _Reader, request: pytest.FixtureRequest, lab: Path
) -> None:
    text = "".join(f"{line}\n" for line in reader.words)
    if request.config.getoption("--update"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / "lab.txt").write_text(text, encoding="utf-8")

    assert (GOLDEN / "lab.txt").read_text(encoding="utf-8") == text


def test_the_page_is_always_the_same(lab: Path, page: str) -> None:
    run = netwright("report", "--against", "before/", cwd=lab)

    assert run.status == 1
    assert run.stdout == page


def test_the_page_is_well_formed_and_loads_nothing(reader: _Reader, page: str) -> None:
    assert reader.open == []
    assert {link[0] for link in reader.loads} == {"#"}
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)


def test_every_link_leads_somewhere(reader: _Reader, page: str) -> None:
    assert {link[1:] for link in reader.loads} <= {*re.findall(r' id="([^"]+)"', page)}


def test_without_its_script_all_flows_can_be_read_with_the_lines_that_decide(reader: _Reader) -> None:
    text = "\n".join(reader.words)

    for flow in ("lb-to-db", "pc-to-lb", "not-back"):
        assert flow in text
    assert "kvm/libvirt/back.xml:8" in text
    assert '<ip family="ipv4" address="10.17.4.1" prefix="24"/>' in text
    assert "arrives, and is answered" in text
    assert "kept out at kvm" in text


def test_a_change_stands_with_what_was_and_what_is(reader: _Reader) -> None:
    text = "\n".join(reader.words)

    assert "breaks\nlb-to-db\ntcp/5432 from 10.17.3.12 to 10.17.4.24" in text
    assert "before\nACCEPTED (lb1 -> kvm -> db1, back db1 -> kvm -> lb1)\nnow\nFILTERED (lb1 -> kvm)" in text


def test_a_repair_stands_with_the_findings(reader: _Reader) -> None:
    text = "\n".join(reader.words)

    assert "run netwright generate, with --force over files edited by hand: repairs lb-to-db" in text


def test_the_script_is_told_why_cells_are_as_they_are(page: str) -> None:
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])

    groups, nodes = data["cells"]
    assert len(groups) == 3
    assert groups[2][1][:3] == [2, 3, 3]
    assert any("FILTERED at kvm" in reason for reason in data["reasons"])
    assert len(nodes) == 7


def test_the_exit_status_and_the_line_tell_whether_all_is_proved(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    run = netwright("report", "-o", "page.html", cwd=tmp_path)
    quiet = netwright("report", "-q", "-o", "page.html", cwd=tmp_path)

    assert (run.status, run.stdout, run.stderr) == (0, "page.html: 3 of 3 flows proved\n", "")
    assert (quiet.status, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_page_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    run = netwright("report", "-o", "none/page.html", cwd=tmp_path)

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == "none/page.html: error: can't be written: there is no directory none; make it first\n"


def test_two_hundred_nodes_are_folded(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(large_topology(193))
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    assert netwright("report", "-o", "page.html", cwd=tmp_path).status == 0

    page = (tmp_path / "page.html").read_text()
    assert len(page) < 100_000
    assert "worker1 ... worker193" in page
    assert "rows are more than the 60 that this page has at most" in page


def test_lines_are_cut_and_absent_files_have_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("first\n" + "x" * 1000)
    (tmp_path / "link").symlink_to("file")
    lines = Lines(str(tmp_path))

    assert lines.find(Origin(file="file", line=1)).text == "first"
    assert lines.find(Origin(file="file", line=2)).text == "x" * LONGEST + " ..."
    texts = [lines.find(Origin(file=name, line=line)).text for name, line in (("file", 9), ("file", 0), ("no", 1))]
    assert [*texts, lines.find(Origin(file="link", line=1)).text] == [""] * 4


def test_many_flows_have_fewer_ways_each() -> None:
    assert [most_ways(flows) for flows in (0, 1, 66, 100, 4000)] == [6, 6, 6, 4, 1]
