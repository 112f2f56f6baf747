"""Commands that run on a machine that is up, and what they change there: routes, addresses, rules, parameters.

Only what is certain is carried out. A command that the kernel may refuse, or whose effect depends on what is there
already in a way that the files do not tell, is misread, and named.
"""

from collections.abc import Container, Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.reading.formats.iproute import Misread, parse_rule, parse_whole_route
from netwright.verify.reading.formats.sysctl import CONF, DEFAULTS, split_key
from netwright.verify.values.addresses import EVERYWHERE, format_ip, network_of, parse_address, parse_number
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import MAIN_TABLE, Address, Link, Mtu, Origin, PolicyRule, Route, Setting, Unknown

IP, SYSCTL, NFT = "ip", "sysctl", "nft"
_FLAT = frozenset({"add", "insert", "flush", "delete"})
_VERBS = {
    "address": ("add", "replace"),
    "link": ("set",),
    "route": ("add", "append", "replace", "change", "del", "delete"),
    "rule": ("add", "del", "delete"),
}
_SHORT = {"a": "address", "addr": "address", "l": "link", "r": "route", "ro": "route", "ru": "rule"}
_FIRST_PRIORITY = 32766
"""Priority of the rule for the main table, which a kernel has (fib_rules.c): one without a priority comes before it."""

Named = tuple[str, Link]


class Command(Struct, frozen=True, kw_only=True):
    """A command that surely runs, on the boot that `when` names or on every one: for ip and sysctl its words, for nft
    the text that it takes."""

    program: str
    words: tuple[str, ...]
    origin: Origin
    when: Boot


def is_change(words: Sequence[str]) -> bool:
    """Return whether ip is told of a change that may be carried out, by its object and verb."""
    name = _SHORT.get(words[0], words[0]) if words else ""
    return len(words) > 2 and words[1] in _VERBS.get(name, ()) and (name != "link" or bool({"up", "mtu"} & {*words}))


def is_flat(words: Sequence[str]) -> bool:
    """Return whether nft is told of one change of its tables."""
    return len(words) > 2 and words[0] in _FLAT and "ruleset" not in words


def is_settable(text: str) -> bool:
    """Return whether sysctl is told to set a parameter whose effect is known."""
    key, equals, value = text.partition("=")
    words = split_key(key.strip())
    known = words in _SINGLE or (len(words) == 5 and words[:3] == CONF and words[4] in DEFAULTS)
    return bool(equals) and known and parse_number(value.strip(), 0x7FFFFFFF) is not None


_SINGLE = (
    ("net", "ipv4", "ip_forward"),
    ("net", "bridge", "bridge-nf-call-iptables"),
    ("net", "netfilter", "nf_conntrack_tcp_loose"),
)


def parse_setting(command: Command) -> Setting:
    """The parameter that sysctl sets."""
    key, _, value = command.words[0].partition("=")
    return Setting(key=split_key(key.strip()), value=value.strip(), origin=command.origin)


def carry_out(
    commands: Iterable[Command], links: Sequence[Named], unknown: list[Unknown], *, bound: Container[str] = ()
) -> list[Named]:
    """The links of a machine after ip's commands; adds to `unknown` those whose effect is not certain. The sizes of
    `bound` links decide those of others."""
    state = [*links]
    for command in commands:
        try:
            state = _apply(command, state, bound)
        except Misread as misread:
            reason = f"a command whose effect is not certain: {misread.reason}"
            unknown.append(Unknown(origin=command.origin, text=f"ip {' '.join(command.words)}", reason=reason))
    return state


def _apply(command: Command, links: list[Named], bound: Container[str]) -> list[Named]:
    name, verb, *rest = command.words
    name = _SHORT.get(name, name)
    if name == "route":
        return _change_route(verb, rest, links, command.origin)
    if name == "rule":
        return (_add_rule if verb == "add" else _delete_rule)(rest, links, command.origin)
    if name == "address":
        return _add_address(rest, links, command.origin)
    return _set_card(rest, links, bound, command.origin)


