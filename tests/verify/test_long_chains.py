"""In a chain of many rules those are found that a packet, or another rule, meets in a chain of few."""

import random

import pytest
from msgspec.structs import replace

from netwright.verify.network_model.chains import Passage, _matches
from netwright.verify.network_model.lookup import rules_for
from netwright.verify.proof.shadows import _covers, _Earlier
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.facts import Origin
from netwright.verify.values.nftables import Chain, NameMatch, NumberField, NumberMatch, Rule
from netwright.verify.values.packets import EPHEMERAL, Packet

_IPS = tuple(map(AddressNumber, (0, 0x0A000000, 0x0A010000, 0x0A010104, 0x0A0101FF)))
_PORTS = (0, 22, 80, 443, 32768, EPHEMERAL, 60999, 65535)
_NUMBERS = {
    NumberField.SADDR: _IPS,
    NumberField.DADDR: _IPS,
    NumberField.PROTOCOL: (1, 6, 17),
    NumberField.SPORT: _PORTS,
    NumberField.DPORT: _PORTS,
    NumberField.ICMP: (0, 8),
}
_ORIGIN = Origin(file="a.nft", line=1)


def _match(chance: random.Random) -> NumberMatch:
    of = chance.choice([*NumberField])
    first = chance.choice(_NUMBERS[of])
    last = first + chance.choice((0, 0, 1, 255, 65535))
    beyond = ((last + 2, last + 9),)
    return NumberMatch(of=of, ranges=chance.choice((((first, last),), ((first, last),), ((first, last), *beyond), ())))


def _rules(chance: random.Random) -> list[Rule]:
    """Rules with up to three matches of numbers, some with two of one number, and some with an interface."""
    rules = []
    for number in range(60):
        matches = tuple(_match(chance) for _ in range(chance.randrange(4)))
        named = (NameMatch(egress=False, names=("eth0",), negated=False),) if chance.random() < 0.2 else ()
        rules.append(Rule(matches=(*matches, *named), statements=(), text=str(number), origin=_ORIGIN))
    return rules


def _packet(chance: random.Random) -> Packet:
    sport, dport = chance.choice(_PORTS), chance.choice(_PORTS)
    return Packet(chance.choice((1, 6, 17)), chance.choice(_IPS), sport, chance.choice(_IPS), dport)


@pytest.mark.parametrize("seed", range(20))
def test_no_rule_that_a_packet_matches_is_passed_over(seed: int) -> None:
    chance = random.Random(seed)
    chain = Chain(name="c", origin=_ORIGIN, rules=_rules(chance))
    left_out = 0

    for _ in range(50):
        passage = Passage(packet=_packet(chance), incoming="eth0", outgoing=None, state="new")
        found = rules_for(chain, passage.packet)

        assert [one.text for one in found if _matches(one, passage)] == [
            one.text for one in chain.rules if _matches(one, passage)
        ]
        left_out += len(chain.rules) - len(found)
    assert left_out


@pytest.mark.parametrize("seed", range(20))
def test_the_first_rule_that_takes_all_of_another_is_found(seed: int) -> None:
    rules, earlier = _rules(random.Random(seed)), _Earlier()
    hidden = 0

    for number, rule in enumerate(rules):
        hiding = [one.text for one in rules[:number] if _covers(one.matches, rule.matches)]

        assert [one.text for one in earlier.around(rule) if _covers(one.matches, rule.matches)] == hiding
        earlier.add(replace(rule))
        hidden += bool(hiding)
    assert hidden
