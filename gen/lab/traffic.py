"""Real conversations in the lab, many at a time: what each receiver saw, and whether the answer came back.

A raw socket in every namespace hears the first packets, whoever answers them. The number by which a conversation is
told from others is its source port, for ICMP its identifier: source NAT keeps them, since no two have the same.
"""

import contextlib
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gen.lab.applying import Progress
from gen.lab.building import namespace_of
from gen.lab.namespaces import Namespaces
from gen.lab.probes import Probe, Seen
from gen.verify.addresses import format_ip
from gen.verify.packets import ECHO_REPLY, ECHO_REQUEST, EPHEMERAL_PORTS, ICMP, TCP, UDP

_BATCH = 150
# What a conversation that fails is given, and one that verify expects to work: a busy machine must not fail the latter.
_PATIENCE, _EXPECTED_PATIENCE = 0.25, 5.0
_PROTOCOLS = (ICMP, TCP, UDP)
_TUNNEL_PORT = 8472
_WORD = b"netwright"


@dataclass(slots=True)
class _Talk:
    """One conversation under way."""

    probe: Probe
    number: int
    home: str
    caller: socket.socket | None = None
    at: str | None = None
    source: int | None = None
    answered: bool = False

    @property
    def seen(self) -> Seen:
        """What became of it until now."""
        return Seen(at=self.at, source=self.source, answered=self.answered)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return self.probe.predicted in (None, self.seen) or (self.answered and self.at is not None)


def send_all(
    spaces: Namespaces, owners: dict[str, str], probes: Sequence[Probe], progress: Progress
) -> tuple[Seen, ...]:
    """What became of every probe; `owners` names the node of each namespace that packets may reach."""
    seen: list[Seen] = []
    numbers = range(*EPHEMERAL_PORTS)
    with contextlib.ExitStack() as opened:
        ears: dict[socket.socket, tuple[str, int]] = {}
        for space in owners:
            with spaces.enter(space):
                for protocol in _PROTOCOLS:
                    ear = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
                    ear.setblocking(False)
                    ears[ear] = (space, protocol)
        for start in range(0, len(probes), _BATCH):
            progress("sending", start, len(probes))
            batch = probes[start : start + _BATCH]
            talks = [
                _Talk(probe=probe, number=numbers[(start + offset) % len(numbers)], home=namespace_of(probe.sender))
                for offset, probe in enumerate(batch)
            ]
            seen += _converse(spaces, owners, ears, talks)
    return tuple(seen)


def _converse(
    spaces: Namespaces,
    owners: dict[str, str],
    ears: dict[socket.socket, tuple[str, int]],
    talks: Sequence[_Talk],
) -> list[Seen]:
    by_number = {talk.number: talk for talk in talks}
    with contextlib.ExitStack() as opened:
        servers = _open_servers(spaces, talks, opened)
        callers = {}
        for talk in talks:
            talk.caller = _start(spaces, talk, opened)
            if talk.probe.protocol != ICMP:
                callers[talk.caller] = talk
        start = time.monotonic()
        while True:
            passed = time.monotonic() - start
            if passed > _EXPECTED_PATIENCE or (passed > _PATIENCE and all(talk.settled for talk in talks)):
                return [talk.seen for talk in talks]
            if all(talk.answered and talk.at is not None for talk in talks):
                return [talk.seen for talk in talks]
            waiting = [caller for caller, talk in callers.items() if not talk.answered and caller.fileno() >= 0]
            for ready in select.select([*ears, *servers, *waiting], [], [], 0.02)[0]:
                with contextlib.suppress(BlockingIOError):
                    if ready in ears:
                        space, protocol = ears[ready]
                        _hear(ready, space, protocol, owners[space], by_number)
                    elif ready in servers:
                        _serve(ready, opened)
                    else:
                        _take_answer(ready, callers[ready])


def _open_servers(spaces: Namespaces, talks: Sequence[_Talk], opened: contextlib.ExitStack) -> set[socket.socket]:
    """A server for every destination that somebody has, bound to the very address, so that it answers from there."""
    servers = set()
    wanted = {
        (namespace_of(probe.home), probe.protocol, probe.destination, probe.port)
        for probe in (talk.probe for talk in talks)
        if probe.home is not None and probe.protocol != ICMP
    }
    for space, protocol, ip, port in sorted(wanted):
        kind = socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM
        with spaces.enter(space):
            server = opened.enter_context(socket.socket(socket.AF_INET, kind))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((format_ip(ip), port))
        if protocol == TCP:
            server.listen(1024)
        server.setblocking(False)
        servers.add(server)
    return servers


def _start(spaces: Namespaces, talk: _Talk, opened: contextlib.ExitStack) -> socket.socket:
    """The caller's socket, its first packet sent. What the sender's kernel refuses to send is lost on the way."""
    probe = talk.probe
    kinds = {ICMP: socket.SOCK_RAW, TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}
    with spaces.enter(talk.home):
        protocol = socket.IPPROTO_ICMP if probe.protocol == ICMP else 0
        caller = opened.enter_context(socket.socket(socket.AF_INET, kinds[probe.protocol], protocol))
    caller.setblocking(False)
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    caller.bind((format_ip(probe.source), 0 if probe.protocol == ICMP else talk.number))
    target = (format_ip(probe.destination), probe.port)
    with contextlib.suppress(OSError):
        if probe.protocol == TCP:
            caller.connect(target)
        elif probe.protocol == UDP:
            caller.connect(target)
            caller.send(_WORD)
        else:
            caller.sendto(_echo_request(talk.number), (target[0], 0))
    return caller


def _echo_request(identifier: int) -> bytes:
    total = (ECHO_REQUEST << 8) + identifier + 1
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum, identifier, 1)


def _hear(ear: socket.socket, space: str, protocol: int, node: str, talks: dict[int, _Talk]) -> None:
    """Notes what a raw socket hears: first packets, and answers to pings."""
    packet = ear.recv(2048)
    header = (packet[0] & 15) * 4
    source, destination = struct.unpack("!II", packet[12:20])
    if protocol == ICMP:
        kind, _, _, number = struct.unpack("!BBHH", packet[header : header + 6])
        talk = talks.get(number)
        if talk is None or talk.probe.protocol != ICMP:
            return
        if kind == ECHO_REPLY and space == talk.home:
            talk.answered = talk.answered or (source, destination) == (talk.probe.destination, talk.probe.source)
        if kind != ECHO_REQUEST:
            return
    else:
        number, port = struct.unpack("!HH", packet[header : header + 4])
        talk = talks.get(number)
        # An answer has the number as its destination port.
        if talk is None or talk.probe.protocol != protocol or port == _TUNNEL_PORT != talk.probe.port:
            return
        if port != talk.probe.port:
            return
    if talk.at is None:
        talk.at, talk.source = node, source


def _serve(server: socket.socket, opened: contextlib.ExitStack) -> None:
    if server.type == socket.SOCK_DGRAM:
        word, caller = server.recvfrom(64)
        with contextlib.suppress(OSError):
            server.sendto(word, caller)
        return
    with contextlib.suppress(ConnectionError):
        answering, _ = server.accept()
        opened.enter_context(answering).sendall(_WORD)


def _take_answer(caller: socket.socket, talk: _Talk) -> None:
    try:
        talk.answered = caller.recv(64) == _WORD
    except BlockingIOError:
        raise
    except OSError:
        caller.close()
