"""Contents of OUT after a run, and what a second run leaves alone."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from netwright.files.artifact import Artifact, NodeFile, NodeTree
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source
from netwright.write import compare, generate
from tests.write.trees import building, messages, node_tree, snapshot, times, write


def test_files_lie_below_rootfs_and_artifacts_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "out"

    outcome = write(out, ("lb1",))

    assert sorted(path for path, file in snapshot(out).items() if file) == [
        "lb1/lb1.ign",
        "lb1/manifest.json",
        "lb1/rootfs/etc/hostname",
        "lb1/rootfs/etc/systemd/network/10-eth0.network",
        "lb1/rootfs/opt/bin/start",
    ]
    assert (outcome.nodes, outcome.files, outcome.written, outcome.changed) == (1, 5, 5, ())


def test_manifest_lists_digest_mode_and_owner(tmp_path: Path) -> None:
    tree = NodeTree(
        node="gw",
        files=(
            NodeFile(path="/etc/10.conf", content=b"b", mode=0o600),
            NodeFile(path="/etc/2.conf", content=b"a", owner="root:keys"),
        ),
        artifacts=(Artifact(path="gw.ign", content=b"{}"),),
    )

    generate(tmp_path / "out", ("gw",), lambda _: tree, fingerprint="")

    text = (tmp_path / "out/gw/manifest.json").read_text()
    assert json.loads(text) == {
        "node": "gw",
        "files": [
            {
                "path": "/etc/2.conf",
                "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
                "mode": "0644",
                "owner": "root:keys",
            },
            {
                "path": "/etc/10.conf",
                "sha256": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
                "mode": "0600",
                "owner": "root:root",
            },
        ],
        "artifacts": [{"path": "gw.ign", "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}],
    }
    assert text == json.dumps(json.loads(text), indent=2) + "\n"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777], ids=oct)
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "out", ("lb1",))
        kept = os.umask(umask)
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "out").rglob("*")}
    assert modes["start"] == 0o755
    assert {modes[name] for name in ("hostname", "10-eth0.network", "manifest.json", "lb1.ign")} == {0o644}
    assert {modes[name] for name in ("lb1", "rootfs", "etc", "network", "bin")} == {0o755}
    assert stat.S_IMODE((tmp_path / "out").lstat().st_mode) == 0o755
    assert kept == umask


def test_nothing_is_touched_when_nothing_differs(tmp_path: Path) -> None:
    out = tmp_path / "home" / "out"
    write(out)
    before = times(out)

    outcome = write(out)

    assert times(out) == before
    assert (outcome.written, outcome.pruned, outcome.files) == (0, (), 10)


def test_changed_node_is_written_and_the_rest_keeps_its_inodes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ("lb1", "lb2", "lb3"))
    before = times(out)

    outcome = write(out, ("lb1", "lb2", "lb3"), lb1="two", lb3="two")

    after = times(out)
    files = [path for path in map(str, out.rglob("*")) if os.path.isfile(path)]
    moved = {os.path.relpath(path, out) for path in files if after[path][:2] != before[path][:2]}
    assert moved == set(outcome.changed)
    assert outcome.changed == (
        "lb1/manifest.json",
        "lb1/rootfs/etc/systemd/network/10-eth0.network",
        "lb3/manifest.json",
        "lb3/rootfs/etc/systemd/network/10-eth0.network",
    )
    assert (outcome.added, outcome.pruned) == ((), ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("lb1", "lb2"), ("lb1", "lb2", "lb10")),
        (("lb1", "lb2"), ("lb2", "lb3", "lb4")),
        (("lb1", "lb2"), ("lb2",)),
        (("lb1",), ()),
        ((), ("lb1",)),
    ],
    ids=["add-one", "add-two-remove-one", "remove-one", "remove-all", "add-to-nothing"],
)
def test_nodes_come_and_go_with_exactly_their_own_files(
    tmp_path: Path, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    write(tmp_path / "out", before)

    outcome = write(tmp_path / "out", after)

    write(tmp_path / "fresh", after)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "fresh")
    assert {path.split("/")[0] for path in outcome.added} == set(after) - set(before)
    assert {path.split("/")[0] for path in outcome.pruned} == set(before) - set(after)
    assert outcome.changed == ()


def test_file_that_is_no_longer_generated_is_pruned_with_its_directory(tmp_path: Path) -> None:
    out = tmp_path / "out"
    extra = (NodeFile(path="/etc/old.d/x.conf", content=b"x"),)
    generate(out, ("lb1", "lb2"), lambda node: node_tree(node, extra=extra), fingerprint="")

    outcome = write(out)

    assert outcome.pruned == ("lb1/rootfs/etc/old.d/x.conf", "lb2/rootfs/etc/old.d/x.conf")
    assert not (out / "lb1/rootfs/etc/old.d").exists()


@pytest.mark.parametrize(
    ("old", "new"), [("/etc/a/b", "/etc/a"), ("/etc/a", "/etc/a/b")], ids=["file-for-folder", "folder-for-file"]
)
@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
def test_file_and_directory_take_each_others_place(tmp_path: Path, old: str, new: str, in_place: bool) -> None:
    out = tmp_path / "out"
    for path in (old, new):
        tree = node_tree("lb1", extra=(NodeFile(path=path, content=b"x"),))
        outcome = generate(out, ("lb1",), {"lb1": tree}.__getitem__, fingerprint=path, in_place=in_place)
        assert messages(outcome.report) == []

    assert (out / f"lb1/rootfs{new}").read_bytes() == b"x"
    assert not compare(out, ("lb1",), {"lb1": tree}.__getitem__).differs


def test_dry_run_tells_the_same_and_writes_nothing(tmp_path: Path, cache: Path) -> None:
    out = tmp_path / "home" / "out"
    write(out, ("lb1", "lb2"))
    before = times(out), times(cache)

    outcome = generate(out, ("lb2", "lb3"), building({"lb2": "two"}), fingerprint="x", dry_run=True)

    assert (times(out), times(cache)) == before
    real = generate(out, ("lb2", "lb3"), building({"lb2": "two"}), fingerprint="x")
    assert (outcome.added, outcome.changed, outcome.pruned) == (real.added, real.changed, real.pruned)


def test_dry_run_does_not_even_make_parents(tmp_path: Path) -> None:
    outcome = generate(tmp_path / "a/b/out", ("lb1",), building(), fingerprint="", dry_run=True)

    assert len(outcome.added) == 5
    assert not (tmp_path / "a").exists()


def test_error_in_any_tree_stops_everything(tmp_path: Path) -> None:
    source = Source(name="topology.yaml", text="nodes: {}\n")
    bad = Diagnostic(severity=Severity.ERROR, path=("nodes",), message="no", rule="r")
    worry = Diagnostic(severity=Severity.WARNING, path=("nodes",), message="hm", rule="r")
    reports = {"lb1": Report.about(source, [worry]), "lb2": Report.about(source, [bad])}

    outcome = generate(
        tmp_path / "out", ("lb1", "lb2"), lambda node: node_tree(node, report=reports[node]), fingerprint="", workers=2
    )

    assert messages(outcome.report) == [
        "topology.yaml:1:8: error: nodes: no",
        "topology.yaml:1:8: warning: nodes: hm",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("texts", [{}, {"n7": "two"}, {"n1": "two", "n40": "three"}], ids=["none", "one", "two"])
def test_number_of_workers_changes_no_byte_and_no_count(tmp_path: Path, texts: dict[str, str]) -> None:
    nodes = tuple(f"n{number}" for number in range(1, 51))
    outcomes = {}
    for workers in (1, 2, 3):
        out = tmp_path / str(workers)
        generate(out, nodes, building(), fingerprint="", workers=workers)
        outcomes[workers] = generate(out, nodes[:-1], building(texts), fingerprint="2", workers=workers)

    assert outcomes[1] == outcomes[2] == outcomes[3]
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2") == snapshot(tmp_path / "3")


def test_checkout_by_git_is_as_good_as_what_was_generated(tmp_path: Path) -> None:
    out = tmp_path / "repository" / "out"
    nodes = ("lb1", "lb2", "lb3")
    write(out, nodes)
    git = ["git", "-C", str(out.parent), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    shutil.rmtree(out)
    umask = os.umask(0o027)
    subprocess.run([*git, "checkout", "-q", "."], check=True)
    os.umask(umask)
    before = times(out)

    unchanged = write(out, nodes)
    after = times(out)
    changed = write(out, nodes, lb2="two", lb1="two")

    assert unchanged.written == 0
    assert after == before
    assert changed.written == 4
    assert {(out / node / "rootfs/etc/hostname").stat().st_mode & 0o777 for node in nodes} == {0o644}


def test_executable_bit_that_got_lost_is_restored(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out)
    (out / "lb1/rootfs/opt/bin/start").chmod(0o644)

    outcome = write(out)

    assert outcome.changed == ("lb1/rootfs/opt/bin/start",)
    assert stat.S_IMODE((out / "lb1/rootfs/opt/bin/start").stat().st_mode) == 0o755


def test_progress_counts_every_node_once(tmp_path: Path) -> None:
    nodes = tuple(f"n{number}" for number in range(250))
    write(tmp_path / "out", ("gone1", "gone2"))
    heard: list[int] = []

    generate(tmp_path / "out", nodes, building(), fingerprint="", workers=2, progress=heard.append)

    assert sum(heard) == 250


@pytest.mark.parametrize(
    "tree",
    [
        NodeTree(node="n", files=(NodeFile(path="/etc/../../x", content=b""),), artifacts=()),
        NodeTree(node="n", files=(NodeFile(path="etc/x", content=b""),), artifacts=()),
        NodeTree(node="n", files=(), artifacts=(Artifact(path="../x", content=b""),)),
        NodeTree(node="n", files=(), artifacts=(Artifact(path="/x", content=b""),)),
        NodeTree(node="n", files=(), artifacts=(Artifact(path="rootfs/x", content=b""),)),
        NodeTree(node="n", files=(), artifacts=(Artifact(path="manifest.json", content=b""),)),
        NodeTree(node="n", files=(NodeFile(path="/a", content=b""), NodeFile(path="/a/b", content=b"")), artifacts=()),
        NodeTree(node="n", files=(NodeFile(path="/a", content=b""), NodeFile(path="/a", content=b"")), artifacts=()),
    ],
    ids=["dots", "relative", "dots-beside", "absolute-beside", "in-rootfs", "manifest", "below-a-file", "twice"],
)
def test_tree_without_a_layout_is_a_bug_of_ours(tmp_path: Path, tree: NodeTree) -> None:
    with pytest.raises(ValueError, match=r"."):
        generate(tmp_path / "out", ("n",), lambda _: tree, fingerprint="")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("node", ["..", ".", "", "a/b", "/"])
def test_node_that_names_no_folder_is_a_bug_of_ours(tmp_path: Path, node: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a folder"):
        generate(tmp_path / "out", (node,), node_tree, fingerprint="")

    assert list(tmp_path.iterdir()) == []


def test_tree_of_another_node_is_a_bug_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the tree of lb2 was built for lb1"):
        generate(tmp_path / "out", ("lb1",), lambda _: node_tree("lb2"), fingerprint="")


def test_mode_and_owner_of_out_and_of_foreign_directories_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out)
    (out / "notes").mkdir()
    for path, mode, owner in ((out, 0o700, 1234), (out / "notes", 0o750, 4321)):
        path.chmod(mode)
        os.chown(path, owner, owner)

    write(out, lb1="two", lb2="two")

    looks = [(path.stat().st_mode & 0o777, path.stat().st_uid) for path in (out, out / "notes")]
    assert looks == [(0o700, 1234), (0o750, 4321)]


@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
@pytest.mark.parametrize("killed", ["while-writing", "and-finished-later"])
def test_directories_that_a_killed_run_left_closed_are_opened(tmp_path: Path, killed: str, in_place: bool) -> None:
    """Older releases made them with 0700 in place and gave them their mode in a second step."""
    out = tmp_path / "out"
    write(out)
    closed = [out / "lb1", out / "lb1/rootfs/etc", out / "lb2/rootfs/etc/systemd/network"]
    if killed == "while-writing":
        shutil.rmtree(out / "lb1/rootfs/etc/systemd")
        (out / "lb1/rootfs/etc/hostname").unlink()
    for folder in closed:
        folder.chmod(0o700)

    outcome = generate(out, ("lb1", "lb2"), building(), fingerprint="2", in_place=in_place, force=True)

    assert messages(outcome.report) == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_dir()} == {0o755}
    assert outcome.written == (2 if killed == "while-writing" else 0)


def test_directories_closed_by_the_umask_of_a_checkout_stay_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out)
    for path in out.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)

    write(out)

    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_dir()} == {0o700}
