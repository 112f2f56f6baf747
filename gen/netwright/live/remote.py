"""Records by the user's own OpenSSH: its configuration, keys, agent, jump hosts and known hosts count.

Nothing is written on a machine: the script comes by standard input, its record goes by standard output.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from msgspec import Struct

from netwright.verify.reading.record import MOST_OCTETS

AT_ONCE = 32
"""Machines that are asked at the same time."""
PATIENCE = 90.0
"""Seconds in which a machine has to answer."""
_CONNECTING, _CONFIGURED = 10, 30.0
_MOST_COMPLAINT = 2000
_PART = 1 << 16
_LAST_WORDS = 1.0
_REMOTE = "sh -s"


class Target(Struct, frozen=True, kw_only=True):
    """A machine to ask: the node, where it is if ssh's own configuration does not say so, and the script if that is not
    the same for all."""

    node: str
    address: str | None
    script: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """A machine's record, or why there is none."""

    node: str
    record: bytes | None
    problem: str | None


class SshError(Exception):
    """ssh can't be used at all; the text says why."""


def collect(
    targets: Iterable[Target],
    script: str,
    *,
    options: Sequence[str] = (),
    at_once: int = AT_ONCE,
    patience: float = PATIENCE,
    remote: str = _REMOTE,
    advance: Callable[[int], None] = lambda _number: None,
) -> Iterator[Answer]:
    """Yield the answer of each machine, as they come; `options` are words of ssh's command line, `remote` is the
    command there that takes the script.

    Raises SshError where there is no ssh.
    """
    program = shutil.which("ssh")
    if program is None:
        raise SshError("ssh is not installed; install OpenSSH's client, or bring the records along in a directory")
    calls = _Calls()
    ask = partial(_ask, (program, *options, *_settings()), (remote, script.encode()), patience, calls)
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        waiting: set[Future[Answer]] = set()
        try:
            waiting |= {pool.submit(ask, target) for target in targets}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
                    advance(1)
        finally:
            # Whoever has had enough does not wait for machines that are slow.
            pool.shutdown(wait=False, cancel_futures=True)
            calls.end()


class _Calls:
    """The calls of ssh that run; after the end, each is over as soon as it begins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    def add(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            self._running.add(process)
            if self._is_over:
                process.kill()

    def discard(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            self._running.discard(process)

    def end(self) -> None:
        with self._lock:
            self._is_over = True
            for process in self._running:
                process.kill()


def _settings() -> tuple[str, ...]:
    """Return ssh's settings: never a question to a person, and an end where a machine is silent."""
    ours = {"BatchMode": "yes", "ConnectTimeout": str(_CONNECTING), "ServerAliveInterval": "5", "LogLevel": "ERROR"}
    return ("-T", "-a", "-x", *(word for key, value in ours.items() for word in ("-o", f"{key}={value}")))


def _ask(ssh: Sequence[str], order: tuple[str, bytes], patience: float, calls: _Calls, target: Target) -> Answer:
    """Give a machine a command, and what that takes from its standard input."""
    remote, script = order
    place = () if target.address is None else ("-o", f"HostName={target.address}")
    with tempfile.TemporaryFile() as given:
        given.write(script if target.script is None else target.script.encode())
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603
            [*ssh, *place, "--", target.node, remote],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    calls.add(process)
    complaints: deque[bytes] = deque(maxlen=1)
    hearing = threading.Thread(target=_hear, args=(process, complaints), daemon=True)
    hearing.start()
    record, problem = _read(process, patience)
    calls.discard(process)
    # A master connection that stays holds the stream of complaints open.
    hearing.join(timeout=_LAST_WORDS)
    if problem is None and process.returncode != 0 and not record:
        said = b"".join(complaints).decode(errors="replace").strip().splitlines()
        problem = said[-1] if said else f"ssh ended with status {process.returncode}"
    return Answer(node=target.node, record=None if problem is not None else record, problem=problem)


def _hear(process: "subprocess.Popen[bytes]", complaints: deque[bytes]) -> None:
    """Keep the last of what ssh complains of."""
    if process.stderr is None:
        return
    kept = b""
    with process.stderr, contextlib.suppress(OSError):
        while part := os.read(process.stderr.fileno(), _PART):
            kept = (kept + part)[-_MOST_COMPLAINT:]
            complaints.append(kept)


def _read(process: "subprocess.Popen[bytes]", patience: float) -> tuple[bytes, str | None]:
    """Return what the process prints, and why it was ended, if it was: too slow, or too much."""
    ended = threading.Event()

    def end() -> None:
        ended.set()
        process.kill()

    timer = threading.Timer(patience, end)
    timer.start()
    record = bytearray()
    try:
        while len(record) <= MOST_OCTETS and process.stdout and (part := os.read(process.stdout.fileno(), _PART)):
            record += part
        if len(record) > MOST_OCTETS:
            return b"", f"its record is larger than {MOST_OCTETS // 1024 // 1024} MiB"
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return bytes(record), f"has not answered in {patience:.0f} seconds" if ended.is_set() else None


def own_places(
    nodes: Sequence[str], options: Sequence[str] = (), *, patience: float = _CONFIGURED
) -> Mapping[str, str]:
    """Return where ssh's configuration has the nodes that it knows by name: those with a HostName of their own.

    Raises SshError where ssh does not come to an end of its configuration, such as a `Match exec` that waits.
    """
    program = shutil.which("ssh")
    if program is None:
        return {}
    with ThreadPoolExecutor() as pool:
        found = pool.map(partial(_own_place, (program, *options), patience), nodes)
        return {node: place for node, place in zip(nodes, found, strict=True) if place is not None}


def _own_place(ssh: Sequence[str], patience: float, node: str) -> str | None:
    try:
        asked = subprocess.run([*ssh, "-G", "--", node], capture_output=True, check=False, timeout=patience)  # noqa: S603
    except subprocess.TimeoutExpired:
        hint = f"ssh -G {node} does not end in {patience:g} seconds"
        raise SshError(f"{hint}; correct what waits in its configuration, or name another by --ssh-config") from None
    for line in asked.stdout.decode(errors="replace").splitlines():
        key, _, value = line.partition(" ")
        if key == "hostname":
            return value if value != node else None
    return None
