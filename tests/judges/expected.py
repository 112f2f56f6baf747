"""Expected state of the kernel according to a plan, however a system writes it down."""

from collections.abc import Callable, Iterator

from netwright.plan.types import Link as PlannedLink
from netwright.plan.types import NodePlan, PlannedRoute
from tests.rigs.kernel import TABLES, Kernel, Link, Route, Rule
from tests.rigs.wires import Nic

EVERYTHING = "0.0.0.0/0"

DefaultMetric = Callable[[PlannedRoute], int]
"""The metric that a route gets if the plan names none: each network service has its own."""


def nics(plan: NodePlan) -> tuple[Nic, ...]:
    """The node's cards: those with a planned MAC have that one, the others one that nobody plans."""
    return tuple(
        Nic(name=link.name, mac=(link.mac or f"02:00:00:00:00:{number:02x}").lower())
        for number, link in enumerate(plan.links, 1)
    )


def kernel(plan: NodePlan, default_metric: DefaultMetric, *, mtu: int = 1500) -> Kernel:
    """Links, routes and rules of the node; `mtu` is that of links for which the plan has none."""
    links = [
        Link(
            name=link.name,
            mac=nic.mac or "",
            mtu=link.mtu or mtu,
            up=True,
            addresses=tuple(f"{address.ip}/{address.prefix}" for address in link.addresses),
        )
        for link, nic in zip(plan.links, nics(plan), strict=True)
    ]
    routes = [_route(link, route, default_metric) for link in plan.links for route in link.routes]
    return Kernel(
        links=tuple(sorted(links, key=repr)),
        routes=tuple(sorted(routes, key=repr)),
        rules=tuple(sorted(_rules(plan), key=repr)),
    )


def _route(link: PlannedLink, route: PlannedRoute, default_metric: DefaultMetric) -> Route:
    unicast = route.type == "unicast"
    return Route(
        to=str(route.destination),
        via=str(route.gateway) if route.gateway else None,
        interface=link.name if unicast else None,
        metric=default_metric(route) if route.metric is None else route.metric,
        table=route.table or TABLES["main"],
        source=str(route.source) if route.source else None,
        metrics=tuple((name, value) for name, value in (("mtu", route.mtu),) if value is not None),
        onlink=route.onlink,
        scope="link" if unicast and route.gateway is None else "global",
        kind=route.type,
    )


def _rules(plan: NodePlan) -> Iterator[Rule]:
    for link in plan.links:
        for rule in link.policy_rules:
            yield Rule(
                priority=rule.priority,
                table=rule.table,
                source=str(rule.source or EVERYTHING),
                destination=str(rule.destination or EVERYTHING),
                incoming=rule.ingress,
                mark=rule.shown_mark or None,
            )
