"""What `apply` and `rollback` print: at a terminal lines that are broken at its last column; why they do nothing."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.live.servers import free_ports
from tests.netwright import command, environment, netwright, read_terminal

NODES = [f"machine-of-the-second-hall-{number}" for number in range(6)]
TOPOLOGY = "version: 1\nname: halls\nnetworks: {lan: {cidr: 10.1.0.0/24}}\nnodes:\n" + "".join(
    f"  {name}: {{os: rocky10, interfaces: {{eth0: {{network: lan, address: 10.1.0.{number}}}}}}}\n"
    for number, name in enumerate(NODES, start=11)
)


@pytest.mark.parametrize(("verb", "columns"), [("apply", 80), ("apply", 100), ("rollback", 80)])
def test_long_lines_are_broken_at_the_last_column(tmp_path: Path, verb: str, columns: int) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    place = ["--ssh-option", "HostName=127.0.0.1", "--ssh-option", f"Port={free_ports(1)[0]}"]
    place += ["--ssh-option", f"UserKnownHostsFile={tmp_path}/a-file-with-a-long-name-that-is-not-there"]
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        command(verb, *place), cwd=tmp_path, env=environment(), stdin=inner, stdout=inner, stderr=inner
    ) as process:
        os.close(inner)
        said = read_terminal(outer)

    lines = said.splitlines()
    assert process.returncode == 1, said
    assert max(map(len, lines)) <= columns
    assert "Connection refused" in " ".join(said.split())
    if verb == "apply":
        assert f"Nothing was applied, because of {NODES[0]}, {NODES[1]}" in " ".join(said.split())
        assert any(line.startswith("    ") for line in lines)


def test_what_a_person_configures_is_not_rolled_back(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(
        f"{TOPOLOGY}  pc: {{os: unmanaged, interfaces: {{eth0: {{network: lan, address: 10.1.0.99}}}}}}\n"
    )

    run = netwright("rollback", "pc", cwd=tmp_path)

    assert (run.status, run.stdout) == (2, "")
    assert "pc: a person configures it, and nothing was applied there" in run.stderr
