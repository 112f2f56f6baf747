"""Ends: who sends and who receives is known, and has addresses."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from netaddr import IPAddress, IPNetwork

from netwright.checks.spans import Span, SpanIndex, merge_spans, span
from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown, warning
from netwright.model import End, Network, Node
from netwright.topology.resolved import host
from netwright.topology.special_addresses import special_kind


def ends_are_known(survey: Survey) -> Iterator[Violation]:
    """Each source or destination in routes, flows, filter and NAT rules is a known name.

    It is the name of a node, a group or a network, `pods`, `services` or `kubernetes.api` where the topology has
    what those are, `node@network` for one address of a node, an address or a network; `default` or `any` in routes and
    rules, `internet` in flows.

    Fails:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: frnt, to: pods, allow: any}]}}}

    Passes:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: front, to: pods, allow: any}]}}}
    """
    in_rules = Names((*_named(survey), "default", "any"))
    for node, end in survey.ends():
        if "@" in end.text:
            yield from _check_member(survey, end, node.name)
        elif end.network is None and end.text not in in_rules:
            yield _unknown_end(end, in_rules, node.name)
    yield from find_unknown_ends(survey, survey.flow_ends())


def _named(survey: Survey) -> tuple[str, ...]:
    resolved = survey.resolved
    return (
        *resolved.networks,
        *resolved.nodes,
        *resolved.members,
        *resolved.virtual,
        *resolved.pools,
        *_cluster_ends(survey),
    )


def find_unknown_ends(survey: Survey, ends: Iterable[End]) -> Iterator[Violation]:
    """Yield a violation for each end of flows, or of port forwards, that nothing is called."""
    known = Names((*_named(survey), "internet"))
    for end in ends:
        if "@" in end.text:
            yield from _check_member(survey, end)
        elif end.network is None and end.text not in known:
            yield _unknown_end(end, known)


def _check_member(survey: Survey, end: End, at: str | None = None) -> Iterator[Violation]:
    """Check node@network."""
    resolved = survey.resolved
    name, _, network = end.text.partition("@")
    if name in resolved.members:
        message = f"{name} is a group; {end.text} names an address of one node, and {network} those on it"
    elif name not in resolved.nodes:
        message = f'no node is called "{name}"{Names(resolved.nodes).meant(name)}'
    elif network not in resolved.networks:
        message = f'no network is called "{network}"{Names(resolved.networks).meant(network)}'
    elif resolved.address_on(resolved.nodes[name], network) is None:
        own = dict.fromkeys(one.network.name for one in survey.connections[resolved.nodes[name].name])
        message = f"{name} has no address on {network}; it has one on {' and '.join(own) or 'none'}"
    else:
        return
    yield error(end.cause, message, node=at)


def _unknown_end(end: End, known: Names, node: str | None = None) -> Violation:
    match end.text:
        case "internet":
            message = "internet has no addresses of its own; write default in a route, leave from or to out in a rule"
        case "default" | "any":
            message = f"{end.text} names no address; name networks, or internet"
        case "pods" | "services" | "kubernetes.api":
            section = end.text if end.text == "kubernetes.api" else f"kubernetes.{end.text}"
            message = f"{section} is not defined; add it to the topology"
        case name:
            return unknown("node, group or network", name, end.cause, known, node=node)
    return error(end.cause, message, node=node)


def _cluster_ends(survey: Survey) -> Iterator[str]:
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is not None:
        yield "pods"
        if kubernetes.services is not None:
            yield "services"


def ends_have_addresses(survey: Survey) -> Iterator[Violation]:
    """A group that stands for its nodes' addresses has nodes, pods and addresses that a flow speaks of have owners.

    A rule without addresses would match all: `from: [ingress]` with no node in `ingress` must not become an accept
    for the whole world. A flow without addresses would ask for nothing.

    Fails:

        groups:
          ingress: {}
        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: ingress, to: pods, allow: any}]}}}

    Passes:

        groups:
          ingress: {}
        nodes:
          lb1: {groups: [ingress]}
          gw: {firewall: {forward: {policy: drop, rules: [{from: ingress, to: pods, allow: any}]}}}
    """
    resolved = survey.resolved
    for node, end in (*survey.ends(), *((None, end) for end in survey.flow_ends())):
        if end.network is None and end.text in resolved.members and not resolved.members[end.text]:
            message = f"the group {end.text} has no nodes and stands for no address; put a node in it, or leave it out"
            yield error(end.cause, message, node=node.name if node else None)
    yield from _unassigned_ends(survey)
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None:
        return
    owned = SpanIndex((span(pods.value), node) for node in survey.nodes for pods in node.pod_networks)
    for end in survey.flow_ends():
        pods = kubernetes.pods if end.text == "pods" else end.network
        if pods is None or not span(kubernetes.pods).covers(span(pods)):
            continue
        if next(owned.meeting(span(pods)), None) is None:
            message = f"no node owns pods in {pods}, and the flow would ask for nothing; set pod_cidr on their nodes"
            yield error(end.cause, message)


def _unassigned_ends(survey: Survey) -> Iterator[Violation]:
    """Senders, and receivers of what must arrive, in a network of the topology where no node has such an address."""
    resolved, kubernetes = survey.resolved, survey.resolved.topology.kubernetes
    owned = sorted(
        (
            *survey.owners,
            *(int(virtual.ip.value) for virtual in resolved.topology.virtual_addresses),
            *(ip for pool in resolved.topology.pools for ip in range(int(pool.first), int(pool.last) + 1)),
        )
    )
    others = SpanIndex((span(one), None) for one in ((kubernetes.pods,) if kubernetes is not None else ()))
    for flow in resolved.topology.flows:
        for end in (*flow.sources, *(flow.destinations if flow.allow else ())):
            network = end.network
            if network is None and end.text in resolved.networks:
                network = resolved.networks[end.text].cidr
            if network is None or any(True for _ in others.meeting(span(network))):
                continue
            is_known = any(True for _ in survey.spans.meeting(span(network)))
            place = bisect_left(owned, network.first)
            if is_known and (place == len(owned) or owned[place] > network.last):
                message = (
                    f"no node has {_where(network)}, and the flow would ask for nothing; add the machines that "
                    "are meant as nodes (os: unmanaged if netwright does not configure them)"
                )
                yield error(end.cause, message)


def _where(network: IPNetwork) -> str:
    return f"the address {network.ip}" if network.prefixlen == _ONE_ADDRESS else f"an address in {network}"


def outside_addresses_are_public(survey: Survey) -> Iterator[Violation]:
    """An address of a flow that is in no network of the topology can be on the internet.

    Private, shared, loopback, link-local, multicast and reserved addresses are not: such an address is mistyped, or its
    network is missing. The ranges for documentation (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24) stand for public
    ones.

    Fails:

        flows:
          backup: {from: front, to: 10.71.4.24, allow: [tcp/873]}

    Passes:

        flows:
          backup: {from: front, to: 10.17.4.24, allow: [tcp/873]}
    """
    known = known_addresses(survey)
    for end in survey.flow_ends():
        kind = outside_kind(end.network, known)
        if kind is not None:
            message = f"{end.text} is {kind} and in no network of the topology, so that it is nowhere on the internet"
            yield error(end.cause, f"{message}; {_nearest_network(survey, end, kind)}")


def filtered_addresses_are_known(survey: Survey) -> Iterator[Violation]:
    """A single private address in a filter rule is in a network of the topology, or a stated route leads to it.

    Otherwise no packet has it, and the rule never matches: the address is mistyped, or its network is missing.

    Fails:

        nodes:
          gw: {firewall: {input: {policy: drop, rules: [{from: 10.71.4.24, allow: [tcp/22]}]}}}

    Passes:

        nodes:
          gw: {firewall: {input: {policy: drop, rules: [{from: 10.17.4.24, allow: [tcp/22]}]}}}
    """
    known = known_addresses(survey, with_routes=True)
    kinds: dict[str, str | None] = {}  # a rule of a group stands at each of its nodes
    for node, end in _filtered_addresses(survey):
        if end.text not in kinds:
            kinds[end.text] = outside_kind(end.network, known)
        kind = kinds[end.text]
        if kind in _OF_NETWORKS:
            message = f"{end.text} is {kind} and in no network of the topology, and no route leads there"
            yield warning(end.cause, f"{message}; {_nearest_network(survey, end, kind)}", node=node.name)


_OF_NETWORKS = ("private", "shared (RFC 6598)")
"""Networks that people define; rules may well name the others, which are the same everywhere."""


def _filtered_addresses(survey: Survey) -> Iterator[tuple[Node, End]]:
    """The single addresses in the filter rules of all nodes."""
    for node in survey.nodes:
        for chain in (node.input, node.forward_chain):
            for rule in chain.rules if chain else ():
                for end in (*rule.sources, *rule.destinations):
                    if end.network is not None and end.network.prefixlen == _ONE_ADDRESS:
                        yield node, end


_ONE_ADDRESS = 32


def known_addresses(survey: Survey, *, with_routes: bool = False) -> SpanIndex[None]:
    """The networks of the topology, its pods and services, and what stated routes lead to but everything."""
    spans = [span(network.cidr) for network in survey.networks]
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is not None:
        spans += [span(network) for network in (kubernetes.pods, kubernetes.services) if network is not None]
    if with_routes:
        everywhere = Span(0, 0xFFFFFFFF)
        spans += [one for stated in survey.all_routes() for one in stated.spans if one != everywhere]
    return SpanIndex((one, None) for one in merge_spans(spans))


def outside_kind(network: IPNetwork | None, known: SpanIndex[None]) -> str | None:
    """Return the kind of an address in none of the known networks if it is not on the internet; None for any other."""
    kind = special_kind(network) if network is not None else None
    is_known = kind is None or network is None or any(True for _ in known.meeting(span(network)))
    return None if is_known else kind


def tell_nowhere(what: str, ip: IPAddress, known: SpanIndex[None]) -> str | None:
    """Return the message about an address to which no way is known, None if there may be one."""
    kind = outside_kind(host(ip), known)
    if kind is None or kind == "loopback":
        return None
    return (
        f"the {what} {ip} is {kind} and in no network of the topology, and no route leads there; "
        "correct it, or add its network"
    )


def _nearest_network(survey: Survey, end: End, kind: str) -> str:
    """The network whose addresses begin most like an end's, and what to do."""
    otherwise = "add its network" if kind in (*_OF_NETWORKS, "link-local") else "remove it"
    if end.network is None or not survey.networks:
        return otherwise
    first = end.network.first

    def distance(network: Network) -> tuple[int, int]:
        return (first ^ network.cidr.first).bit_length(), abs(first - network.cidr.first)

    nearest = min(survey.networks, key=distance)
    return f"is it a typo? The nearest is {nearest.name} ({nearest.cidr}); correct the address, or {otherwise}"


RULES = (ends_are_known, ends_have_addresses, outside_addresses_are_public, filtered_addresses_are_known)