def _set_card(words: Sequence[str], links: list[Named], bound: Container[str], origin: Origin) -> list[Named]:
    """Set a card up, or its MTU. The kernel hands that of what carries others on to these."""
    card, mtu, rest = "", None, iter(words)
    for word in rest:
        if word == "mtu":
            mtu = parse_number(next(rest, ""), _LARGEST_MTU)
        elif word == "dev" or (word != "up" and not card):
            card = next(rest, "") if word == "dev" else word
        elif word != "up":
            card = ""
            break
    if card not in _cards(links) or ("mtu" in words and (mtu is None or mtu < _SMALLEST_MTU)):
        raise Misread(reason="only `ip link set CARD up` and `ip link set CARD mtu N` for one of the node's cards are")
    if mtu is None:
        return links
    if card in bound:
        raise Misread(reason=f"the MTU of {card} decides those of other interfaces, by when they came up")
    return [*links, (card, Link(manager=BY_HAND, origin=origin, name=card, mtu=Mtu(octets=mtu, origin=origin)))]


_SMALLEST_MTU, _LARGEST_MTU = 68, 65535
"""MTUs with which Linux sends IPv4 (RFC 791)."""


def _cards(links: Sequence[Named]) -> dict[str, Link]:
    """The cards that are up whenever commands run; bridges and what programs make may come later."""
    return {name: link for name, link in links if link.manager in _OF_CARDS}


_OF_CARDS = frozenset({"networkd", "NetworkManager", "hand"})


# routes


def _change_route(verb: str, words: Sequence[str], links: list[Named], origin: Origin) -> list[Named]:
    route = parse_whole_route(words, origin)
    if route.next_hops or route.kind == "local":
        raise Misread(reason="a route of type local" if route.kind == "local" else "a route with several next hops")
    if verb in ("del", "delete"):
        return _without(_one_like(route, links), links)
    name = _card_of(route, links)
    there = [one for _, one in _routes(links) if _key(one) == _key(route)]
    if any(_key(one) == _key(route) for one in _connected(links)):
        raise Misread(reason=f"the card's own route to {route.to} has the same metric")
    if verb in ("replace", "change") and len(there) == 1:
        links = _without(there[0], links)
    elif there or verb == "change":
        raise Misread(reason=f"{'another' if there else 'no'} route to {route.to} of metric {route.metric} is there")
    return [*links, (name, Link(manager=BY_HAND, origin=origin, name=name, routes=(replace(route, interface=None),)))]


BY_HAND: Final = "command"
"""The manager of what commands add."""


def _key(route: Route) -> tuple[object, ...]:
    """Return the key by which the kernel tells routes apart."""
    return route.table, route.to, route.metric


def _routes(links: Iterable[Named]) -> list[tuple[str, Route]]:
    return [(name, route) for name, link in links for route in link.routes]


def _connected(links: Iterable[Named]) -> list[Route]:
    """The routes to the networks of addresses."""
    return [
        Route(
            to=network_of(one.ip, one.length),
            gateway=None,
            metric=link.default_metric,
            origin=one.origin,
            table=link.table,
        )
        for _, link in links
        for one in link.addresses
        if one.length < 32
    ]


def _card_of(route: Route, links: Sequence[Named]) -> str:
    """The card by which a route leads: the one that it names, else the one whose network holds the next hop."""
    if route.interface is not None:
        if route.interface not in _cards(links):
            raise Misread(reason=f"{route.interface} is no card of the node that is there for sure")
        return route.interface
    if route.kind != "unicast":
        return links[0][0]
    if route.gateway is None:
        raise Misread(reason="a route without `via` and `dev`")
    near = {name for name, link in links for one in link.addresses if route.gateway in network_of(one.ip, one.length)}
    near &= _cards(links).keys()
    if len(near) != 1:
        where = " and ".join(sorted(near)) or "no card of the node"
        raise Misread(reason=f"the next hop {format_ip(route.gateway)} is on the network of {where}; name it by `dev`")
    return near.pop()


