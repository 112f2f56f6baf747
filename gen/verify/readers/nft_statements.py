"""What a rule does beside accepting and dropping: rejections and translations of addresses."""

from gen.verify.addresses import Range, Ranges, parse_host_or_prefix, parse_ip, parse_number
from gen.verify.nftables import NumberMatch, Statement
from gen.verify.packets import TCP
from gen.verify.readers.nft_words import Misread, Words

LAST_PORT = 65535


def read_reject(reader: Words) -> tuple[NumberMatch | Statement, ...]:
    """A rejection; an answer that only one protocol or family has makes it a rejection of that one alone."""
    answer = []
    if reader.accept("with"):
        while reader and reader.peek() not in ("comment", "counter"):
            answer.append(reader.take())
    only: dict[str, Ranges] = {"tcp": ((TCP, TCP),), "icmpv6": ()}
    limits = (NumberMatch(of="protocol", ranges=only[word]) for word in answer[:1] if word in only)
    return (*limits, Statement(kind="reject"))


def read_nat(kind: str, reader: Words) -> Statement:
    reader.accept("ip")
    prefix = reader.accept("prefix")
    statement = Statement(kind=kind)
    if reader.accept("to"):
        if reader.accept("ip", "saddr"):
            if kind != "snat":
                raise Misread(f"{kind} to ip saddr")
            pairs = _read_pairs(reader) if reader.accept("map") else ()
            if not prefix and any(first != last for one in pairs for first, last in one):
                raise Misread("a map of networks without prefix gives any address of them")
            statement = Statement(kind=kind, keep=not pairs, pairs=pairs)
        elif prefix:
            raise Misread("prefix to something else than a map of ip saddr")
        else:
            statement = _read_target(kind, reader.take())
    elif kind != "masquerade":
        raise Misread(f"{kind} without an address")
    while reader.peek() in ("random", "fully-random", "persistent"):
        reader.take()
        reader.accept(",")
    return statement


def _read_target(kind: str, word: str) -> Statement:
    text, colon, port_text = word.partition(":")
    ip, port = parse_ip(text), parse_number(port_text, LAST_PORT) if colon else None
    if ip is None or kind == "masquerade" or (colon and (port is None or kind == "snat")):
        raise Misread(f"{kind} to {word}")
    return Statement(kind=kind, ip=ip, port=port)


def _read_pairs(reader: Words) -> tuple[tuple[Range, Range], ...]:
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
