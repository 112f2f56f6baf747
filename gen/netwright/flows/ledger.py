"""A book of needs by node, each with the flows that it serves; the order of entries leaves no trace."""

from collections.abc import Iterator, Mapping, Sequence

from netaddr import IPAddress, IPNetwork

from netwright.flows.exits import Egress
from netwright.flows.joining import join_filters
from netwright.flows.types import (
    ExemptionNeed,
    FilterNeed,
    FlowNames,
    ForwardNeed,
    MasqueradeNeed,
    Need,
    Networks,
    NodeNeeds,
    RouteNeed,
    RuleNeed,
    ServerNeed,
)
from netwright.text.natural import natural_key
from netwright.topology.resolved import outermost


class Ledger:
    """Needs as they are found."""

    def __init__(self) -> None:
        self._needs: dict[str, dict[Need, FlowNames]] = {}
        self._routes: dict[str, dict[RouteNeed, FlowNames]] = {}
        self._forwarding: dict[str, FlowNames] = {}
        self._senders: dict[tuple[str, RouteNeed], set[IPAddress] | None] = {}
        self._hidden: dict[tuple[str, Egress, Networks], dict[IPNetwork, FlowNames]] = {}

    def need(self, node: str, need: Need, flow: str) -> None:
        """Note that a flow needs something of a node."""
        if isinstance(need, RouteNeed) and need.table is None:
            self._routes.setdefault(node, {}).setdefault(need, {})[flow] = None
        else:
            self._needs.setdefault(node, {}).setdefault(need, {})[flow] = None

    def need_route(self, node: str, route: RouteNeed, flow: str, senders: Sequence[IPAddress] | None) -> None:
        """Note a route that a flow needs for packets with these own addresses of the node, None for others' packets."""
        self.need(node, route, flow)
        known = self._senders.setdefault((node, route), set())
        self._senders[node, route] = None if senders is None or known is None else known | {*senders}

    def senders(self, node: str, route: RouteNeed) -> tuple[IPAddress, ...] | None:
        """The node's own addresses from which packets take a route, None if others' do as well."""
        found = self._senders.get((node, route))
        return None if found is None else tuple(sorted(found))

    def drop_route(self, node: str, route: RouteNeed) -> tuple[str, ...]:
        """Forget a route, and return the flows that needed it."""
        return tuple(self._routes[node].pop(route))

    def forward(self, node: str, flow: str) -> None:
        """Note that a flow needs a node to pass packets on."""
        self._forwarding.setdefault(node, {})[flow] = None

    def forwards(self, node: str) -> bool:
        """Return whether a flow needs a node to pass packets on."""
        return node in self._forwarding

    def masquerade(self, node: str, egress: Egress, source: IPNetwork, exceptions: Networks, flow: str) -> None:
        """Note that a flow's source must be hidden behind a node's own address on the way to the internet."""
        self._hidden.setdefault((node, egress, exceptions), {}).setdefault(source, {})[flow] = None

    def hides(self, node: str, egress: Egress) -> bool:
        """Return whether a node hides any source that leaves by an interface."""
        return any(key[:2] == (node, egress) for key in self._hidden)

    def routes(self, node: str) -> Mapping[RouteNeed, FlowNames]:
        """The routes that flows need in a node's main table, as they are known at any time."""
        return self._routes.get(node, {})

    def refused(self, node: str) -> tuple[str, ...]:
        """The flows that a node must refuse."""
        needs = self._needs.get(node, {})
        refusals = (flows for need, flows in needs.items() if isinstance(need, FilterNeed) and not need.accept)
        return _names({flow: None for flows in refusals for flow in flows})

    def replace_routes(self, node: str, old: list[RouteNeed], new: RouteNeed) -> None:
        """Put one route in the place of several, for all their flows."""
        routes = self._routes[node]
        flows = {flow: None for need in old for flow in routes.pop(need)}
        routes[new] = flows

    def contradictions(self) -> Iterator[tuple[str, tuple[RouteNeed, ...], tuple[str, ...]]]:
        """Nodes of which flows need different routes to one destination: node, routes, flows."""
        for node in self.nodes():
            by_destination: dict[IPNetwork, list[RouteNeed]] = {}
            for need in self.routes(node):
                by_destination.setdefault(need.destination, []).append(need)
            for routes in by_destination.values():
                if len(routes) > 1:
                    flows = {flow: None for route in routes for flow in self._routes[node][route]}
                    yield node, tuple(routes), _names(flows)

    def nodes(self) -> tuple[str, ...]:
        """The nodes of which anything is needed, in natural order."""
        hiding = {key[0] for key in self._hidden}
        return tuple(sorted({*self._needs, *self._routes, *self._forwarding, *hiding}, key=natural_key))

    def by_node(self, servers: Mapping[str, tuple[ServerNeed, ...]]) -> dict[str, NodeNeeds]:
        """All needs by node, sorted, with what questions to servers add."""
        hidden: dict[str, dict[Need, FlowNames]] = {}
        for (node, egress, exceptions), sources in self._hidden.items():
            need = MasqueradeNeed(
                egress=egress.interface,
                besides=egress.besides,
                sources=outermost(sources),
                exceptions=exceptions,
            )
            hidden.setdefault(node, {})[need] = {flow: None for flows in sources.values() for flow in flows}
        by_node = {}
        for node in sorted({*self.nodes(), *servers}, key=natural_key):
            needs: dict[Need, FlowNames] = {}
            needs.update(self._routes.get(node, {}).items())
            needs |= join_filters(self._needs.get(node, {})) | hidden.get(node, {})
            by_node[node] = NodeNeeds(
                needs={need: _names(flows) for need, flows in sorted(needs.items(), key=_order)},
                forwarding=_names(self._forwarding.get(node, {})),
                servers=servers.get(node, ()),
            )
        return by_node


def _names(flows: FlowNames) -> tuple[str, ...]:
    return tuple(sorted(flows, key=natural_key))


def _order(entry: tuple[Need, FlowNames]) -> tuple[object, ...]:
    """Refusals before what is let through, then by the flows that need it, then by address."""
    need, flows = entry
    refused = not (isinstance(need, FilterNeed) and not need.accept)
    return type(need).__name__, refused, tuple(map(natural_key, _names(flows))), _address_key(need)


def _address_key(need: Need) -> tuple[object, ...]:
    if isinstance(need, RouteNeed):
        return need.destination.first, need.destination.prefixlen, _number(need.gateway)
    if isinstance(need, RuleNeed):
        return (int(need.source),)
    if isinstance(need, ForwardNeed):
        return need.name, need.hidden
    return tuple((network.first, network.prefixlen) for network in (*need.sources, *_destinations(need)))


def _destinations(need: FilterNeed | ExemptionNeed | MasqueradeNeed) -> Networks:
    return () if isinstance(need, MasqueradeNeed) else need.destinations


def _number(ip: IPAddress | None) -> int:
    return ip.value or 0 if ip is not None else 0
