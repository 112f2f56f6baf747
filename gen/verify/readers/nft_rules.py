"""One nft rule: matches and statements. What is not known is kept with the rule, beside the matches that are."""

from collections.abc import Callable, Mapping

from gen.verify.addresses import LAST_IP, Ranges, complement, merge, parse_host_or_prefix, parse_ip, parse_number
from gen.verify.facts import Origin
from gen.verify.nftables import STATES, Match, NameMatch, NumberMatch, Rule, StateMatch, Statement
from gen.verify.readers.nft_words import Word, Words, spell

PROTOCOLS = {
    "icmp": 1,
    "tcp": 6,
    "udp": 17,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "vrrp": 112,
    "sctp": 132,
    "esp": 50,
    "gre": 47,
}
ICMP_TYPES = {
    "echo-reply": 0,
    "destination-unreachable": 3,
    "redirect": 5,
    "echo-request": 8,
    "time-exceeded": 11,
    "parameter-problem": 12,
}
_LAST_PORT = 65535
_NEVER: Ranges = ()


class Misread(Exception):  # noqa: N818
    """A part of a rule that is not known."""


Sets = Mapping[str, Ranges]


def read_rule(words: tuple[Word, ...], origin: Origin, sets: Sets) -> Rule:
    """The rule of one statement's words."""
    reader, matches, statements = Words(words), list[Match](), list[Statement]()
    puzzle = None
    try:
        while reader:
            found = _read_part(reader, sets)
            matches += [part for part in found if not isinstance(part, Statement)]
            statements += [part for part in found if isinstance(part, Statement)]
    except (Misread, IndexError) as misread:
        puzzle = str(misread) or "the rule ends too early"
    return Rule(matches=tuple(matches), statements=tuple(statements), text=spell(words), origin=origin, puzzle=puzzle)


_Part = Match | Statement


def _read_part(reader: Words, sets: Sets) -> tuple[_Part, ...]:
    word = reader.take()
    if word in ("accept", "drop", "return", "notrack", "continue"):
        return (Statement(kind=word),)
    if word in ("jump", "goto"):
        return (Statement(kind=word, chain=reader.take()),)
    if word in ("snat", "dnat", "masquerade"):
        return (_read_nat(word, reader),)
    if word in _ASIDES:
        return _read_aside(word, reader)
    if word == "meta":
        word = reader.take()
        if word not in _META:
            raise Misread(f"meta {word}")
    field = _FIELDS.get(word)
    if field is None:
        raise Misread(f"{word} {reader.rest()}".strip())
    return field(word, reader, sets)


_ASIDES = ("reject", "comment", "counter")


def _read_aside(word: str, reader: Words) -> tuple[_Part, ...]:
    """A rejection, whatever its answer, and what only people read: comments and counters."""
    if word == "reject":
        if reader.accept("with"):
            while reader and reader.peek() not in ("comment", "counter"):
                reader.take()
        return (Statement(kind="reject"),)
    if word == "comment":
        reader.take()
    elif reader.accept("packets"):
        reader.take()
        if reader.accept("bytes"):
            reader.take()
    return ()


def _read_nat(kind: str, reader: Words) -> Statement:
    reader.accept("ip")
    prefix = reader.accept("prefix")
    statement = Statement(kind=kind)
    if reader.accept("to"):
        if reader.accept("ip", "saddr"):
            if kind != "snat":
                raise Misread(f"{kind} to ip saddr")
            pairs = _read_pairs(reader) if reader.accept("map") else ()
            statement = Statement(kind=kind, keep=not pairs, pairs=pairs)
        elif prefix:
            raise Misread("prefix to something else than a map of ip saddr")
        else:
            statement = _read_target(kind, reader.take())
    elif kind != "masquerade":
        raise Misread(f"{kind} without an address")
    while reader.peek() in ("random", "fully-random", "persistent"):
        reader.take()
    return statement


def _read_target(kind: str, word: str) -> Statement:
    text, colon, port_text = word.partition(":")
    ip, port = parse_ip(text), parse_number(port_text, _LAST_PORT) if colon else None
    if ip is None or kind == "masquerade" or (colon and (port is None or kind == "snat")):
        raise Misread(f"{kind} to {word}")
    return Statement(kind=kind, ip=ip, port=port)


def _read_pairs(reader: Words) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
    pairs = []
    if not reader.accept("{"):
        raise Misread("a named map")
    while not reader.accept("}"):
        before, colon, after = parse_host_or_prefix(reader.take()), reader.take(), parse_host_or_prefix(reader.take())
        if before is None or colon != ":" or after is None or before.length != after.length:
            raise Misread("a map other than of networks of equal length")
        pairs.append((before.range, after.range))
        reader.accept(",")
    return tuple(pairs)


