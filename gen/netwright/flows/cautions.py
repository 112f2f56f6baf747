"""Trouble ahead although every file is right: unmanaged devices, and rules that are not in our files."""

from collections.abc import Iterable, Iterator, Mapping

from netaddr import IPAddress, IPNetwork

from netwright.flows.diagnostics import error, warning
from netwright.flows.filters import Passage
from netwright.flows.ledger import Ledger
from netwright.flows.ownership import is_ours
from netwright.flows.types import RouteNeed, is_tunnel
from netwright.model import Node, Route
from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.text.report import Diagnostic
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ANYWHERE, ResolvedTopology
from netwright.topology.settings import (
    default_interface,
    default_route_offers,
    is_main_default,
    manages_firewalld,
    metric_of,
    node_forwarding,
    route_gateway,
    stated_routes,
)


def caution(resolved: ResolvedTopology, ledger: Ledger, passages: Iterable[Passage]) -> Iterator[Diagnostic]:
    """The findings about flows, each once however many of a flow's parties it concerns."""
    passages = tuple(passages)
    allowed = [passage for passage in passages if passage.flow.allow]
    found = [
        *_foreign_rules(resolved, allowed),
        *_without_a_default_route(resolved, ledger),
        *_pods_are_hidden(resolved, allowed),
        *_libvirt_rejects(resolved, allowed),
        *_pods_of_one_node([passage for passage in passages if not passage.flow.allow]),
        *_unmanaged_devices(resolved, ledger),
        *_unrefused(resolved, ledger),
        *_other_ways(resolved, ledger),
        *_silent_next_hops(resolved, ledger),
    ]
    yield from dict.fromkeys(found)


def _foreign_rules(resolved: ResolvedTopology, passages: Iterable[Passage]) -> Iterator[Diagnostic]:
    """Rules of firewalld and Docker on the way; an accept of ours can't override what they refuse."""
    met: dict[str, dict[str, None]] = {}
    crossing: dict[str, dict[str, None]] = {}
    for passage in passages:
        for hop in passage.way:
            crossing.setdefault(hop.router, {})[passage.flow.name] = None
        filtering = (
            hop.router for hop in passage.way if hop.router != passage.through
        )  # firewalld passes what is led on
        for name in (*filtering, *passage.destination.nodes, *_homes(passage)):
            met.setdefault(name, {})[passage.flow.name] = None
    yield from _firewalld(resolved, met)
    for name, flows in crossing.items():
        node = resolved.nodes[name]
        if node.docker is not None and node.docker.value.runs:
            message = (
                f"{name} passes on {_listed(flows)}, and Docker sets the policy of its forward chain to drop if it had "
                "to turn on forwarding itself; start Docker after the kernel parameters are set"
            )
            yield warning(node.docker.cause, "docker_is_not_on_the_way", message)


def _homes(passage: Passage) -> tuple[str, ...]:
    """The nodes that hand on what their pods start."""
    return passage.source.nodes if passage.source.pods else ()


def _firewalld(resolved: ResolvedTopology, met: Mapping[str, Mapping[str, None]]) -> Iterator[Diagnostic]:
    """Nodes at which flows end or pass, and where firewalld runs, or may run: a warning for each setting, and one."""
    running: dict[TopologyPath, list[str]] = {}
    unstated = []
    for name in sorted(met, key=natural_key):
        node = resolved.nodes[name]
        if node.firewalld is not None and node.firewalld.value == "running":
            running.setdefault(node.firewalld.cause, []).append(name)
        elif node.firewalld is None and node.system.runs_firewalld:
            unstated.append(node)
    for cause, names in running.items():
        flows = _listed({flow for name in names for flow in met[name]})
        message = (
            f"firewalld runs on {list_some(names, _NAMED)}, on the way of {flows}: its zone public lets in ssh, "
            "cockpit and ping, and forwards nothing, whatever our rules accept; mask it, or give it a policy"
        )
        yield warning(cause, "firewalld_is_not_on_the_way", message)
    if unstated:
        message = (
            f"whether firewalld runs on {list_some([node.name for node in unstated], _NAMED)} is not stated: installed "
            "from an ISO image it does, and rejects most of what comes in and all that is forwarded, whatever our "
            "rules accept; set firewalld to masked, managed, absent or running"
        )
        yield warning(unstated[0].cause, "firewalld_is_not_on_the_way", message)


