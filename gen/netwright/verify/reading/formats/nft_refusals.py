"""Files that read well and that nft or the kernel refuses: of such a file nothing is loaded, not a single rule."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from netwright.verify.values.facts import Unknown
from netwright.verify.values.nftables import Chain, NameMatch, NumberField, NumberMatch, Rule, Table
from netwright.verify.values.packets import TCP, UDP

REFUSED, MISREAD = "nft refuses the whole file", "nft may refuse the whole file"
"""A file of which it does not load a single rule, and one of which that is unknown."""
LONGEST_COMMENT = 128
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_/.-]*")
_WORDS = """
    accept add ah all arp auto-merge bridge cgroup chain comment comp constant continue counter cpu create ct day
    dccp define delete describe destroy device devices dnat drop dst dup dynamic ecn element elements esp ether
    exists expires export exthdr fib flags flow flowtable flush frag fwd gc-interval geneve goto gre gretap handle
    hbh hook hour ibriport ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include index inet insert
    interval ip ip6 ipsec jhash jump last limit list log map mark masquerade meta meter mh missing monitor netdev
    nftrace numgen obriport obrname offload oif oifgroup oifname oiftype osf pkttype policy position priority
    queue quota random redefine redirect reject replace reset return rt rt0 rt2 rtclassid rule ruleset sctp
    secmark set size skgid skuid snat socket srh symhash synproxy table tcp th time timeout tproxy type typeof udp
    udplite undefine update vlan vxlan xt
