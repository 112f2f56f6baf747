"""One nft rule: matches and statements. What is not known is kept with the rule and its known matches."""

import re
from collections.abc import Callable, Iterable, Mapping

from netwright.verify.reading.formats.nft_listed import read_listed, without_counts
from netwright.verify.reading.formats.nft_refusals import LONGEST_COMMENT
from netwright.verify.reading.formats.nft_statements import LAST_PORT, UNMODELLED, read_beginning, read_nat, read_reject
from netwright.verify.reading.formats.nft_values import (
    Sets,
    ipv6_range,
    named_number,
    parse_ips,
    parse_ports,
    read_values,
)
from netwright.verify.reading.formats.nft_words import MisreadRule, Unmodelled, Word, Words, spell
from netwright.verify.values.addresses import (
    LAST_IP,
    Ranges,
)
from netwright.verify.values.facts import Origin
from netwright.verify.values.nftables import (
    NAT_KINDS,
    PLAIN_KINDS,
    STATES,
    Match,
    NameMatch,
    NumberField,
    NumberMatch,
    OpenedMatch,
    OwnMatch,
    Rule,
    StateMatch,
    Statement,
    TranslatedMatch,
)

PROTOCOLS = {
    "icmp": 1,
    "tcp": 6,
    "udp": 17,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "vrrp": 112,
    "sctp": 132,
    "esp": 50,
    "ah": 51,
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
ICMPV6_TYPES = {
    "destination-unreachable": 1,
    "packet-too-big": 2,
    "time-exceeded": 3,
    "parameter-problem": 4,
    "echo-request": 128,
    "echo-reply": 129,
    "mld-listener-query": 130,
    "mld-listener-report": 131,
    "mld-listener-done": 132,
    "nd-router-solicit": 133,
    "nd-router-advert": 134,
    "nd-neighbor-solicit": 135,
    "nd-neighbor-advert": 136,
    "nd-redirect": 137,
    "mld2-listener-report": 143,
}
_NEVER: Ranges = ()


def read_rule(words: tuple[Word, ...], origin: Origin, sets: Sets, *, listed: bool = False) -> Rule:
    """The rule of one statement's words; `listed`: as nft shows what a kernel has, iptables' extensions included."""
    reader, matches, statements = Words(words), list[Match](), list[Statement]()
    unread = misread = None
    while reader and misread is None:
        try:
            if reader.peek() == "th" and not _have_ports(matches):
                unread = "th without a match of tcp or udp before it reads whatever any protocol has there"
                _read_part(reader, sets)
                continue
            if reader.rest().startswith("ct original proto-") and not _have_ports(matches):
                raise MisreadRule("ct original proto-dst without a match of tcp or udp before it")
            known = read_listed(reader) if listed else None
            found = _read_part(reader, sets) if known is None else known
            matches += [part for part in found if not isinstance(part, Statement)]
            statements += [part for part in found if isinstance(part, Statement)]
        except Unmodelled as unmodelled:
            unread = str(unmodelled)
        except MisreadRule as fault:
            misread = str(fault)
        except IndexError:
            misread = "the rule ends too early"
    if listed and misread is None and not statements and "mark set" not in (unread or ""):
        unread = None  # whatever it matches, it does nothing
    return Rule(
        matches=tuple(matches),
        statements=tuple(statements),
        text=without_counts(spell(words)) if listed else spell(words),
        origin=origin,
        unread=misread or unread,
        misread=misread,
    )


def _have_ports(matches: Iterable[Match]) -> bool:
    """Return whether only packets of protocols with ports match."""
    return any(
        isinstance(match, NumberMatch)
        and match.of is NumberField.PROTOCOL
        and all(one in _PORTED for one in match.ranges)
        for match in matches
    )


_PORTED: Ranges = ((6, 6), (17, 17), (132, 132))
_Part = Match | Statement


def _read_part(reader: Words, sets: Sets) -> tuple[_Part, ...]:
    """The next part. Raises Unmodelled behind one that nft takes as well, Misread for any other."""
    place = reader.place
    try:
        return _read_known_part(reader, sets)
    except (MisreadRule, IndexError):
        reader.place = place
        unmodelled = reader.take_match(UNMODELLED)
        if unmodelled is None:
            raise
    raise Unmodelled(unmodelled)


def _read_known_part(reader: Words, sets: Sets) -> tuple[_Part, ...]:
    if reader.peek() in _REMARKS and reader.take_match(_REMARK) is not None:
        return ()
    beginning = read_beginning(reader)
    if beginning:
        return beginning
    word = reader.take()
    if word in PLAIN_KINDS:
        return (Statement(kind=PLAIN_KINDS[word]),)
    if word in ("jump", "goto"):
        return (Statement(kind="jump" if word == "jump" else "goto", chain=reader.take()),)
    if word in NAT_KINDS:
        return (read_nat(NAT_KINDS[word], reader),)
    if word == "reject":
        return read_reject(reader)
    if word == "comment":
        return _read_comment(reader)
    if word == "meta":
        word = reader.take()
        if word not in _META:
            raise MisreadRule(f"meta {word}")
    elif word in _META_ALONE:
        raise MisreadRule(f"{word} without meta")
    field = _FIELDS.get(word)
    if field is None:
        raise MisreadRule(f"{word} {reader.rest()}".strip())
    return field(word, reader, sets)


_REMARK = re.compile(
    r"counter(?: packets [0-9]+ bytes [0-9]+)?"
    r'|log(?: (?:prefix ""|level (?:emerg|alert|crit|err|warn|notice|info|debug|audit)|flags all'
    r"|(?:group|snaplen|queue-threshold) [0-9]+))*"
)
"""Statements for human readers only."""
_REMARKS = frozenset({"counter", "log"})


def _read_comment(reader: Words) -> tuple[_Part, ...]:
    if len(reader.take_string().encode()) > LONGEST_COMMENT:
        raise MisreadRule(f"a comment of more than {LONGEST_COMMENT} bytes")
    return ()


def _ip_field(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    field = reader.take()
    if field in ("saddr", "daddr"):
        return (NumberMatch(of=NumberField(field), ranges=read_values(reader, parse_ips, LAST_IP, sets)),)
    if field == "protocol":
        return (NumberMatch(of=NumberField.PROTOCOL, ranges=_protocols(reader, sets)),)
    raise MisreadRule(f"ip {field} {reader.rest()}".strip())


def _protocols(reader: Words, sets: Sets) -> Ranges:
    return read_values(reader, lambda word: named_number(PROTOCOLS, word), 255, sets)


def _l4proto(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    return (NumberMatch(of=NumberField.PROTOCOL, ranges=_protocols(reader, sets)),)


def _ports(word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    field = reader.take()
    if field not in ("dport", "sport"):
        raise MisreadRule(f"{word} {field}")
    protocols = _PORTED if word == "th" else ((PROTOCOLS[word],) * 2,)
    ranges = read_values(reader, parse_ports, LAST_PORT, sets)
    return NumberMatch(of=NumberField.PROTOCOL, ranges=protocols), NumberMatch(of=NumberField(field), ranges=ranges)


def _icmp(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    if not reader.accept("type"):
        raise MisreadRule(f"icmp {reader.rest()}")
    types = read_values(reader, lambda word: named_number(ICMP_TYPES, word), 255, sets)
    return NumberMatch(of=NumberField.PROTOCOL, ranges=((1, 1),)), NumberMatch(of=NumberField.ICMP, ranges=types)


def _name(word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    negated = reader.accept("!=")
    names = []
    if reader.accept("{"):
        while not reader.accept("}"):
            names.append(reader.take_string())
            if not reader.accept(",") and reader.peek() != "}":
                raise MisreadRule(f"{reader.peek()} in a set")
    else:
        names.append(reader.take_string())
    if any(name.startswith("@") or "*" in name[:-1] for name in names):
        raise MisreadRule(f"{word} {' '.join(names)}")
    return (NameMatch(egress=word.startswith("oif"), names=tuple(names), negated=negated),)


def _ct(_word: str, reader: Words, sets: Sets) -> tuple[_Part, ...]:
    if reader.accept("status", "dnat"):
        return (TranslatedMatch(),)
    if reader.accept("original"):
        return (_opened(reader, sets),)
    if not reader.accept("state"):
        raise MisreadRule(f"ct {reader.rest()}")
    negated = reader.accept("!=")
    braced = reader.accept("{")
    states = {reader.take()}
    while reader.accept(","):
        states.add(reader.take())
    if (braced and not reader.accept("}")) or not states <= STATES.keys():
        raise MisreadRule(f"ct state {', '.join(sorted(states))}")
    # Of several states without braces, != compares with all their bits at once, which no packet has.
    if negated and len(states) > 1 and not braced:
        raise Unmodelled(f"ct state != {', '.join(sorted(states))}")
    return (StateMatch(states=frozenset(STATES[name] for name in STATES if (name in states) is not negated)),)


def _opened(reader: Words, sets: Sets) -> OpenedMatch:
    """A match of the packet that opened the connection. Comparisons other than equality were seen to go wrong with nft
    1.0.6 on Linux 6.18: `!=` with a set of networks matches nothing, `>=` not the port itself."""
    if reader.accept("proto-dst"):
        field, parse, last = NumberField.DPORT, parse_ports, LAST_PORT
    elif reader.accept("ip", "saddr"):
        field, parse, last = NumberField.SADDR, parse_ips, LAST_IP
    elif reader.accept("ip", "daddr"):
        field, parse, last = NumberField.DADDR, parse_ips, LAST_IP
    else:
        raise MisreadRule(f"ct original {reader.rest()}")
    negated = reader.peek() == "!="
    ranges = read_values(reader, parse, last, sets)
    if negated:
        raise Unmodelled(f"ct original {field} !=")
    return OpenedMatch(of=field, ranges=ranges)


def _fib(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    if not reader.accept("daddr", "type"):
        raise MisreadRule(f"fib {reader.rest()}")
    negated = reader.accept("!=")
    if not reader.accept("local"):
        raise MisreadRule(f"fib daddr type {reader.rest()}")
    return (OwnMatch(negated=negated),)


def _nfproto(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    family = reader.take()
    if family not in ("ipv4", "ipv6"):
        raise MisreadRule(f"nfproto {family}")
    return () if family == "ipv4" else (NumberMatch(of=NumberField.PROTOCOL, ranges=_NEVER),)


def _ipv6(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    """An IPv4 packet never matches a field of IPv6."""
    parse = _IPV6_FIELDS.get(field := reader.take())
    if parse is None:
        raise MisreadRule(f"ip6 {field} {reader.rest()}".strip())
    read_values(reader, parse, LAST_IP, _NO_SETS)
    return (NumberMatch(of=NumberField.PROTOCOL, ranges=_NEVER),)


def _icmpv6(_word: str, reader: Words, _sets: Sets) -> tuple[_Part, ...]:
    if not reader.accept("type"):
        raise MisreadRule(f"icmpv6 {reader.rest()}")
    read_values(reader, lambda word: named_number(ICMPV6_TYPES, word), 255, _NO_SETS)
    return (NumberMatch(of=NumberField.PROTOCOL, ranges=_NEVER),)


_NO_SETS: Sets = {}
_IPV6_FIELDS: Mapping[str, Callable[[str], tuple[int, int] | None]] = {
    "saddr": ipv6_range,
    "daddr": ipv6_range,
    "nexthdr": lambda word: named_number(PROTOCOLS, word),
    "hoplimit": lambda word: named_number({}, word),
}
_META_ALONE = frozenset({"l4proto", "nfproto"})
"""Keys that nft knows after `meta` alone."""
_META = frozenset({*_META_ALONE, "iifname", "oifname", "iif", "oif"})
_FIELDS: Mapping[str, Callable[[str, Words, Sets], tuple[_Part, ...]]] = {
    "ip": _ip_field,
    "ip6": _ipv6,
    "icmpv6": _icmpv6,
    "l4proto": _l4proto,
    "nfproto": _nfproto,
    "tcp": _ports,
    "udp": _ports,
    "th": _ports,
    "sctp": _ports,
    "icmp": _icmp,
    "iifname": _name,
    "oifname": _name,
    "iif": _name,
    "oif": _name,
    "ct": _ct,
    "fib": _fib,
}