_NAMED = 20
"""Number of nodes a warning names at most."""


def _listed(flows: Iterable[str]) -> str:
    return ", ".join(sorted(flows, key=natural_key))


def _without_a_default_route(resolved: ResolvedTopology, ledger: Ledger) -> Iterator[Diagnostic]:
    """K3s nodes without a default route, stated or needed by a flow: K3s looks for its card, and so does flannel."""
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or kubernetes.plugin != "flannel" or kubernetes.interface is not None:
        return
    nodes = [node for node in resolved.topology.nodes if node.role is not None and is_ours(resolved, node.name)]
    without = [
        node
        for node in nodes
        if default_interface(resolved, node) is None
        and not any(need.destination == ANYWHERE for need in ledger.routes(node.name))
    ]
    if without:
        message = (
            f"{list_some([node.name for node in without], _NAMED)} {'has' if len(without) == 1 else 'have'} no default "
            "route: K3s and flannel look for its card, and do not start without it; give one (a route to a router), or "
            "set kubernetes.cni.interface, and flannel-iface and node-ip in K3s's own configuration"
        )
        yield warning(without[0].cause, "kubernetes_nodes_have_a_default_route", message)


def _pods_are_hidden(resolved: ResolvedTopology, passages: Iterable[Passage]) -> Iterator[Diagnostic]:
    """Warn of pods' traffic that is to keep its address, for others than pods and their own node."""
    kubernetes = resolved.topology.kubernetes
    for passage in passages:
        to_pods = passage.destination.pods or is_tunnel(passage.traffic)
        stays = to_pods or (len(passage.source.nodes) == 1 and _is_within(passage))
        flannel = kubernetes is not None and kubernetes.plugin == "flannel"
        if passage.source.pods and passage.flow.nat_never and flannel and not stays:
            message = (
                "flannel gives what a pod starts its node's address on the way out, so the receiver never sees the "
                "pod's; leave nat: never to flows towards pods"
            )
            yield error((*passage.flow.cause, "nat"), "pods_are_seen_as_their_nodes", message)


def _is_within(passage: Passage) -> bool:
    """Return whether the receivers are among the senders' own machines."""
    return bool(passage.destination.nodes) and {*passage.destination.nodes} <= {*passage.source.nodes}


def _libvirt_rejects(resolved: ResolvedTopology, passages: Iterable[Passage]) -> Iterator[Diagnostic]:
    """Warn of libvirt's own refusals: all that enters a network in mode nat, or enters or leaves an isolated one."""
    modes = {
        (network.router.value, network.segment): (network, network.libvirt)
        for network in resolved.topology.networks
        if network.libvirt is not None and network.router is not None
    }
    for passage in passages if modes else ():
        for hop in passage.way:
            for segment, refusing in ((hop.egress, ("nat", "isolated")), (hop.ingress, ("isolated",))):
                network, libvirt = modes.get((hop.router, segment), (None, None))
                if network is not None and libvirt is not None and libvirt.forward in refusing:
                    way = "into" if segment == hop.egress else "out of"
                    message = (
                        f"libvirt's mode {libvirt.forward} of {network.name} rejects what {hop.router} passes {way} "
                        f"it, and no accept elsewhere overrides that; set forward: open for {network.name}"
                        f"{_by_another(passage, network.name)}"
                    )
                    yield error(passage.flow.cause, "libvirt_passes_flows", message)


