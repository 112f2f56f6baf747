"""Files of thousands of nodes, read in several processes."""

import os
import pickle
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from netwright.parallel.workers import FORK_FROM
from netwright.verify.network_model.building import read_node
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import read_delivery
from netwright.verify.values.wiring import PublishedPorts, Wiring
from netwright.verify_input.delivering import read_deliveries, reading_ahead
from tests.children import await_ends, children

GOLDENS = Path(__file__).resolve().parents[1] / "golden"


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
    delivered = [one.delivery for one in read_deliveries(tmp_path, nodes)]

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
        delivered = [one.delivery for one in deliver(tmp_path, wanted)]

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
        delivered = [one.delivery for one in deliver(tmp_path, nodes)]

    assert [delivery.node for delivery in delivered] == [*nodes]
    assert (
        signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    )  # an interrupt still ends the process, and its children


def test_what_another_process_has_read_is_what_is_read_here(
    tmp_path: Path, nodes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})

    delivered = [*read_deliveries(tmp_path, nodes)]

    assert [one.configuration for one in delivered] == [read_configuration(one.delivery) for one in delivered]


def test_nothing_of_a_configuration_is_lost_between_processes() -> None:
    folders = [*GOLDENS.glob("*/out/*/")]
    configurations = [read_configuration(read_delivery(one.parent, one.name)) for one in folders]

    assert pickle.loads(pickle.dumps(configurations, protocol=5)) == configurations
    assert len(configurations) > 50


@pytest.mark.parametrize(
    "stated",
    [
        {"trusted": {"lb1": frozenset({"snippets/trusted.yaml"})}},
        {"firewalld": {"lb1": "running"}},
        {"containers": {"lb1": (PublishedPorts(protocol="tcp", ports=(8080, 8080)),)}},
        {"docker": frozenset({"lb1"})},
    ],
    ids=lambda stated: next(iter(stated)),
)
def test_a_node_of_which_the_topology_says_more_is_read_by_that(stated: dict[str, Any]) -> None:
    delivery = read_delivery(GOLDENS / "docker/out", "lb1")
    known = replace(read_configuration(delivery), late=frozenset({"read by another process"}))

    read = read_node(delivery, Wiring(nodes=("lb1", "lb2"), segments=(), **stated), known)

    assert read.late == frozenset()
    assert read_node(delivery, Wiring(nodes=("lb1", "lb2"), segments=()), known) is known
