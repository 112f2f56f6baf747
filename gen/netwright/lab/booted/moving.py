"""Virtual addresses that move: keepalived ends at the holder, another one takes the address, and its services go on.

What HAProxy leads to, or what answers in its place, does not run on machines of the lab: a listener stands in for it.
"""

import contextlib
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise

from msgspec import Struct

from netwright.lab.applying import Progress
from netwright.lab.booted.machine import BootedMachine
from netwright.lab.building import namespace_of
from netwright.lab.machine import poll
from netwright.lab.namespaces import Namespaces
from netwright.lab.probes import Trial
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.packets import TCP
from netwright.verify.values.wiring import Wiring

KEEPALIVED = "keepalived.service"
_ANSWER = b"netwright"
_ELECTION, _PATIENCE = 40.0, 20.0
"""Seconds for HAProxy to find its servers, for scripts to succeed, and for an election; and for a move alone."""
_INTERVAL, _WAIT = 0.02, 0.2
"""Seconds between two questions, and those that an answer may take."""
_ENOUGH = 5
"""Answers in a row after which a service goes on."""


class Move(Struct, frozen=True, kw_only=True):
    """What became of a virtual address when keepalived was stopped at `left`: who had it then.

    `seconds` is the longest time without an answer at the TCP port, asked from `asker`; both are None where no flow may
    ask, `seconds` also where no answer came any more. An address without a holder before has no `left`.
    """

    ip: int
    left: str
    holders: tuple[str, ...]
    port: int | None = None
    asker: str | None = None
    seconds: float | None = None

    @property
    def works(self) -> bool:
        """Return whether one other node took the address, and its service went on."""
        return bool(self.left) and len(self.holders) == 1 and (self.asker is None or self.seconds is not None)

    def __str__(self) -> str:
        ip, holders = format_ip(self.ip), " and ".join(self.holders)
        if not self.left:
            return f"keepalived gave {ip} to {holders or 'none of its holders'}"
        if not holders:
            return f"no other node took {ip} when keepalived was stopped at {self.left}"
        moved = f"{ip} moved from {self.left} to {holders} when keepalived was stopped there"
        if self.asker is None:
            return moved
        asked = f"tcp/{self.port} from {self.asker}"
        if self.seconds is None:
            return f"{moved}; {asked} got no answer any more"
        return f"{moved}; {asked} was without an answer for {self.seconds:.1f} s"


class Caller(Struct, frozen=True, kw_only=True):
    """Sender of a flow to a port of a virtual address: its address, and the namespace it is in."""

    space: str
    source: int
    port: int


def find_callers(trials: Sequence[Trial], wiring: Wiring) -> Mapping[int, Caller]:
    """Return for each virtual address the sender of a flow to a port that is served there."""
    served = {(one.ip, one.port) for one in wiring.served}
    return {
        probe.destination: Caller(space=namespace_of(probe.sender), source=probe.source, port=probe.port)
        for trial in trials
        for probe in trial.probes
        if trial.flow.must_arrive and probe.protocol == TCP and (probe.destination, probe.port) in served
        if probe.sender.kind != "outside"
    }


def try_moves(
    spaces: Namespaces,
    machines: Mapping[str, BootedMachine],
    wiring: Wiring,
    callers: Mapping[int, Caller],
    progress: Progress,
) -> Iterator[Move]:
    """Stop the holder of each address in turn that several nodes share by keepalived; where it does not run, the
    address has no holder."""
    holders: dict[int, list[str]] = defaultdict(list)
    for one in wiring.held:
        if one.moved and one.node in machines and machines[one.node].has("keepalived"):
            holders[one.ip].append(one.node)
    shared = {ip: nodes for ip, nodes in holders.items() if len(nodes) > 1}
    if not shared:
        return
    with _standing_in(spaces, wiring):
        for number, (ip, nodes) in enumerate(shared.items()):
            progress(f"stopping the holder of {format_ip(ip)}", number, len(shared))
            if any(machines[node].is_active(KEEPALIVED) for node in nodes):
                poll(partial(_is_settled, spaces, ip, nodes), seconds=_ELECTION, interval=0.5)
            yield _move(spaces, machines, ip, nodes, callers.get(ip))


