"""Damage of the kinds that people do to networks: (dice, box, all boxes) -> the box afterwards."""

from collections.abc import Callable, Sequence
from random import Random

from msgspec.structs import replace

from tests.verify.kernel.world import Box, Route, Rule

_FOREIGN = "10.99.0.0/24"


def networks_of(box: Box) -> set[str]:
    return {network_of(address) for _, addresses in box.cards.values() for address in addresses}


def network_of(address: str) -> str:
    return address.rpartition(".")[0] + ".0/24"


def nft_table(name: str, *chains: Sequence[str], family: str = "inet") -> str:
    text = f"table {family} {name} {{\n"
    for number, lines in enumerate(chains):
        text += f"\tchain c{number} {{\n" + "".join(f"\t\t{line};\n" for line in lines) + "\t}\n"
    return text + "}\n"


def _drop_route(dice: Random, box: Box, _boxes: Sequence[Box]) -> Box:
    routes = list(box.routes)
    if routes:
        routes.pop(dice.randrange(len(routes)))
    return replace(box, routes=tuple(routes))


def _some_ip(dice: Random, boxes: Sequence[Box]) -> str:
    return dice.choice([ip for box in boxes for ip in box.ips()])


def _some_target(dice: Random, boxes: Sequence[Box]) -> str:
    ip = _some_ip(dice, boxes)
    return dice.choice((f"{ip}/32", network_of(ip), f"{ip.split('.')[0]}.{ip.split('.')[1]}.0.0/16", "0.0.0.0/0"))


