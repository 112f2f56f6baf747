"""The rules of a machine's kernel, as nft lists them now -> the firewall, and what of it is not known."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.live import LiveState
from netwright.verify.values.nftables import Chain, Rule, Ruleset, TranslatedMatch

_LEGACY = "iptables-legacy"
_TABLES = re.compile(r"^\*(\w+)$", re.MULTILINE)
_FILLED = re.compile(r"^(?:-A |:\S+ (?!ACCEPT |- ))", re.MULTILINE)
"""A rule, or a policy other than to accept, as iptables-save prints it."""


def read_rules_of(state: LiveState, place: str) -> tuple[Ruleset, list[Unknown]]:
    """Return the rules of a record whose facts stand at `place`."""
    ruleset = Ruleset()
    read_nft(f"{place}: nft", state.ruleset or "", ruleset, listed=True)
    unknown = [replace(one, origin=Origin(file=f"{place}: nft", line=0)) for one in ruleset.unknown]
    of_iptables = _tables(state.iptables or "")
    for table in ruleset.tables.values():
        for chain in table.chains.values():
            _place(chain, Origin(file=f"{place}: nft {table.family} {table.name} {chain.name}", line=0))
            if table.family == "ip" and table.name in of_iptables:
                chain.rules = [_doubted(rule) for rule in chain.rules]
    return ruleset, [*unknown, *_of_legacy(state, ruleset, of_iptables, place)]


def _place(chain: Chain, origin: Origin) -> None:
    chain.origin = origin
    chain.rules = [replace(rule, origin=origin) for rule in chain.rules]


def _doubted(rule: Rule) -> Rule:
    """Of `-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT` of iptables nft shows `ct status dnat` (1.0.6, ran)."""
    if rule.unread is None and any(isinstance(one, TranslatedMatch) for one in rule.matches):
        matches = tuple(one for one in rule.matches if not isinstance(one, TranslatedMatch))
        return replace(rule, matches=matches, unread="a match of iptables that nft may show otherwise: ct status dnat")
    return rule


def _tables(text: str) -> dict[str, str]:
    """The tables that iptables-save prints, each with its lines."""
    parts = _TABLES.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _of_legacy(state: LiveState, ruleset: Ruleset, of_iptables: dict[str, str], place: str) -> Iterator[Unknown]:
    """Yield that rules of iptables' older kernel interface are there, which nft does not list."""
    there = ruleset.tables
    others = [name for name, lines in of_iptables.items() if ("ip", name) not in there and _FILLED.search(lines)]
    if others or _LEGACY in state.unread:
        reason = "rules of iptables-legacy are there, which nft does not list; they are not known"
        yield Unknown(origin=Origin(file=f"{place}: iptables", line=0), text=", ".join(others), reason=reason)
