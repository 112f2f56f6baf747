"""Files of thousands of nodes, read in several processes."""

import os
import signal
from contextlib import nullcontext
from pathlib import Path

import pytest

from netwright.parallel.workers import FORK_FROM
from netwright.verify.reading.delivery import read_delivery
from netwright.verify_input.delivering import read_deliveries, reading_ahead
from tests.children import await_ends, children


@pytest.fixture
def nodes(tmp_path: Path) -> tuple[str, ...]:
    names = tuple(f"node{number}" for number in range(FORK_FROM + 150))
    for name in names:
        folder = tmp_path / name / "rootfs/etc/sysctl.d"
        folder.mkdir(parents=True)
        (tmp_path / name / "handoff.md").write_text(name)
        (folder / "90.conf").write_text(f"# {name}\n")
    return names


def test_every_node_has_its_own_files_in_order(tmp_path: Path, nodes: tuple[str, ...]) -> None:
    delivered = [*read_deliveries(tmp_path, nodes)]

    assert delivered == [read_delivery(tmp_path, node) for node in nodes]
    assert {len(delivery.files) for delivery in delivered} == {1}


def test_what_was_read_ahead_is_not_read_again(tmp_path: Path, nodes: tuple[str, ...]) -> None:
    wanted = [*reversed(nodes), "node-later"]
    expected = [read_delivery(tmp_path, node) for node in nodes]

    before = children()
    with reading_ahead(tmp_path) as deliver:
        await_ends(children() - before)
        for node in nodes:
            (tmp_path / node / "handoff.md").unlink()
        (tmp_path / "node-later").mkdir()
        delivered = [*deliver(tmp_path, wanted)]

    assert delivered == [*reversed(expected), read_delivery(tmp_path, "node-later")]


@pytest.mark.parametrize("name", ["nothing-there", "file"])
def test_what_is_no_directory_is_left_to_who_asks_for_nodes(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with reading_ahead(tmp_path / name) as deliver:
        assert [*deliver(tmp_path / name, ())] == []


@pytest.mark.parametrize("ahead", [False, True], ids=["at-once", "ahead"])
def test_what_no_other_process_reads_is_read_here(
    tmp_path: Path, nodes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, *, ahead: bool
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, os.strerror(11))

    monkeypatch.setattr(os, "fork", refuse)

    with reading_ahead(tmp_path) if ahead else nullcontext(read_deliveries) as deliver:
        delivered = [*deliver(tmp_path, nodes)]

    assert [delivery.node for delivery in delivered] == [*nodes]
    assert (
        signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    )  # an interrupt still ends the process, and its children
