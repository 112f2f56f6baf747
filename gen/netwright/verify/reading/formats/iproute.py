"""Routes and policy rules in the words of iproute2: route-* files, ROUTING_RULE_n, routing-ruleN, `ip route` lines."""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from netwright.verify.values.addresses import (
    EVERYWHERE,
    AddressNumber,
    Prefix,
    parse_host_or_prefix,
    parse_ip,
    parse_number,
)
from netwright.verify.values.facts import MOST_WEIGHT, ROUTE_KINDS, TABLE_NAMES, NextHop, Origin, PolicyRule, Route

_IRRELEVANT = frozenset({"advmss", "proto", "scope", "initcwnd"})
"""Options with one value that decide nothing about where a packet with a given source goes."""


class Misread(Exception):  # noqa: N818
    """Reason for which a line is not known."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_route(words: Sequence[str], origin: Origin, *, metric: int, strict: bool) -> Route:
    """The route of `NET/LEN via GW dev IF [onlink] [metric N] [table N] ...`; raises Misread.

    `strict` is NetworkManager's reading of route files, which drops a whole line for `proto`, `scope` and named tables.
    """
    rest = iter(words)
    first = next(rest, "")
    kind = ROUTE_KINDS.get(first)
    target = next(rest, "") if kind is not None else first
    route = Route(to=_prefix(target), gateway=None, metric=metric, kind=kind or "unicast", origin=origin)
    said: set[str] = set()
    for word in rest:
        if strict and word in said:
            raise Misread(reason=f"{word} occurs twice, for which NetworkManager drops the line")
        said.add(word)
        if word == "via":
            route = replace(route, gateway=_ip(rest, word))
        elif word == "src":
            route = replace(route, source=_ip(rest, word))
        elif word == "dev":
            route = replace(route, interface=_word(rest, word))
        elif word == "metric":
            route = replace(route, metric=_number(rest, word))
        elif word == "table":
            route = replace(route, table=_table(rest, strict=strict))
        elif word == "mtu":
            route = replace(route, mtu=_number(rest, word))
        elif word == "onlink":
            route = replace(route, onlink=True)
        elif word in _IRRELEVANT and not (strict and word in ("proto", "scope")):
            _word(rest, word)
        else:
            raise Misread(reason=f"{word} is not known in a route")
    return _in_its_table(route, strict=strict, stated="table" in said)


def _in_its_table(route: Route, *, strict: bool, stated: bool) -> Route:
    """The route in the table of the node's own addresses, if it is one of type local that names no other."""
    if route.kind == "local" and strict:
        raise Misread(reason="a route of type local in a route file")
    if route.kind == "local":
        return route if stated else replace(route, table=TABLE_NAMES["local"])
    if route.table == TABLE_NAMES["local"]:
        raise Misread(reason="a route in the table of the node's own addresses")
    return route


def parse_whole_route(words: Sequence[str], origin: Origin) -> Route:
    """The route of what follows `ip route add`, with all its next hops; raises Misread."""
    start = words.index("nexthop") if "nexthop" in words else len(words)
    route = parse_route(words[:start], origin, metric=0, strict=False)
    hops = tuple(_next_hops(words[start:]))
    if hops and (route.gateway is not None or route.interface is not None or route.kind != "unicast"):
        raise Misread(reason="nexthop together with via, dev or a type")
    return replace(route, next_hops=hops)


def _next_hops(words: Sequence[str]) -> Iterator[NextHop]:
    """Yield the hops of `nexthop via GW [dev IF] [weight N] nexthop ...`. Raises Misread."""
    rest = [*words]
    while rest:
        own = rest[1 : rest.index("nexthop", 1) if "nexthop" in rest[1:] else None]
        rest = rest[1 + len(own) :]
        options = dict(zip(own[::2], own[1::2], strict=False))
        gateway, weight = parse_ip(options.get("via", "")), parse_number(options.get("weight", "1"), MOST_WEIGHT)
        is_known = len(own) == 2 * len(options) and options.keys() <= {"via", "dev", "weight"}
        if gateway is None or not weight or not is_known:
            raise Misread(reason=f"nexthop {' '.join(own)} is not via GATEWAY [dev INTERFACE] [weight 1-256]")
        yield NextHop(gateway=gateway, weight=weight, interface=options.get("dev"))


