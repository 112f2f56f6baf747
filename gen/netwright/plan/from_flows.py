"""Needs of flows on a node, as facts of its plan."""

from collections.abc import Iterator

from netwright.flows.types import ExemptionNeed, FilterNeed, Hook, MasqueradeNeed, NodeNeeds, RouteNeed, RuleNeed
from netwright.model import Node
from netwright.plan.filter_types import FilterRule, PlannedExemption, PlannedMasquerade
from netwright.plan.traffic import Ports, by_protocol
from netwright.plan.types import PlannedPolicyRule, PlannedRoute
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology, host


def flow_path(flows: tuple[str, ...]) -> TopologyPath:
    """The topology path of the first of several flows."""
    return ("flows", flows[0])


def needed_routes(needs: NodeNeeds) -> Iterator[tuple[str, PlannedRoute]]:
    """The routes that flows need, each with the interface it leaves by."""
    for need, flows in needs.needs.items():
        if isinstance(need, RouteNeed):
            yield (
                need.interface,
                PlannedRoute(
                    destination=need.destination,
                    gateway=need.gateway,
                    onlink=need.onlink,
                    table=need.table,
                    type="blackhole" if need.blackhole else "unicast",
                    cause=flow_path(flows),
                    flows=flows,
                ),
            )


def needed_policy_rules(needs: NodeNeeds, interface: str) -> Iterator[PlannedPolicyRule]:
    """The policy rules that flows need for the addresses of an interface."""
    for need, flows in needs.needs.items():
        if isinstance(need, RuleNeed) and need.interface == interface:
            yield PlannedPolicyRule(
                priority=need.priority,
                source=host(need.source),
                destination=None,
                table=need.table,
                cause=flow_path(flows),
                flows=flows,
            )


def needed_filter_rules(needs: NodeNeeds, hook: Hook) -> tuple[FilterRule, ...]:
    """The packet filter rules that flows need at a hook, refusals first. Ports for which a connection was opened have a
    rule each: nft 1.0.6 loads a set of them and lists it as words that it does not take."""
    return tuple(
        FilterRule(
            ingress=None,
            egress=need.egress,
            besides=need.besides,
            sources=need.sources,
            sources_outside=need.sources_outside,
            destinations=need.destinations,
            destinations_outside=need.destinations_outside,
            protocol=protocol,
            ports=ports,
            accept=need.accept,
            comment=None,
            cause=flow_path(flows),
            opened=need.opened,
            flows=flows,
            translated=need.translated,
            answers=need.answers,
        )
        for need, flows in needs.needs.items()
        if isinstance(need, FilterNeed) and need.hook == hook
        for protocol, merged in _matches(need)
        for ports in (((one,) for one in merged) if need.opened else (merged,))
    )


def _matches(need: FilterNeed) -> Iterator[tuple[str | None, Ports]]:
    """The protocols and ports of a need; of answers by any protocol those of TCP have a rule of their own."""
    for protocol, ports in by_protocol(need.traffic):
        yield protocol, ports
        if need.answers and protocol is None:
            yield "tcp", ()


def needed_exemptions(needs: NodeNeeds) -> tuple[PlannedExemption, ...]:
    """The NAT exemptions that flows need."""
    return tuple(
        PlannedExemption(sources=need.sources, destinations=need.destinations, cause=flow_path(flows), flows=flows)
        for need, flows in needs.needs.items()
        if isinstance(need, ExemptionNeed)
    )


def needed_masquerades(needs: NodeNeeds) -> tuple[PlannedMasquerade, ...]:
    """The masquerade rules that flows to the internet need."""
    return tuple(
        PlannedMasquerade(
            sources=need.sources,
            egress=need.egress,
            besides=need.besides,
            exceptions=need.exceptions,
            cause=flow_path(flows),
            flows=flows,
        )
        for need, flows in needs.needs.items()
        if isinstance(need, MasqueradeNeed)
    )


def filters_forwarding(resolved: ResolvedTopology, node: Node, needs: NodeNeeds) -> bool:
    """Return whether the node drops what no flow needs: a router on a flow's way does, but K3s decides on its nodes."""
    return bool(resolved.topology.flows) and bool(needs.forwarding) and node.role is None
