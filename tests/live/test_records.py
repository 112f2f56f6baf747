"""Directories of records: what is no record of the topology's nodes is refused, with its path."""

import json
from pathlib import Path

import pytest

from tests.netwright import netwright
from tests.rigs.live_network import LiveNetwork, with_fact

GW = "facts/gw.facts"


def _refusal(project: Path, *arguments: str) -> str:
    run = netwright("verify", *(arguments or ("--live", "facts")), cwd=project)
    assert (run.status, run.stdout) == (2, "")
    return run.stderr.strip().splitlines()[-1]


def test_no_directory(project: Path) -> None:
    said = "can't be read: No such file or directory; name a directory of NODE.facts"

    assert _refusal(project, "--live", "nothing") == f"nothing: error: {said}"


def test_a_directory_without_records(project: Path) -> None:
    (project / "empty").mkdir()

    said = "has no record; netwright collect prints the script that makes NODE.facts"

    assert _refusal(project, "--live", "empty") == f"empty: error: {said}"


def test_a_record_named_after_no_node(project: Path) -> None:
    (project / GW).rename(project / "facts/gate.facts")

    said = "is named after no node of the topology (gw, lb1, worker1, worker2)"

    assert _refusal(project) == f"facts/gate.facts: error: {said}"


def test_a_record_of_another_machine(live: LiveNetwork, project: Path) -> None:
    (project / GW).write_bytes(live.whole["lb1"])

    said = "is the record of a machine named lb1; gw has the hostname gw"

    assert _refusal(project).startswith(f"{GW}: error: {said}")


def test_a_hostname_with_its_domain_is_the_same(live: LiveNetwork, project: Path) -> None:
    (project / GW).write_bytes(with_fact(live.whole["gw"], "hostname", b"gw.example.net\n"))

    assert netwright("verify", "--live", "facts", cwd=project).status == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "is no record of a machine", id="empty"),
        pytest.param(b"\x1b[2J\x00", "is no record of a machine", id="hostile"),
    ],
)
def test_what_is_no_record(project: Path, content: bytes, said: str) -> None:
    (project / GW).write_bytes(content)

    assert _refusal(project).startswith(f"{GW}: error: {said}")


def test_a_damaged_record_and_one_of_another_format(live: LiveNetwork, project: Path) -> None:
    (project / GW).write_bytes(live.whole["gw"][:-20])
    assert _refusal(project).startswith(f"{GW}: error: ")

    (project / GW).write_bytes(with_fact(live.whole["gw"], "format", b"2\n"))
    assert "has format '2', not 1" in _refusal(project)


def test_a_pipe_is_not_waited_for(project: Path) -> None:
    (project / GW).unlink()
    (project / GW).mkdir()

    assert _refusal(project) == f"{GW}: error: is no regular file"


def test_a_hostile_machine_acts_on_no_terminal(live: LiveNetwork, project: Path) -> None:
    hostile = b'[{"ifname":"eth0\\u001b[2J","addr_info":[{"local":"10.17.3.1\\u001b]0;x","prefixlen":24}]}]'
    (project / GW).write_bytes(with_fact(live.whole["gw"], "addresses", hostile))

    run = netwright("verify", "--live", "facts", cwd=project)

    assert run.status == 1
    assert "could not be read" in run.stdout
    assert "\x1b" not in run.stdout + run.stderr


def test_what_machines_have_is_compared_with_another_state(live: LiveNetwork, project: Path) -> None:
    (project / GW).write_bytes(with_fact(live.whole["gw"], "routes", b"[]"))

    run = netwright("verify", "--live", "facts", "--against", "out/", "--format", "json", cwd=project)

    document = json.loads(run.stdout)
    assert run.status == 1
    assert document["against"]["state"] == "out/"
    assert {one["flow"] for one in document["changes"] if one["kind"] == "breaks"} == {
        "balancer-to-pods",
        "workers-to-balancer",
    }
