"""Values of nft's matches: addresses, ports, intervals and sets of them."""

from collections.abc import Callable, Mapping
from ipaddress import IPv6Network

from netwright.verify.reading.formats.nft_statements import LAST_PORT
from netwright.verify.reading.formats.nft_words import MisreadRule, Words
from netwright.verify.values.addresses import (
    Ranges,
    complement,
    merge,
    parse_host_or_prefix,
    parse_ip,
    parse_number,
)

Sets = Mapping[tuple[str, str], Ranges]
"""Named sets by their type and name."""


def read_values(reader: Words, parse: Callable[[str], tuple[int, int] | None], largest: int, sets: Sets) -> Ranges:
    """Return the values that follow a field: [!=] a value, range, set or @name."""
    negated = reader.accept("!=")
    if not negated:
        reader.accept("==")
    word = reader.take()
    if word == "{":
        ranges = merge(read_elements(reader, parse))
    elif word.startswith("@"):
        key = (next((kind for kind, known in SET_TYPES.items() if known is parse), ""), word[1:])
        if key not in sets:
            raise MisreadRule(f"no set {word[1:]} of that type stands above")
        ranges = sets[key]
    else:
        ranges = merge((_value(word, parse),))
    return complement(ranges, largest) if negated else ranges


def read_elements(reader: Words, parse: Callable[[str], tuple[int, int] | None]) -> list[tuple[int, int]]:
    """The elements of a set behind its opening brace."""
    found = []
    while not reader.accept("}"):
        found.append(_value(reader.take(), parse))
        if not reader.accept(",") and reader.peek() != "}":
            raise MisreadRule(f"{reader.peek()} in a set")
    return found


def _value(word: str, parse: Callable[[str], tuple[int, int] | None]) -> tuple[int, int]:
    value = parse(word)
    if value is None:
        raise MisreadRule(f"the value {word}")
    return value


def parse_ips(word: str) -> tuple[int, int] | None:
    """The range of an IP, a network or FIRST-LAST."""
    prefix = parse_host_or_prefix(word)
    if prefix is not None:
        return prefix.range
    first, _, last = word.partition("-")
    low, high = parse_ip(first), parse_ip(last)
    return (low, high) if low is not None and high is not None and low <= high else None


def parse_ports(word: str) -> tuple[int, int] | None:
    """The range of a port or FIRST-LAST; names of services are not known."""
    first, dash, last = word.partition("-")
    low, high = parse_number(first, LAST_PORT), parse_number(last if dash else first, LAST_PORT)
    return (low, high) if low is not None and high is not None and low <= high else None


def named_number(names: Mapping[str, int], word: str) -> tuple[int, int] | None:
    number = names[word] if word in names else parse_number(word, 255)
    return None if number is None else (number, number)


def ipv6_range(word: str) -> tuple[int, int] | None:
    """The range of nothing, if the word is an address or a network of IPv6."""
    try:
        IPv6Network(word, strict=False)
    except ValueError:
        return None
    return (0, 0) if word.isascii() and "%" not in word else None


SET_TYPES: Mapping[str, Callable[[str], tuple[int, int] | None]] = {
    "ipv4_addr": parse_ips,
    "inet_service": parse_ports,
}
"""The types of sets that are known, and how their elements are written."""
