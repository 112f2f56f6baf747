"""A file is written whole or not at all, whatever it is and however it is named."""

import os
import threading
from pathlib import Path

import pytest

from netwright.files.whole_file import write_whole


def test_the_longest_name_that_a_file_can_have(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)

    write_whole(str(path), "new\n")

    assert path.read_text() == "new\n"


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")

    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_whole(str(path), "new\n")

    assert path.read_text() == "old\n"
    assert [*tmp_path.iterdir()] == [path]


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(str(tmp_path / "file"), "")
    finally:
        os.umask(before)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()

    write_whole(str(pipe), "text\n")
    reader.join()

    assert read == ["text\n"]
    assert pipe.is_fifo()
