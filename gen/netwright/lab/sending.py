"""Real conversations in the lab, many at a time: what each receiver saw, and whether the answer came back.

A raw socket in every namespace hears the first packets, whatever answers them. The number by which a conversation is
told from others is its source port, for ICMP its identifier: source NAT keeps them, since no two have the same.
"""

import contextlib
import itertools
import select
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.building import namespace_of
from netwright.lab.cabling import OUTSIDE
from netwright.lab.containers import containers_of
from netwright.lab.datagrams import DATAGRAMS, answer_to, decode, encode
from netwright.lab.namespaces import Namespaces
from netwright.lab.probes import Probe, Seen
from netwright.verify.forwarding.flannel_tunnel import VXLAN_PORT
from netwright.verify.network_model.network import Place
from netwright.verify.network_model.programs import CONTAINER_IP
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.packets import ECHO_REPLY, ECHO_REQUEST, EPHEMERAL_PORTS, ICMP, TCP, UDP

BATCH = 150
"""Number of conversations under way at once."""

ARP_PATIENCE = 3.5
"""Seconds after which the kernel has given up to ask for a neighbour, however busy the machine is."""

# What a conversation that fails is given, and one that verify expects to work: a busy machine must not fail the latter.
PATIENCE, _PATIENCE_IF_EXPECTED = 0.25, 5.0
_PROTOCOLS = (ICMP, TCP, UDP)
_KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}
_WORD = b"netwright"


class Talk(Struct):
    """One conversation under way; `refusal` is the error with which the sender's kernel sends nothing."""

    probe: Probe
    number: int
    home: str
    refusal: int = 0
    at: str | None = None
    source: int | None = None
    answered: bool = False

    @property
    def seen(self) -> Seen:
        """Return the result of it until now."""
        return Seen(at=self.at, source=self.source, answered=self.answered)

    @property
    def settled(self) -> bool:
        """Return whether nothing more is to be expected of it."""
        expected = self.probe.predicted is None or self.seen.is_like(self.probe.predicted)
        return expected or (self.answered and self.at is not None)


class Post:
    """Sends conversations; `owners` names the node of each namespace that packets may reach."""

    def __init__(self, spaces: Namespaces, owners: Mapping[str, str], opened: contextlib.ExitStack) -> None:
        """Listens everywhere until `opened` is closed."""
        self._spaces, self._owners = spaces, owners
        self._numbers = itertools.cycle(range(*EPHEMERAL_PORTS))
        self._ears = self._listen(_PROTOCOLS, opened)

    def _listen(self, protocols: Sequence[int], opened: contextlib.ExitStack) -> dict[socket.socket, tuple[str, int]]:
        """A raw socket for each of the protocols in every namespace."""
        ears = {}
        for space in self._owners:
            with self._spaces.enter(space):
                for protocol in protocols:
                    ear = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
                    ear.setblocking(False)
                    ears[ear] = (space, protocol)
        return ears

    def send(self, probes: Sequence[Probe], *, patience: float = PATIENCE) -> Iterator[Talk]:
        """Return the result of every probe, at most BATCH of them at once; `patience` is for those that are to fail."""
        talks = [Talk(probe=probe, number=next(self._numbers), home=self._home(probe.sender)) for probe in probes]
        self._converse(talks, patience)
        yield from talks

    def _home(self, place: Place) -> str:
        """The namespace from which a place sends: that of the internet is the one behind its machine."""
        if place.kind != "outside":
            return namespace_of(place)
        node = place.machine.name
        return next(name for name, owner in self._owners.items() if owner == node and name.startswith(OUTSIDE))

    def _converse(self, talks: Sequence[Talk], patience: float) -> None:
        by_number = {talk.number: talk for talk in talks}
        with contextlib.ExitStack() as opened:
            wanted = {talk.probe.protocol for talk in talks}
            ears = self._ears | self._listen([one for one in DATAGRAMS if one in wanted], opened)
            servers = _open_servers(self._spaces, talks, opened)
            callers = {}
            for talk in talks:
                caller = _start(self._spaces, talk, opened)
                if talk.probe.protocol in (TCP, UDP):
                    callers[caller] = talk
            heard = select.poll()
            by_file = {one.fileno(): one for one in (*ears, *servers, *callers)}
            for file in by_file:
                heard.register(file, select.POLLIN)
            start = time.monotonic()
            while not _is_over(talks, time.monotonic() - start, patience):
                for file, _ in heard.poll(20):
                    ready = by_file[file]
                    with contextlib.suppress(BlockingIOError):
                        if ready in ears:
                            space, protocol = ears[ready]
                            _hear(ready, space, protocol, self._owners[space], by_number)
                        elif ready in servers:
                            _serve(ready, opened)
                        else:
                            heard.unregister(file)
                            _take_answer(ready, callers[ready])


def _is_over(talks: Sequence[Talk], passed: float, patience: float) -> bool:
    """Return whether there is nothing more to wait for, or no more time."""
    if passed > _PATIENCE_IF_EXPECTED or all(talk.answered and talk.at is not None for talk in talks):
        return True
    return passed > patience and all(talk.settled for talk in talks)


