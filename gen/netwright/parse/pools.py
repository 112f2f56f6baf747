"""Pools of addresses of a valid document."""

from collections.abc import Iterator, Mapping
from typing import Any

from netaddr import IPAddress

from netwright.model import Pool, Setting
from netwright.parse.values import Values, read_ip
from netwright.text.source import TopologyPath

_MOST = 256
"""Most addresses of a pool: each of them is tried."""


def parse_pools(document: Mapping[str, Any], values: Values) -> Iterator[Pool]:
    """Yield the pools in the order of the file."""
    for name, stated in document.get("pools", {}).items():
        path = ("pools", name)
        first, last = _range(stated["addresses"], (*path, "addresses"), values)
        at = stated.get("at")
        yield Pool(
            name=name,
            first=first,
            last=last,
            is_routed=stated["announced_by"] == "bgp",
            by=tuple(Setting(value=one, cause=(*path, "by", number)) for number, one in enumerate(stated["by"])),
            at=Setting(value=at, cause=(*path, "at")) if at is not None else None,
            cause=path,
        )


def _range(text: str, path: TopologyPath, values: Values) -> tuple[IPAddress, IPAddress]:
    """Return the first and the last address of a range, or of a network."""
    if "/" in text:
        network = values.network(text, path)
        return IPAddress(network.first), IPAddress(network.last)
    first, last = map(read_ip, text.split("-"))
    if first > last:
        values.error(path, "ranges_go_upwards", f"the range ends before it begins; write {last}-{first}")
        return last, first
    if int(last) - int(first) >= _MOST:
        message = f"{text} has {int(last) - int(first) + 1} addresses, and a pool has {_MOST} at most; make several"
        values.error(path, "pools_are_tried_whole", message)
        return first, IPAddress(int(first) + _MOST - 1)
    return first, last
