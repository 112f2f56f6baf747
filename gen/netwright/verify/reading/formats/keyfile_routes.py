"""Routes of NetworkManager's keyfiles, and their options."""

from collections.abc import Iterable

from msgspec.structs import replace

from netwright.verify.reading.formats.sections import Entry, Oddity
from netwright.verify.values.addresses import (
    NO_ADDRESS,
    parse_host_or_prefix,
    parse_ip,
    parse_number,
)
from netwright.verify.values.facts import (
    MOST_WEIGHT,
    ROUTE_KINDS,
    TABLE_NAMES,
    Link,
    Reading,
    Route,
)

_IRRELEVANT = frozenset({"advmss"})
"""Options of routes, each a number, that decide nothing about where packets go."""


def add_options(routes: dict[int, Route], options: Iterable[tuple[int, Entry]], reading: Reading) -> None:
    """Changes the routes by what stands in their options."""
    for number, entry in options:
        known = _apply_options(routes[number], entry.value) if number in routes else None
        text = f"{entry.key}={entry.value}"
        if known is None:
            reading.note_unknown(entry.origin, text, "NetworkManager ignores options it does not know")
        elif known.weight is not None and (known.gateway is None or known.kind != "unicast"):
            reading.note_unknown(entry.origin, text, "a weight without a next hop")
        elif known.kind != "unicast" and known.gateway is not None:
            reading.note_unknown(entry.origin, text, f"NetworkManager refuses a next hop of type={known.kind}")
        else:
            routes[number] = known


def stated_number(entries: Iterable[Entry | Oddity], key: str) -> int | None:
    """The last number of that key in [ipv4]; None for none and for -1, which leave it to NetworkManager."""
    stated = None
    for entry in entries:
        if isinstance(entry, Entry) and (entry.section, entry.key) == ("ipv4", key):
            stated = parse_number(entry.value, 0xFFFFFFFF)
    return stated


def read_route(entry: Entry, link: Link) -> Route | None:
    """The route of NET/LEN[,GATEWAY[,METRIC]]; 0.0.0.0 as gateway stands for none."""
    parts = entry.value.split(",")
    to = parse_host_or_prefix(parts[0])
    gateway = parse_ip(parts[1]) if len(parts) > 1 else NO_ADDRESS
    metric = parse_number(parts[2], 0xFFFFFFFF) if len(parts) > 2 else link.default_metric
    if to is None or gateway is None or metric is None or len(parts) > 3 or "/" not in parts[0]:
        return None
    return Route(to=to, gateway=gateway or None, metric=metric, origin=entry.origin, table=link.table)


def _apply_options(route: Route, text: str) -> Route | None:
    """The route with its options; None where NetworkManager takes none of them, or the first of several."""
    named: set[str] = set()
    for option in text.split(","):
        key, _, value = option.partition("=")
        if key in named:
            return None
        named.add(key)
        table = parse_number(value, 0xFFFFFFFF)
        source = parse_ip(value)
        if key == "table" and table:
            route = replace(route, table=table)
        elif key == "src" and source is not None:
            route = replace(route, source=source)
        elif key == "onlink" and value in ("true", "false"):
            route = replace(route, onlink=value == "true")
        elif key == "type" and value in ROUTE_KINDS:
            route = replace(route, kind=ROUTE_KINDS[value])
        elif key == "mtu" and (mtu := parse_number(value, 0xFFFFFFFF)) is not None:
            route = replace(route, mtu=mtu)
        elif key == "weight" and (weight := parse_number(value, MOST_WEIGHT)) is not None:
            route = replace(route, weight=weight or None)
        elif key not in _IRRELEVANT or parse_number(value, 0xFFFFFFFF) is None:
            return None
    if route.kind == "local" and "table" not in named:
        return replace(route, table=TABLE_NAMES["local"])
    return None if route.kind != "local" and route.table == TABLE_NAMES["local"] else route
