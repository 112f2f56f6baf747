"""Files of thousands of nodes, read in several processes."""

import os
from pathlib import Path

import pytest

from gen.proving.delivering import read_deliveries
from gen.verify.delivery import read_delivery
from gen.write.workers import FORK_FROM


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


def test_what_no_other_process_reads_is_read_here(
    tmp_path: Path, nodes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, os.strerror(11))

    monkeypatch.setattr(os, "fork", refuse)

    delivered = [*read_deliveries(tmp_path, nodes)]

    assert [delivery.node for delivery in delivered] == [*nodes]
