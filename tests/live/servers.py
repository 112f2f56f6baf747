"""OpenSSH servers on loopback that answer as machines of a cluster, each with a command of its own."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from netwright.lab.machine import poll

_SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
PidFile {folder}/{node}.pid
StrictModes no
UsePAM no
SetEnv SHLVL=1
PasswordAuthentication no
ForceCommand {command}
"""
"""By SHLVL bash takes itself for an inner shell, and does not read ~/.bashrc, which may take longer than the rest."""
_CLIENT = """\
Host {node}
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile {folder}/own
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    StrictHostKeyChecking yes
"""


@contextlib.contextmanager
def ssh_servers(folder: Path, commands: Mapping[str, str]) -> Iterator[Path]:
    """Servers for the nodes, each of which runs the node's shell command for whoever asks; the configuration of ssh by
    which they are reached under the nodes' names."""
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd is not started as a service
    for key in ("host", "own"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"], check=True)
    host = (folder / "host.pub").read_text().split()
    ports = dict(zip(commands, free_ports(len(commands)), strict=True))
    (folder / "known").write_text("".join(f"[127.0.0.1]:{port} {host[0]} {host[1]}\n" for port in ports.values()))
    client = [
        _CLIENT.format(node=node, port=port, user=getpass.getuser(), folder=folder) for node, port in ports.items()
    ]
    (folder / "ssh_config").write_text("".join(client))
    with contextlib.ExitStack() as running:
        for node, command in commands.items():
            (folder / node).write_text(_SERVER.format(port=ports[node], folder=folder, node=node, command=command))
            running.enter_context(_server(folder / node))
        assert poll(lambda: all(map(_listens, ports.values())), seconds=20)
        yield folder / "ssh_config"


@contextlib.contextmanager
def _server(configuration: Path) -> Iterator[None]:
    program = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    assert program is not None
    with subprocess.Popen([program, "-D", "-e", "-f", configuration], stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            os.kill(server.pid, signal.SIGTERM)


def free_ports(number: int) -> list[int]:
    """Ports of loopback on which nobody listens now."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
