"""Lookups in the table of places: the place of a path, and what writing there may do to the network."""

import re
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from netwright.verify.reading.running.areas import PLACES, Area, FileKind
from netwright.verify.reading.running.paths import GLOB, UNSURE, is_known, normalise, show
from netwright.verify.reading.running.tables import CHANGERS


class _Index(Struct, frozen=True, kw_only=True):
    exact: dict[str, Area]
    below: dict[str, Area]


def _index(places: Iterable[Area]) -> _Index:
    exact: dict[str, Area] = {}
    below: dict[str, Area] = {}
    for place in places:
        for path in place.paths.split():
            (below if path.endswith("/") else exact).setdefault(path, place)
    return _Index(exact=exact, below=below)


_INDEX = _index(PLACES)
_OF_USERS = frozenset({".bashrc", ".bash_profile", ".profile", ".bash_login", ".bash_logout", ".zshrc", ".zprofile"})


_KEY = Area(paths="", kind=FileKind.DATA, reason="a private key, which only names a machine to its peers")


@lru_cache(maxsize=4096)
def find_place(path: str) -> Area | None:
    """The place of a normalised path, None where nothing runs and nothing that starts by itself reads."""
    if path in _INDEX.exact:
        return _INDEX.exact[path]
    if path.startswith("/home/") and path.rpartition("/")[2] in _OF_USERS:
        return _INDEX.exact["/root/.bashrc"]
    if path.startswith("/etc/wireguard/") and path.endswith(".key"):
        return _KEY
    folder = path
    while folder not in ("", "/"):
        folder = folder.rstrip("/").rpartition("/")[0] + "/"
        if folder in _INDEX.below:
            return _INDEX.below[folder]
    return None


def holds_places(path: str) -> Area | None:
    """A place below a normalised path from which something runs, None if there is no such place."""
    inner = path.rstrip("/") + "/"
    for place in PLACES:
        if place.kind not in (FileKind.DATA, FileKind.MANIFEST) and any(
            one.startswith(inner) for one in place.paths.split()
        ):
            return place
    return None


_FOUND_FIRST = ("/usr/local/sbin", "/usr/local/bin", "/opt/bin")
_CALLED_BY_OTHERS = CHANGERS | {"modprobe", "systemctl", "udevadm", "sh", "bash", "sudo"}


def takes_place(path: str) -> bool:
    """Return whether a program in that place may be found in the place of the system's: by what K3s, Docker and
    scripts call by its name."""
    folder, _, name = path.rpartition("/")
    return folder in _FOUND_FIRST and name in _CALLED_BY_OTHERS


_READABLE_ADDED = re.compile(r"[ugoa]*\+[rwxXst]+")
_NETWORKD = ("/etc/systemd/network/", "/run/systemd/network/", "/usr/lib/systemd/network/")


def refuse_mode(path: str, mode: str) -> str | None:
    """Return why a folder may not have a mode, as chmod takes it: systemd-networkd runs as a user of its own, to whom
    its files are nothing where it may not read what leads to them. None where it may, or for any other folder."""
    if not is_known(path):
        return None
    plain = normalise(path)
    if not any(folder.startswith(f"{plain.rstrip('/')}/") for folder in _NETWORKD):
        return None
    if mode.isdigit() and set(mode) <= set("01234567"):
        readable = int(mode, 8) & 0o005 == 0o005
    else:
        readable = all(_READABLE_ADDED.fullmatch(part) for part in mode.split(","))
    return (
        None if readable else f"with mode {show(mode)} systemd-networkd may not read below {show(plain)}: 0755 is right"
    )


@lru_cache(maxsize=4096)
def refuse_writing(path: str, *, wholly: bool = False) -> str | None:
    """Return why something that is written to the path may change the network, None if it cannot.

    `wholly` where a directory and all below it is meant.
    """
    if UNSURE in path:
        return "writes to a place that is not known"
    known, glob, _ = path.partition(GLOB)
    if glob:
        folder = normalise(known.rpartition("/")[0] or "/")
        return refuse_writing(f"{folder}/x") or refuse_writing(folder, wholly=True)
    plain = normalise(path)
    place = find_place(plain) or (holds_places(plain) if wholly else None)
    if place is None or place.kind is FileKind.DATA:
        return None
    return f"writes to {show(plain)}: {place.reason}"
