"""Scripts for a machine: machine.sh with what it is to do, as text that a POSIX shell takes from standard input.

Contents travel in base64, so that nothing in them is taken for the shell's. The call stands in braces at the very end:
a shell that gets a part of the script does nothing.
"""

import base64
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from netwright.apply.values import MachineChange

AS_ROOT = """sh -c 'if [ "$(id -u)" = 0 ]; then exec sh -s; fi; exec sudo -n sh -s'"""
"""The command that takes a script from standard input, as root."""

_END = "NETWRIGHT"
_WIDTH = 76


def look_script(wanted: Mapping[str, str]) -> str:
    """Return the script that prints what a machine has, of files by their wanted digest (ABSENT for none)."""
    lines = "".join(f"{digest}\t{path}\n" for path, digest in sorted(wanted.items()))
    return _script(f"wanted() {{\nbase64 -d <<'{_END}'\n{_encoded(lines.encode())}{_END}\n}}\n", "look")


def begin_script(change: MachineChange, identity: str, seconds: int, who: str) -> str:
    """Return the script that makes a change, which the machine undoes after so many seconds unless it is confirmed."""
    payload = "".join(_put(name, content) for name, content in (*_common(), *_payload(change)))
    return _script(f"payload() {{\n{payload}true\n}}\n", "begin", identity, str(seconds), who)


def rollback_script(last: str, identity: str, seconds: int, who: str) -> str:
    """Return the script that makes the last confirmed change backwards, as a change of its own."""
    payload = "".join(_put(name, content) for name, content in _common())
    body = f"payload() {{\n{payload}payload_of_rollback {shlex.quote(last)}\n}}\n"
    return _script(body, "begin", identity, str(seconds), who)


def state_script(identity: str) -> str:
    """Return the script that prints what has become of a change."""
    return _script("", "state", identity)


def confirm_script(identity: str) -> str:
    """Return the script that confirms a change."""
    return _script("", "confirm", identity)


def call_off_script(identity: str, reason: str) -> str:
    """Return the script that undoes a change that is not confirmed."""
    return _script("", "call-off", identity, reason)


def _script(functions: str, *call: str) -> str:
    return f"{_machine_script()}\n{functions}{{ main {shlex.join(call)}; exit; }}\n"


def _machine_script() -> str:
    return Path(__file__).with_name("machine.sh").read_text(encoding="utf-8")


def _common() -> Iterator[tuple[str, bytes]]:
    yield "machine.sh", _machine_script().encode()
    yield "boot-unit", Path(__file__).with_name("netwright-undo.service").read_bytes()


def _payload(change: MachineChange) -> Iterator[tuple[str, bytes]]:
    rows = []
    for number, one in enumerate(change.files, start=1):
        rows.append((str(number), one.mode, one.owner, one.digest, one.was, one.path))
        if one.content is not None:
            yield f"new/{number}", one.content
    yield "files", _lines(rows)
    yield "manifest", _lines([(one.path, one.digest, one.mode, one.owner) for one in change.manifest])
    for prefix, commands in (("", change.there), ("undo-", change.back)):
        yield f"{prefix}leave", _lines([(line,) for line in commands.leave])
        yield f"{prefix}then", _lines([(line,) for line in commands.then])
    yield "parameters", _lines([(path,) for path in change.parameters])
    yield "units", _lines([(unit,) for unit in change.units])


def _lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def _put(name: str, content: bytes) -> str:
    return f"base64 -d > \"$change/{name}\" <<'{_END}' &&\n{_encoded(content)}{_END}\n"


def _encoded(content: bytes) -> str:
    text = base64.b64encode(content).decode("ascii")
    return "".join(f"{text[start : start + _WIDTH]}\n" for start in range(0, len(text), _WIDTH))