def _one_like(wanted: Route, links: Sequence[Named]) -> Route:
    """The one route that the words of a deletion fit. Raises Misread."""
    found = [
        route
        for name, route in _routes(links)
        if (route.table, route.to) == (wanted.table, wanted.to)
        and wanted.gateway in (None, route.gateway)
        and wanted.interface in (None, name)
        and wanted.metric in (0, route.metric)
    ]
    if len(found) != 1 or any(one.to == wanted.to and one.table == wanted.table for one in _connected(links)):
        raise Misread(reason=f"{len(found) or 'no'} routes to {wanted.to} may be meant")
    return found[0]


def _without(route: Route, links: Sequence[Named]) -> list[Named]:
    return [(name, replace(link, routes=tuple(one for one in link.routes if one is not route))) for name, link in links]


# rules and addresses


def _add_rule(words: Sequence[str], links: list[Named], origin: Origin) -> list[Named]:
    if any(link.manager == "networkd" for _, link in links):
        raise Misread(reason="networkd removes rules that are not its own (ManageForeignRoutingPolicyRules=)")
    rules = [rule for _, link in links for rule in link.rules]
    stated = {"priority", "pref", "preference"} & {*words}
    before = min([_FIRST_PRIORITY, *(rule.priority for rule in rules if rule.priority)])
    rule: PolicyRule = parse_rule([*words, *([] if stated else ["priority", str(before - 1)])], origin)
    if any(replace(one, origin=origin) == rule for one in rules):
        raise Misread(reason="the rule is there already")
    return [*links, (links[0][0], Link(manager=BY_HAND, origin=origin, rules=(rule,)))]


_OF_THE_KERNEL = ((0, 255), (_FIRST_PRIORITY, MAIN_TABLE), (32767, 253))
"""Priorities and tables of the rules that a kernel has from the start."""


def _delete_rule(words: Sequence[str], links: list[Named], origin: Origin) -> list[Named]:
    """Take away the one rule that the words fit: the kernel compares what they state and nothing else (fib_rules.c)."""
    by_priority, by_table = ({*names} & {*words} for names in (("priority", "pref", "preference"), ("table", "lookup")))
    filling = [*([] if by_priority else ["priority", "0"]), *([] if by_table else ["table", "1"])]
    wanted: PolicyRule = parse_rule([*words, *filling], origin)

    def fits(rule: PolicyRule) -> bool:
        return (
            (not by_priority or rule.priority == wanted.priority)
            and (not by_table or rule.table == wanted.table)
            and wanted.source in (EVERYWHERE, rule.source)
            and wanted.destination in (EVERYWHERE, rule.destination)
            and wanted.incoming in (None, rule.incoming)
            and wanted.suppress in (None, rule.suppress)
            and wanted.mark in (0, rule.mark)
            and (not wanted.mark or wanted.mask == rule.mask)
        )

    found = [rule for _, link in links for rule in link.rules if fits(rule)]
    own = (PolicyRule(priority=priority, table=table, origin=origin) for priority, table in _OF_THE_KERNEL)
    if len(found) != 1 or any(map(fits, own)):
        raise Misread(reason=f"{len(found) or 'no'} rules of the node may be meant, or one of the kernel's")
    return [
        (name, replace(link, rules=tuple(rule for rule in link.rules if rule is not found[0]))) for name, link in links
    ]


def _add_address(words: Sequence[str], links: list[Named], origin: Origin) -> list[Named]:
    if len(words) != 3 or words[1] != "dev":
        raise Misread(reason="only `ip address add IP/LENGTH dev CARD` is")
    address = parse_address(words[0] if "/" in words[0] else f"{words[0]}/32")
    if address is None:
        raise Misread(reason=f"{words[0]} is no address")
    if words[2] not in _cards(links):
        raise Misread(reason=f"{words[2]} is no card of the node that is there for sure")
    ip, length = address
    if any(one.ip == ip for _, link in links for one in link.addresses):
        raise Misread(reason=f"{format_ip(ip)} is there already")
    there = (*_connected(links), *(route for _, route in _routes(links)))
    if any(_key(one) == (MAIN_TABLE, network_of(ip, length), 0) for one in there):
        raise Misread(reason=f"a route to {network_of(ip, length)} is there already")
    added = Address(ip=ip, length=length, origin=origin)
    return [*links, (words[2], Link(manager=BY_HAND, origin=origin, name=words[2], addresses=(added,)))]
