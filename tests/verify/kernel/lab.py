"""A world in the kernel: a network namespace a box, real routes and rules, real packets."""

import contextlib
import itertools
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.lab.namespaces import Namespaces
from tests.verify.kernel.world import Box, Route, World

_PORT = 8080
_IP_PKTINFO = 8  # linux/in.h
_IDENTIFIERS = itertools.count(1)
# What a flow that fails is given, and one that the model expects to work: a busy machine must not fail the latter.
_PATIENCE, _EXPECTED_PATIENCE = 0.2, 5.0

_QUIET = (
    "net/ipv6/conf/all/disable_ipv6=1",
    "net/ipv6/conf/default/disable_ipv6=1",
    "net/ipv4/conf/all/accept_redirects=0",
    "net/ipv4/conf/default/accept_redirects=0",
    "net/ipv4/conf/all/rp_filter=0",
    "net/ipv4/conf/default/rp_filter=0",
    "net/ipv4/neigh/default/proxy_delay=0",
    "net/bridge/bridge-nf-call-iptables=0",
)


class Seen(Struct, frozen=True, kw_only=True):
    """Observation: where the first packet arrived and the source seen there, and whether the answer came back."""

    at: str | None
    source: str | None
    answered: bool


_NOTHING = Seen(at=None, source=None, answered=False)


@contextlib.contextmanager
def build(world: World) -> Iterator[Namespaces]:
    """The world, standing."""
    spaces = Namespaces(["switch", *(box.name for box in world.boxes)])
    try:
        for name in ("switch", *(box.name for box in world.boxes)):
            with spaces.enter(name):
                for setting in _QUIET:
                    _write(setting)
        _wire(spaces, world)
        for box in world.boxes:
            _configure(spaces, box)
        yield spaces
    finally:
        spaces.close()


def _write(setting: str) -> None:
    path, _, value = setting.partition("=")
    with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/{path}", "w", encoding="ascii") as file:
        file.write(value)


def _wire(spaces: Namespaces, world: World) -> None:
    homes = {
        segment: (box.name, card)
        for box in world.boxes
        for card, (segment, _) in box.cards.items()
        if segment in box.bridges
    }
    segments = dict.fromkeys(segment for box in world.boxes for segment, _ in box.cards.values())
    for name, (owner, card) in homes.items():
        del segments[name]
        spaces.ip(owner, [f"link add name {card} type bridge forward_delay 0", f"link set {card} up"])
    lines = [
        line
        for number, name in enumerate(segments)
        for line in (f"link add name sw{number} type bridge forward_delay 0", f"link set sw{number} up")
    ]
    bridges = {name: ("switch", f"sw{number}") for number, name in enumerate(segments)} | homes
    index = itertools.count(100)
    spaces.ip("switch", [*lines, "link set lo up"])
    for box in world.boxes:
        for card, (segment, _) in box.cards.items():
            if segment in box.bridges:
                continue
            home, bridge = bridges[segment]
            here, there = next(index), next(index)
            port = f"p{here}"
            peer = f"peer name {card} index {there} netns {spaces.path(box.name)}"
            spaces.ip(
                home,
                [f"link add name {port} index {here} type veth {peer}", f"link set {port} master {bridge} up"],
            )


def _configure(spaces: Namespaces, box: Box) -> None:
    lines = ["link set lo up"]
    for card, (_, addresses) in box.cards.items():
        lines += [f"link set {card} up", *(f"address add {address} dev {card}" for address in addresses)]
    spaces.ip(box.name, lines)
    spaces.ip(box.name, [_route_line(route) for route in box.routes], force=True)
    spaces.ip(
        box.name,
        [
            f"rule add priority {rule.priority} from {rule.source} to {rule.to} table {rule.table}"
            + (f" iif {rule.iif}" if rule.iif else "")
            + (f" fwmark {rule.mark}" if rule.mark else "")
            + (f" suppress_prefixlength {rule.suppress}" if rule.suppress is not None else "")
            for rule in box.rules
        ],
    )
    with spaces.enter(box.name):
        for key, value in _last_assignments(box.sysctls):
            _write(f"{key.replace('.', '/')}={value}")
        if box.nft:
            done = subprocess.run(["nft", "-f", "-"], input=box.nft, text=True, capture_output=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr + box.nft)


