"""A packet filter in the words of its plan: read from nft's JSON on one side, made from the plan on the other."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field
from netaddr import IPNetwork, IPRange, IPSet

from netwright.plan.filter_types import FilterChain, FilterRule, PlannedForward, Ruleset
from tests.rigs.nftables import Statement, chains, rules

Value = str | int | tuple[int, int]


class Line(Struct, frozen=True, kw_only=True):
    """One rule; empty sources, destinations, interfaces, protocols, ports and states match anything.

    Sources and destinations are the smallest list of networks: the kernel joins neighbours. `outside` turns them into
    all but those. `opened`: destinations and ports are those of a connection's first packet; `translated`: its
    destination was changed; `is_own`: to any of the node's own addresses; `answers`: from these ports, and no
    packet that begins a connection.
    """

    verdict: str
    ingress: frozenset[Value] = frozenset()
    ingress_outside: bool = False
    egress: frozenset[Value] = frozenset()
    egress_outside: bool = False
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    sources_outside: bool = False
    destinations_outside: bool = False
    protocols: frozenset[Value] = frozenset()
    ports: frozenset[Value] = frozenset()
    states: frozenset[Value] = frozenset()
    translated: bool = False
    opened: bool = False
    is_own: bool = False
    answers: bool = False
    comment: str | None = None


class BaseChain(Struct, frozen=True, kw_only=True):
    """A chain that a hook calls; a lower priority comes first."""

    type: str
    hook: str
    priority: int
    policy: str
    lines: tuple[Line, ...] = field(default=())


_PRIORITIES = {"prerouting": -150}
"""That of `mangle`, where what a Service would take is refused."""


def loaded(statements: tuple[Statement, ...]) -> tuple[BaseChain, ...]:
    """The chains that the kernel holds, by hook and priority."""
    found = [
        BaseChain(
            type=chain["type"],
            hook=chain["hook"],
            priority=chain["prio"],
            policy=chain["policy"],
            lines=tuple(_read_line(rule) for rule in rules(statements, chain["name"])),
        )
        for chain in chains(statements)
    ]
    return tuple(sorted(found, key=lambda chain: (chain.hook, chain.priority)))


def planned(ruleset: Ruleset) -> tuple[BaseChain, ...]:
    """The chains that the plan asks for, by hook and priority.

    The exemptions come before every other source NAT, at a priority of their own: the first to name an address wins.
    """
    made = [_filter_chain(chain) for chain in ruleset.chains]
    if ruleset.exemptions:
        lines = [
            Line(verdict="keep source", sources=_texts(one.sources), destinations=_texts(one.destinations))
            for one in ruleset.exemptions
        ]
        made.append(BaseChain(type="nat", hook="postrouting", priority=90, policy="accept", lines=tuple(lines)))
    if ruleset.masquerades:
        lines = [
            Line(
                verdict="masquerade",
                egress=_one(one.egress) or frozenset(one.besides),
                egress_outside=bool(one.besides),
                sources=_texts(one.sources),
                destinations=_texts(one.exceptions or one.destinations),
                destinations_outside=bool(one.exceptions),
                protocols=_one(one.protocol),
                ports=_ports(one.ports),
                translated=one.translated,
            )
            for one in ruleset.masquerades
        ]
        made.append(BaseChain(type="nat", hook="postrouting", priority=100, policy="accept", lines=tuple(lines)))
    if ruleset.forwards:
        lines = [*map(_forward, ruleset.forwards)]
        made.append(BaseChain(type="nat", hook="prerouting", priority=-110, policy="accept", lines=tuple(lines)))
    return tuple(sorted(made, key=lambda chain: (chain.hook, chain.priority)))


def _forward(one: PlannedForward) -> Line:
    return Line(
        verdict=f"to {one.target}" + (f":{one.to_port}" if one.to_port is not None else ""),
        ingress=_one(one.ingress) or frozenset(one.besides),
        ingress_outside=bool(one.besides),
        sources=_texts(one.sources),
        destinations=(f"{one.address}/32",) if one.address is not None else _texts(one.spared),
        destinations_outside=one.address is None and bool(one.spared),
        is_own=one.address is None,
        protocols=_one(one.protocol),
        ports=_ports(one.ports),
        comment=one.name,
    )


def _filter_chain(chain: FilterChain) -> BaseChain:
    return BaseChain(
        type="filter",
        hook=chain.hook,
        priority=_PRIORITIES.get(chain.hook, 0),
        policy=chain.policy,
        lines=(*_preamble(chain), *_lines(chain.rules)),
    )


def _preamble(chain: FilterChain) -> Iterator[Line]:
    """Return what a chain accepts before the user's rules: answers, and what a machine can't live without."""
    if chain.stateful:
        yield Line(verdict="accept", states=frozenset({"established", "related"}))
    if chain.spares_itself and chain.hook == "output":
        yield Line(verdict="accept", egress=frozenset({"lo"}))
    elif chain.spares_itself:
        yield Line(verdict="accept", ingress=frozenset({"lo"}))
    if chain.hook == "input" and chain.policy == "drop":
        yield Line(verdict="accept", protocols=frozenset({"ipv6-icmp"}))


def _lines(filter_rules: Iterable[FilterRule]) -> Iterator[Line]:
    for rule in filter_rules:
        yield Line(
            verdict="accept" if rule.accept else "drop",
            ingress=_one(rule.ingress),
            egress=_one(rule.egress) or frozenset(rule.besides),
            egress_outside=bool(rule.besides),
            sources=_texts(rule.sources),
            destinations=_texts(rule.destinations),
            sources_outside=rule.sources_outside,
            destinations_outside=rule.destinations_outside,
            protocols=_one(rule.protocol),
            ports=_ports(rule.ports),
            translated=rule.translated,
            opened=rule.opened,
            answers=rule.answers and (rule.protocol in (None, "tcp", "icmp") or bool(rule.ports)),
            comment=rule.comment,
        )


def _one(text: str | None) -> frozenset[Value]:
    return frozenset() if text is None else frozenset({text})


def _ports(ports: Iterable[tuple[int, int]]) -> frozenset[Value]:
    return frozenset(first if first == last else (first, last) for first, last in ports)


def _texts(networks: Iterable[IPNetwork | IPRange]) -> tuple[str, ...]:
    return tuple(str(network) for network in IPSet(networks).iter_cidrs())


# What nft's JSON calls the left side of a comparison, and which of our words it stands for.
_LEFT_SIDES = {
    ("meta", "iifname"): "ingress",
    ("meta", "oifname"): "egress",
    ("meta", "l4proto"): "protocols",
    ("ct", "state"): "states",
}


def _read_line(rule: Statement) -> Line:
    matched: dict[str, Any] = {}
    verdict = ""
    for expression in rule["expr"]:
        ((kind, content),) = expression.items()
        if kind == "match":
            matched |= dict(_read_match(content))
        elif kind == "snat":
            assert content == {"family": "ip", "addr": {"payload": {"protocol": "ip", "field": "saddr"}}}
            verdict = "keep source"
        elif kind == "dnat":
            assert content["family"] == "ip"
            verdict = f"to {content['addr']}" + (f":{content['port']}" if "port" in content else "")
        else:
            assert kind in ("accept", "drop", "masquerade"), expression
            verdict = kind
    return Line(verdict=verdict, comment=rule.get("comment"), **matched)


def _read_match(match: dict[str, Any]) -> Iterator[tuple[str, object]]:
    ((kind, left),) = match["left"].items()
    values = frozenset(_read_values(match["right"]))
    outside = match["op"] == "!="
    if _is_answer(match):
        yield from _read_answer(match)
        return
    is_interface = kind == "meta" and left["key"] in ("oifname", "iifname")
    assert match["op"] in ("==", "in") or (outside and (kind == "payload" or is_interface)), match
    if kind == "payload" and left["field"] == "dport":
        yield "protocols", frozenset({left["protocol"]})
        yield "ports", values
        assert not outside
    elif kind == "payload":
        assert left["protocol"] == "ip", match
        word = {"saddr": "sources", "daddr": "destinations"}[left["field"]]
        yield word, _addresses(values)
        yield f"{word}_outside", outside
    elif kind == "ct" and left.get("dir") == "original":
        yield "opened", True
        yield ("ports", values) if left["key"] == "proto-dst" else ("destinations", _addresses(values))
        assert left["key"] in ("proto-dst", "ip daddr"), match
    elif kind == "fib":
        assert left["result"] == "type", match
        assert left["flags"] in ("daddr", ["daddr"]), match
        assert values == {"local"}, match
        yield "is_own", True
    elif (kind, left["key"]) == ("ct", "status"):
        assert values == {"dnat"}, match
        yield "translated", True
    else:
        word = _LEFT_SIDES[kind, left["key"]]
        yield word, values
        if outside:
            yield f"{word}_outside", True


_NO_SYN = [{"payload": {"protocol": "tcp", "field": "flags"}}, ["syn", "ack"]]
_NO_SYN_OF_OLDER = [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["syn", "ack"]}]


def _is_answer(match: dict[str, Any]) -> bool:
    ((kind, left),) = match["left"].items()
    if kind == "&":
        return True
    if kind == "meta":
        return bool(left["key"] == "l4proto" and match["op"] == "!=")
    return kind == "payload" and left["field"] in ("sport", "type")


def _read_answer(match: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield what tells answers: the port that they come from, a kind of ICMP, flags of TCP or no TCP at all."""
    ((kind, left),) = match["left"].items()
    yield "answers", True
    if kind == "&":
        assert (match["op"], match["right"]) == ("!=", "syn"), match
        assert left in (_NO_SYN, _NO_SYN_OF_OLDER), match
        yield "protocols", frozenset({"tcp"})
    elif kind == "meta":
        assert match["right"] in ("tcp", 6), match
    elif left["field"] == "sport":
        yield "protocols", frozenset({left["protocol"]})
        yield "ports", frozenset(_read_values(match["right"]))
    else:
        assert (left["protocol"], match["op"], match["right"]) == ("icmp", "==", "echo-reply"), match
        yield "protocols", frozenset({"icmp"})


def _addresses(values: Iterable[Value]) -> tuple[str, ...]:
    return _texts(IPRange(*value) if isinstance(value, tuple) else IPNetwork(str(value)) for value in values)


def _read_values(right: Any) -> Iterator[Value]:
    if isinstance(right, list):
        for member in right:
            yield from _read_values(member)
    elif not isinstance(right, dict):
        yield right
    elif "set" in right:
        yield from _read_values(right["set"])
    elif "prefix" in right:
        yield f"{right['prefix']['addr']}/{right['prefix']['len']}"
    else:
        first, last = right["range"]
        yield first, last
