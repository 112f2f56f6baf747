"""Whatever fails while OUT is written, it is wholly as it was or wholly as it should be, and the next run works."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.write.faulty import SCENARIOS, TRACEBACK, Run, Runner
from tests.write.trees import Files, snapshot, write

EVERY = 23
"""One in so many system calls gets a fault; 1 sweeps them all, which takes ten minutes."""

FAULTS = {
    "SIGKILL": "signal=SIGKILL",
    "ENOSPC": "error=ENOSPC",
    "EIO": "error=EIO",
    "EINTR": "error=EINTR",
}


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """The process that forks the runs."""
    with Runner() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with an OUT of three nodes and some foreign files, to start from."""
    write(tmp_path / "home/out", ("lb1", "lb2", "lb3"))
    (tmp_path / "home/out/README.md").write_text("mine\n")
    (tmp_path / "home/out/lb2/mine").write_text("mine\n")
    return tmp_path / "home"


def _renew(run: Run, home: Path) -> Files:
    """OUT as it was before the run."""
    shutil.rmtree(run.out.parent, ignore_errors=True)
    if run.scenario == "fresh":
        run.out.parent.mkdir()
    else:
        shutil.copytree(home, run.out.parent, symlinks=True)
    return snapshot(run.out)


def _points(calls: Mapping[str, int], seed: str) -> Iterator[tuple[str, int]]:
    """The system calls that get a fault, and which of them; every test takes others."""
    for call, count in sorted(calls.items()):
        for number in range(1 + sum(map(ord, call + seed)) % EVERY, count + 1, EVERY):
            yield call, number


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_out_is_old_or_new_and_never_a_mixture(
    tmp_path: Path, home: Path, runner: Runner, scenario: str, fault: str
) -> None:
    run = Run(scenario=scenario, out=tmp_path / "run/out")
    _renew(run, home)
    calls = runner.count_calls(run, tmp_path / "log")
    new = snapshot(run.out)

    wrong = []
    for call, number in _points(calls, scenario + fault):
        old = _renew(run, home)
        status = runner.run(run, ["-e", f"trace={call}", "-e", f"inject={call}:{FAULTS[fault]}:when={number}"])
        after = snapshot(run.out)
        fine = status != TRACEBACK and (after == new or (status != 0 and after == old))
        again = run.generate()
        whole = snapshot(run.out) == new and [*run.out.parent.iterdir()] == [run.out]
        if not (fine and again == 0 and whole):
            wrong.append((call, number, status, fine, again, whole))

    assert wrong == []
    assert sum(calls.values()) > 50


@pytest.mark.parametrize("fault", FAULTS)
def test_in_place_every_file_is_old_or_new_and_the_next_run_completes(
    tmp_path: Path, home: Path, runner: Runner, fault: str
) -> None:
    run = Run(scenario="several-nodes", out=tmp_path / "run/out", in_place=True)
    _renew(run, home)
    calls = runner.count_calls(run, tmp_path / "log")
    new = _files(run.out)

    wrong = []
    for call, number in _points(calls, fault):
        _renew(run, home)
        old = _files(run.out)
        status = runner.run(run, ["-e", f"trace={call}", "-e", f"inject={call}:{FAULTS[fault]}:when={number}"])
        after = _files(run.out)
        fine = all(file in (old.get(path), new.get(path)) for path, file in after.items()) and status != TRACEBACK
        again = run.generate()
        whole = _files(run.out) == new and {path.stat().st_mode & 0o777 for path in _folders(run.out)} == {0o755}
        if not (fine and again == 0 and whole) or (status == 0 and after != new):
            wrong.append((call, number, status, fine, again, whole))

    assert wrong == []


def test_killed_in_place_at_any_directory_the_next_run_leaves_none_closed(
    tmp_path: Path, home: Path, runner: Runner
) -> None:
    run = Run(scenario="several-nodes", out=tmp_path / "run/out", in_place=True)
    _renew(run, home)
    calls = runner.count_calls(run, tmp_path / "log")
    new = _files(run.out)
    points = [(call, number) for call in ("mkdirat", "fchmod", "rename") for number in range(1, calls.get(call, 0) + 1)]

    wrong = []
    for call, number in points:
        _renew(run, home)
        runner.run(run, ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"])
        modes = {path.stat().st_mode & 0o777 for path in _folders(run.out)}
        if modes != {0o755} or run.generate() != 0 or _files(run.out) != new:
            wrong.append((call, number, modes))

    assert len(points) > 10
    assert wrong == []


@pytest.mark.parametrize("call", ["close", "flock", "fsync", "unlinkat", "rmdir"])
@pytest.mark.parametrize("scenario", ["fresh", "one-node", "several-nodes"])
def test_what_fails_after_the_exchange_ends_no_run_with_a_traceback(
    tmp_path: Path, home: Path, runner: Runner, scenario: str, call: str
) -> None:
    """Every call that a run makes last."""
    run = Run(scenario=scenario, out=tmp_path / "run/out")
    _renew(run, home)
    count = runner.count_calls(run, tmp_path / "log").get(call, 0)
    new = snapshot(run.out)

    for number in range(max(1, count - 5), count + 1):
        _renew(run, home)
        status = runner.run(run, ["-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={number}"])

        assert status in (0, 2)
        assert status == 2 or snapshot(run.out) == new


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [
        ("fresh", ["syncfs", "renameat", "fsync"]),
        ("one-node", ["syncfs", "renameat2", "fsync"]),
        ("several-nodes", ["syncfs", "renameat2", "fsync"]),
        ("unchanged", []),
    ],
)
def test_all_is_on_the_disk_before_it_takes_effect_and_the_effect_before_the_end(
    tmp_path: Path, home: Path, runner: Runner, scenario: str, calls: list[str]
) -> None:
    run = Run(scenario=scenario, out=tmp_path / "run/out")
    _renew(run, home)

    traced = runner.trace(run, tmp_path / "log", "syncfs,fsync,fdatasync,rename,renameat,renameat2")

    assert [call for call, line in traced if ".index" not in line] == calls


def test_in_place_a_manifest_comes_and_goes_last(tmp_path: Path, home: Path, runner: Runner) -> None:
    run = Run(scenario="several-nodes", out=tmp_path / "run/out", in_place=True)
    _renew(run, home)

    traced = runner.trace(run, tmp_path / "log", "syncfs,renameat,unlinkat")

    files = [(call, line) for call, line in traced if "AT_REMOVEDIR" not in line and "ENOENT" not in line]
    last = {node: [line for _, line in files if f"{node}/" in line][-1] for node in ("lb2", "lb3", "lb4")}
    assert all("manifest.json" in line for line in last.values())
    assert (files[0][0], files[-1][0]) == ("syncfs", "syncfs")


def _folders(out: Path) -> Iterator[Path]:
    return (path for path in out.rglob("*") if path.is_dir())


def _files(out: Path) -> Files:
    """The files of OUT; an empty directory may stay when a run in place is interrupted."""
    return {path: file for path, file in snapshot(out).items() if file and not path.startswith(".netwright-staging")}
