"""What is known to be as generated is not read again, and nothing that happens to it stays unseen."""

import json
import os
import shutil
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from netwright.files.artifact import NodeTree
from netwright.write import Changes, Differences, compare, generate
from netwright.write.index import read_index
from netwright.write.place import hold
from netwright.write.stamps import take_stamps
from netwright.write.verdict import NodeChanges
from tests.write.disturbances import DISTURBANCES, HOSTNAME, rewrite
from tests.write.faulty import Run, Runner
from tests.write.trees import building, messages, node_tree

NODES = ("lb1", "lb2", "lb3")


def write_indexed(out: Path, fingerprint: str = "same") -> None:
    """Generate OUT, and leave an index: time stamps count only when they are older than a tick of the clock."""
    for _ in range(2):
        outcome = generate(out, NODES, building(), fingerprint=fingerprint)
        assert outcome.report.errors == 0
        time.sleep(0.05)


def change_one(out: Path) -> Changes:
    """Generate OUT with another text for lb2."""
    return generate(out, NODES, building({"lb2": "two"}), fingerprint="other")


def foresee_change(out: Path) -> tuple[object, ...]:
    """Return what that would write and print."""
    outcome = generate(out, NODES, building({"lb2": "two"}), fingerprint="other", dry_run=True)
    return outcome.added, outcome.changed, outcome.pruned, messages(outcome.report)


def never(node: str) -> NodeTree:
    """A build that nobody should ask for."""
    raise AssertionError(f"{node} was built")


def test_of_a_change_of_one_node_only_its_files_are_read_and_written(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)

    with Runner() as runner:
        traced = runner.trace(Run(scenario="one-node", out=out), tmp_path / "log", "openat,linkat")

    touched = [line for _, line in traced if any(f"{node}/" in line for node in NODES)]
    assert touched
    assert [line for line in touched if "lb2/" not in line] == []
    assert "Name=two" in (out / "lb2/rootfs/etc/systemd/network/10-eth0.network").read_text()


@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_change_of_another_node_hides_nothing(tmp_path: Path, cache: Path, disturb: Callable[[Path], None]) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)
    undisturbed = foresee_change(out)

    disturb(out)

    foreseen = foresee_change(out)
    shutil.rmtree(cache)
    assert foreseen == foresee_change(out)
    assert foreseen != undisturbed


def _check(out: Path, fingerprint: str | None = "same") -> Differences:
    return compare(out, NODES, building(), fingerprint=fingerprint)


def test_check_of_what_is_as_the_last_run_left_it_builds_nothing(tmp_path: Path) -> None:
    write_indexed(tmp_path / "home/out")

    comparison = compare(tmp_path / "home/out", NODES, never, fingerprint="same")

    assert comparison == _check(tmp_path / "home/out", None)
    assert (comparison.differs, comparison.nodes, comparison.files) == (False, 3, 15)


@pytest.mark.parametrize("fingerprint", ["same", "other", None])
@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_check_finds_the_same_with_and_without_an_index(
    tmp_path: Path, cache: Path, disturb: Callable[[Path], None], fingerprint: str | None
) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)

    disturb(out)

    known = _check(out, fingerprint)
    shutil.rmtree(cache)
    assert known == _check(out, fingerprint)
    assert known.differs


def test_check_builds_for_other_inputs(tmp_path: Path) -> None:
    write_indexed(tmp_path / "home/out")

    comparison = compare(tmp_path / "home/out", NODES, building({"lb2": "two"}), fingerprint="other")

    assert {difference.node for difference in comparison.differences} == {"lb2"}


def _add_foreign_file(out: Path) -> None:
    (out / "lb1/rootfs/etc/mine").write_text("")


def _add_foreign_folder(out: Path) -> None:
    (out / "lb1/mine").mkdir()
    (out / "lb1/mine/file").write_text("")


@pytest.mark.parametrize("add", [_add_foreign_file, _add_foreign_folder])
@pytest.mark.parametrize("fingerprint", ["same", "other"])
def test_foreign_files_are_found_every_time(tmp_path: Path, add: Callable[[Path], None], fingerprint: str) -> None:
    write_indexed(tmp_path / "home/out")
    add(tmp_path / "home/out")
    write_indexed(tmp_path / "home/out")

    assert [str(found.kind) for found in _check(tmp_path / "home/out", fingerprint).differences] == ["foreign"]


