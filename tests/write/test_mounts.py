"""File systems that are full, read-only, or can't exchange directories."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run(program: str, home: Path) -> Any:
    """Return the answer of a program of tests.write.mounts, run in a mount namespace of its own."""
    home.mkdir()
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.write.mounts"]
    done = subprocess.run(
        [*command, program, str(home)], cwd=Path(__file__).parents[2], check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout)


def test_full_disk_leaves_the_old_tree_and_says_so(tmp_path: Path) -> None:
    tried = run("full_disk", tmp_path / "home")

    full = "can't be written: No space left on device"
    for state, said, beside in tried:
        assert beside == ["out"]
        assert (state, [full in message for message in said]) in [("old", [True]), ("new", [])]
    assert {state for state, _, _ in tried} == {"old", "new"}


@pytest.mark.parametrize("program", ["mount_point", "bind_mount", "nested_mount", "overlay"])
def test_where_nothing_can_be_exchanged_in_place_is_named_and_works(tmp_path: Path, program: str) -> None:
    refused, untouched, done, is_new, beside = run(program, tmp_path / "home")

    (message,) = refused
    assert "out: error: can't be replaced in one step here (" in message
    assert message.endswith("; pass --in-place to rename file by file, which a crash can leave half done")
    assert untouched
    assert done == []
    assert is_new
    assert beside == (["lb1", "lb2", "notes"] if program == "nested_mount" else ["lb1", "lb2"])


def test_read_only_file_system_matters_only_when_something_changes(tmp_path: Path) -> None:
    same, changed, missing = run("read_only", tmp_path / "home")

    home = tmp_path / "home"
    assert same == []
    assert changed == [f"{home}/out: error: can't be written: Read-only file system (.out.netwright-staging)"]
    assert missing == [f"{home}/a/out: error: can't be opened: Read-only file system ({home}/a)"]
