"""Real packets between machines: whether they arrive, and whose address the receiver saw."""

import contextlib
import socket
from collections.abc import Iterator

from netwright.lab.machine import LabMachine
from netwright.lab.namespaces import entered


def tcp_source(client: LabMachine, server: LabMachine, ip: str, *, port: int = 8080, seconds: float = 3) -> str | None:
    """The client's IP as the server at ip:port saw it; None if no answer came back.

    The server sends what it saw, so an address stands for a way there and a way back. A lost first packet is sent again
    after a second.
    """
    with contextlib.ExitStack() as sockets:
        listening = sockets.enter_context(_socket(server))
        calling = sockets.enter_context(_socket(client))
        listening.bind((ip, port))
        listening.listen()
        listening.settimeout(seconds)
        calling.settimeout(seconds)
        try:
            calling.connect((ip, port))
            answering, (source, _) = listening.accept()
            with answering:
                answering.sendall(source.encode())
            return calling.recv(64).decode()
        except OSError:
            return None


def ping(client: LabMachine, ip: str, *, seconds: int = 3) -> bool:
    """Return whether an echo request is answered; it says nothing about the address that the other side saw."""
    return client.run("ping", "-n", "-q", "-c1", f"-W{seconds}", ip, check=False).returncode == 0


@contextlib.contextmanager
def _socket(machine: LabMachine) -> Iterator[socket.socket]:
    """A TCP socket that belongs to the machine's network; it stays there wherever it is used."""
    with open(f"/proc/{machine.pid}/ns/net", "rb") as there, entered(there.fileno()):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield made