def _by_another(passage: Passage, network: str) -> str:
    """Return how to name the end that is on a network by another one of its machine's."""
    for party in (passage.destination, passage.source):
        other = next((one for one in party.choices if one != network), None)
        if party.network == network and other is not None and party.nodes:
            return f", or name {party.nodes[0]}@{other} in the flow"
    return ""


def _pods_of_one_node(passages: Iterable[Passage]) -> Iterator[Diagnostic]:
    """Pods denied to each other: whether those of one node pass its packet filter depends on how the CNI joins them."""
    for passage in passages:
        if passage.source.pods and passage.source == passage.destination:
            message = (
                "pods of one node may reach each other over a bridge, where no rule sees it; "
                f"refuse {passage.flow.name} by a NetworkPolicy too"
            )
            yield warning(passage.flow.cause, "denied_pods_pass_a_filter", message)


def _unmanaged_devices(resolved: ResolvedTopology, ledger: Ledger) -> Iterator[Diagnostic]:
    for name in ledger.nodes():
        routes = [*ledger.routes(name)]
        if routes and not is_ours(resolved, name) and not _stated(resolved, name, routes):
            flows = sorted({flow for flows in ledger.routes(name).values() for flow in flows}, key=natural_key)
            message = (
                f"{', '.join(flows)} need{'s' if len(flows) == 1 else ''} {len(routes)} "
                f"route{'' if len(routes) == 1 else 's'} on {name}, which netwright does not configure; "
                f"hand over {name}/handoff.md"
            )
            yield warning(("nodes", name), "unmanaged_devices_need_routes", message)


def _unrefused(resolved: ResolvedTopology, ledger: Ledger) -> Iterator[Diagnostic]:
    """Denied flows that reach a device of others, as nothing that netwright configures lies before it."""
    reached: dict[str, list[str]] = {}
    for name in ledger.nodes():
        if not is_ours(resolved, name):
            for flow in ledger.refused(name):
                reached.setdefault(flow, []).append(name)
    for flow, devices in reached.items():
        message = (
            f"nothing that netwright configures lies before {' and '.join(devices)}, "
            "which netwright does not configure; "
            f"hand over {' and '.join(f'{name}/handoff.md' for name in devices)}, which shows how to refuse {flow}"
        )
        yield warning(("flows", flow), "unmanaged_devices_refuse_by_hand", message)


def _stated(resolved: ResolvedTopology, name: str, routes: list[RouteNeed]) -> bool:
    """Return whether the topology states all those routes: then its author knows."""
    node = resolved.nodes[name]
    known = {network for route in node.routes for network in resolved.resolve_end(route.to) or ()}
    return all(route.destination in known for route in routes)


def _other_ways(resolved: ResolvedTopology, ledger: Ledger) -> Iterator[Diagnostic]:
    """Stated routes that lead another way than the flows: a stateful device on either way sees half of a connection."""
    for name in ledger.nodes():
        node = resolved.nodes[name]
        best = [*_best_stated(resolved, node)]
        needed = {route.destination: (route, flows) for route, flows in ledger.routes(name).items()} if best else {}
        for destination, stated in best:
            need, flows = needed.get(destination, (None, {}))
            if need is None or need.blackhole or stated.via is None:
                continue
            gateway = route_gateway(resolved, node, stated)
            if gateway == need.gateway or (stated.weight is not None and _lets_answers_in(resolved, ledger, gateway)):
                continue
            cure = "leave the stated route out" if stated.weight is None else "let that router forward without state"
            way = f"via {need.gateway}" if need.gateway is not None else "straight on its segment"
            message = (
                f"{name} goes to {destination} via {gateway}, while {', '.join(sorted(flows, key=natural_key))} "
                f"would go {way}: where the other direction takes that way, a stateful device sees half of each "
                f"connection and drops it; {cure}"
            )
            yield warning(stated.cause, "stated_routes_lead_the_flows_way", message)


