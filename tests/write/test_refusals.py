"""What is the user's is neither overwritten nor deleted nor followed, unless they say so."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.files.artifact import NodeFile
from netwright.write import generate
from tests.write.trees import building, messages, node_tree, snapshot, write

HOSTNAME = "lb1/rootfs/etc/hostname"
NETWORK = "lb1/rootfs/etc/systemd/network/10-eth0.network"


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generated OUT of two nodes, named by the relative path `out`."""
    monkeypatch.chdir(tmp_path)
    write(Path("out"))
    return Path("out")


def test_hand_edited_files_are_all_named_and_none_is_overwritten(out: Path) -> None:
    (out / HOSTNAME).write_text("mine\n")
    (out / NETWORK).write_text("mine\n")
    before = snapshot(out.absolute().parent)

    outcome = generate(out, ("lb1", "lb2"), building({"lb1": "two", "lb2": "two"}), fingerprint="2")

    why = "edited by hand since it was generated; move the change into the topology, or pass --force to lose it"
    assert messages(outcome.report) == [f"out/{HOSTNAME}: error: {why}", f"out/{NETWORK}: error: {why}"]
    assert snapshot(out.absolute().parent) == before


@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
def test_force_overwrites_what_was_edited(out: Path, in_place: bool) -> None:
    (out / HOSTNAME).write_text("mine\n")

    outcome = generate(out, ("lb1", "lb2"), building(), fingerprint="2", force=True, in_place=in_place)

    assert messages(outcome.report) == []
    assert outcome.changed == (HOSTNAME,)
    assert (out / HOSTNAME).read_text() == "lb1\n"


def test_edit_that_is_what_the_topology_now_says_is_no_edit(out: Path) -> None:
    (out / NETWORK).write_text("[Match]\nName=two\n")

    outcome = generate(out, ("lb1", "lb2"), building({"lb1": "two"}), fingerprint="2")

    assert messages(outcome.report) == []
    assert outcome.changed == ("lb1/manifest.json",)


def test_edited_file_that_is_no_longer_generated_is_not_deleted(out: Path) -> None:
    (out / HOSTNAME).write_text("mine\n")

    outcome = generate(out, ("lb2",), building(), fingerprint="2")

    why = "edited by hand since it was generated, and no longer generated; move it, or pass --force to delete it"
    assert messages(outcome.report) == [f"out/{HOSTNAME}: error: {why}"]
    assert (out / HOSTNAME).read_text() == "mine\n"


def test_file_deleted_by_hand_is_written_again(out: Path) -> None:
    (out / HOSTNAME).unlink()

    outcome = generate(out, ("lb1", "lb2"), building(), fingerprint="2")

    assert outcome.added == (HOSTNAME,)
    assert (out / HOSTNAME).read_text() == "lb1\n"


def test_foreign_file_in_the_way_is_refused_and_replaced_by_force(out: Path) -> None:
    (out / "lb3/rootfs/etc").mkdir(parents=True)
    (out / "lb3/rootfs/etc/hostname").write_text("mine\n")
    nodes = ("lb1", "lb2", "lb3")

    refused = generate(out, nodes, building(), fingerprint="2")
    kept = (out / "lb3/rootfs/etc/hostname").read_text()
    forced = generate(out, nodes, building(), fingerprint="2", force=True)

    why = "not written by netwright, and in the way of a generated file; move it, or pass --force to replace it"
    assert messages(refused.report) == [f"out/lb3/rootfs/etc/hostname: error: {why}"]
    assert kept == "mine\n"
    assert messages(forced.report) == []
    assert (out / "lb3/rootfs/etc/hostname").read_text() == "lb3\n"


