"""Traffic -> matches of the packet filter."""

from collections.abc import Iterable, Iterator

from netwright.model import Traffic

Ports = tuple[tuple[int, int], ...]


def by_protocol(traffic: Iterable[Traffic]) -> Iterator[tuple[str | None, Ports]]:
    """One match for each protocol, None for any; a protocol without ports makes matches of its ports needless."""
    ports: dict[str | None, list[tuple[int, int]] | None] = {}
    for one in traffic:
        if one.ports is None:
            ports[one.protocol] = None
        elif (known := ports.setdefault(one.protocol, [])) is not None:
            known.append(one.ports)
    for protocol, ranges in {None: None}.items() if None in ports else ports.items():
        yield protocol, merge_ranges(ranges or ())


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> Ports:
    """Return the ranges in order, those that overlap or touch joined."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
