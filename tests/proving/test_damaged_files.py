"""One damaged file in OUT is one finding: its line, what it says and what it should, whom it strikes, what to do."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from netwright.commands.verify_work import Work
from netwright.production.production import prepare
from netwright.text.report import Severity
from netwright.verdict_formats.judgement import Judgement
from netwright.verdict_formats.plain import render_plain
from netwright.verify_input.wiring import state_flows
from netwright.write import generate
from tests.proving.small import TOPOLOGY

UNIT = "w1/rootfs/etc/systemd/network/10-eth0.network"
KEYFILE = "lb/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"
AGREE = "; netwright generate --force makes them agree"
WRITES_AGAIN = "; netwright generate --force writes it again"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small network's topology and OUT."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    production, _ = prepare(str(folder / "topology.yaml"))
    assert production is not None
    with closing(production):
        generate(folder / "out", production.nodes, production.build, fingerprint="small")
    return folder


def judge(folder: Path) -> Judgement:
    production, _ = prepare(str(folder / "topology.yaml"))
    assert production is not None
    with closing(production):
        flows = state_flows(production.resolved)
        work = Work(production=production, topology="topology.yaml", out=str(folder / "out"), flows=flows, quiet=True)
        return work.judge(None, None, repair=False)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def _mark(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def _edit(before: str, after: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))

    return edit


CASES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "network cut short": ("host/libvirt/front.xml", _cut, f"the file ends before its XML does{WRITES_AGAIN}"),
    "network of no XML": (
        "host/libvirt/back.xml",
        _edit("<network", "network"),
        f"not XML (syntax error){WRITES_AGAIN}",
    ),
    "copy edited beside an Ignition config": (
        UNIT,
        _edit("10.2.0.21", "10.2.0.99"),
        "differs from what w1/w1.ign delivers: here `Address=10.2.0.99/24`, delivered `Address=10.2.0.21/24`" + AGREE,
    ),
    "copy edited beside a seed": (
        KEYFILE,
        _edit("10.1.0.12", "10.1.0.99"),
        "differs from what lb/cloud-init/user-data delivers: here `address1=10.1.0.99/24`, "
        "delivered `address1=10.1.0.12/24`" + AGREE,
    ),
    "Ignition config with a byte order mark": (
        "w1/w1.ign",
        _mark,
        "not an Ignition config, no JSON from column 1 on",
    ),
    "Ignition config cut short": ("w1/w1.ign", _cut, "not an Ignition config, no JSON from column "),
    "seed of no YAML": (
        "lb/cloud-init/user-data",
        _edit("write_files:", "write_files: ["),
        f"not a #cloud-config document{WRITES_AGAIN}",
    ),
}


@pytest.mark.parametrize(("file", "damage", "cause"), CASES.values(), ids=CASES)
def test_one_damage_is_one_finding(
    written: Path, tmp_path: Path, file: str, damage: Callable[[Path], None], cause: str
) -> None:
    shutil.copytree(written, tmp_path / "project")
    before = judge(tmp_path / "project").verification
    damage(tmp_path / "project/out" / file)

    judgement = judge(tmp_path / "project")

    (finding,) = [found for found in judgement.verification.findings if found.severity is Severity.ERROR]
    assert (finding.kind, finding.nodes) == ("UNKNOWN", (file.partition("/")[0],))
    assert finding.cause.startswith(cause)
    (origin,) = finding.origins
    assert origin.file == file
    assert 1 <= origin.line <= len((tmp_path / "project/out" / file).read_bytes().split(b"\n"))
    assert not judgement.verification.proved
    assert finding.pairs == sum(result.failed for result in judgement.verification.flows)
    assert {found.kind for found in judgement.verification.findings} <= {
        "UNKNOWN",
        *(one.kind for one in before.findings),
    }
    assert render_plain(judgement).startswith("error: UNKNOWN: ")


@pytest.mark.parametrize(
    "file",
    ["w1/w1.ign", "host/cloud-init/user-data", "lb/cloud-init/user-data", "gw/handoff.md", "host/libvirt/front.xml"],
)
def test_what_is_no_file_is_one_finding(written: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(written, tmp_path / "project")
    path = tmp_path / "project/out" / file
    path.unlink()
    os.mkfifo(path)

    found = judge(tmp_path / "project").verification.findings

    (finding,) = [one for one in found if one.severity is Severity.ERROR]
    assert (finding.kind, finding.cause) == ("UNKNOWN", "is no regular file")
    assert [origin.file for origin in finding.origins] == [file]
    assert "DEAD_NEXT_HOP" not in {one.kind for one in found}


def test_a_missing_network_is_no_next_hop_that_nobody_is(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "project")
    (tmp_path / "project/out/host/libvirt/back.xml").unlink()

    verification = judge(tmp_path / "project").verification

    (finding,) = [found for found in verification.findings if found.kind not in ("POD_LEAK", "BLACK_HOLE")]
    assert (finding.kind, finding.cause) == ("UNKNOWN", "no file configures the interface: virbr2")
    assert finding.flows


def test_line_ends_of_windows_change_nothing_in_a_sheet(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "project")
    sheet = tmp_path / "project/out/gw/handoff.md"
    sheet.write_bytes(sheet.read_bytes().replace(b"\n", b"\r\n"))

    assert judge(tmp_path / "project").verification == judge(written).verification


def test_what_nobody_can_read_is_said_before_what_may_follow_from_it(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "project")
    sheet = tmp_path / "project/out/gw/handoff.md"
    sheet.write_text(sheet.read_text().replace("10.1.0.0/24 via 192.168.0.40", "10.1.0.0/24 via 192.168.0.41"))
    _cut(tmp_path / "project/out/w1/w1.ign")

    text = render_plain(judge(tmp_path / "project"))

    kinds = [line.split(": ")[1] for line in text.splitlines() if line.startswith("error: ")]
    assert kinds[0] == "UNKNOWN"
    assert "ARP_UNANSWERED" in kinds