def parse_rule(words: Sequence[str], origin: Origin) -> PolicyRule:
    """The policy rule of `priority N from NET [to NET] [iif IF] [fwmark N[/N]] table N`; raises Misread."""
    rule = PolicyRule(priority=-1, table=0, origin=origin)
    rest = iter(words)
    for word in rest:
        if word in ("priority", "pref", "preference"):
            rule = replace(rule, priority=_number(rest, word))
        elif word == "from":
            rule = replace(rule, source=_end(_word(rest, word)))
        elif word == "to":
            rule = replace(rule, destination=_end(_word(rest, word)))
        elif word in ("table", "lookup"):
            rule = replace(rule, table=_table(rest, strict=False))
        elif word == "iif":
            rule = replace(rule, incoming=_word(rest, word))
        elif word == "fwmark":
            rule = replace(rule, **_mark(rest, word))
        elif word == "suppress_prefixlength":
            rule = replace(rule, suppress=_number(rest, word))
        else:
            raise Misread(reason=f"{word} is not known in a policy rule")
    if rule.priority < 0 or not rule.table:
        raise Misread(reason="a policy rule needs a priority and a table")
    return rule


def _mark(rest: Iterator[str], option: str) -> Mapping[str, int]:
    text = _word(rest, option)
    found = parse_mark(text)
    if found is None:
        raise Misread(reason=f"{text!r} is no mark, MARK or MARK/MASK")
    return found


_MARK = re.compile(r"(0x[0-9a-fA-F]+|0|[1-9][0-9]*)(?:/(0x[0-9a-fA-F]+|0|[1-9][0-9]*))?")


def parse_mark(text: str) -> Mapping[str, int] | None:
    """Return a rule's mark and mask, None for anything else; 0 without a mask, which the kernel takes for any."""
    found = _MARK.fullmatch(text)
    if found is None:
        return None
    mark, mask = int(found[1], 0), int(found[2], 0) if found[2] else 0xFFFFFFFF
    return {"mark": mark, "mask": mask} if max(mark, mask) <= 0xFFFFFFFF and (mark or found[2]) else None


def _word(rest: Iterator[str], option: str) -> str:
    word = next(rest, None)
    if word is None:
        raise Misread(reason=f"{option} without a value")
    return word


def _end(text: str) -> Prefix:
    """A policy rule's source or destination."""
    if text == "default":
        raise Misread(reason="default is not known in a policy rule; all is")
    return _prefix(text)


def _prefix(text: str) -> Prefix:
    prefix = EVERYWHERE if text in ("default", "all") else parse_host_or_prefix(text)
    if prefix is None:
        raise Misread(reason=f"{text!r} is not a network (NET/LEN, host bits clear)")
    return prefix


def _ip(rest: Iterator[str], option: str) -> AddressNumber:
    text = _word(rest, option)
    ip = parse_ip(text)
    if ip is None:
        raise Misread(reason=f"{text!r} is not an IP")
    return ip


def _number(rest: Iterator[str], option: str) -> int:
    text = _word(rest, option)
    number = parse_number(text, 0xFFFFFFFF)
    if number is None:
        raise Misread(reason=f"{option} {text!r} is not a number")
    return number


def _table(rest: Iterator[str], *, strict: bool) -> int:
    text = _word(rest, "table")
    table = (None if strict else TABLE_NAMES.get(text)) or parse_number(text, 0xFFFFFFFF)
    if not table:
        raise Misread(reason=f"table {text!r} is not a number")
    return table
