"""Hostile files in OUT: each is named as unknown, never followed, waited for, or a traceback."""

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from netwright.commands.verify_work import Work
from netwright.production.production import prepare
from netwright.verdict_formats.plain import render_object, render_plain
from netwright.verdict_formats.sarif import render_sarif
from netwright.verify_input.wiring import state_flows
from netwright.write import generate
from tests.netwright import netwright
from tests.proving.small import TOPOLOGY

IGNITION, SEED, NETWORK = "w1/w1.ign", "lb/cloud-init/user-data", "host/libvirt/front.xml"
UNIT, SHEET, MANIFEST = "w1/rootfs/etc/systemd/network/10-eth0.network", "gw/handoff.md", "w1/manifest.json"
SECRET = "root:x:0:0:"


def _replace(content: str | bytes) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def _link(target: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        path.symlink_to(target)

    return spoil


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _huge(path: Path) -> None:
    os.truncate(path, 3 << 30)


def _carry(path: str, rest: str = "") -> Callable[[Path], None]:
    return _replace(f'{{"ignition": {{"version": "3.3.0"}}, "storage": {{"files": [{{"path": "{path}"{rest}}}]}}}}')


def _seed(text: str) -> Callable[[Path], None]:
    return _replace(f"#cloud-config\n{text}\n")


LINK, NO_FILE, HUGE = "is a symbolic link", "is no regular file", "is larger than 16 MiB"
NO_IGNITION, NO_SEED = "not an Ignition config", "not a #cloud-config document"
NO_PATH = "not a path that a file may have"
ENTITY = '<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><a>&x;</a>'
KEYFILE = "/etc/NetworkManager/system-connections/a.nmconnection"

CASES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "Ignition config is a link": (IGNITION, _link("/etc/passwd"), LINK),
    "seed is a link": (SEED, _link("/etc/passwd"), LINK),
    "network is a link": (NETWORK, _link("/etc/passwd"), LINK),
    "sheet is a link": (SHEET, _link("/etc/passwd"), LINK),
    "link to nowhere": (IGNITION, _link("nowhere"), LINK),
    "link to itself": (IGNITION, _link("w1.ign"), LINK),
    "rootfs is a link": ("w1/rootfs", _link("/"), LINK),
    "libvirt is a link": ("host/libvirt", _link("/etc"), LINK),
    "Ignition config is a pipe": (IGNITION, _pipe, NO_FILE),
    "network is a pipe": (NETWORK, _pipe, NO_FILE),
    "rootfs has a pipe": (UNIT, _pipe, NO_FILE),
    "Ignition config is a device": (IGNITION, _device, NO_FILE),
    "Ignition config is a directory": (IGNITION, _directory, NO_FILE),
    "Ignition config is huge": (IGNITION, _huge, HUGE),
    "network is huge": (NETWORK, _huge, HUGE),
    "sheet is huge": (SHEET, _huge, HUGE),
    "manifest is huge": (MANIFEST, _huge, HUGE),
    "Ignition config is empty": (IGNITION, _replace(""), NO_IGNITION),
    "Ignition config is binary": (IGNITION, _replace(bytes(range(256))), NO_IGNITION),
    "Ignition config is a list": (IGNITION, _replace("[]"), NO_IGNITION),
    "Ignition config is nested deeply": (IGNITION, _replace("[" * 200_000), NO_IGNITION),
    "Ignition config has a surrogate": (IGNITION, _carry(r"/etc/systemd/network/\ud800.network"), NO_PATH),
    "Ignition config has a NUL": (IGNITION, _carry(r"/etc/systemd/network/\u0000.network"), NO_PATH),
    "Ignition config climbs": (IGNITION, _carry("/etc/systemd/network/../../../../../../etc/passwd"), "no . or .."),
    "Ignition config has a mode of text": (IGNITION, _carry(KEYFILE, ', "mode": "0600"'), "mode must be a number"),
    "Ignition config has a long path": (IGNITION, _carry("/etc/systemd/network/" + "a" * 5000), "can't be read"),
    "seed is nested deeply": (SEED, _seed("a: " + "[" * 50_000), NO_SEED),
    "seed has a date that is none": (SEED, _seed("a: 2024-13-45"), NO_SEED),
    "seed has a number beyond Python's": (SEED, _seed("a: " + "9" * 6000), NO_SEED),
    "seed asks for Python": (SEED, _seed("a: !!python/object/apply:os.system [x]"), NO_SEED),
    "seed writes numbers": (SEED, _seed("write_files: [1, [2], null]"), "not a known form of write_files"),
    "seed writes a number": (SEED, _seed("write_files: 5"), "not a list"),
    "seed runs numbers": (SEED, _seed("runcmd: [5]"), "not a known form of runcmd"),
    "network is no XML": (NETWORK, _replace(b"\xff\x00<"), "not XML"),
    "network is nested deeply": (NETWORK, _replace("<a>" * 100_000), "nested deeper than 16 elements"),
    "network has entities": (NETWORK, _replace(ENTITY), "a document type"),
    "manifest is binary": (MANIFEST, _replace(b"\xff\xfe"), "is no manifest that generate wrote"),
    "manifest is nested deeply": (MANIFEST, _replace("[" * 200_000), "is no manifest that generate wrote"),
    "rootfs is not UTF-8": (UNIT, _replace(b"\xff\xfe"), "differs from what w1/w1.ign delivers"),
}  # fmt: skip


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


