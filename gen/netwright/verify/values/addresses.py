"""IPv4 addresses as plain numbers: prefixes, ranges, and their spelling."""

from collections.abc import Iterable
from typing import NewType

from msgspec import Struct

LAST_IP = 0xFFFFFFFF
_OCTETS = {str(number): number for number in range(256)}

AddressNumber = NewType("AddressNumber", int)
"""An IPv4 address as a number."""
NO_ADDRESS = AddressNumber(0)

Range = tuple[int, int]
"""The first and the last of consecutive IPs (or ports, or numbers)."""
Ranges = tuple[Range, ...]
"""Ranges in ascending order that neither overlap nor touch."""


class Prefix(Struct, frozen=True, kw_only=True):
    """A network: its first IP and its length in bits."""

    first: int
    length: int

    @property
    def last(self) -> int:
        """The network's last IP."""
        return self.first | (LAST_IP >> self.length)

    @property
    def range(self) -> Range:
        """The network as a range."""
        return self.first, self.last

    def __contains__(self, ip: int) -> bool:
        return self.first <= ip <= self.last

    def __str__(self) -> str:
        return f"{format_ip(self.first)}/{self.length}"


EVERYWHERE = Prefix(first=0, length=0)


def parse_ip(text: str) -> AddressNumber | None:
    """The IP, None for every spelling but four canonical decimal numbers."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    ip = 0
    for part in parts:
        if part not in _OCTETS:
            return None
        ip = ip << 8 | _OCTETS[part]
    return AddressNumber(ip)


def parse_address(text: str) -> tuple[AddressNumber, int] | None:
    """An IP with the length of its prefix, None for anything else, a missing length included."""
    ip_text, slash, length_text = text.partition("/")
    ip, length = parse_ip(ip_text), parse_number(length_text, 32)
    return (ip, length) if slash and ip is not None and length is not None else None


def parse_prefix(text: str) -> Prefix | None:
    """A network, None for anything else; host bits set, or no length, are anything else."""
    address = parse_address(text)
    if address is None or address[0] & (LAST_IP >> address[1]):
        return None
    return Prefix(first=address[0], length=address[1])


def parse_host_or_prefix(text: str) -> Prefix | None:
    """A network, or an IP alone as a network of one."""
    ip = parse_ip(text)
    return Prefix(first=ip, length=32) if ip is not None else parse_prefix(text)


def parse_number(text: str, largest: int) -> int | None:
    """A canonical decimal number up to `largest`, None for anything else."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0") or len(text) > 10:
        return None
    return int(text) if int(text) <= largest else None


def network_of(ip: int, length: int) -> Prefix:
    """The network in which an address lies."""
    return Prefix(first=ip & ~(LAST_IP >> length) & LAST_IP, length=length)


def format_ip(ip: int) -> str:
    """The IP as people write it."""
    return f"{ip >> 24}.{ip >> 16 & 255}.{ip >> 8 & 255}.{ip & 255}"


def format_range(first: int, last: int) -> str:
    """One IP, a network where the range is exactly one, or first-last."""
    if first == last:
        return format_ip(first)
    size = last - first + 1
    if size & (size - 1) == 0 and first % size == 0:
        return f"{format_ip(first)}/{33 - size.bit_length()}"
    return f"{format_ip(first)}-{format_ip(last)}"


def merge(ranges: Iterable[Range]) -> Ranges:
    """The ranges in order, those that overlap or touch joined."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def complement(ranges: Ranges, largest: int = LAST_IP) -> Ranges:
    """Everything from 0 to `largest` that is not in the ranges."""
    gaps: list[Range] = []
    start = 0
    for first, last in ranges:
        if first > start:
            gaps.append((start, first - 1))
        start = last + 1
    if start <= largest:
        gaps.append((start, largest))
    return tuple(gaps)


def contains(ranges: Ranges, number: int) -> bool:
    """Return whether one of the ranges holds the number."""
    if len(ranges) < 8:
        return any(first <= number <= last for first, last in ranges)
    low, high = 0, len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle][1] < number:
            low = middle + 1
        else:
            high = middle
    return low < len(ranges) and ranges[low][0] <= number


NOWHERE = tuple(
    network_of(first, length).range
    for first, length in (
        (0x00000000, 8),  # this network
        (0x0A000000, 8),  # private
        (0x64400000, 10),  # shared
        (0x7F000000, 8),  # loopback
        (0xA9FE0000, 16),  # link-local
        (0xAC100000, 12),  # private
        (0xC0000000, 24),  # protocol assignments
        (0xC0A80000, 16),  # private
        (0xC6120000, 15),  # benchmarks
        (0xE0000000, 3),  # multicast and reserved
    )
)
"""Ranges nowhere on the internet (IANA's special-purpose registries); those for documentation stand for it."""


def is_public(ip: int) -> bool:
    """Return whether the IP may be one of the internet's."""
    return not contains(NOWHERE, ip)
