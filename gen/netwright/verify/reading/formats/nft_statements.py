"""Statements of a rule besides accepting and dropping: rejections and translations of addresses."""

import re

from netwright.verify.reading.formats.nft_words import MisreadRule, Unmodelled, Words
from netwright.verify.values.addresses import Range, Ranges, parse_host_or_prefix, parse_ip, parse_number
from netwright.verify.values.nftables import BeginningMatch, NatKind, NumberField, NumberMatch, Statement
from netwright.verify.values.packets import TCP

LAST_PORT = 65535


_NUMBER = r"(?:0x[0-9a-f]+|[0-9]+)"
_PACKETS = r"(?:unicast|broadcast|multicast|host|other)"
_LOCALITIES = r"(?:unspec|unicast|local|broadcast|anycast|multicast|blackhole|unreachable|prohibit)"
_FLAG = r"(?:fin|syn|rst|psh|ack|urg|ecn|cwr)"
_MARKED = r"(?:meta mark|ct mark|mark)"
_SERVICES = (
    r"(?:ssh|smtp|domain|http|https|ntp|snmp|syslog|ldap|ldaps|imap|imaps|pop3|pop3s|ftp|tftp|telnet|bootps|bootpc)"
)
UNMODELLED = re.compile(
    r"limit rate (?:over )?[0-9]+(?: [km]?bytes)?/(?:second|minute|hour|day|week)"
    r"(?: burst [0-9]+ (?:packets|[km]?bytes))?"
    rf"|{_MARKED} (?:!= |set )?{_NUMBER}|{_MARKED} set {_MARKED}"
    r"|ct status (?:!= )?(?:expected|seen-reply|assured|confirmed|snat|dnat|dying)"
    r"|ct direction (?:!= )?(?:original|reply)"
    rf"|tcp flags (?:!= |! )?{_FLAG}(?: , {_FLAG})*"
    rf"|tcp flags & (?:{_FLAG}|\({_FLAG}(?:\|{_FLAG})*\)) (?:==|!=) {_FLAG}(?:\|{_FLAG})*"
    r"|tcp option maxseg size set (?:rt mtu|[0-9]+)"
    rf"|fib [sd]addr type (?:!= )?(?:{_LOCALITIES}|\{{ {_LOCALITIES}(?: , {_LOCALITIES})* \}})"
    r"|fib saddr \. iif oif (?:exists|missing)"
    rf"|meta pkttype (?:!= )?(?:{_PACKETS}|\{{ {_PACKETS}(?: , {_PACKETS})* \}})"
    rf"|ip (?:ttl|length|id) (?:!= |== |[<>]=? )?{_NUMBER}"
    rf"|(?:tcp|udp) [sd]port (?:!= )?(?:{_SERVICES}|\{{ {_SERVICES}(?: , {_SERVICES})* \}})"
)
"""Parts of a rule that nft 1.0.6 was seen to take, and of which this model knows only that."""

_BEGINNING = re.compile(
    r"tcp flags & \( ?(?:syn ?\| ?ack|ack ?\| ?syn) ?\) (==|!=) syn|tcp flags (!= )?syn / (?:syn , ack|ack , syn)"
)
"""As it is written, and as nft 1.0.6 lists it; a comma is a word of its own here."""


def read_beginning(reader: Words) -> tuple[NumberMatch | BeginningMatch, ...]:
    """Return the matches of what begins a connection of TCP, none where something else stands there."""
    found = reader.take_match(_BEGINNING) if reader.peek() == "tcp" else None
    if found is None:
        return ()
    return NumberMatch(of=NumberField.PROTOCOL, ranges=((TCP, TCP),)), BeginningMatch(negated="!=" in found)


