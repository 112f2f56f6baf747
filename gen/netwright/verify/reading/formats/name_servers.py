"""Files of interfaces, resolved.conf and resolv.conf -> the name servers that a machine asks.

`DNS=` of systemd.network(5) and resolved.conf(5) has several to a line, and an empty one takes those before it away; a
port stands behind a colon, an interface behind a percent sign, a name for TLS behind a number sign. `dns=` of keyfiles
is parted by semicolons or commas (nm-settings-keyfile(5)); ifcfg files have DNS1 to DNS10 (nm-settings-ifcfg-rh(5)).
"""

import re
import shlex
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.verify.reading.formats.sections import Entry, read_entries
from netwright.verify.values.addresses import AddressNumber, parse_ip
from netwright.verify.values.facts import Origin

Shown = Mapping[str, tuple[str, str]]
"""Delivered files by path: where a person finds each below out/, and its text."""

_NETWORKD = "/etc/systemd/network/"
_RESOLVED = "/etc/systemd/resolved.conf"
_RESOLV_CONF = "/etc/resolv.conf"
_KEYFILES = "/etc/NetworkManager/system-connections/"
_IFCFG = re.compile(r"/etc/sysconfig/network-scripts/ifcfg-[^/]+")
_DNS_OF_IFCFG = re.compile(r"(DNS(?:10|[1-9]))=(.*)")


class NameSource(Struct, frozen=True, kw_only=True):
    """A name server by IPv4 address; `is_ours` if it stands in an interface's own file, which netwright writes."""

    ip: AddressNumber
    is_ours: bool
    origin: Origin


def read_name_sources(files: Shown) -> tuple[NameSource, ...]:
    """Return the name servers of all files, those of an interface before those of the whole machine."""
    found: list[NameSource] = []
    paths = sorted(files)
    for path in paths:
        folder, _, name = path.rpartition("/")
        if f"{folder}/" == _NETWORKD and name.endswith(".network"):
            found += _of_systemd([path, *_dropins(path, paths)], "Network", files)
        elif f"{folder}/" == _KEYFILES and name.endswith(".nmconnection"):
            found += _of_keyfile(*files[path])
        elif _IFCFG.fullmatch(path) is not None:
            found += _of_ifcfg(*files[path])
    found += _of_systemd([_RESOLVED, *_dropins(_RESOLVED, paths)], "Resolve", files)
    return (*found, *_of_resolv_conf(*files.get(_RESOLV_CONF, ("", ""))))


def _dropins(path: str, paths: Sequence[str]) -> list[str]:
    """Those of the sorted paths that are drop-ins of one."""
    first, last = (bisect_left(paths, f"{path}.d{end}") for end in "/0")
    return [one for one in paths[first:last] if one.endswith(".conf")]


def _of_systemd(paths: Sequence[str], section: str, files: Shown) -> list[NameSource]:
    found: list[NameSource] = []
    for path in paths:
        shown, text = files.get(path, ("", ""))
        for entry in read_entries(text, shown, "#;"):
            if isinstance(entry, Entry) and (entry.section, entry.key) == (section, "DNS"):
                words = entry.value.split()
                found = found if words else []
                ours = path == paths[0] and section == "Network"
                found += _sources((_bare(word) for word in words), entry.origin, is_ours=ours)
    return found


def _bare(word: str) -> str:
    """An IPv4 address without port, interface and name."""
    return word.partition("#")[0].partition("%")[0].partition(":")[0]


def _of_keyfile(shown: str, text: str) -> Iterator[NameSource]:
    for entry in read_entries(text, shown, "#"):
        if isinstance(entry, Entry) and (entry.section, entry.key) == ("ipv4", "dns"):
            yield from _sources(re.split("[;,]", entry.value), entry.origin, is_ours=True)


def _of_ifcfg(shown: str, text: str) -> Iterator[NameSource]:
    lines: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        found = _DNS_OF_IFCFG.fullmatch(line.strip())
        if found is not None:
            lines[found[1]] = number, found[2]
    for number, value in lines.values():
        yield from _sources(_unquoted(value), Origin(file=shown, line=number), is_ours=True)


def _of_resolv_conf(shown: str, text: str) -> Iterator[NameSource]:
    """The servers of resolv.conf(5), in the place of what the system makes there."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if words[:1] == ["nameserver"]:
            yield from _sources(words[1:2], Origin(file=shown, line=number), is_ours=False)


def _unquoted(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return []


def _sources(words: Iterable[str], origin: Origin, *, is_ours: bool) -> Iterator[NameSource]:
    for word in words:
        ip = parse_ip(word.strip())
        if ip is not None:
            yield NameSource(ip=ip, is_ours=is_ours, origin=origin)