def read_values(reader: Words, parse: Callable[[str], tuple[int, int] | None], largest: int, sets: Sets) -> Ranges:
    """What follows a field: [!=] a value, range, set or @name."""
    negated = reader.accept("!=")
    reader.accept("==")
    word = reader.take()
    if word == "{":
        ranges = merge(read_elements(reader, parse))
    elif word.startswith("@"):
        if word[1:] not in sets:
            raise Misread(f"the set {word}")
        ranges = sets[word[1:]]
    else:
        ranges = merge((_value(word, parse),))
    return complement(ranges, largest) if negated else ranges


def read_elements(reader: Words, parse: Callable[[str], tuple[int, int] | None]) -> list[tuple[int, int]]:
    """The elements of a set behind its opening brace."""
    found = []
    while not reader.accept("}"):
        found.append(_value(reader.take(), parse))
        if not reader.accept(",") and reader.peek() != "}":
            raise Misread(f"{reader.peek()} in a set")
    return found


def _value(word: str, parse: Callable[[str], tuple[int, int] | None]) -> tuple[int, int]:
    value = parse(word)
    if value is None:
        raise Misread(f"the value {word}")
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
    low, high = parse_number(first, _LAST_PORT), parse_number(last if dash else first, _LAST_PORT)
    return (low, high) if low is not None and high is not None and low <= high else None


def _named(names: Mapping[str, int], word: str) -> tuple[int, int] | None:
    number = names[word] if word in names else parse_number(word, 255)
    return None if number is None else (number, number)


def _ip_field(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    field = reader.take()
    if field in ("saddr", "daddr"):
        return (NumberMatch(of=field, ranges=read_values(reader, parse_ips, LAST_IP, sets)),)
    if field == "protocol":
        return (NumberMatch(of="protocol", ranges=_protocols(reader, sets)),)
    raise Misread(f"ip {field} {reader.rest()}".strip())


def _protocols(reader: Words, sets: Sets) -> Ranges:
    return read_values(reader, lambda word: _named(PROTOCOLS, word), 255, sets)


def _l4proto(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    return (NumberMatch(of="protocol", ranges=_protocols(reader, sets)),)


def _ports(word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    field = reader.take()
    if field not in ("dport", "sport"):
        raise Misread(f"{word} {field}")
    protocols = ((6, 6), (17, 17), (132, 132)) if word == "th" else ((PROTOCOLS[word],) * 2,)
    ranges = read_values(reader, parse_ports, _LAST_PORT, sets)
    return NumberMatch(of="protocol", ranges=protocols), NumberMatch(of=field, ranges=ranges)


def _icmp(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    if not reader.accept("type"):
        raise Misread(f"icmp {reader.rest()}")
    types = read_values(reader, lambda word: _named(ICMP_TYPES, word), 255, sets)
    return NumberMatch(of="protocol", ranges=((1, 1),)), NumberMatch(of="icmp", ranges=types)


def _name(word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    negated = reader.accept("!=")
    names = []
    if reader.accept("{"):
        while not reader.accept("}"):
            names.append(reader.take())
            reader.accept(",")
    else:
        names.append(reader.take())
    if any(name.startswith("@") or "*" in name[:-1] for name in names):
        raise Misread(f"{word} {' '.join(names)}")
    return (NameMatch(egress=word.startswith("oif"), names=tuple(names), negated=negated),)


def _ct(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    if not reader.accept("state"):
        raise Misread(f"ct {reader.rest()}")
    negated = reader.accept("!=")
    braced = reader.accept("{")
    states = {reader.take()}
    while reader.accept(","):
        states.add(reader.take())
    if (braced and not reader.accept("}")) or not states <= STATES:
        raise Misread(f"ct state {', '.join(sorted(states))}")
    return (StateMatch(states=frozenset(STATES - states if negated else states)),)


def _nfproto(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    family = reader.take()
    if family not in ("ipv4", "ipv6"):
        raise Misread(f"nfproto {family}")
    return () if family == "ipv4" else (NumberMatch(of="protocol", ranges=_NEVER),)


def _ipv6(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    """An IPv4 packet never matches; the words that follow say nothing about it, and so does the statement."""
    while reader and reader.peek() not in ("accept", "drop", "reject", "return", "jump", "goto", "counter", "comment"):
        reader.take()
    return (NumberMatch(of="protocol", ranges=_NEVER),)


_META = frozenset({"l4proto", "nfproto", "iifname", "oifname", "iif", "oif"})
_FIELDS: Mapping[str, Callable[[str, Words, Sets], tuple[_Part, ...]]] = {
    "ip": _ip_field,
    "ip6": _ipv6,
    "icmpv6": _ipv6,
    "l4proto": _l4proto,
    "nfproto": _nfproto,
    "tcp": _ports,
    "udp": _ports,
    "th": _ports,
    "icmp": _icmp,
    "iifname": _name,
    "oifname": _name,
    "iif": _name,
    "oif": _name,
    "ct": _ct,
}
