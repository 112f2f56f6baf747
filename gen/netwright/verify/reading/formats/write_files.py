"""cloud-init's write_files: content, mode and owner of an entry, and what the module stops at (cc_write_files.py).

What it can't do is an exception there: the module ends, and no later entry is written, on any boot. Modes and encodings
that it does not know it replaces.
"""

import gzip
import zlib
from base64 import b64decode
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from msgspec import Struct

_GZIP = frozenset({"gz", "gzip"})
_BASE64 = frozenset({"b64", "base64"})
_PACKED = frozenset(f"{one}+{other}" for one in _GZIP for other in _BASE64)
_LARGEST = 64 * 1024 * 1024
_USUAL_MODE = 0o644
_NOBODY = frozenset({"", "-1", "none"})
_USER_NAMES = """
    root bin daemon adm lp sync shutdown halt mail operator games ftp nobody dbus systemd-coredump systemd-resolve tss
    systemd-oomd systemd-network polkitd sssd sshd chrony setroubleshoot cockpit-ws rngd rpc rpcuser unbound tcpdump
"""
_USERS = frozenset(_USER_NAMES.split())
_GROUP_NAMES = """
    sys tty disk mem kmem wheel cdrom man dialout floppy tape video lock audio users utmp utempter input kvm render
    systemd-journal ssh_keys sgx
"""
_GROUPS = _USERS | frozenset(_GROUP_NAMES.split())
"""Users and groups of the images of Enterprise Linux: others come with packages and `users`, which are later."""


class WriteError(ValueError):
    """The module stops at the entry; the text says why."""


class Entry(Struct, frozen=True, kw_only=True):
    """One file as it is written."""

    content: bytes
    mode: int
    owner: str


def read_entry(entry: Mapping[str, Any]) -> Entry:
    """Return what an entry writes. Raises WriteError where cloud-init raises an exception."""
    mode = _read_mode(entry.get("permissions"))
    return Entry(content=_read_content(entry), mode=mode, owner=_read_owner(entry))


def _read_mode(said: Any) -> int:
    """Return the mode: numbers are taken as they are, so that 0600 without quotes is 0600 and 600 is 01130."""
    if isinstance(said, int | float):
        return int(said)
    try:
        return int(str(said), 8)
    except ValueError:
        return _USUAL_MODE


def _read_content(entry: Mapping[str, Any]) -> bytes:
    said, encoding = entry.get("content", ""), str(entry.get("encoding") or "").lower().strip()
    try:
        raw = b64decode(said) if encoding in _BASE64 | _PACKED else said
        if encoding in _GZIP | _PACKED:
            raw = gzip.GzipFile(fileobj=BytesIO(raw)).read(_LARGEST)
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        raise WriteError(f"its content is no {encoding}") from error
    if isinstance(raw, bytes):
        return raw
    if isinstance(raw, str):
        return raw.encode()
    raise WriteError("its content is no text; write it in quotes")


def _read_owner(entry: Mapping[str, Any]) -> str:
    """Return the user's name. An entry with `defer` is written once users and packages are there."""
    said = entry.get("owner") or "root"
    if not isinstance(said, str):
        raise WriteError("its owner is no text; write root:root")
    user, _, group = (part.strip() for part in said.partition(":"))
    for name, known, kind in ((user, _USERS, "user"), (group, _GROUPS, "group")):
        if name.lower() not in _NOBODY and name not in known and not entry.get("defer"):
            raise WriteError(f"there is no {kind} {name} yet; with defer: true it is written after users and packages")
    return "root" if user.lower() in _NOBODY else user