_ANSWERS = {
    "icmp": "net-unreachable host-unreachable prot-unreachable port-unreachable net-prohibited host-prohibited"
    " admin-prohibited",
    "icmpv6": "no-route admin-prohibited addr-unreachable port-unreachable",
    "icmpx": "no-route port-unreachable host-unreachable admin-prohibited",
}
_ANSWER = re.compile(
    "with (?:tcp reset|"
    + "|".join(f"{family} (?:type )?(?:{'|'.join(names.split())})" for family, names in _ANSWERS.items())
    + ")"
)


def read_reject(reader: Words) -> tuple[NumberMatch | Statement, ...]:
    """A rejection; an answer that only one protocol or family has makes it a rejection of that one alone."""
    answer = reader.take_match(_ANSWER) or ""
    only: dict[str, Ranges] = {"tcp": ((TCP, TCP),), "icmpv6": ()}
    limits = (NumberMatch(of=NumberField.PROTOCOL, ranges=only[word]) for word in answer.split()[1:2] if word in only)
    return (*limits, Statement(kind="reject"))


def read_nat(kind: NatKind, reader: Words) -> Statement:
    if kind != "redirect":
        reader.accept("ip")
    prefix = kind != "redirect" and reader.accept("prefix")
    statement = Statement(kind=kind)
    if reader.accept("to"):
        if reader.accept("ip", "saddr"):
            if kind != "snat":
                raise MisreadRule(f"{kind} to ip saddr")
            pairs = _read_pairs(reader) if reader.accept("map") else ()
            if not prefix and any(first != last for one in pairs for first, last in one):
                raise Unmodelled("a map of networks without prefix gives any address of them")
            statement = Statement(kind=kind, keep=not pairs, pairs=pairs)
        elif prefix:
            raise MisreadRule("prefix to something else than a map of ip saddr")
        else:
            statement = _read_target(kind, reader)
    elif kind not in _WITHOUT_ADDRESS:
        raise MisreadRule(f"{kind} without an address")
    while reader.peek() in ("random", "fully-random", "persistent"):
        reader.take()
        if reader.accept(",") and reader.peek() not in ("random", "fully-random", "persistent"):
            raise MisreadRule(f"{kind} with {reader.rest()}")
    return statement


_IP, _PORTS = r"[0-9]+(?:\.[0-9]+){3}", r":[0-9]+(?:-[0-9]+)?"
_TARGETS = {
    "snat": re.compile(rf"{_IP}(?:-{_IP})?(?:{_PORTS})?"),
    "dnat": re.compile(rf"{_IP}(?:-{_IP})?(?:{_PORTS})?"),
    "masquerade": re.compile(_PORTS),
    "redirect": re.compile(_PORTS),
}
_WITHOUT_ADDRESS = ("masquerade", "redirect")
"""Targets that nft takes; of these only a single address is modelled."""


def _read_target(kind: NatKind, reader: Words) -> Statement:
    word = reader.take()
    text, colon, port_text = word.partition(":")
    ip, port = parse_ip(text), parse_number(port_text, LAST_PORT) if colon else None
    if kind == "redirect" and not text and port is not None:
        return Statement(kind=kind, port=port)
    if ip is not None and kind not in _WITHOUT_ADDRESS and not (colon and (port is None or kind == "snat")):
        return Statement(kind=kind, ip=ip, port=port)
    if _TARGETS[kind].fullmatch(word) is None:
        raise MisreadRule(f"{kind} to {word}")
    raise Unmodelled(f"{kind} to {word}")


def _read_pairs(reader: Words) -> tuple[tuple[Range, Range], ...]:
    pairs = []
    if not reader.accept("{"):
        raise MisreadRule("a named map")
    while not reader.accept("}"):
        before, colon, after = parse_host_or_prefix(reader.take()), reader.take(), parse_host_or_prefix(reader.take())
        if before is None or colon != ":" or after is None or before.length != after.length:
            raise MisreadRule("a map other than of networks of equal length")
        pairs.append((before.range, after.range))
        reader.accept(",")
    return tuple(pairs)
