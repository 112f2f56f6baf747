"""The index spares work, and never hides a change."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.files.artifact import NodeTree
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Position, Source
from netwright.write import Changes, generate
from netwright.write.stamps import take_stamps
from netwright.write.verdict import NodeChanges
from tests.write.disturbances import DISTURBANCES, HOSTNAME, rewrite
from tests.write.trees import building, messages, node_tree

NODES = ("lb1", "lb2")


def write_indexed(out: Path, build: Callable[[str], NodeTree] | None = None) -> Changes:
    """Generate OUT, and leave an index: time stamps count only when they are older than a tick of the clock."""
    build = build or building()
    generate(out, NODES, build, fingerprint="same")
    time.sleep(0.05)
    return generate(out, NODES, build, fingerprint="same")


def never(node: str) -> NodeTree:
    """A build that nobody should ask for."""
    raise AssertionError(f"{node} was built")


def is_built(out: Path, fingerprint: str = "same") -> bool:
    """Return whether generating again builds any tree."""
    built: list[str] = []

    def build(node: str) -> NodeTree:
        built.append(node)
        return node_tree(node)

    generate(out, NODES, build, fingerprint=fingerprint, dry_run=True)
    return bool(built)


@pytest.mark.parametrize("dry_run", [False, True], ids=["write", "dry-run"])
def test_nothing_is_built_when_nothing_differs(tmp_path: Path, dry_run: bool) -> None:
    first = write_indexed(tmp_path / "out")

    again = generate(tmp_path / "out", NODES, never, fingerprint="same", dry_run=dry_run)

    assert again == first


def test_warnings_are_repeated_without_building(tmp_path: Path) -> None:
    source = Source(name="lb.bu", text="a: 1\nb: 2\n")
    report = Report.about(
        source,
        [
            Diagnostic(severity=Severity.WARNING, path=("b",), message="hm", rule="r", related=(("a",),), on_key=True),
            Diagnostic(
                severity=Severity.WARNING, path=("x", 3), message="ho", rule="r", position=Position(line=2, column=2)
            ),
        ],
    )
    first = write_indexed(tmp_path / "out", lambda node: node_tree(node, report=report))

    again = generate(tmp_path / "out", NODES, never, fingerprint="same")

    assert messages(first.report) == ["lb.bu:2:1: warning: b: hm", "lb.bu:2:2: warning: x[3]: ho"]
    assert messages(again.report) == messages(first.report)
    assert [finding.related for finding in again.report.findings()] == [f.related for f in first.report.findings()]


def test_other_inputs_are_built(tmp_path: Path) -> None:
    write_indexed(tmp_path / "out")

    assert is_built(tmp_path / "out", "other")


@pytest.mark.parametrize(
    "disturb",
    [
        *DISTURBANCES,
        pytest.param(lambda out: (out / "mine").mkdir(), id="foreign-directory"),
    ],
)
def test_any_change_of_out_is_seen(tmp_path: Path, disturb: Callable[[Path], None]) -> None:
    write_indexed(tmp_path / "out")

    disturb(tmp_path / "out")

    assert is_built(tmp_path / "out")


def test_change_within_the_same_tick_as_the_run_is_seen(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(30):
        generate(out, NODES, building(), fingerprint=str(number), force=True)

        rewrite(out / HOSTNAME, b"lb9\n")

        assert is_built(out, str(number))


def test_nodes_that_changed_a_moment_ago_get_no_stamps_and_are_not_forgotten(tmp_path: Path) -> None:
    write_indexed(tmp_path / "out")
    verdicts = [NodeChanges(node=node, paths=("manifest.json",)) for node in NODES]
    fd = os.open(tmp_path / "out", os.O_RDONLY)

    now = time.time_ns()
    settled = list(take_stamps(fd, verdicts, done=now))
    os.utime(tmp_path / "out/lb2", times=(time.time() + 60,) * 2)
    fresh = list(take_stamps(fd, verdicts, done=now))
    os.close(fd)

    assert [(count, [stamp.node for stamp in stamps]) for count, stamps in settled] == [(2, ["lb1", "lb2"]), (0, [])]
    assert [(count, [stamp.node for stamp in stamps]) for count, stamps in fresh] == [(2, ["lb1"]), (0, [])]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:0], id="empty"),
        pytest.param(lambda content: content[:-1], id="cut"),
        pytest.param(lambda content: content[:40] + b"x" + content[41:], id="one-byte"),
        pytest.param(lambda content: b"\0" * len(content), id="zeros"),
    ],
)
def test_broken_index_is_only_slower(tmp_path: Path, cache: Path, spoil: Callable[[bytes], bytes]) -> None:
    first = write_indexed(tmp_path / "out")
    (index,) = (cache / "netwright").iterdir()
    index.write_bytes(spoil(index.read_bytes()))

    again = generate(tmp_path / "out", NODES, building(), fingerprint="same")

    assert again == first


@pytest.mark.parametrize("setting", ["file", "relative", "missing-home"])
def test_cache_that_cannot_be_written_is_only_slower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setenv("XDG_CACHE_HOME", {"file": str(tmp_path / "file"), "relative": "x"}.get(setting, ""))

    outcome = write_indexed(tmp_path / "out")

    assert messages(outcome.report) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_index_of_one_directory_says_nothing_of_another(tmp_path: Path) -> None:
    write_indexed(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "other")

    assert is_built(tmp_path / "other")
    assert is_built(tmp_path / "out")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755], ids=oct)
def test_cache_that_others_may_enter_is_not_believed(tmp_path: Path, cache: Path, mode: int) -> None:
    write_indexed(tmp_path / "out")
    assert not is_built(tmp_path / "out")
    (cache / "netwright").chmod(mode)

    assert is_built(tmp_path / "out")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("below", ["", "*.index"], ids=["folder", "file"])
def test_cache_of_another_user_is_not_believed(tmp_path: Path, cache: Path, below: str) -> None:
    write_indexed(tmp_path / "out")
    for path in (cache / "netwright").glob(below) if below else [cache / "netwright"]:
        os.chown(path, 12345, 12345)

    assert is_built(tmp_path / "out")


def link(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


@pytest.mark.parametrize("replace", [lambda path: path.chmod(0o666), link], ids=["mode", "link"])
def test_index_that_is_not_ours_alone_is_not_believed(
    tmp_path: Path, cache: Path, replace: Callable[[Path], None]
) -> None:
    write_indexed(tmp_path / "out")
    (index,) = (cache / "netwright").glob("*.index")
    replace(index)

    assert is_built(tmp_path / "out")


def test_index_is_read_as_far_as_one_can_be_long(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_indexed(tmp_path / "out")
    monkeypatch.setattr("netwright.write.index._LARGEST", 10)

    assert is_built(tmp_path / "out")


def test_indexes_that_were_not_written_for_long_are_removed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwright.write.index._MOST_OTHERS", 2)
    for number in range(5):
        write_indexed(tmp_path / f"out{number}")

    assert len(list((cache / "netwright").glob("*.index"))) == 3
    assert [is_built(tmp_path / f"out{number}") for number in range(5)] == [True, True, False, False, False]


def test_indexes_have_a_size_together(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.write.index._LARGEST_OTHERS", 10)
    for number in range(3):
        write_indexed(tmp_path / f"out{number}")

    assert len(list((cache / "netwright").glob("*.index"))) == 1
