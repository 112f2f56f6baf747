"""Damage that came later, found by hand: kept apart, so that a seed of before still makes the world of before."""

from collections.abc import Callable, Sequence
from random import Random

from msgspec.structs import replace

from tests.verify.kernel.damage import nft_table
from tests.verify.kernel.world import Box, Route, Rule

_FORWARD = "type filter hook forward priority filter"


def _add_source(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """A preferred source for a route: of the box, or of another, which the kernel refuses."""
    numbers = [number for number, route in enumerate(box.routes) if route.kind == "unicast"]
    if not numbers:
        return box
    chosen, routes = dice.choice(numbers), [*box.routes]
    routes[chosen] = replace(routes[chosen], src=dice.choice(dice.choice((box, *boxes)).ips()))
    return replace(box, routes=tuple(routes))


def _reject_and_suppress(dice: Random, box: Box, _boxes: Sequence[Box]) -> Box:
    """A default that rejects in a table whose defaults a rule suppresses."""
    kind = dice.choice(("unreachable", "blackhole", "prohibit", "throw"))
    table = dice.choice((100, 254))
    kept = tuple(one for one in box.routes if (one.to, one.table, one.metric) != ("0.0.0.0/0", table, 0))
    rules = (Rule(priority=90, table=table, suppress=dice.choice((0, 8))),)
    return replace(box, routes=(*kept, Route(to="0.0.0.0/0", kind=kind, table=table)), rules=rules)


def _move_policy(dice: Random, box: Box, _boxes: Sequence[Box]) -> Box:
    """A table of some of the routes, at a priority of the kernel's own rules; or the default table."""
    table = dice.choice((100, 253))
    moved = tuple(replace(one, table=table) for one in box.routes if one.table == 254 and dice.random() < 0.5)
    kept = tuple(one for one in box.routes if one.table != table)
    rules = (Rule(priority=dice.choice((0, 32766, 32767, 40000)), table=table),) if dice.random() < 0.7 else ()
    return replace(box, routes=(*kept, *moved), rules=rules)


def _set_arp_ignore(dice: Random, box: Box, _boxes: Sequence[Box]) -> Box:
    line = f"net.ipv4.conf.all.arp_ignore = {dice.choice((3, 4, 5, 8, 9))}"
    return replace(box, sysctls=(*box.sysctls, line))


def _add_answer(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """A rejection by answers that not every protocol has, in a chain that is told of twice."""
    answer = dice.choice(
        ("tcp reset", "icmpv6 type no-route", "icmp type host-prohibited", "icmpx type admin-prohibited")
    )
    match = dice.choice(("", "ct state new ", "ct state != { new, established } ", f"ip saddr {_ip(dice, boxes)} "))
    if "icmpv6" in answer and match.startswith("ip "):
        match = ""  # nft refuses the two together
    name = f"a{dice.randrange(10**6)}"
    policy = dice.choice(("accept", "accept", "drop"))
    once = nft_table(name, [f"{_FORWARD}; policy {policy}", f"{match}reject with {answer}"])
    return replace(box, nft=box.nft + once + (nft_table(name, [_FORWARD]) if dice.random() < 0.5 else ""))


def _ip(dice: Random, boxes: Sequence[Box]) -> str:
    return dice.choice([ip for box in boxes for ip in box.ips()])


def _interleave_nat(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """Chains of one priority made in an order of their own, filters at NAT's priority among them."""
    own, one, other = box.ips(), _ip(dice, boxes), _ip(dice, boxes)
    post = "type nat hook postrouting priority srcnat"
    chains = [
        f"{post}; policy accept; oifname {dice.choice(list(box.cards))} snat ip to {dice.choice(own)}",
        f"{post}; policy accept; ip saddr {_ip(dice, boxes)} masquerade",
        f"type filter hook postrouting priority srcnat; policy accept; ip saddr {dice.choice(own)} drop",
        f"type filter hook postrouting priority srcnat; policy accept; ip saddr {_ip(dice, boxes)} drop",
        f"type nat hook prerouting priority dstnat; policy accept; ip daddr {one} dnat ip to {other}",
        f"type filter hook prerouting priority dstnat; policy accept; ip daddr {_ip(dice, boxes)} drop",
        f"type nat hook input priority 100; policy accept; ip saddr {_ip(dice, boxes)} snat ip to 10.98.0.1",
        "type filter hook input priority 200; policy accept; ip saddr 10.98.0.1 drop",
    ]
    text, tables = "", [f"i{dice.randrange(10**6)}" for _ in range(2)]
    for number, chain in enumerate(dice.sample(chains, dice.randint(2, 5))):
        table = dice.choice(tables)
        text += f"table ip {table} {{\n\tchain c{number} {{\n\t\t{chain}\n\t}}\n}}\n"
    return replace(box, nft=box.nft + text)


FURTHER: tuple[Callable[[Random, Box, Sequence[Box]], Box], ...] = (
    _add_source,
    _reject_and_suppress,
    _move_policy,
    _set_arp_ignore,
    _add_answer,
    _interleave_nat,
    _interleave_nat,
)
