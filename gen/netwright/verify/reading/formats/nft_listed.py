"""Parts of rules as nft shows those that iptables and other programs have put into a kernel (nft 1.0.6, ran).

What iptables matches and does by an extension of its own (xt) nft shows by name alone: all but a few are not known.
"""

import re

from netwright.verify.reading.formats.nft_statements import read_beginning
from netwright.verify.reading.formats.nft_words import Unmodelled, Words
from netwright.verify.values.nftables import BeginningMatch, MarkMatch, NumberMatch, OwnMatch, Statement

_ALL_BITS = 0xFFFFFFFF
_NUMBER = r"(0x[0-9a-f]{1,8}|[1-9][0-9]{0,9}|0)"
_FLAGS = r"\w+(?: , \w+)*"
_MATCH = re.compile(rf"(?:meta )?mark (?:(?:&|and) {_NUMBER} )?(==|!=)? ?{_NUMBER}")
_SET = re.compile(
    rf"(?:meta )?mark set (?:{_NUMBER}|(?:meta )?mark (and|or|xor|&|\||\^) {_NUMBER}(?: (?:xor|\^) {_NUMBER})?)"
)
_OWN_SOURCE = re.compile(r"fib saddr type (!= )?local")
_IDLE = re.compile(
    r'xt match (?:comment|"comment")'
    r'|xt target (?:CHECKSUM|LOG|NFLOG|TCPMSS|TRACE|"(?:CHECKSUM|LOG|NFLOG|TCPMSS|TRACE)")'
    r"|tcp option maxseg size set (?:rt mtu|[0-9]+)"
)
"""Remarks, and what changes no packet's way: a TCP handshake's word for the size of segments among them."""
_COUNTED = re.compile(r"\bcounter packets [0-9]+ bytes [0-9]+ ?")
_TAKEN = re.compile(rf"tcp flags (?:!= )?{_FLAGS} / {_FLAGS}|meta random (?:& {_NUMBER} )?[<>=!]+ {_NUMBER}")
"""Matches that are known to be matches, and no more: what follows them is read."""
Part = tuple[NumberMatch | BeginningMatch | MarkMatch | OwnMatch | Statement, ...]


def read_listed(reader: Words) -> Part | None:
    """Return the next part, None where it is none of those that are known in a list alone. Raises Unmodelled."""
    beginning = read_beginning(reader)
    if beginning:
        return beginning
    text = reader.take_match(_TAKEN)
    if text is not None:
        raise Unmodelled(text)
    text = reader.take_match(_SET)
    if text is not None:
        return tuple(map(_set_mark, _SET.findall(text)))
    text = reader.take_match(_MATCH)
    if text is not None:
        return tuple(map(_match_mark, _MATCH.findall(text)))
    text = reader.take_match(_OWN_SOURCE)
    if text is not None:
        return (OwnMatch(negated="!=" in text, of_source=True),)
    return () if reader.take_match(_IDLE) is not None else None


def without_counts(text: str) -> str:
    """Return a rule's text without what it has counted."""
    return _COUNTED.sub("", text).strip()


def _match_mark(found: tuple[str, str, str]) -> MarkMatch:
    mask, comparison, value = found
    return MarkMatch(mask=int(mask, 0) if mask else _ALL_BITS, value=int(value, 0), negated=comparison == "!=")


def _set_mark(found: tuple[str, str, str, str]) -> Statement:
    whole, operator, operand, turned = found
    if whole:
        return Statement(kind="mark", turned=int(whole, 0))
    bits, others = int(operand, 0), int(turned or "0", 0)
    if operator in ("or", "|"):
        return Statement(kind="mark", kept=~bits & _ALL_BITS, turned=bits ^ others)
    if operator in ("and", "&"):
        return Statement(kind="mark", kept=bits, turned=others)
    return Statement(kind="mark", kept=_ALL_BITS, turned=bits ^ others)