@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
def test_foreign_file_where_a_directory_is_needed_is_replaced_only_by_force(out: Path, in_place: bool) -> None:
    (out / "lb3").mkdir()
    (out / "lb3/rootfs").write_text("mine\n")
    nodes = ("lb1", "lb2", "lb3")

    refused = generate(out, nodes, building(), fingerprint="2", in_place=in_place)
    forced = generate(out, nodes, building(), fingerprint="2", in_place=in_place, force=True)

    assert [message.split(":")[0] for message in messages(refused.report)] == ["out/lb3/rootfs"]
    assert messages(forced.report) == []
    assert (out / "lb3/rootfs/etc/hostname").read_text() == "lb3\n"


@pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
def test_directory_of_foreign_files_where_a_file_is_needed_is_never_replaced(out: Path, force: bool) -> None:
    (out / "lb1/rootfs/etc/motd").mkdir()
    (out / "lb1/rootfs/etc/motd/mine").write_text("mine\n")
    motd = (NodeFile(path="/etc/motd", content=b""),)

    outcome = generate(out, ("lb1", "lb2"), lambda node: node_tree(node, extra=motd), fingerprint="2", force=force)

    why = "a directory with files that netwright did not write, where a file is generated; move it away"
    assert messages(outcome.report) == [
        f"out/lb1/rootfs/etc/motd: error: {why}",
        "out/lb1/rootfs/etc/motd/mine: warning: not written by netwright, and kept; remove it if it is not needed",
    ]
    assert (out / "lb1/rootfs/etc/motd/mine").read_text() == "mine\n"


@pytest.mark.parametrize("nodes", [("lb1", "lb2"), ("lb2",), ("lb1", "lb2", "lb3")], ids=["same", "fewer", "more"])
@pytest.mark.parametrize("texts", [{}, {"lb2": "two"}], ids=["as-before", "changed"])
@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
def test_foreign_files_that_are_not_in_the_way_are_kept_as_they_are(
    out: Path, nodes: tuple[str, ...], texts: dict[str, str], in_place: bool
) -> None:
    mine = ["README.md", "notes/deep/x", "lb1/rootfs/etc/mine.d/x", "lb1/mine", "lb2/rootfs/etc/mine"]
    for name in mine:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(name)
        (out / name).chmod(0o640)
    (out / "notes").chmod(0o700)
    (out / "lb1/rootfs/etc/mine.d").chmod(0o750)
    (out / "lb1/rootfs/empty").mkdir()
    os.mkfifo(out / "lb2/pipe")
    before = {name: (out / name).lstat() for name in (*mine, "lb2/pipe")}

    outcome = generate(out, nodes, building(texts), fingerprint="2", in_place=in_place)

    assert outcome.report.errors == 0
    for name, status in before.items():
        now = (out / name).lstat()
        assert (now.st_ino, now.st_mtime_ns, now.st_mode) == (status.st_ino, status.st_mtime_ns, status.st_mode)
    assert (out / "notes").stat().st_mode & 0o777 == 0o700
    assert (out / "lb1/rootfs/etc/mine.d").stat().st_mode & 0o777 == 0o750
    assert (out / "lb1/rootfs/empty").is_dir()


def test_foreign_file_among_a_nodes_is_warned_of(out: Path) -> None:
    (out / "lb1/rootfs/etc/mine").write_text("x")
    (out / "README.md").write_text("x")

    outcome = generate(out, ("lb1", "lb2"), building(), fingerprint="2")

    assert messages(outcome.report) == [
        "out/lb1/rootfs/etc/mine: warning: not written by netwright, and kept; remove it if it is not needed"
    ]


@pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
@pytest.mark.parametrize(
    "name",
    ["link", "lb1", "lb1/rootfs", "lb1/rootfs/etc", HOSTNAME, "lb1/manifest.json", "notes/link", "old/manifest.json"],
)
def test_symbolic_links_are_refused_and_what_they_lead_to_is_untouched(
    out: Path, tmp_path: Path, name: str, force: bool, in_place: bool
) -> None:
    link = out / name
    link.parent.mkdir(exist_ok=True)
    target = tmp_path / "elsewhere"
    if link.exists():
        link.rename(target)
    else:
        target.write_text("mine\n")
    link.symlink_to(target)
    before = snapshot(tmp_path)

    outcome = generate(out, ("lb1", "lb2"), building({"lb1": "two"}), fingerprint="2", force=force, in_place=in_place)

    assert f"out/{name}: error: is a symbolic link, and none is followed here; put what it points to in its place" in (
        messages(outcome.report)
    )
    assert snapshot(tmp_path) == before
    assert link.is_symlink()


def test_out_itself_may_not_be_a_symbolic_link_but_its_parents_may(out: Path, tmp_path: Path) -> None:
    (tmp_path / "parent").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(out)

    through_parent = generate(tmp_path / "parent/out", ("lb1",), building(), fingerprint="2")
    through_link = generate(Path("link"), ("lb1", "lb2"), building(), fingerprint="2")

    assert len(through_parent.pruned) == 5
    assert messages(through_link.report) == [
        "link: error: is a symbolic link, and none is followed here; name the directory it points to"
    ]
    assert not (out / "lb2").exists()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("file", "file: error: is not a directory; name one to write the nodes' folders into"),
        ("/", "/: error: is the root directory; name a directory to write the nodes' folders into"),
        (".", ".: error: holds the current directory; run this from outside of it, or pass --in-place to rename "),
        ("file/out", "file/out: error: can't be opened: Not a directory"),
        ("out/lb1", "out/lb1: error: is the folder of node lb1; name the directory that holds all nodes' folders"),
        ("out/lb1/rootfs/etc", "out/lb1/rootfs/etc: error: lies in the folder of node lb1; name the directory that "),
    ],
)
def test_out_must_be_a_directory_that_can_be_exchanged(out: Path, where: str, message: str) -> None:
    Path("file").write_text("mine\n")

    outcome = generate(Path(where), ("lb1",), building(), fingerprint="")

    assert [title[: len(message)] for title in messages(outcome.report)] == [message]


@pytest.mark.parametrize("where", ["out", "/"], ids=["relative", "absolute"])
def test_current_directory_that_is_gone_matters_only_to_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    outcome = generate(tmp_path / "out" if where == "/" else Path(where), ("lb1",), building(), fingerprint="")

    told = "out: error: can't be found from a current directory that is gone: No such file or directory"
    assert messages(outcome.report) == ([] if where == "/" else [told])


def test_node_whose_folder_is_a_file_is_refused(out: Path) -> None:
    (out / "lb3").write_text("mine\n")

    outcome = generate(out, ("lb1", "lb2", "lb3"), building(), fingerprint="", force=True)

    assert messages(outcome.report) == [
        "out/lb3: error: is not a directory, but a node's files belong there; move it away"
    ]


