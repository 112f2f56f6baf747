"""Networks as ranges of numbers, and a quick index of many of them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct
from netaddr import IPNetwork

T = TypeVar("T")


class Span(Struct, frozen=True):
    """A network as its first and last address, as numbers."""

    first: int
    last: int

    def __contains__(self, ip: int) -> bool:
        return self.first <= ip <= self.last

    def covers(self, other: "Span") -> bool:
        """Return whether the other lies wholly inside."""
        return self.first <= other.first and other.last <= self.last

    def meets(self, other: "Span") -> bool:
        """Return whether both have an address in common."""
        return self.first <= other.last and other.first <= self.last


def span(network: IPNetwork) -> Span:
    """The first and last address of a network."""
    return Span(network.first, network.last)


def merge_spans(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans in order, those that have an address in common as one."""
    merged: list[Span] = []
    for one in sorted(spans, key=lambda one: one.first):
        if merged and one.first <= merged[-1].last:
            merged[-1] = Span(merged[-1].first, max(merged[-1].last, one.last))
        else:
            merged.append(one)
    yield from merged


def nested(entries: Iterable[tuple[T, IPNetwork]]) -> Iterator[tuple[tuple[T, IPNetwork], tuple[T, IPNetwork]]]:
    """Every network that lies in another or is the same, with the widest such; in the order of addresses.

    Two networks have no address in common if neither lies in the other.
    """
    widest: tuple[T, IPNetwork] | None = None
    for entry in sorted(entries, key=lambda entry: (span(entry[1]).first, entry[1].prefixlen)):
        if widest is None or entry[1].first > widest[1].last:
            widest = entry
        else:
            yield entry, widest


class SpanIndex(Generic[T]):
    """Things by the spans that they have; spans that overlap are another rule's finding, and of those any is found."""

    def __init__(self, entries: Iterable[tuple[Span, T]]) -> None:
        self._entries = sorted(entries, key=lambda entry: entry[0].first)
        self._firsts = [entry[0].first for entry in self._entries]

    def at(self, ip: int) -> T | None:
        """Return the owner of an address, None if it has none."""
        number = bisect_right(self._firsts, ip) - 1
        return self._entries[number][1] if number >= 0 and ip in self._entries[number][0] else None

    def meeting(self, sought: Span) -> Iterator[T]:
        """Yield the owners of addresses in a span, in the order of addresses."""
        for number in range(max(0, bisect_right(self._firsts, sought.first) - 1), len(self._entries)):
            entry, thing = self._entries[number]
            if entry.first > sought.last:
                return
            if entry.meets(sought):
                yield thing
