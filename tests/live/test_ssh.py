"""Records over ssh: from machines that answer, and from those that are down, slow, strangers or hostile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netwright.lab.machine import poll
from netwright.live.gathering import ask_machines
from netwright.live.remote import SshError, Target, collect, own_places
from netwright.verify.reading.live_state import read_live_state
from tests.live.servers import free_ports, ssh_servers
from tests.netwright import PROJECT, environment, netwright

SCRIPT = PROJECT / "gen/netwright/live/collect.sh"
NODES = {
    "good": "unshare --net sh -s",
    "silent": "true",
    "slow": "sleep 20",
    "flood": "yes ",
    "shouting": "yes >&2",
    "hostile": r"printf '\033[2Jformat\t::error::\n'",
    "refusing": "echo no shell for you >&2; exit 1",
}
TOPOLOGY = """\
version: 1
name: reached
networks: {lan: {cidr: 10.1.0.0/24}}
nodes:
""" + "".join(
    f"  {node}: {{os: flatcar, interfaces: {{eth0: {{network: lan, address: 10.1.0.{number}}}}}}}\n"
    for number, node in enumerate([*NODES, "down", "stranger"], start=2)
)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("ssh")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", "-q", cwd=folder).status == 0
    with ssh_servers(folder, {**NODES, "stranger": "true"}) as configuration:
        (down,) = free_ports(1)
        known = (folder / "known").read_text().splitlines()
        (folder / "known").write_text("\n".join(known[:-1]) + "\n")
        more = f"Host down\n    HostName 127.0.0.1\n    Port {down}\n"
        configuration.write_text(configuration.read_text() + more)
        yield folder


def _collect(reached: Path, node: str, patience: float = 20.0) -> tuple[bytes | None, str | None]:
    target = Target(node=node, address=None)
    (answer,) = collect([target], SCRIPT.read_text(), options=("-F", f"{reached}/ssh_config"), patience=patience)
    return answer.record, answer.problem


def test_a_machine_gives_its_record(reached: Path) -> None:
    record, problem = _collect(reached, "good")

    assert problem is None
    assert record is not None
    assert {*(read_live_state("good", record).links or {})} >= {"lo"}


@pytest.mark.parametrize(
    ("node", "patience", "said"),
    [
        ("slow", 2.0, "has not answered in 2 seconds"),
        ("shouting", 2.0, "has not answered in 2 seconds"),
        ("flood", 60.0, "its record is larger than"),
        ("refusing", 20.0, "no shell for you"),
        ("down", 20.0, "Connection refused"),
        ("stranger", 20.0, "Host key verification failed"),
    ],
)
def test_a_machine_that_gives_none_is_named_with_the_reason(
    reached: Path, node: str, patience: float, said: str
) -> None:
    record, problem = _collect(reached, node, patience)

    assert record is None
    assert said in (problem or "")


def test_a_configuration_without_an_end_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ssh_config")

    with pytest.raises(SshError, match=r"ssh -G good does not end in 0\.2 seconds; correct what waits"):
        own_places(["good"], ("-F", str(tmp_path / "ssh_config")), patience=0.2)


def test_the_topologys_address_counts_where_the_configuration_has_none(reached: Path, tmp_path: Path) -> None:
    whole = (reached / "ssh_config").read_text()
    (tmp_path / "nameless").write_text(whole.replace("Host good\n    HostName 127.0.0.1\n", "Host good\n"))
    nodes = ("good", "silent")
    options = ("-F", str(tmp_path / "nameless"))

    assert own_places(nodes, options) == {"silent": "127.0.0.1"}
    script = SCRIPT.read_text()
    found = ask_machines(
        {"good": "127.0.0.1", "silent": "192.0.2.1"}, script, options=options, at_once=2, advance=lambda _number: None
    )
    assert [(one.node, one.problem) for one in found.values()] == [("good", None), ("silent", None)]
    assert (found["good"].record or b"").startswith(b"format\t")


def test_nobody_waits_for_slow_machines_after_an_interrupt(reached: Path) -> None:
    command = [sys.executable, "-m", "netwright", "status", "--ssh", "--ssh-config", "ssh_config", "--node", "slow"]
    with subprocess.Popen(command, cwd=reached, env={**environment(), "HOME": str(reached)}) as process:
        assert poll(lambda: _calls_ssh(process.pid), seconds=20)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


def test_a_call_that_begins_after_the_end_is_over(reached: Path) -> None:
    def targets() -> Iterator[Target]:
        yield Target(node="slow", address=None)
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(collect(targets(), SCRIPT.read_text(), options=("-F", f"{reached}/ssh_config"), patience=15.0))
    assert time.monotonic() - begun < 10


def _calls_ssh(pid: int) -> bool:
    """Whether the process has a child that asks the slow machine."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    pids = [child for path in children for child in path.read_text().split()]
    return any(b"sh -s" in Path(f"/proc/{child}/cmdline").read_bytes() for child in pids)


