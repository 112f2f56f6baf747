"""Paths and words of commands in one spelling, and the marks of what is not known in them."""

import posixpath
import re
from functools import lru_cache

UNSURE, GLOB = "\0", "\1"
"""Stand in a word for a value that is not known, and for one that has no slash."""

_MOVED = (
    ("/lib64", "/usr/lib64"),
    ("/lib", "/usr/lib"),
    ("/bin", "/usr/bin"),
    ("/sbin", "/usr/sbin"),
    ("/var/run", "/run"),
    ("/etc/init.d", "/etc/rc.d/init.d"),
    ("/etc/rc.local", "/etc/rc.d/rc.local"),
)
"""Links that the systems have in these places (UsrMerge, and Enterprise Linux's rc.d)."""

_HOME = re.compile(r"~(?=/|$)")


@lru_cache(maxsize=4096)
def normalise(path: str) -> str:
    """The path without `.`, `..`, doubled slashes and links that systems have."""
    plain = posixpath.normpath("/" + _HOME.sub("/root", path).lstrip("/"))
    for link, place in _MOVED:
        if plain == link or plain.startswith(f"{link}/"):
            return place + plain[len(link) :]
    return plain


def is_known(word: str) -> bool:
    """Return whether the whole word is known."""
    return UNSURE not in word and GLOB not in word


def show(word: str) -> str:
    """The word as a person reads it."""
    return word.replace(UNSURE, "...").replace(GLOB, "*")


def words_of(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
