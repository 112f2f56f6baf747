"""What nft or the kernel refuses of a file that reads well: of such a file nothing is loaded, not a single rule."""

import re
from collections.abc import Iterator

from gen.verify.facts import Unknown
from gen.verify.nftables import Chain, NumberMatch, Rule, Table
from gen.verify.packets import TCP, UDP

_ENDS = frozenset({"accept", "drop", "reject", "return", "jump", "goto", "snat", "dnat", "masquerade"})
_NAT_HOOKS = {
    "masquerade": frozenset({"postrouting"}),
    "snat": frozenset({"postrouting", "input"}),
    "dnat": frozenset({"prerouting", "output"}),
}
_REJECTING_HOOKS = frozenset({"prerouting", "input", "forward", "output"})
_DEEPEST_JUMP = 16
_TEXTS = (
    (
        re.compile(r'\b[io]if (?:!= )?(?!"?lo\b)'),
        "iif and oif need the interface at that moment; iifname and oifname do not",
    ),
    (
        re.compile(r'(?<!")\b(?:accept|drop|return|reject|masquerade|[sd]nat|jump|goto)\b(?!").* (?:counter|log)\b'),
        "a statement behind one that ends the rule",
    ),
    (re.compile(r'\b[io]ifname (?:!= )?"?\*'), "a name of `*` alone"),
)
_OF_INET = (re.compile(r"^(?!.*\bip )(?=.*\b[sd]nat to [0-9])"), "in a table inet the address needs `ip` before `to`")
_OF_IP = (re.compile(r"\bip6 |\bnfproto "), "a table of family ip knows no other family")


def refusals(table: Table) -> Iterator[Unknown]:
    """The lines of a table for which its file is refused, as nft 1.0.6 and the kernel were seen to do it."""
    texts = (*_TEXTS, _OF_IP if table.family == "ip" else _OF_INET)
    for chain in table.chains.values():
        for rule in chain.rules:
            said = rule.text.partition(' comment "')[0]
            reasons = [reason for pattern, reason in texts if pattern.search(said)]
            yield from (_refusal(rule, reason) for reason in (*reasons, *_contradictions(rule)))
        if chain.hook is not None:
            yield from _misplaced(table, chain, chain, ())


def _refusal(rule: Rule, reason: str) -> Unknown:
    return Unknown(origin=rule.origin, text=rule.text, reason=f"nft refuses the whole file: {reason}")


def _contradictions(rule: Rule) -> Iterator[str]:
    kinds = [statement.kind for statement in rule.statements]
    if any(kind in _ENDS for kind in kinds[:-1]):
        yield "a statement behind one that ends the rule"
    protocols = [match.ranges for match in rule.matches if isinstance(match, NumberMatch) and match.of == "protocol"]
    if len({ranges[0] for ranges in protocols if len(ranges) == 1 and ranges[0][0] == ranges[0][1]}) > 1:
        yield "two protocols that no packet has together"
    ported = any(all(low in (TCP, UDP) and low == high for low, high in ranges) for ranges in protocols if ranges)
    if not ported and any(statement.port is not None for statement in rule.statements):
        yield "a port without a match of tcp or udp before it"


def _misplaced(table: Table, base: Chain, chain: Chain, above: tuple[str, ...]) -> Iterator[Unknown]:
    """Statements that the base chain's hook does not have, in it and in all chains that it jumps to."""
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
            else:
                yield from _misplaced(table, base, target, (*above, chain.name))
