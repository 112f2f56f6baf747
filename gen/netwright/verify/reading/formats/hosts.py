"""/etc/hosts -> the addresses that names stand for (hosts(5))."""

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from netwright.verify.values.addresses import AddressNumber, parse_ip

HOSTS = ("/etc/hosts", "/etc/netwright/hosts")
"""What a machine looks in, and what a script of ours adds to it behind other lines, where those stay."""


class HostLine(Struct, frozen=True, kw_only=True):
    """An address, its names in lower case, and the number of the line."""

    ip: AddressNumber
    names: tuple[str, ...]
    line: int


class HostsFile(Struct, frozen=True, kw_only=True):
    """The lines of a file with an address, and where a person finds it below out/."""

    shown: str
    lines: tuple[HostLine, ...]


def read_hosts(files: Mapping[str, tuple[str, str]]) -> tuple[HostsFile, ...]:
    """Return the files that are looked in, of the delivered ones by path, each with where a person finds it."""
    return tuple(HostsFile(shown=files[path][0], lines=_read_lines(files[path][1])) for path in HOSTS if path in files)


@lru_cache(maxsize=64)
def _read_lines(text: str) -> tuple[HostLine, ...]:
    """Return the lines with an address to which IPv4 is sent; any other line counts for nothing, as in the C library.

    Nodes on the same networks have the same file, which is read once.
    """
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        first, *names = line.partition("#")[0].split() or [""]
        ip = _parse_address(first)
        if ip is not None:
            found.append(HostLine(ip=ip, names=tuple(map(str.lower, names)), line=number))
    return tuple(found)


def _parse_address(text: str) -> AddressNumber | None:
    """Return an IPv4 address, be it written as IPv6: glibc takes ::1 for 127.0.0.1 (nss/nss_files/files-hosts.c)."""
    text = text.lower()
    return parse_ip("127.0.0.1" if text == "::1" else text.removeprefix("::ffff:"))
