"""Expected state of the kernel according to a plan, however a system writes it down."""

from collections.abc import Callable, Iterator

from netwright.model import Bond, Bridge, Dummy, Vlan
from netwright.plan.types import Link as PlannedLink
from netwright.plan.types import NodePlan, PlannedRoute
from netwright.targets.next_hops import gather_next_hops
from tests.rigs.kernel import TABLES, Device, Kernel, Link, Route, Rule
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
            controller=link.controller.name if link.controller else None,
            device=_device(link),
        )
        for link, nic in zip(plan.links, nics(plan), strict=True)
    ]
    routes = [_route(link, route, default_metric) for link in gather_next_hops(plan.links) for route in link.routes]
    return Kernel(
        links=tuple(sorted(links, key=repr)),
        routes=tuple(sorted(routes, key=repr)),
        rules=tuple(sorted(_rules(plan), key=repr)),
    )


def _device(link: PlannedLink) -> Device | None:
    """What the network service is to make; a setting that is not stated has the kernel's own value."""
    made = link.device
    settings: dict[str, object]
    match made:
        case None:
            return None
        case Bond():
            settings = {
                "mode": made.effective_mode,
                "miimon": made.effective_miimon,
                "updelay": made.up_delay.value if made.up_delay else 0,
                "downdelay": made.down_delay.value if made.down_delay else 0,
                "xmit_hash_policy": made.transmit_hash.value if made.transmit_hash else "layer2",
                "min_links": made.min_links.value if made.min_links else 0,
                "ad_lacp_rate": made.lacp_rate.value if made.lacp_rate else "slow",
            }
            if made.primary:
                settings["primary"] = made.primary.value
        case Bridge():
            settings = {
                "stp_state": int(made.stp),
                "priority": made.priority.value if made.priority else 0x8000,
                # In hundredths of a second.
                "forward_delay": made.forward_delay.value * 100 if made.forward_delay else 1500,
                "vlan_filtering": int(made.vlan_filtering),
            }
        case Vlan():
            settings = {"protocol": "802.1Q", "id": made.tag.value if made.tag else None}
        case Dummy():
            settings = {}
    parent = made.parent.value if isinstance(made, Vlan) else None
    return Device(kind=link.kind, parent=parent, settings=tuple(sorted(settings.items())))


def _route(link: PlannedLink, route: PlannedRoute, default_metric: DefaultMetric) -> Route:
    unicast = route.type == "unicast"
    several = tuple(sorted(f"{hop.gateway} dev {hop.interface} weight {hop.weight}" for hop in route.next_hops))
    return Route(
        to=str(route.destination),
        via=str(route.gateway) if route.gateway and not several else None,
        interface=link.name if route.type in ("unicast", "local") and not several else None,
        next_hops=several,
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
