"""Routes, policy rules, packet filter and NAT rules of a node's layers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from netaddr import IPNetwork

from netwright.model import (
    ROUTE_ATTRIBUTES,
    Chain,
    End,
    FirewallRule,
    Masquerade,
    NatExemption,
    PolicyRule,
    Route,
)
from netwright.model.routes import LOCAL_TABLE
from netwright.parse.layers import Layers, plain
from netwright.parse.values import Values, read_ip
from netwright.text.source import TopologyPath


def parse_routes(layers: Layers, values: Values) -> tuple[Route, ...]:
    """The routes of all layers; a stronger layer's route replaces weaker ones to the same destination and table.

    Routes of one and the same layer never replace each other: what is wrong with two of them is for the checks.
    """
    routes: list[Route] = []
    for listed, path in layers.each("routes"):
        own = [route for number, one in enumerate(listed) for route in _routes(one, (*path, number), values)]
        replaced = {(route.to.text, route.table) for route in own}
        routes = [route for route in routes if (route.to.text, route.table) not in replaced] + own
    return tuple(routes)


def _routes(route: Mapping[str, Any], path: TopologyPath, values: Values) -> Iterator[Route]:
    for to in values.ends(route["to"], (*path, "to")):
        yield from _hops(route, to, path, values)


def _hops(route: Mapping[str, Any], to: End, path: TopologyPath, values: Values) -> Iterator[Route]:
    """Yield the route, or one for each of its next hops."""
    if "next_hops" not in route:
        yield _route(route, to, path, values)
    for number, hop in enumerate(route.get("next_hops", ())):
        yield _route({"weight": 1, **route, **hop}, to, (*path, "next_hops", number), values)


def _route(route: Mapping[str, Any], to: End, path: TopologyPath, values: Values) -> Route:
    via = route.get("via")
    if route.get("type") == "local":
        route = {"table": LOCAL_TABLE, **route}
    attributes = {key: _READERS.get(key, _as_it_is)(route[key]) for key in ROUTE_ATTRIBUTES if key in route}
    return Route(
        to=to,
        via=values.next_hop(via, (*path, "via")) if via is not None else None,
        dev=route.get("dev"),
        weight=route.get("weight"),
        cause=path,
        **attributes,
    )


def _as_it_is(value: Any) -> Any:
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {"source": read_ip}
"""Makes of the document's value that of the model; attributes that are missing here are the same in both."""


def parse_default_route(route: str | Mapping[str, Any], path: TopologyPath, values: Values) -> tuple[Route, ...]:
    """The default route, or one for each of its next hops; none if the topology wants the node to have none."""
    if isinstance(route, str):
        return ()
    default = End(text="default", network=None, cause=path)
    first = route.get("metric", _PREFERENCE_STEP)
    preferred = tuple(
        _route({**hop, "metric": first + number * _PREFERENCE_STEP}, default, (*path, "prefer", number), values)
        for number, hop in enumerate(route.get("prefer", ()))
    )
    return preferred or tuple(_hops(route, default, path, values))


_PREFERENCE_STEP = 100
"""What a default route's metric is more than that of the one before it, and that of the first."""


def parse_policy_rules(layers: Layers, values: Values) -> tuple[PolicyRule, ...]:
    """The policy rules of all layers, the weakest first."""
    return tuple(
        PolicyRule(
            priority=rule["priority"],
            source=_network(rule, "from", path, values),
            destination=_network(rule, "to", path, values),
            ingress=rule.get("in"),
            mark=rule.get("mark"),
            mask=rule.get("mask"),
            table=rule["table"],
            cause=path,
        )
        for rule, path in layers.members("policy_rules")
    )


def _network(rule: Mapping[str, Any], key: str, path: TopologyPath, values: Values) -> IPNetwork | None:
    return values.network(rule[key], (*path, key)) if key in rule else None


def parse_chain(layers: Layers, hook: str, values: Values) -> Chain | None:
    """The chain at a hook (input, forward): the strongest policy, all layers' rules; None if none states it."""
    chains = layers.below("firewall").below(hook)
    if not chains.layers:
        return None
    return Chain(
        policy=chains.strongest("policy", plain),
        stateful=chains.strongest("stateful", plain),
        rules=tuple(_firewall_rule(rule, path, values) for rule, path in chains.members("rules")),
        cause=chains.layers[-1].path,
    )


def _firewall_rule(rule: Mapping[str, Any], path: TopologyPath, values: Values) -> FirewallRule:
    verdict = "allow" if "allow" in rule else "deny"
    return FirewallRule(
        sources=values.ends(rule.get("from"), (*path, "from")),
        destinations=values.ends(rule.get("to"), (*path, "to")),
        ingress=rule.get("in"),
        egress=rule.get("out"),
        traffic=values.traffic(rule[verdict], (*path, verdict)),
        accept=verdict == "allow",
        comment=rule.get("comment"),
        cause=path,
    )


def parse_masquerades(layers: Layers, values: Values) -> tuple[Masquerade, ...]:
    """The masquerade rules of all layers, the weakest first."""
    return tuple(
        Masquerade(
            sources=values.ends(rule["from"], (*path, "from")),
            egress=rule["out"],
            exceptions=values.ends(rule.get("except"), (*path, "except")),
            cause=path,
        )
        for rule, path in layers.members("masquerade")
    )


def parse_nat_exemptions(layers: Layers, values: Values) -> tuple[NatExemption, ...]:
    """The NAT exemptions of all layers, the weakest first."""
    return tuple(
        NatExemption(
            sources=values.ends(rule["from"], (*path, "from")),
            destinations=values.ends(rule["to"], (*path, "to")),
            cause=path,
        )
        for rule, path in layers.members("nat_exempt")
    )