@pytest.mark.parametrize(("file", "spoil", "reason"), CASES.values(), ids=CASES)
def test_what_cannot_be_read_is_unknown_by_name(
    written: Path, tmp_path: Path, file: str, spoil: Callable[[Path], None], reason: str
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(written, folder)
    spoil(folder / "out" / file)
    production, _ = prepare(str(folder / "topology.yaml"))
    assert production is not None
    flows = state_flows(production.resolved)
    work = Work(production=production, topology="topology.yaml", out=str(folder / "out"), flows=flows, quiet=True)

    judgement = work.judge(None, None, repair=False)

    production.close()
    node = file.partition("/")[0]
    assert not judgement.verification.proved
    assert any(reason in unknown.reason for unknown in judgement.verification.unknown)
    assert {unknown.origin.file.partition("/")[0] for unknown in judgement.verification.unknown} == {node}
    said = render_plain(judgement) + render_object(judgement) + render_sarif(judgement)
    assert SECRET not in said
    said.encode()


def test_a_node_that_was_never_generated_is_bad_input(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "project")
    (tmp_path / "project/out/w1/manifest.json").unlink()

    run = netwright("verify", cwd=tmp_path / "project")

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == "out/w1/manifest.json: error: is missing; run netwright generate first\n"


@pytest.mark.parametrize("format_", ["text", "json", "junit", "sarif", "markdown", "github"])
def test_a_name_that_is_no_text_is_printed_in_every_format(written: Path, tmp_path: Path, format_: str) -> None:
    shutil.copytree(written, tmp_path / "project")
    with open(os.fsencode(tmp_path) + b"/project/out/host/libvirt/\xff.xml", "wb") as file:
        file.write(b"<network/>")

    run = netwright("verify", "--format", format_, "--no-repair", cwd=tmp_path / "project")

    assert (run.status, run.stderr) == (1, "")
    assert "no bridge name" in run.stdout


def test_names_that_a_terminal_would_obey_are_escaped(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "project")
    name = os.fsencode(tmp_path) + b"/project/out/host/libvirt/\xff\x1b[31m\n::error::.xml"
    with open(name, "wb") as file:
        file.write(b"x")

    run = netwright("verify", "--no-repair", cwd=tmp_path / "project")

    assert run.status == 1
    assert "\x1b" not in run.stdout
    assert not any(line.startswith("::") for line in run.stdout.splitlines())
