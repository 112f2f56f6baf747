"""A command's arguments: operands, options and flags as most programs read them."""

import posixpath
from collections.abc import Sequence

from netwright.verify.reading.running.paths import GLOB


def operands(arguments: Sequence[str], *, valued: str = "") -> list[str]:
    """The arguments that are no options; `valued` are the options, by blank, that take the next word."""
    found: list[str] = []
    taking = frozenset(valued.split())
    words = iter(arguments)
    for word in words:
        if word == "--":
            found += words
        elif word in taking:
            next(words, None)
        elif not word.startswith("-") or word == "-":
            found.append(word)
    return found


def option(arguments: Sequence[str], *names: str) -> str | None:
    """The value of an option: `-o FILE`, `-oFILE`, `--output FILE` or `--output=FILE`; None without it."""
    for number, word in enumerate(arguments):
        if word in names:
            return arguments[number + 1] if number + 1 < len(arguments) else ""
        for name in names:
            if name.startswith("--") and word.startswith(f"{name}="):
                return word.partition("=")[2]
            if len(name) == 2 and not word.startswith("--") and word.startswith(name):
                return word[2:]
    return None


def has_flag(arguments: Sequence[str], short: str, *longs: str) -> bool:
    """Return whether one of an option's names is given, a short one also among others as in -rf."""
    return any(
        word in longs or (short and word.startswith("-") and not word.startswith("--") and short in word[1:])
        for word in arguments
    )


def in_folder(folder: str, source: str) -> str:
    """The path that a file gets in a folder."""
    name = posixpath.basename(source.rstrip("/"))
    return f"{folder.rstrip('/')}/{name or GLOB}"