def test_link_that_came_into_a_foreign_directory_beside_the_nodes_is_found(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)
    (out / "mine").mkdir()
    write_indexed(out)
    assert not _check(out).differs

    (out / "mine/link").symlink_to("/")

    assert [difference.path for difference in _check(out).differences] == ["mine/link"]


@pytest.mark.parametrize("texts", [{}, {"lb3": "two"}], ids=["nothing-changed", "one-node-changed"])
def test_edit_while_a_run_is_at_work_is_found_by_the_next(tmp_path: Path, texts: dict[str, str]) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)

    def build(node: str) -> NodeTree:
        if node == "lb3":
            rewrite(out / HOSTNAME, b"lb9\n")
            time.sleep(0.05)
        return node_tree(node, texts.get(node, "one"))

    (tmp_path / "home/out/lb1").touch()  # so that lb1 is read, and found to be as generated
    assert messages(generate(out, NODES, build, fingerprint="other").report) == []

    again = generate(out, NODES, building(texts), fingerprint="other")
    assert len(messages(again.report)) == 1
    assert f"{HOSTNAME}: error: edited by hand" in messages(again.report)[0]


@pytest.mark.parametrize("change", [{"version": 1}, {"version": 99}, {"out": "/elsewhere"}], ids=str)
def test_index_of_another_kind_or_place_is_not_trusted(tmp_path: Path, cache: Path, change: dict[str, object]) -> None:
    write_indexed(tmp_path / "home/out")
    (path,) = (cache / "netwright").iterdir()
    head, body = path.read_bytes()[:-32].split(b"\n", 1)
    with hold(tmp_path / "home/out", writing=False) as place:
        assert tuple(read_index(place).nodes) == NODES

        content = json.dumps(json.loads(head) | change).encode() + b"\n" + body
        path.write_bytes(content + sha256(content).digest())

        assert not read_index(place).nodes


def test_other_tree_is_written_although_the_files_look_as_they_did(tmp_path: Path) -> None:
    write_indexed(tmp_path / "home/out")

    outcome = change_one(tmp_path / "home/out")

    assert sorted(outcome.changed) == ["lb2/manifest.json", "lb2/rootfs/etc/systemd/network/10-eth0.network"]
    assert not compare(tmp_path / "home/out", NODES, building({"lb2": "two"})).differs


def test_node_that_is_not_generated_any_more_is_removed_although_it_looks_as_it_did(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)
    _add_foreign_file(out)
    write_indexed(out)

    outcome = generate(out, NODES[1:], building(), fingerprint="other")

    assert len(outcome.pruned) == 5


def test_after_a_change_of_several_nodes_the_exchanged_directory_is_known(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write_indexed(out)

    for _ in range(2):
        time.sleep(0.05)
        generate(out, NODES, building({"lb1": "two", "lb2": "two"}), fingerprint="other")

    assert generate(out, NODES, never, fingerprint="other").files == 15


def test_one_wrong_byte_makes_an_index_worthless(tmp_path: Path, cache: Path) -> None:
    write_indexed(tmp_path / "home/out")
    (path,) = (cache / "netwright").iterdir()
    content = path.read_bytes()

    path.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])

    with hold(tmp_path / "home/out", writing=False) as place:
        assert not read_index(place).nodes


def test_files_that_changed_after_a_run_are_not_its_own(tmp_path: Path) -> None:
    write_indexed(tmp_path / "home/out")
    verdict = NodeChanges(node="lb1", paths=("manifest.json", "rootfs/etc/hostname"))
    fd = os.open(tmp_path / "home/out", os.O_RDONLY)
    changed = os.lstat(tmp_path / "home/out" / HOSTNAME).st_ctime_ns

    own = [stamps for _, batch in take_stamps(fd, [verdict], done=changed) for stamps in batch]
    others = [stamps for _, batch in take_stamps(fd, [verdict], done=changed - 1) for stamps in batch]
    os.close(fd)

    assert ([stamps.node for stamps in own], others) == (["lb1"], [])