def test_status_tells_which_were_reached(reached: Path) -> None:
    nodes = ("good", "silent", "hostile", "refusing", "down", "stranger")
    chosen = [word for node in nodes for word in ("--node", node)]
    run = netwright("status", "--ssh", "--ssh-config", "ssh_config", "--format", "json", *chosen, cwd=reached)

    assert run.status == 1
    assert "\x1b" not in run.stdout
    found = {node["node"]: node for node in json.loads(run.stdout)["nodes"]}
    assert [*found] == [*nodes]
    assert {aspect for one in found["good"]["differences"] for aspect in [one["aspect"]]} >= {"files"}
    problems = {node: one["problem"] for node, one in found.items() if one["problem"] is not None}
    assert {node: word for node, word in _PROBLEMS.items() if word not in problems[node]} == {}
    assert problems.keys() == _PROBLEMS.keys()


_PROBLEMS = {
    "silent": "the record is no record of a machine",
    "hostile": "the record is no record of a machine",
    "refusing": "no shell for you",
    "down": "Connection refused",
    "stranger": "Host key verification failed",
}


def test_collect_keeps_records_and_drops_old_ones(reached: Path) -> None:
    (reached / "live").mkdir()
    (reached / "live/down.facts").write_text("of yesterday")
    chosen = ("--node", "good", "--node", "down")
    run = netwright("collect", "--ssh", "live", "--ssh-config", "ssh_config", *chosen, cwd=reached)

    assert (run.status, run.stdout) == (1, "live: 1 record of 2 nodes\n")
    assert "down: ssh: connect to host 127.0.0.1" in run.stderr
    assert [path.name for path in (reached / "live").iterdir()] == ["good.facts"]
    again = netwright("status", "live", cwd=reached)
    assert again.status == 1
    assert "good" in again.stdout


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("x"), "the record is no record of a machine"),
        (lambda path: path.mkdir(), "is no regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
        (lambda _path: None, "not collected"),
    ],
    ids=["text", "folder", "device", "nothing"],
)
def test_what_lies_in_a_directory_is_a_record_or_named(
    tmp_path: Path, reached: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "good.facts")
    run = netwright("status", str(tmp_path), "--node", "good", "--format", "json", cwd=reached)

    assert run.status == 1
    assert said in json.loads(run.stdout)["nodes"][0]["problem"]


def test_a_record_of_no_node_is_named(tmp_path: Path, reached: Path) -> None:
    (tmp_path / "other\x1b[2J.facts").write_text("x")
    run = netwright("status", str(tmp_path), cwd=reached)

    assert run.status == 1
    assert "other\\u001b[2J is no node that is asked about" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status",), "name a directory with records"),
        (("status", "live", "--ssh"), "name a directory with records"),
        (("status", "nowhere"), "nowhere: can't be read: No such file or directory; netwright collect says how"),
        (("status", "topology.yaml"), "topology.yaml: can't be read: Not a directory"),
        (("status", "--ssh", "--node", "nosuch"), "--node nosuch: the topology has no such node"),
        (("status", ".", "-o", "nowhere"), "nowhere: error: does not exist; run netwright generate first"),
        (("collect", "--node", "good"), "--node goes with --ssh"),
        (("collect", "--ssh", "/proc/x", "--node", "down"), "can't be written"),
    ],
)
def test_bad_input_is_said(reached: Path, arguments: tuple[str, ...], said: str) -> None:
    run = netwright(*arguments, cwd=reached)

    assert (run.status, run.stdout) == (2, "")
    assert said in run.stderr
