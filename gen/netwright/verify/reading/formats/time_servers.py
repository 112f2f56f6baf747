"""chrony.conf and timesyncd.conf -> the servers that are asked for the time, and who may ask (chrony.conf(5),
timesyncd.conf(5))."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch

from msgspec import Struct

from netwright.verify.reading.formats.sections import Entry, read_entries
from netwright.verify.values.addresses import EVERYWHERE, Prefix, network_of, parse_host_or_prefix, parse_prefix
from netwright.verify.values.facts import Origin

CHRONY, TIMESYNCD = "chrony", "systemd-timesyncd"
Shown = Mapping[str, tuple[str, str]]
"""Delivered files by path: where a person finds each below out/, and its text."""

CHRONY_CONF = "/etc/chrony.conf"
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
    return (*_chrony(files), *_timesyncd(files))


class _Directive(Struct, frozen=True, kw_only=True):
    """A line of chronyd's files that is no comment; `word` in small letters, `path` the file on the machine."""

    word: str
    arguments: tuple[str, ...]
    path: str
    origin: Origin


def _directives(paths: Sequence[str], files: Shown, depth: int = 0) -> Iterator[_Directive]:
    """Yield the lines of chronyd's files and of those that they include; directives may have large letters or small."""
    for path in paths if depth <= _DEEPEST else ():
        shown, text = files.get(path, ("", ""))
        for number, line in enumerate(text.split("\n"), start=1):
            word, *arguments = line.split() or [""]
            if not word or word[0] in "!;#%":
                continue
            match word.lower():
                case "include" if arguments:
                    yield from _directives(_matching(arguments[0], files), files, depth + 1)
                case "confdir":
                    yield from _directives(_within(arguments, ".conf", files), files, depth + 1)
                case "sourcedir":
                    yield from _directives(_within(arguments, ".sources", files), files, depth + 1)
                case known:
                    origin = Origin(file=shown, line=number)
                    yield _Directive(word=known, arguments=tuple(arguments), path=path, origin=origin)


def _chrony(files: Shown) -> Iterator[TimeSource]:
    for one in _directives([CHRONY_CONF], files):
        if one.word in ("server", "pool", "peer") and one.arguments:
            yield TimeSource(program=CHRONY, server=one.arguments[0], path=one.path, origin=one.origin)


class TimeAccess(Struct, frozen=True, kw_only=True):
    """Whether chronyd answers those in a network; with `all`, whatever was told before of networks in it."""

    network: Prefix
    allows: bool
    all: bool
    origin: Origin


def read_time_access(files: Shown) -> tuple[TimeAccess, ...]:
    """Return who may ask chronyd, in the order of its files; names are left out."""
    return tuple(_access(files))


def _access(files: Shown) -> Iterator[TimeAccess]:
    for one in _directives([CHRONY_CONF], files):
        if one.word in ("allow", "deny"):
            every, words = one.arguments[:1] == ("all",), one.arguments
            network = _subnet((words[1:] if every else words)[:1])
            if network is not None:
                yield TimeAccess(network=network, allows=one.word == "allow", all=every, origin=one.origin)


def _subnet(words: Sequence[str]) -> Prefix | None:
    """A network as chronyd reads it: none is everything, and of 1.2 the length is 16 (chrony.conf(5), allow)."""
    if not words:
        return EVERYWHERE
    numbers = words[0].split(".")
    if "/" not in words[0] and len(numbers) < _OCTETS:
        return parse_prefix(".".join((*numbers, *["0"] * (_OCTETS - len(numbers)))) + f"/{8 * len(numbers)}")
    return parse_host_or_prefix(words[0])


_OCTETS = 4


def merge_access(access: Sequence[TimeAccess]) -> Mapping[Prefix, bool]:
    """Return whether chronyd answers each network that its files tell of."""
    table: dict[Prefix, bool] = {}
    for one in access:
        if one.all:
            inner = [known for known in table if one.network.first <= known.first and known.last <= one.network.last]
            for known in inner:
                del table[known]
        table[one.network] = one.allows
    return table


def answers_asker(table: Mapping[Prefix, bool], ip: int) -> bool:
    """Return whether chronyd answers an address: the longest network that holds it decides (addrfilt.c), and it answers
    no one of whom its files tell nothing."""
    holding = (network_of(ip, length) for length in range(32, -1, -1))
    return next((table[network] for network in holding if network in table), False)


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