"""
_RESERVED = frozenset(_WORDS.split())
"""Words that nft 1.0.6 takes for no name (each was tried), and those of later versions."""
_ENDS = frozenset({"accept", "drop", "reject", "return", "jump", "goto", "snat", "dnat", "masquerade", "redirect"})
_NAT_HOOKS = {
    "masquerade": frozenset({"postrouting"}),
    "snat": frozenset({"postrouting", "input"}),
    "dnat": frozenset({"prerouting", "output"}),
    "redirect": frozenset({"prerouting", "output"}),
}
_REJECTING_HOOKS = frozenset({"prerouting", "input", "forward", "output"})
_DEEPEST_JUMP = 16
_TEXTS = (
    (
        re.compile(r'(?<!\. )(?<!iif )\b[io]if (?:!= )?(?!"?lo\b)'),
        "iif and oif need the interface at that moment; iifname and oifname do not",
    ),
    (
        re.compile(r'(?<!")\b(?:accept|drop|return|reject|masquerade|[sd]nat|jump|goto)\b(?!").* (?:counter|log)\b'),
        "a statement behind one that ends the rule",
    ),
    (re.compile(r'\b[io]ifname (?:!= )?"?\*'), "a name of `*` alone"),
    (re.compile(r"\{ \}"), "a set of nothing"),
)
_OF_INET = (
    re.compile(r"^(?:(?!\bip ).)*\b[sd]nat to (?:[0-9]|ip saddr)"),
    "in a table inet the address needs `ip` before `to`",
)
_OF_IP = (re.compile(r"\bip6 |\bnfproto |\bwith icmp(?:v6|x)\b"), "a table of family ip knows no other family")
_COMMENT_WITHIN = re.compile(r"""^(?:[^"]|"[^"]*")*?\bcomment (?:"[^"]*"|[^"\s]+) \S""")
_IPV6 = re.compile(r"\bip6 |\bnfproto ipv6\b|\bicmpv6 type\b")
_IPV4 = re.compile(r"\bip (?:[sd]addr|protocol)\b|\bicmp type\b|\bwith icmp |\b[sd]nat\b|\bnfproto ipv4\b")
_OF_PROTOCOLS = re.compile(r"\b(?:icmp|tcp|udp|sctp|th) (?:type|[sd]port)\b")
_LONGEST_NAME = 15


def refusals(table: Table) -> Iterator[Unknown]:
    """The lines of a table for which its file is refused, as nft 1.0.6 and the kernel were seen to do it."""
    for chain in table.chains.values():
        for rule in chain.rules:
            reasons = (*_faults(rule.text, table.family), *_clashes(rule))
            yield from (_refusal(rule, reason) for reason in reasons)
        if chain.hook is not None:
            yield from _misplaced(table, chain, chain, (), set())


def name_fault(name: str) -> str | None:
    """Return why no table, chain or set can have the name; None if one can."""
    if _NAME.fullmatch(name) is None:
        return f"{name} is no name"
    return f"{name} is a word of its own" if name in _RESERVED else None


@lru_cache(maxsize=4096)  # nodes have most rules in common
def _faults(text: str, family: str) -> tuple[str, ...]:
    """Yield the faults in the words of a rule."""
    said = text.partition(' comment "')[0]
    found = [reason for pattern, reason in (*_TEXTS, _OF_IP if family == "ip" else _OF_INET) if pattern.search(said)]
    if _COMMENT_WITHIN.search(text):
        found.append("a comment that is not the end of the rule")
    if _IPV6.search(said) and (_IPV4.search(said) or ("icmpv6 type" in said and _OF_PROTOCOLS.search(said))):
        found.append("two families or protocols that no packet has together")
    return tuple(found)


def _refusal(rule: Rule, reason: str) -> Unknown:
    return Unknown(origin=rule.origin, text=rule.text, reason=f"{REFUSED}: {reason}")


def _clashes(rule: Rule) -> Iterator[str]:
    names = [name for match in rule.matches if isinstance(match, NameMatch) for name in match.names]
    if any(not 0 < len(name) <= _LONGEST_NAME for name in names):
        yield "a name that no interface can have"
    if any(statement.kind in _ENDS for statement in rule.statements[:-1]):
        yield "a statement behind one that ends the rule"
    befores = sorted(before for statement in rule.statements for before, _ in statement.pairs)
    if any(following[0] <= one[1] for one, following in pairwise(befores)):
        yield "networks in a map that overlap"
    said = (
        match.ranges for match in rule.matches if isinstance(match, NumberMatch) and match.of is NumberField.PROTOCOL
    )
    protocols = [ranges for ranges in said if ranges]
    common = set(range(256)) if len(protocols) > 1 else {TCP}
    for ranges in protocols if len(protocols) > 1 else ():
        common &= {number for first, last in ranges for number in range(first, last + 1)}
    if not common:
        yield "two protocols that no packet has together"
    if "with tcp reset" in rule.text and any(ranges != _TCP_ALONE for ranges in protocols):
        yield "an answer of TCP for another protocol"
    ported = any(all(low in (TCP, UDP) and low == high for low, high in ranges) for ranges in protocols)
    if not ported and any(statement.port is not None for statement in rule.statements):
        yield "a port without a match of tcp or udp before it"


_TCP_ALONE = ((TCP, TCP),)


def _misplaced(table: Table, base: Chain, chain: Chain, above: tuple[str, ...], seen: set[str]) -> Iterator[Unknown]:
    """Statements that the base chain's hook does not have, in it and in all chains that it jumps to."""
    seen.add(chain.name)
    hook = base.hook
    if hook is None:
        return
    for rule in chain.rules:
        for statement in rule.statements:
            hooks = _NAT_HOOKS.get(statement.kind)
            if hooks is not None and (hook.kind != "nat" or hook.point not in hooks):
                yield _refusal(rule, f"no {statement.kind} in a chain of type {hook.kind} at {hook.point}")
            if statement.kind == "reject" and hook.point not in _REJECTING_HOOKS:
                yield _refusal(rule, f"no reject at {hook.point}")
            target = table.chains.get(statement.chain or "")
            if target is None:
                continue
            if target.hook is not None:
                yield _refusal(rule, f"{target.name} is a base chain, to which nothing jumps")
            elif target is chain or target.name in above or len(above) > _DEEPEST_JUMP:
                yield _refusal(rule, "jumps that come back to where they started, or more than 16 of them")
            elif target.name not in seen:
                yield from _misplaced(table, base, target, (*above, chain.name), seen)
