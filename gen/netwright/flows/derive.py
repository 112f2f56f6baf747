"""Flows -> what every node needs, so that each flow works in both directions (or doesn't, where it must not)."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.flows.agreement import find_disagreements
from netwright.flows.asked_servers import find_server_needs
from netwright.flows.carriers import Carriers
from netwright.flows.cautions import caution
from netwright.flows.closed_nodes import accept_at_home
from netwright.flows.containers import disguised_containers, lead_to_containers
from netwright.flows.disguise import sources_along
from netwright.flows.exits import Exit, nearest_exit, pass_exits, through
from netwright.flows.filters import Passage, accept_on_the_way
from netwright.flows.flannel import by_role, is_disguised, towards, tunnelling_nodes
from netwright.flows.forwarding import Forwarding
from netwright.flows.forwards import find_forwarded, left_over, without_private
from netwright.flows.graph import Graph, Tie, Way, closed_segments, draw_graph
from netwright.flows.ledger import Ledger
from netwright.flows.nat import Nat
from netwright.flows.on_the_way import pairs_on_the_way
from netwright.flows.other_ways import OtherWays
from netwright.flows.parties import NoSuchEndError, register
from netwright.flows.pools import LearnedRoutes
from netwright.flows.refusals import describe_unguarded, refuse_on_the_way
from netwright.flows.routing import Routing
from netwright.flows.settling import describe_contradiction, settle_sources
from netwright.flows.spreading import Spreading, Trip
from netwright.flows.summary import summarize_pod_routes
from netwright.flows.tunnels import find_tunnels, has_tunnels
from netwright.flows.types import FLANNEL_WIREGUARD, NodeNeeds, Party, is_tunnel
from netwright.model import Flow, Traffic
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.special_addresses import special_kind

_ONE_ADDRESS = 32
_UNSEEN = "flannel carries what Kubernetes nodes and pods send to pods inside its tunnel, where no rule sees it"


class Derivation(Struct, frozen=True, kw_only=True):
    """Needs of flows, by node, the ways that they take, and what is wrong with them."""

    needs: dict[str, NodeNeeds]
    passages: tuple[Passage, ...]
    diagnostics: tuple[Diagnostic, ...]


def derive(resolved: ResolvedTopology) -> Derivation:
    """Return the needs of all flows of a topology; their order does not matter, and no flow takes a need away."""
    builder = _Builder(resolved, draw_graph(resolved))
    if has_tunnels(resolved):
        tunnels = find_tunnels(resolved)
        builder.outer = _Builder(resolved, tunnels.graph, builder)
        builder.carriers = Carriers(
            tunnels=tunnels,
            internet=builder.register.internet,
            find_segment=builder.routing.segment,
            add=builder.outer.add,
        )
    for flow in resolved.topology.flows:
        builder.add(flow)
    return builder.finish()


class _Builder:
    """Flows as they are added; `outer` has the graph without tunnels, for the packets that carry one."""

    def __init__(self, resolved: ResolvedTopology, graph: Graph, within: "_Builder | None" = None) -> None:
        """Takes the needs, findings and ways of the one for which it adds what carries tunnels, if there is one."""
        self.resolved = resolved
        self.graph = graph
        self.ledger: Ledger = within.ledger if within is not None else Ledger()
        self.diagnostics: list[Diagnostic] = within.diagnostics if within is not None else []
        self.passages: list[Passage] = within.passages if within is not None else []
        self.outer: _Builder | None = None
        self.carriers: Carriers | None = None
        self.register = register(self.resolved)
        self.routing = Routing(resolved=self.resolved, graph=self.graph, ledger=self.ledger, find_way=self._way)
        self.translation = Nat(resolved=self.resolved, ledger=self.ledger, internal=self.register.internal)
        self.spreading = Spreading(
            resolved=self.resolved,
            ledger=self.ledger,
            routing=self.routing,
            translation=self.translation,
            internet=self.register.internet,
            ways=OtherWays(self.resolved, self.graph),
        )
        self.forwarding = Forwarding(
            resolved=self.resolved,
            graph=self.graph,
            ledger=self.ledger,
            routing=self.routing,
            internal=self.register.internal,
            error=self._error,
        )
        self.learned = LearnedRoutes(
            resolved=self.resolved, graph=self.graph, ledger=self.ledger, routing=self.routing, error=self._error
        )

    def add(self, flow: Flow) -> None:
        parties: list[tuple[Party, ...]] = []
        for word, ends in (("from", flow.sources), ("to", flow.destinations)):
            try:
                parties.append(self.register.parties(ends, starting=word == "from"))
            except NoSuchEndError as error:
                self._error((*flow.cause, word), "flow_ends_are_reachable", str(error))
                return
        self.diagnostics += disguised_containers(self.resolved, flow, parties[0])
        accept_at_home(self.resolved, self.ledger, flow, self.register.internal)
        if (alone := _only_machine((*parties[0], *parties[1]))) is not None:
            message = f"{alone} alone is at both ends, and there is nothing to prove; name another machine"
            if any(
                address.prefixlen < _ONE_ADDRESS for party in (*parties[0], *parties[1]) for address in party.addresses
            ):
                message += ", or add those that are meant as nodes (os: unmanaged if netwright does not configure them)"
            self._say(Severity.WARNING, flow.cause, "flows_leave_a_machine", message)
        with_pods = any(destination.pods for destination in parties[1])
        for source in parties[0]:
            for part in by_role(self.resolved, source) if with_pods else (source,):
                for destination, traffic in towards(self.resolved, flow, part, parties[1]):
                    if is_tunnel(traffic):
                        tunnelling = tunnelling_nodes(self.resolved, part)
                        if tunnelling.nodes:
                            self._pair(flow, tunnelling, destination, traffic)
                    elif self._is_asked(flow, part, destination):
                        self._pair_by_addresses(flow, part, destination, traffic)

    def _pair_by_addresses(self, flow: Flow, source: Party, destination: Party, traffic: tuple[Traffic, ...]) -> None:
        """Add the way between two parties by the receivers' own addresses, and by those of routers whose port forwards
        lead there."""
        if destination.learned_by is not None:
            learned = self.learned.pass_router(flow, source, destination, traffic)
            self.passages += [learned] if learned is not None else []
            return
        found = [*find_forwarded(self.resolved, source, destination, traffic)] if flow.allow else []
        for forwarded in found:
            for passage in self.forwarding.pass_through(flow, forwarded):
                self.passages.append(passage)
                self._carry(passage)
        left = left_over(destination, found)
        if left is not None and flow.allow and source.prefix is None:
            left = without_private(left)  # that is asked through a forward, be it at another exit
        if left is not None:
            self._pair(flow, source, left, traffic)

    def _is_asked(self, flow: Flow, source: Party, destination: Party) -> bool:
        """Return whether these networks of two ends are on the way; what is denied is denied by all of them."""
        if not flow.allow or not (source.choices or destination.choices):
            return True
        if source.prefix is None:  # the internet knows public addresses only
            return not destination.choices or any(special_kind(one) is None for one in destination.addresses)
        return (source.network, destination.network) in pairs_on_the_way(self.graph, source, destination)

    def finish(self) -> Derivation:
        self.translation.exempt()
        if self.outer is not None:
            self.outer.translation.exempt()
        settle_sources(self.resolved, self.ledger)
        for node, routes, flows in self.ledger.contradictions():
            message = describe_contradiction(self.ledger, node, routes)
            self._error(("flows", flows[0]), "flows_agree_on_routes", message)
        kubernetes = self.resolved.topology.kubernetes
        if kubernetes is not None and self.resolved.topology.routing.summarize:
            owned = frozenset(network for _, network in self.register.owners)
            summarize_pod_routes(self.resolved, self.ledger, kubernetes.pods, owned)
        self.diagnostics += find_disagreements(self.resolved, self.passages)
        self.diagnostics += caution(self.resolved, self.ledger, self.passages)
        asked = find_server_needs(self.resolved, self.graph, self.register)
        return Derivation(
            needs=self.ledger.by_node(asked),
            passages=tuple(self.passages),
            diagnostics=tuple(dict.fromkeys(self.diagnostics)),
        )

    def _pair(self, flow: Flow, source: Party, destination: Party, traffic: tuple[Traffic, ...]) -> None:
        among_themselves = source == destination and not (is_tunnel(traffic) and flow.allow)
        if among_themselves and (flow.allow or source.prefix is None):
            if flow.allow and not source.pods:
                self._allow_among(flow, source, traffic)
            return
        if is_tunnel(traffic) and not flow.allow:
            self._error(flow.cause, "denied_flows_can_be_refused", f"{_UNSEEN}; refuse it by a NetworkPolicy")
            return
        if (
            is_tunnel(traffic)
            and flow.nat_never
            and not source.pods
            and is_disguised(self.resolved, source, destination)
        ):
            self._report_disguise(flow, traffic)
        out_of = self._exit(flow, source, destination, any_of_them=not flow.allow)
        into = self._exit(flow, destination, source)
        if (out_of is not None or source.prefix is not None) and (into is not None or destination.prefix is not None):
            self._pair_by(flow, (source, out_of), (destination, into), traffic)

    def _allow_among(self, flow: Flow, party: Party, traffic: tuple[Traffic, ...]) -> None:
        """Allow what the members of a party send each other without a router."""
        passage = self._passage(flow, party, party, (), traffic)
        accept_on_the_way(self.resolved, self.ledger, passage)
        lead_to_containers(self.resolved, self.ledger, passage)
        self._carry(passage)

    def _report_disguise(self, flow: Flow, traffic: tuple[Traffic, ...]) -> None:
        device = "flannel-wg" if traffic is FLANNEL_WIREGUARD else "flannel.1"
        carried = f"flannel gives what a node sends to pods of other nodes the address of its own {device}"
        cure = "leave out nat: never, or the Kubernetes nodes in from"
        message = f"{carried}, so that pods never see the node's; {cure}"
        self._error((*flow.cause, "nat"), "pods_are_seen_as_their_nodes", message)

    def _pair_by(
        self,
        flow: Flow,
        sending: tuple[Party, Exit | None],
        receiving: tuple[Party, Exit | None],
        traffic: tuple[Traffic, ...],
    ) -> None:
        """Add the way between two parties, each with the device by which it is reached if it is on the internet."""
        source, destination = through(self.resolved, *sending), through(self.resolved, *receiving)
        start, target = self.routing.segment(source), self.routing.segment(destination)
        is_choice = bool(source.choices or destination.choices)
        if is_choice and not flow.allow and self.graph.distance(start, target) is None:
            # No router leads there, but a machine on both networks can send by either with any address of its own.
            refuse_on_the_way(self.resolved, self.ledger, self._passage(flow, source, destination, (), traffic))
            return
        way = self._way(flow, start, target)
        if way is None:
            return
        past = pass_exits(self.resolved, way, out_of=sending[1], into=receiving[1])
        passage = self._passage(flow, source, destination, past, traffic)
        trip = Trip(passage=passage, own=way, out_of=sending[1], into=receiving[1])
        others = self.spreading.others(trip)
        self.passages += (passage, *others)
        if flow.allow:
            self._allow(trip, others)
        elif not [one for one in (passage, *others) if refuse_on_the_way(self.resolved, self.ledger, one)]:
            message = f"{describe_unguarded(source, destination)}; no rule could refuse this flow"
            self._error(flow.cause, "denied_flows_can_be_refused", message)

    def _passage(
        self, flow: Flow, source: Party, destination: Party, way: Way, traffic: tuple[Traffic, ...]
    ) -> Passage:
        seen = (source.addresses,) * (len(way) + 1)
        if not flow.nat_never:
            seen = sources_along(self.resolved, source, destination, way)
        return Passage(flow=flow, source=source, destination=destination, way=way, seen=seen, traffic=traffic)

    def _exit(self, flow: Flow, party: Party, other: Party, *, any_of_them: bool = False) -> Exit | None:
        """The device by which an internet party is reached from the flow's other end; None for any other party, and
        if another device is nearer, unless the flow may come by any of them."""
        if party.prefix is not None or other.prefix is None:
            return None
        segment = self.routing.segment(other)
        nodes = tuple(node for node in self.register.internet if not any_of_them or node.name == party.owner)
        found = nearest_exit(self.graph, nodes, tuple(router.value for router in flow.via), segment)
        if isinstance(found, Tie):
            self._report_tie(flow, found, "the internet")
            return None
        if found is None:
            self._way(flow, segment, self.routing.segment(party))  # reports it
        return found if found is not None and found.node.name == party.owner else None

    def _carry(self, passage: Passage) -> None:
        if self.carriers is not None:
            self.carriers.carry(passage)

    def _allow(self, trip: Trip, others: tuple[Passage, ...]) -> None:
        passage, flow = trip.passage, trip.passage.flow
        self.routing.route(flow, passage.source, passage.destination)
        hidden = self.translation.masquerade(passage)
        self.routing.route(flow, passage.destination, hidden or passage.source)
        if hidden is not None:
            self.routing.route(flow, hidden, passage.source)
        for hop in passage.way:
            self.ledger.forward(hop.router, flow.name)
        for party in (passage.source, passage.destination):
            if party.prefix is None and party.owner is not None:
                self.ledger.forward(party.owner, flow.name)
        accept_on_the_way(self.resolved, self.ledger, passage)
        lead_to_containers(self.resolved, self.ledger, passage)
        self.spreading.allow(trip, others)
        for one in (passage, *others):
            self._carry(one)
        if is_tunnel(passage.traffic) and not (passage.source.pods and self._asks_both_ways(flow)):
            self._accept_answering_tunnel(passage)

    def _asks_both_ways(self, flow: Flow) -> bool:
        """Return whether what carries the flow's answers is asked for by the flow itself, as it is among all pods."""
        return {*self.resolved.union(flow.sources)} == {*self.resolved.union(flow.destinations)}

    def _accept_answering_tunnel(self, passage: Passage) -> None:
        """Accept what carries answers: to filters it is another conversation, from a port of its own.

        VXLAN takes its source port from a hash of what it carries (Linux, udp_flow_src_port), and always sends to 8472.
        Of WireGuard's two ends either may have to begin.
        """
        source, destination = replace(passage.destination, pods=False), replace(passage.source, pods=False)
        way = self._way(passage.flow, self.routing.segment(source), self.routing.segment(destination))
        if way is not None:
            seen = (source.addresses,) * (len(way) + 1)
            back = replace(passage, source=source, destination=destination, way=way, seen=seen)
            accept_on_the_way(self.resolved, self.ledger, back)
            trip = Trip(passage=back, own=way, out_of=None, into=None)
            self.spreading.allow(trip, self.spreading.others(trip))

    def _way(self, flow: Flow, start: str, target: str) -> Way | None:
        way = self.graph.way(start, target, tuple(router.value for router in flow.via))
        if way is None:
            self._report_no_way(flow, start, target)
            return None
        if isinstance(way, Tie):
            self._report_tie(flow, way, target)
            return None
        return way

    def _report_tie(self, flow: Flow, tie: Tie, target: str) -> None:
        routers = " and ".join(tie.routers)
        message = f"{routers} lead from {tie.segment} to {target} equally well; name the one to take in via"
        self._error(flow.cause, "flows_have_one_way", message)

    def _report_no_way(self, flow: Flow, start: str, target: str) -> None:
        closed = next((one for one in (start, target) if one in closed_segments(self.resolved)), None)
        cure = "; add a node that is on both sides and forwards"
        if closed is not None:
            cure = f", since {closed} is isolated; leave out the flow, or isolated: true"
        self._error(flow.cause, "flows_have_a_way", f"no router leads from {start} to {target}{cure}")

    def _error(self, path: TopologyPath, rule: str, message: str) -> None:
        self._say(Severity.ERROR, path, rule, message)

    def _say(self, severity: Severity, path: TopologyPath, rule: str, message: str) -> None:
        on_key = severity is Severity.WARNING
        self.diagnostics.append(Diagnostic(severity=severity, path=path, rule=rule, message=message, on_key=on_key))


def _only_machine(parties: Sequence[Party]) -> str | None:
    """The machine that is the only one at all ends; None if there are others."""
    members = {node for party in parties for node in party.nodes}
    others = any(party.pods or party.owner is not None for party in parties)
    return None if others or len(members) != 1 else members.pop()