def _add_route(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """A route anywhere by anything: neighbours, strangers, itself."""
    to = _some_target(dice, boxes)
    kind = dice.choice(("unicast",) * 6 + ("unreachable", "blackhole", "prohibit", "throw"))
    dev = dice.choice(list(box.cards))
    route = Route(to=to, kind=kind, metric=dice.choice((0, 5, 50)), dev=dev if kind == "unicast" else None)
    if kind == "unicast" and dice.random() < 0.8:
        route = replace(route, via=_some_ip(dice, boxes), onlink=dice.random() < 0.4)
    taken = {(one.to, one.metric, one.table) for one in box.routes}
    taken |= {(network, 0, 254) for network in networks_of(box)}
    return replace(box, routes=(*box.routes, route)) if (route.to, route.metric, 254) not in taken else box


def _set_parameter(dice: Random, box: Box, _boxes: Sequence[Box]) -> Box:
    name = dice.choice(("all", *box.cards, *box.cards))
    key, values = dice.choice(
        (
            ("rp_filter", (0, 1, 2)),
            ("rp_filter", (1, 2)),
            ("proxy_arp", (1,)),
            ("proxy_arp", (1,)),
            ("forwarding", (0, 1)),
            ("arp_ignore", (1, 2)),
            ("arp_announce", (1, 2)),
            ("accept_local", (1,)),
            ("send_redirects", (0, 1)),
            ("proxy_arp_pvlan", (1,)),
            ("medium_id", (1, 2)),
        )
    )
    if name == "all" and key == "medium_id":
        name = next(iter(box.cards))
    return replace(box, sysctls=(*box.sysctls, f"net.ipv4.conf.{name}.{key} = {dice.choice(values)}"))


def _switch_forwarding_off(_dice: Random, box: Box, _boxes: Sequence[Box]) -> Box:
    return replace(box, sysctls=(*box.sysctls, "net.ipv4.ip_forward = 0"))


def _add_policy(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """A table of its own for some sources, with or without an answer."""
    source = dice.choice((network_of(_some_ip(dice, boxes)), f"{_some_ip(dice, boxes)}/32", "0.0.0.0/0"))
    rules = [Rule(priority=100, table=100, source=source, iif=dice.choice((None, None, *box.cards)))]
    if dice.random() < 0.3:
        rules.append(Rule(priority=90, table=254, suppress=dice.choice((0, 8, 23))))
    routes = [replace(route, table=100) for route in box.routes if dice.random() < 0.6]
    if dice.random() < 0.5:
        to = _some_target(dice, boxes)
        if to not in {route.to for route in routes}:
            routes.append(Route(to=to, table=100, kind=dice.choice(("throw", "unreachable", "blackhole", "prohibit"))))
    return replace(box, rules=tuple(rules), routes=(*(r for r in box.routes if r.table != 100), *routes))


def _change_address(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """One card's address, moved to another network of the world or to nowhere's."""
    card = dice.choice(list(box.cards))
    segment, addresses = box.cards[card]
    network = dice.choice((network_of(_some_ip(dice, boxes)), _FOREIGN))
    moved = f"{network.rpartition('.')[0]}.{dice.randint(40, 90)}/{dice.choice((24, 24, 32, 16))}"
    return replace(box, cards={**box.cards, card: (segment, (moved, *addresses[1:]))})


def _match(dice: Random, box: Box, boxes: Sequence[Box]) -> str:
    cards = list(box.cards)
    parts = [
        f"ip {dice.choice(('saddr', 'daddr'))} {dice.choice(('', '!= '))}{_some_target(dice, boxes)}",
        f"ip saddr {{ {_some_ip(dice, boxes)}, {_FOREIGN} }}",
        f'{dice.choice(("iifname", "oifname"))} {dice.choice(("", "!= "))}"{dice.choice(cards)}"',
        f'iifname "{cards[0][0]}*"',
        dice.choice(
            (
                *("meta l4proto icmp", "meta l4proto tcp", "ip protocol { tcp, udp }"),
                *("tcp dport 8080", "tcp sport 8080", "tcp dport != 8000-8079", "icmp type echo-request"),
            )
        ),
        "ct state " + dice.choice(("new", "established", "invalid", "untracked", "{ new, established }", "!= new")),
    ]
    return " ".join(dice.sample(parts, dice.choice((1, 1, 2))))


def _add_filter(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """A foreign filter table: some rules, sometimes by way of a jump or a goto."""
    point = dice.choice(("forward", "forward", "forward", "input", "output", "prerouting", "postrouting"))
    head = f"type filter hook {point} priority {dice.choice(('filter', '-10', '10', 'mangle', '-250', '-350', '105'))}"
    ends = (
        ("accept", "drop", "drop", "reject", "return", "counter")
        if point not in ("prerouting", "postrouting")
        else ("accept", "drop", "drop", "return", "counter")
    )
    rules = [f"{_match(dice, box, boxes)} {dice.choice(ends)}" for _ in range(dice.randint(1, 3))]
    chains = [[f"{head}; policy {dice.choice(('accept', 'accept', 'accept', 'drop'))}", *rules]]
    if dice.random() < 0.4:
        chains[0].insert(1, f"{_match(dice, box, boxes)} {dice.choice(('jump', 'goto'))} c1")
        chains.append([f"{_match(dice, box, boxes)} {dice.choice(ends)}" for _ in range(2)])
    family = dice.choice(("ip", "inet"))
    return replace(box, nft=box.nft + _forward_declared(f"f{dice.randrange(10**6)}", chains, family))


def _forward_declared(name: str, chains: Sequence[Sequence[str]], family: str) -> str:
    text = nft_table(name, *chains, family=family)
    declared = "".join(f"\tchain c{number} {{\n\t}}\n" for number in range(1, len(chains)))
    return text.replace(" {\n", " {\n" + declared, 1) if declared else text


def _add_nat(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """A foreign NAT table, sometimes with an exemption that holds, or one that only looks like it."""
    cards = list(box.cards)
    match = dice.choice(
        (f"oifname {dice.choice(cards)}", f"ip saddr {_some_target(dice, boxes)}", _match(dice, box, boxes))
    )
    name = f"n{dice.randrange(10**6)}"
    ip = _some_ip(dice, boxes)
    snat = dice.choice(("masquerade", "masquerade", f"snat ip to {box.ips()[0]}", "snat ip to ip saddr"))
    chains = [["type nat hook postrouting priority srcnat", f"{match} {snat}"]]
    draw = dice.random()
    if draw < 0.25:
        chains.append(
            ["type nat hook postrouting priority 90", f"ip daddr {_some_target(dice, boxes)} snat ip to ip saddr"]
        )
    elif draw < 0.4:
        chains.append(["type nat hook postrouting priority 90", "accept"])
    elif draw < 0.5:
        chains[0].insert(1, f"ip saddr {_some_target(dice, boxes)} accept")
    elif draw < 0.6:
        chains.append(["type filter hook prerouting priority raw", f"{_match_stateless(dice, boxes)} notrack"])
    elif draw < 0.75:
        chains.append(
            ["type nat hook prerouting priority dstnat", f"ip daddr {_some_target(dice, boxes)} dnat ip to {ip}"]
        )
    elif draw < 0.8:
        pairs = "{ 10.1.0.0/16 : 10.1.0.0/16, 10.2.0.0/16 : 10.2.0.0/16 }"
        chains.append(["type nat hook postrouting priority 90", f"snat ip prefix to ip saddr map {pairs}"])
    return replace(box, nft=box.nft + nft_table(name, *chains, family="ip"))


def _match_stateless(dice: Random, boxes: Sequence[Box]) -> str:
    return f"ip {dice.choice(('saddr', 'daddr'))} {_some_target(dice, boxes)}"


DAMAGES: tuple[Callable[[Random, Box, Sequence[Box]], Box], ...] = (
    _drop_route,
    _add_route,
    _add_route,
    _set_parameter,
    _set_parameter,
    _set_parameter,
    _switch_forwarding_off,
    _add_policy,
    _change_address,
    _add_filter,
    _add_filter,
    _add_nat,
    _add_nat,
)