def _lets_answers_in(resolved: ResolvedTopology, ledger: Ledger, gateway: IPAddress | None) -> bool:
    """Return whether one of several next hops is a router of ours, of which flows know: our table lets in answers of
    which it has not seen the question, firewalld doesn't."""
    router = next((resolved.nodes[name] for name in ledger.nodes() if _has(resolved.nodes[name], gateway)), None)
    return router is not None and router.is_managed and ledger.forwards(router.name) and not manages_firewalld(router)


def _has(node: Node, ip: IPAddress | None) -> bool:
    return any(at.ip == ip for interface in node.interfaces for at in interface.attachments)


def _best_stated(resolved: ResolvedTopology, node: Node) -> Iterator[tuple[IPNetwork, Route]]:
    """The stated routes of the main table by destination, without those that a better metric makes mere backups."""
    best: dict[IPNetwork, list[Route]] = {}
    for route in stated_routes(node):
        for destination in resolved.resolve_end(route.to) or () if route.table in {None, 254} else ():
            known = best.get(destination, ())
            if not known or metric_of(node, route.metric) < metric_of(node, known[0].metric):
                best[destination] = [route]
            elif metric_of(node, route.metric) == metric_of(node, known[0].metric):
                best[destination].append(route)
    yield from ((destination, route) for destination, routes in best.items() for route in routes)


def _silent_next_hops(resolved: ResolvedTopology, ledger: Ledger) -> Iterator[Diagnostic]:
    """Devices of others by which nodes go instead of the flows' own routers, and which are not known to forward."""
    silent = {
        attachment.ip: node
        for node in resolved.topology.nodes
        if _is_silent(resolved, ledger, node)
        for interface in node.interfaces
        for attachment in interface.attachments
    }
    users: dict[IPAddress, dict[str, dict[str, None]]] = {}
    for name in ledger.nodes() if silent else ():
        taken = [*_taken_ways(resolved, resolved.nodes[name])] if ledger.routes(name) else []
        needed = {route.destination: (route, flows) for route, flows in ledger.routes(name).items()} if taken else {}
        for destination, gateway in taken:
            need, flows = needed.get(destination, (None, {}))
            if gateway in silent and need is not None and need.gateway not in {gateway, None}:
                users.setdefault(gateway, {}).setdefault(name, {}).update(flows)
    for gateway, nodes in users.items():
        hop = silent[gateway]
        flows = dict.fromkeys(flow for found in nodes.values() for flow in found)
        message = (
            f"{list_some(sorted(nodes, key=natural_key), 3)} send{'s' if len(nodes) == 1 else ''} packets of "
            f"{', '.join(sorted(flows, key=natural_key))} via {hop.name}, which netwright does not configure, and "
            f"it is not known to forward them; set forward: true on {hop.name}, and hand over {hop.name}/handoff.md"
        )
        yield warning(("nodes", hop.name), "unmanaged_routers_forward", message)


def _is_silent(resolved: ResolvedTopology, ledger: Ledger, node: Node) -> bool:
    """Return whether a device of others is not known to forward, nor asked to."""
    return not (is_ours(resolved, node.name) or node.internet or node_forwarding(node) or ledger.forwards(node.name))


def _taken_ways(resolved: ResolvedTopology, node: Node) -> Iterator[tuple[IPNetwork, IPAddress]]:
    """The destinations of the node's stated routes in the main table, or of its network's router, and their next hops.

    They stand in for what flows need to the same destination.
    """
    stated = [route for route in stated_routes(node) if route.table in {None, 254} and route.via is not None]
    for route in stated:
        gateway = route_gateway(resolved, node, route)
        if gateway is not None:
            yield from ((destination, gateway) for destination in resolved.resolve_end(route.to) or ())
    if node.default_route is None and not any(is_main_default(resolved, route) for route in stated):
        yield from ((ANYWHERE, offer.gateway) for offer in default_route_offers(resolved, node)[:1])