def _open_servers(spaces: Namespaces, talks: Sequence[Talk], opened: contextlib.ExitStack) -> set[socket.socket]:
    """A server for every destination that is assigned, bound to the very address, so that it answers from there.

    None where the node has not got the address that its files give it: a daemon may refuse a file.
    """
    servers = set()
    probes = [talk.probe for talk in talks]
    wanted = {
        (space, probe.protocol, *probe.served)
        for probe in probes
        if probe.home is not None and probe.protocol != ICMP
        for space in _homes(spaces, probe.home)
    }
    wanted |= {
        (containers_of(probe.home.machine.name), probe.protocol, int(CONTAINER_IP), probe.inner_port)
        for probe in probes
        if probe.home is not None and probe.inner_port is not None
    }
    for space, protocol, ip, port in sorted(wanted):
        raw = protocol in DATAGRAMS
        with spaces.enter(space):
            made = socket.socket(socket.AF_INET, _KINDS.get(protocol, socket.SOCK_RAW), protocol if raw else 0)
            server = opened.enter_context(made)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((format_ip(ip), 0 if raw else port))
        except OSError:
            continue
        if protocol == TCP:
            server.listen(1024)
        server.setblocking(False)
        servers.add(server)
    return servers


def _homes(spaces: Namespaces, place: Place) -> tuple[str, ...]:
    """The namespaces in which an IP of the place is: that of the internet is behind every device that leads there."""
    if place.kind != "outside":
        return (namespace_of(place),)
    return tuple(name for name in spaces.names if name.startswith(OUTSIDE))


def _start(spaces: Namespaces, talk: Talk, opened: contextlib.ExitStack) -> socket.socket:
    """The caller's socket, its first packet sent. What the sender's kernel refuses to send is lost on the way."""
    probe = talk.probe
    kind = _KINDS.get(probe.protocol, socket.SOCK_RAW)
    raw = kind == socket.SOCK_RAW
    with spaces.enter(talk.home):
        caller = opened.enter_context(socket.socket(socket.AF_INET, kind, probe.protocol if raw else 0))
    caller.setblocking(False)
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    target = (format_ip(probe.destination), probe.port)
    try:
        caller.bind((format_ip(probe.source), 0 if raw else talk.number))
        if probe.protocol == TCP:
            caller.connect(target)
        elif probe.protocol == UDP:
            caller.connect(target)
            caller.send(_WORD)
        elif probe.protocol in DATAGRAMS:
            caller.sendto(encode(probe.protocol, talk.number, probe.port, answer=False), (target[0], 0))
        else:
            caller.sendto(_echo_request(talk.number), (target[0], 0))
    except BlockingIOError:
        pass
    except OSError as error:
        talk.refusal = error.errno or 0
    return caller


def _echo_request(identifier: int) -> bytes:
    total = (ECHO_REQUEST << 8) + identifier + 1
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum, identifier, 1)


def _hear(ear: socket.socket, space: str, protocol: int, node: str, talks: dict[int, Talk]) -> None:
    """Notes what a raw socket hears: first packets, and answers but those to TCP and UDP."""
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
    elif protocol in DATAGRAMS:
        found = decode(protocol, packet[header:])
        talk = talks.get(found[0]) if found is not None else None
        if found is None or talk is None or talk.probe.protocol != protocol:
            return
        if found[1]:
            ends = source, destination
            talk.answered |= space == talk.home and ends == (talk.probe.destination, talk.probe.source)
            return
    else:
        number, port = struct.unpack("!HH", packet[header : header + 4])
        talk = talks.get(number)
        # An answer has the number as its destination port.
        if talk is None or talk.probe.protocol != protocol or port == VXLAN_PORT != talk.probe.port:
            return
        if port not in (talk.probe.port, talk.probe.served[1], talk.probe.inner_port):
            return
    if talk.at is None:
        talk.at, talk.source = node, source


def _serve(server: socket.socket, opened: contextlib.ExitStack) -> None:
    if server.type == socket.SOCK_RAW:
        packet = server.recv(2048)
        answer = answer_to(server.proto, packet[(packet[0] & 15) * 4 :])
        if answer is not None:
            with contextlib.suppress(OSError):
                server.sendto(answer, (socket.inet_ntoa(packet[12:16]), 0))
        return
    if server.type == socket.SOCK_DGRAM:
        word, caller = server.recvfrom(64)
        with contextlib.suppress(OSError):
            server.sendto(word, caller)
        return
    with contextlib.suppress(ConnectionError):
        answering, _ = server.accept()
        opened.enter_context(answering).sendall(_WORD)


def _take_answer(caller: socket.socket, talk: Talk) -> None:
    """Notes an answer. On a machine that boots a server of its own may have the port, and answer with another text."""
    try:
        word = caller.recv(64)
        talk.answered = word == _WORD or (caller.type == socket.SOCK_STREAM and bool(word))
    except BlockingIOError:
        raise
    except OSError:
        caller.close()
