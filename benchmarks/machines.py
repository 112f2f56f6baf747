"""Machines of which `netwright status` asks what they have: an SSH server on a port for each, beside a loop of ssh."""

import contextlib
import getpass
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.measure import Bench, BenchmarkError
from benchmarks.rows import GENERATE, NETWRIGHT
from benchmarks.topology import write_topology

MANAGED_LESS = 1
"""Nodes of the topology that are configured by hand, and are not asked: the router."""
_COLLECT = Path(__file__).parent.parent / "gen/netwright/live/collect.sh"
_PATIENCE = 30.0
_MOST_PORTS = 16
"""Ports of one sshd (MAX_LISTEN_SOCKS in its sshd.c)."""
_SERVER = """\
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
PidFile none
MaxStartups 1000
StrictModes no
UsePAM no
SetEnv SHLVL=1
ForceCommand cat {folder}/record
"""
"""The configuration of a server; by SHLVL bash takes itself for an inner shell, and does not read ~/.bashrc, which may
take longer than all the rest."""
_CLIENT = """\
Host *
    HostName 127.0.0.1
    User {user}
    IdentityFile {folder}/own
    IdentitiesOnly yes
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
"""


def measure_machines(bench: Bench, machines: int) -> Iterator[Figure]:
    """What the status of so many machines costs, each of which answers at once with the record of this one; beside
    ssh to each of them by xargs, as many at a time."""
    (bench.directory / "topology.yaml").write_text(write_topology(machines + MANAGED_LESS))
    bench.usage(GENERATE)
    nodes = sorted(path.parent.name for path in bench.directory.glob("out/*/manifest.json"))
    with _servers(bench.directory / "ssh", nodes) as configuration:
        loop = f"xargs -P 32 -I @ ssh -F {shlex.quote(configuration)} @ true < {shlex.quote(configuration)}.nodes"
        usages = bench.compare(
            ("sh", "-c", f"{shlex.join((*NETWRIGHT, 'status', '--ssh', '--ssh-config', configuration))} || [ $? = 1 ]"),
            ("sh", "-c", loop),
        )
    shutil.rmtree(bench.directory / "out")
    yield ratio(
        f"`status --ssh` of {machines:,} machines", "`ssh` to each, 32 at a time", usages, goal=1.5, clock="wall"
    )


@contextlib.contextmanager
def _servers(folder: Path, nodes: Sequence[str]) -> Iterator[str]:
    """One server with a port for each node; the path of ssh's configuration for them."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if program is None or shutil.which("ssh") is None:
        raise BenchmarkError("OpenSSH is not installed; install its server and client, and measure again")
    folder.mkdir()
    Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "record").write_bytes(subprocess.run(["sh", _COLLECT], capture_output=True, check=True).stdout)
    for key in ("host", "own"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    ports = _free_ports(len(nodes))
    hosts = "".join(f"Host {node}\n    Port {port}\n" for node, port in zip(nodes, ports, strict=True))
    (folder / "client").write_text(hosts + _CLIENT.format(folder=folder, user=getpass.getuser()))
    (folder / "client.nodes").write_text("".join(f"{node}\n" for node in nodes))
    with contextlib.ExitStack() as running:
        for number, some in enumerate(
            ports[start : start + _MOST_PORTS] for start in range(0, len(ports), _MOST_PORTS)
        ):
            settings = folder / f"server{number}"
            settings.write_text("".join(f"Port {port}\n" for port in some) + _SERVER.format(folder=folder))
            command = [program, "-D", "-e", "-f", str(settings)]
            server = running.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            running.callback(server.terminate)
        _await(ports)
        yield str(folder / "client")
    shutil.rmtree(folder)


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _await(ports: Sequence[int]) -> None:
    end = time.monotonic() + _PATIENCE
    for port in ports:
        while True:
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > end:
                raise BenchmarkError(f"sshd does not listen at port {port} of 127.0.0.1")
            time.sleep(0.05)
