"""Port forwards and redirects thrown at random, with and without the rules that they need, from LEADING_FROM on."""

from collections.abc import Callable, Sequence
from random import Random

from msgspec.structs import replace

from tests.verify.kernel.damage import nft_table
from tests.verify.kernel.world import Box


def _ip(dice: Random, boxes: Sequence[Box]) -> str:
    return dice.choice([ip for box in boxes for ip in box.ips()])


def _lead_on(dice: Random, box: Box, boxes: Sequence[Box]) -> Box:
    """What is for the box, or for anyone, is led on to anyone, in chains of either priority."""
    priority = dice.choice(("dstnat - 10", "dstnat", "dstnat + 5"))
    rules = [_translation(dice, box, boxes) for _ in range(dice.randint(1, 2))]
    chains = [[f"type nat hook prerouting priority {priority}", *rules]]
    if dice.random() < 0.5:
        chains.append([_hidden_by(dice), f"{_translated(dice)}{_source(dice, box)}"])
    if dice.random() < 0.4:
        accepts = dice.sample(("ct state established,related accept", "ct status dnat accept"), dice.randint(1, 2))
        chains.append(["type filter hook forward priority filter; policy drop", *accepts])
    return replace(box, nft=box.nft + nft_table(f"l{dice.randrange(10**6)}", *chains))


def _hidden_by(dice: Random) -> str:
    return f"type nat hook postrouting priority {dice.choice(('srcnat', 'srcnat - 5'))}"


def _translation(dice: Random, box: Box, boxes: Sequence[Box]) -> str:
    target = dice.choice(
        ("fib daddr type local ", "fib daddr type != local ", f"ip daddr {dice.choice(box.ips())} ", "")
    )
    card = f'iifname {dice.choice(("", "!= "))}"{dice.choice(list(box.cards))}" ' if dice.random() < 0.3 else ""
    traffic = dice.choice(("", "", "meta l4proto { tcp, udp } ", "tcp dport 8080 ", "udp dport 8080 "))
    led = dice.choice((f"dnat ip to {_ip(dice, boxes)}", f"dnat ip to {_ip(dice, boxes)}", "redirect"))
    if "dport" in traffic and dice.random() < 0.3:
        led += " to :8080" if led == "redirect" else ":8080"
    return f"{card}{target}{traffic}{led}"


def _translated(dice: Random) -> str:
    return dice.choice(("ct status dnat ", "ct status dnat ", ""))


def _source(dice: Random, box: Box) -> str:
    return dice.choice(("masquerade", f"snat ip to {dice.choice(box.ips())}"))


LEADING: tuple[Callable[[Random, Box, Sequence[Box]], Box], ...] = (_lead_on,)