def _last_assignments(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return what systemd-sysctl writes: of several values for a key the last, at its place."""
    pairs = [tuple(line.split(" = ")) for line in lines]
    for number, (key, value) in enumerate(pairs):
        if all(other != key for other, _ in pairs[number + 1 :]):
            yield key, value


def _route_line(route: Route) -> str:
    words = ["route add", *([route.kind] if route.kind != "unicast" else []), route.to]
    words += [f"via {route.via}"] if route.via else []
    words += [f"dev {route.dev}"] if route.dev and not route.next_hops else []
    words += ["onlink"] if route.onlink else []
    words += [f"src {route.src}"] if route.src else []
    hops = [f"nexthop via {gateway} dev {dev}" for gateway, dev in route.next_hops]
    return " ".join([*words, f"metric {route.metric} table {route.table}", *hops])


class _Try(Struct):
    """One pair's ping, question and call under way."""

    home: str
    caller: socket.socket
    asker: socket.socket
    identifier: int
    source: str
    destination: str
    ping: Seen = _NOTHING
    question: Seen = _NOTHING
    called_by: str | None = None


class Observed(Struct, frozen=True, kw_only=True):
    """Kernel's results for one pair: the ping, the UDP question, and the source that a TCP server told."""

    ping: Seen
    udp: Seen
    tcp_source: str | None


def observe(
    spaces: Namespaces, world: World, pairs: Sequence[tuple[str, str]], expected: Callable[[int, Observed], bool]
) -> tuple[Observed, ...]:
    """Return the result of every pair. Waits long only while a pair is not what is `expected` of it."""
    with contextlib.ExitStack() as opened:
        ears = {socket: (hear, box.name) for box in world.boxes for socket, hear in _listen(spaces, box, opened)}
        tries = [_start(spaces, world, pair, opened) for pair in pairs]
        start = time.monotonic()
        while True:
            passed = time.monotonic() - start
            found = tuple(Observed(ping=one.ping, udp=one.question, tcp_source=one.called_by) for one in tries)
            if passed > _PATIENCE and (
                passed > _EXPECTED_PATIENCE or all(expected(number, one) for number, one in enumerate(found))
            ):
                return found
            mouths: dict[socket.socket, _Listen] = {
                one.caller: _answer for one in tries if one.caller.fileno() >= 0 and one.called_by is None
            }
            mouths |= {one.asker: _learn for one in tries if not one.question.answered}
            for ready in select.select([*ears, *mouths], [], [], 0.02)[0]:
                if ready in ears:
                    hear, box = ears[ready]
                    hear(ready, box, tries, opened)
                else:
                    mouths[ready](ready, tries)


_Listen = Callable[[socket.socket, Sequence[_Try]], None]
_Hear = Callable[[socket.socket, str, Sequence[_Try], contextlib.ExitStack], None]


def _listen(spaces: Namespaces, box: Box, opened: contextlib.ExitStack) -> Iterator[tuple[socket.socket, _Hear]]:
    """The box's sockets, each with what to do when something comes in."""
    with spaces.enter(box.name):
        raw = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        listener = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        asked = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    asked.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    asked.bind(("0.0.0.0", _PORT))
    listener.bind(("0.0.0.0", _PORT))
    listener.listen(64)
    for ear, hear in ((raw, _hear_ping), (listener, _hear_call), (asked, _hear_question)):
        ear.setblocking(False)
        yield ear, hear


def _start(spaces: Namespaces, world: World, pair: tuple[str, str], opened: contextlib.ExitStack) -> _Try:
    source, destination = pair
    home = world.box_of(source).name
    with spaces.enter(home):
        sender = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        caller = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        asker = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    identifier = next(_IDENTIFIERS) & 0xFFFF
    # The sum of a header that is 8, the identifier and 1 needs no carry for the small identifiers used here.
    header = struct.pack("!BBHHH", 8, 0, ~(0x0800 + identifier + 1) & 0xFFFF, identifier, 1)
    sender.bind((source, 0))
    with contextlib.suppress(OSError):
        sender.sendto(header, (destination, 0))
    caller.setblocking(False)
    caller.bind((source, 0))
    asker.setblocking(False)
    asker.bind((source, 0))
    with contextlib.suppress(OSError):
        caller.connect((destination, _PORT))
    with contextlib.suppress(OSError):
        asker.connect((destination, _PORT))
        asker.send(struct.pack("!H", identifier))
    return _Try(home=home, caller=caller, asker=asker, identifier=identifier, source=source, destination=destination)


def _hear_ping(raw: socket.socket, box: str, tries: Sequence[_Try], _opened: contextlib.ExitStack) -> None:
    packet = raw.recv(2048)
    kind, identifier = packet[20], struct.unpack("!H", packet[24:26])[0]
    source, destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    for one in tries:
        if one.identifier == identifier and kind == 8:
            one.ping = replace(one.ping, at=box, source=source)
        elif one.identifier == identifier and kind == 0:
            arrived = (box, source, destination) == (one.home, one.destination, one.source)
            one.ping = replace(one.ping, answered=arrived)


def _hear_call(listener: socket.socket, _box: str, _tries: Sequence[_Try], opened: contextlib.ExitStack) -> None:
    with contextlib.suppress(OSError):
        answering, (source, _) = listener.accept()
        opened.enter_context(answering).sendall(source.encode())


def _hear_question(asked: socket.socket, box: str, tries: Sequence[_Try], _opened: contextlib.ExitStack) -> None:
    """Answers from the address that was asked."""
    with contextlib.suppress(OSError):
        question, ((_, _, info),), _, asker = asked.recvmsg(64, 64)
        for one in tries:
            if struct.pack("!H", one.identifier) == question:
                one.question = replace(one.question, at=box, source=asker[0])
        own = struct.pack("=i4s4s", 0, info[8:12], bytes(4))
        asked.sendmsg([question], [(socket.IPPROTO_IP, _IP_PKTINFO, own)], 0, asker)


def _answer(caller: socket.socket, tries: Sequence[_Try]) -> None:
    one = next(one for one in tries if one.caller is caller)
    try:
        one.called_by = caller.recv(64).decode() or None
    except OSError:
        caller.close()


def _learn(asker: socket.socket, tries: Sequence[_Try]) -> None:
    one = next(one for one in tries if one.asker is asker)
    with contextlib.suppress(OSError):  # an ICMP error, which another packet of the same pair may have had as well
        if asker.recv(64) == struct.pack("!H", one.identifier):
            one.question = replace(one.question, answered=True)