def _is_settled(spaces: Namespaces, ip: int, nodes: Sequence[str]) -> bool:
    """Whether keepalived has given the address to one node, which it has not yet just after it started somewhere."""
    return len(_having(spaces, ip, nodes)) == 1


def _move(
    spaces: Namespaces, machines: Mapping[str, BootedMachine], ip: int, nodes: Sequence[str], caller: Caller | None
) -> Move:
    before = _having(spaces, ip, nodes)
    if len(before) != 1:
        return Move(ip=ip, left="", holders=before)
    (left,) = before
    start = time.monotonic()
    stopping = machines[left].begin("systemctl", "stop", KEEPALIVED)
    answers = [start]
    in_a_row = 0
    while time.monotonic() - start < _PATIENCE:
        answered = caller is not None and _ask(spaces, ip, caller)
        in_a_row = in_a_row + 1 if answered else 0
        if answered:
            answers.append(time.monotonic())
        if (in_a_row >= _ENOUGH or caller is None) and _having(spaces, ip, nodes) not in ((), (left,)):
            break
        time.sleep(_INTERVAL)
    stopping.wait()
    after = _having(spaces, ip, nodes)
    machines[left].run("systemctl", "start", KEEPALIVED)
    gaps = [later - earlier for earlier, later in pairwise(answers)]
    return Move(
        ip=ip,
        left=left,
        holders=after,
        port=caller.port if caller is not None else None,
        asker=caller.space if caller is not None else None,
        seconds=max(gaps) if caller is not None and in_a_row >= _ENOUGH else None,
    )


def _having(spaces: Namespaces, ip: int, nodes: Sequence[str]) -> tuple[str, ...]:
    """The nodes that have the address now."""
    wanted = f" {format_ip(ip)}/"
    command = ["ip", "-brief", "-4", "address", "show"]
    return tuple(node for node in nodes if wanted in spaces.output(node, command))


def _ask(spaces: Namespaces, ip: int, caller: Caller) -> bool:
    """Whether a server behind the address answers in time."""
    with spaces.enter(caller.space), socket.socket() as asking:
        asking.settimeout(_WAIT)
        try:
            asking.bind((format_ip(caller.source), 0))
            asking.connect((format_ip(ip), caller.port))
            return asking.recv(len(_ANSWER)) == _ANSWER
        except OSError:
            return False


@contextlib.contextmanager
def _standing_in(spaces: Namespaces, wiring: Wiring) -> Iterator[None]:
    """Listeners in place of what is to answer, which say one word and close, until the block ends."""
    with contextlib.ExitStack() as opened:
        listeners = [listener for place in _places(wiring) for listener in _listen(spaces, *place, opened)]
        ended = threading.Event()
        answering = threading.Thread(target=_answer, args=(listeners, ended))
        answering.start()
        opened.callback(answering.join)
        opened.callback(ended.set)
        yield


def _places(wiring: Wiring) -> Iterator[tuple[str, int]]:
    """The node and port of each server that HAProxy leads to, and of each service that the holders have themselves."""
    nodes: dict[int, str] = {one.ip: one.node for one in wiring.addresses}
    places = {(nodes[ip], port): None for served in wiring.served for ip, port in served.servers if ip in nodes}
    own = {
        (held.node, served.port): None
        for served in wiring.served
        if not served.servers
        for held in wiring.held
        if held.ip == served.ip
    }
    yield from {**places, **own}


def _listen(spaces: Namespaces, node: str, port: int, opened: contextlib.ExitStack) -> Iterator[socket.socket]:
    """A listener, none where a program of the machine has the port."""
    with spaces.enter(node):
        listener = opened.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    try:
        listener.bind(("0.0.0.0", port))  # noqa: S104 (in a namespace of the lab)
    except OSError:
        return
    listener.listen()
    yield listener


def _answer(listeners: Sequence[socket.socket], ended: threading.Event) -> None:
    while not ended.is_set():
        ready, _, _ = select.select(listeners, [], [], _WAIT)
        for listener in ready:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.setblocking(False)
                    connection.send(_ANSWER)
