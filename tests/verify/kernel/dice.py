"""Random worlds: a network that works, then damage."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from msgspec.structs import replace

from tests.verify.kernel.damage import DAMAGES, network_of, networks_of, nft_table
from tests.verify.kernel.further import FURTHER
from tests.verify.kernel.leading import LEADING
from tests.verify.kernel.world import Box, Route, World

FURTHER_FROM, LEADING_FROM = 1_000_000, 2_000_000


def throw(seed: int) -> World:
    """The world of a seed; from FURTHER_FROM on with damage of the kinds that were added later, from LEADING_FROM on
    with port forwards."""
    dice = Random(seed)
    segments = {
        f"s{number}": [f"10.{number}.{net}." for net in range(dice.choice((1, 1, 1, 2)))]
        for number in range(1, dice.randint(2, 4) + 1)
    }
    boxes = _boxes(dice, segments)
    boxes = [_route(dice, box, boxes) for box in boxes]
    boxes = [_tune(dice, box) for box in boxes]
    notes = []
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        number = dice.randrange(len(boxes))
        later = LEADING if seed >= LEADING_FROM else FURTHER
        damage = dice.choice(DAMAGES if seed < FURTHER_FROM or dice.random() < 0.4 else later)
        boxes[number] = damage(dice, boxes[number], boxes)
        notes.append(f"{damage.__name__.strip('_')} on {boxes[number].name}")
    ends = [(box.name, ip) for box in boxes for ip in box.ips()]
    pairs = [(one, other) for name, one in ends for other_name, other in ends if name != other_name]
    dice.shuffle(pairs)
    return World(boxes=tuple(boxes), pairs=tuple(pairs[:14]), seed=seed, notes=tuple(notes))


def _boxes(dice: Random, segments: dict[str, list[str]]) -> list[Box]:
    """Routers between neighbouring segments, sometimes one more, and hosts."""
    names = list(segments)
    boxes: list[Box] = []
    links = [*pairwise(names)]
    if dice.random() < 0.25:
        links.append((names[0], names[-1]) if len(names) > 2 else (names[0], names[1]))
    for number, pair in enumerate(links, start=1):
        cards = {
            f"n{index}": (name, tuple(f"{net}{number}/24" for net in segments[name])) for index, name in enumerate(pair)
        }
        boxes.append(Box(name=f"r{number}", cards=cards, sysctls=("net.ipv4.ip_forward = 1",)))
    for number in range(1, dice.randint(2, 4) + 1):
        homes = dice.sample(names, 2 if dice.random() < 0.2 else 1)
        cards = {}
        for index, name in enumerate(homes):
            cards[f"e{index}"] = (name, (f"{dice.choice(segments[name])}{10 + number}/24",))
        boxes.append(Box(name=f"h{number}", cards=cards))
    if dice.random() < 0.25:
        boxes[0] = replace(boxes[0], bridges=(boxes[0].cards["n0"][0],))
    return boxes


def _route(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """The box with routes to everything, by the shortest way over routers; hosts often by a default route."""
    best: dict[str, tuple[str, str]] = {}
    frontier: list[tuple[Box, tuple[str, str] | None]] = [(box, None)]
    seen = {box.name}
    known = networks_of(box)
    while frontier:
        following: list[tuple[Box, tuple[str, str] | None]] = []
        for here, first in frontier:
            for router in boxes:
                if router.name in seen or not router.sysctls:
                    continue
                hop = _shared(here, router)
                if hop is None:
                    continue
                seen.add(router.name)
                way = first or hop
                for network in sorted(networks_of(router) - known):
                    best[network] = way
                    known.add(network)
                following.append((router, way))
        frontier = following
    if not best:
        return box
    if len(set(best.values())) == 1 and dice.random() < 0.7:
        via, dev = next(iter(best.values()))
        return replace(box, routes=(Route(to="0.0.0.0/0", via=via, dev=dev),))
    return replace(box, routes=tuple(Route(to=network, via=via, dev=dev) for network, (via, dev) in best.items()))


def _shared(here: Box, router: Box) -> tuple[str, str] | None:
    for card, (segment, addresses) in here.cards.items():
        for other_segment, other_addresses in router.cards.values():
            for address in addresses if segment == other_segment else ():
                for other in other_addresses:
                    if network_of(address) == network_of(other):
                        return other.partition("/")[0], card
    return None


def _tune(dice: Random, box: Box) -> Box:
    """Parameters and rules that a sane network may have."""
    sysctls = [*box.sysctls]
    if dice.random() < 0.3:
        sysctls.append(f"net.ipv4.conf.all.rp_filter = {dice.choice((1, 2))}")
    if box.sysctls and dice.random() < 0.3:
        sysctls.append(f"net.ipv4.conf.all.send_redirects = {dice.choice((0, 1))}")
    if box.bridges and dice.random() < 0.5:
        sysctls.append("net.bridge.bridge-nf-call-iptables = 1")
    nft = ""
    if box.sysctls and dice.random() < 0.5:
        nft = nft_table(
            "base",
            [
                "type filter hook forward priority filter; policy drop",
                "ct state established,related accept",
                *_accepts(dice),
            ],
        )
    elif dice.random() < 0.15:
        nft = nft_table(
            "base",
            [
                "type filter hook input priority filter; policy drop",
                "ct state established,related accept",
                "meta l4proto icmp accept",
                "tcp dport 8080 accept",
            ],
        )
    return replace(box, sysctls=tuple(sysctls), nft=nft)


def _accepts(dice: Random) -> list[str]:
    if dice.random() < 0.5:
        return ["ct state new accept"]
    return [
        f"ip saddr 10.{one}.0.0/16 ip daddr 10.{other}.0.0/16 accept"
        for one in range(1, 5)
        for other in range(1, 5)
        if dice.random() < 0.8
    ]
