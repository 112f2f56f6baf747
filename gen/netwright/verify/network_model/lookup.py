"""The rules of a chain that a packet may match, found without a look at each."""

from collections.abc import Sequence
from typing import assert_never

from netwright.verify.values.blocks import EVERYTHING, Places, Region
from netwright.verify.values.nftables import Chain, NumberField, Rule
from netwright.verify.values.packets import EPHEMERAL_PORTS, Packet

_MANY = 32
"""Of fewer rules each is tried: that takes no longer."""
PORTS = (NumberField.SPORT, NumberField.DPORT)


def rules_for(chain: Chain, packet: Packet) -> Sequence[Rule]:
    """Return the rules of a chain without those that a packet can't match, in their order."""
    if len(chain.rules) < _MANY:
        return chain.rules
    if chain.places is None:
        chain.places = Places()
        for rule in chain.rules:
            chain.places.add(_reach(rule))
    place = tuple((0, number_of(field, packet)) for field in NumberField)
    return [chain.rules[number] for number in chain.places.around(place)]


def _reach(rule: Rule) -> Region:
    """Return the place of the packets that may match a rule; the port of a client stands for others."""
    place = rule.place or (EVERYTHING,) * len(NumberField)
    first, last = EPHEMERAL_PORTS
    return tuple(
        EVERYTHING if of in PORTS and rest << bits <= last and first < (rest + 1) << bits else (bits, rest)
        for of, (bits, rest) in zip(NumberField, place, strict=True)
    )


def number_of(field: NumberField, packet: Packet) -> int:
    """Return a number of a packet."""
    match field:
        case NumberField.SADDR:
            return packet.source
        case NumberField.DADDR:
            return packet.destination
        case NumberField.PROTOCOL:
            return packet.protocol
        case NumberField.SPORT:
            return packet.sport
        case NumberField.DPORT | NumberField.ICMP:  # a packet of ICMP has its type there
            return packet.dport
        case _:
            assert_never(field)
