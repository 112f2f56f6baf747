"""chrony.conf and timesyncd.conf -> the servers that are asked for the time (chrony.conf(5), timesyncd.conf(5))."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch

from msgspec import Struct

from netwright.verify.reading.formats.sections import Entry, read_entries
from netwright.verify.values.facts import Origin

CHRONY, TIMESYNCD = "chrony", "systemd-timesyncd"
Shown = Mapping[str, tuple[str, str]]
"""Delivered files by path: where a person finds each below out/, and its text."""

_CHRONY = "/etc/chrony.conf"
_TIMESYNCD = "/etc/systemd/timesyncd.conf"
_DEEPEST = 10
"""So many files chronyd reads within one another (conf.c, MAX_INCLUDE_LEVEL)."""


class TimeSource(Struct, frozen=True, kw_only=True):
    """A server, by address or name, and the program that asks it; `path` is the file on the machine."""

    program: str
    server: str
    path: str
    origin: Origin


def read_time_sources(files: Shown) -> tuple[TimeSource, ...]:
    """Return the servers of both programs."""
    return (*_chrony([_CHRONY], files, 0), *_timesyncd(files))


def _chrony(paths: Sequence[str], files: Shown, depth: int) -> Iterator[TimeSource]:
    """Yield what chronyd asks by its files and those that they include; letters of directives may be large or small."""
    for path in paths if depth <= _DEEPEST else ():
        shown, text = files.get(path, ("", ""))
        for number, line in enumerate(text.split("\n"), start=1):
            word, *arguments = line.split() or [""]
            if not arguments or word[0] in "!;#%":
                continue
            match word.lower():
                case "server" | "pool" | "peer":
                    origin = Origin(file=shown, line=number)
                    yield TimeSource(program=CHRONY, server=arguments[0], path=path, origin=origin)
                case "include":
                    yield from _chrony(_matching(arguments[0], files), files, depth + 1)
                case "confdir":
                    yield from _chrony(_within(arguments, ".conf", files), files, depth + 1)
                case "sourcedir":
                    yield from _chrony(_within(arguments, ".sources", files), files, depth + 1)


def _matching(pattern: str, files: Shown) -> list[str]:
    """Return the files that a pattern of shells stands for, in their order; `*` stops at folders."""
    depth = pattern.count("/")
    return sorted(path for path in files if fnmatch(path, pattern) and path.count("/") == depth)


def _within(folders: Sequence[str], ending: str, files: Shown) -> list[str]:
    """Return the files of folders, of two with one name that of the first folder, in the order of names."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in _matching(f"{folder.rstrip('/')}/*{ending}", files):
            found.setdefault(path.rpartition("/")[2], path)
    return [found[name] for name in sorted(found)]


def _timesyncd(files: Shown) -> Iterator[TimeSource]:
    """Yield the servers of `NTP=`: an empty one takes those before it away."""
    found: list[TimeSource] = []
    for path in [_TIMESYNCD, *_within([f"{_TIMESYNCD}.d"], ".conf", files)]:
        shown, text = files.get(path, ("", ""))
        for entry in read_entries(text, shown, "#;"):
            if not isinstance(entry, Entry) or (entry.section, entry.key) != ("Time", "NTP"):
                continue
            servers = entry.value.split()
            found = found if servers else []
            found += (TimeSource(program=TIMESYNCD, server=one, path=path, origin=entry.origin) for one in servers)
    yield from found