def _entry(**changed: object) -> Callable[[dict[str, list[dict[str, object]]]], None]:
    return lambda manifest: manifest["files"][0].update(changed)


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (_entry(path="/../../../precious"), "files[0].path leads out of the node's folder"),
        (_entry(path="/etc/../../../../precious"), "files[0].path leads out of the node's folder"),
        (_entry(path="etc/hostname"), "files[0].path leads out of the node's folder"),
        (_entry(path="//etc/hostname"), "files[0].path leads out of the node's folder"),
        (_entry(path="/etc/host\0name"), "files[0].path leads out of the node's folder"),
        (_entry(path=7), "files[0].path leads out of the node's folder"),
        (_entry(path="/opt/bin/start"), "files[2] lists /opt/bin/start once more"),
        (_entry(sha256="0"), "files[0].sha256 is not a SHA-256"),
        (lambda m: m["artifacts"][0].update(path="/etc/passwd"), "artifacts[0].path leads out of the node's folder"),
        (lambda m: m["artifacts"][0].update(path="../lb2/lb2.ign"), "artifacts[0].path leads out of the node's folder"),
        (lambda m: m["artifacts"][0].update(path="manifest.json"), "artifacts[0] lists manifest.json once more"),
        (lambda m: m["files"].append("x"), "files[3] is not an object"),
        (lambda m: m.update(files={}), 'its "files" is not a list'),
        (lambda m: m.update(node="lb2"), 'its "node" is not "lb1"'),
    ],
)
def test_tampered_manifest_is_refused_and_nothing_in_it_is_believed(
    out: Path, tmp_path: Path, tamper: Callable[[object], None], reason: str
) -> None:
    (tmp_path / "precious").write_text("mine\n")
    path = out / "lb1/manifest.json"
    manifest = json.loads(path.read_text())
    tamper(manifest)
    path.write_text(json.dumps(manifest))
    before = snapshot(tmp_path)

    outcome = generate(out, ("lb2",), building(), fingerprint="2")

    assert messages(outcome.report)[0] == (
        f"out/lb1/manifest.json: error: is not a manifest that netwright wrote ({reason}); "
        "restore it, or pass --force to write it again"
    )
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"<<<<<<< HEAD\n", b"[" * 100_000, b"1" * 5000], ids=range(7)
)
def test_broken_manifest_is_refused_and_written_anew_by_force(out: Path, content: bytes) -> None:
    (out / "lb1/manifest.json").write_bytes(content)

    refused = generate(out, ("lb1", "lb2"), building({"lb2": "two"}), fingerprint="2")
    forced = generate(out, ("lb1", "lb2"), building({"lb2": "two"}), fingerprint="2", force=True)

    assert [message.split(" (")[0] for message in messages(refused.report)] == [
        "out/lb1/manifest.json: error: is not a manifest that netwright wrote"
    ]
    assert messages(forced.report) == []
    assert forced.changed == ("lb1/manifest.json", "lb2/manifest.json", NETWORK.replace("lb1", "lb2"))


@pytest.mark.parametrize("size", [64 << 20, 20 << 30], ids=["64-MiB", "20-GiB"])
def test_huge_manifest_is_refused_unread(out: Path, size: int) -> None:
    with (out / "lb1/manifest.json").open("ab") as manifest:
        manifest.truncate(size + 1)

    refused = generate(out, ("lb1", "lb2"), building(), fingerprint="2")
    forced = generate(out, ("lb1", "lb2"), building(), fingerprint="2", force=True)

    assert messages(refused.report)[0].startswith(
        "out/lb1/manifest.json: error: is not a manifest that netwright wrote "
        "(it is larger than 64 MiB, the most that is read); restore it"
    )
    assert "lb1/manifest.json" in forced.changed


def test_huge_file_is_refused_unread(out: Path) -> None:
    with (out / HOSTNAME).open("ab") as file:
        file.truncate(20 << 30)

    refused = generate(out, ("lb1", "lb2"), building(), fingerprint="2")
    gone = generate(out, ("lb2",), building(), fingerprint="3")
    forced = generate(out, ("lb1", "lb2"), building(), fingerprint="4", force=True)

    message = (
        f"out/{HOSTNAME}: error: is larger than 64 MiB, the most that is read; move it away, or pass --force to lose it"
    )
    assert messages(refused.report) == messages(gone.report) == [message]
    assert forced.changed == (HOSTNAME,)


def test_deleted_manifest_makes_changed_files_foreign_and_same_ones_ours(out: Path) -> None:
    (out / "lb1/manifest.json").unlink()

    same = generate(out, ("lb1", "lb2"), building(), fingerprint="2")
    (out / "lb1/manifest.json").unlink()
    changed = generate(out, ("lb1", "lb2"), building({"lb1": "two"}), fingerprint="3")

    assert same.added == ("lb1/manifest.json",)
    assert [message.split(":")[0] for message in messages(changed.report)] == [f"out/{NETWORK}"]
