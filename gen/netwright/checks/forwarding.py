"""Forwarding: who has to pass packets on, does."""

from collections.abc import Iterator

from netwright.checks.survey import StatedRoute, Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import Network, Node
from netwright.text.source import TopologyPath
from netwright.topology.settings import IP_FORWARD, is_isolated


def router_is_on_its_network(survey: Survey) -> Iterator[Violation]:
    """A network's router has an address on it.

    That address is the default next hop of the network's other nodes.

    Fails:

        networks:
          lan: {cidr: 192.168.0.0/24, router: gw}

    Passes:

        networks:
          lan: {cidr: 192.168.0.0/24, router: gw}
        nodes:
          gw: {interfaces: {eth2: {network: lan, address: 192.168.0.40}}}
    """
    for network in survey.networks:
        router = survey.resolved.nodes.get(network.router.value) if network.router else None
        if network.router and router and survey.resolved.address_on(router, network.name) is None:
            message = (
                f"{router.name} ({survey.networks_of(router)}) has no address on {network.name} ({network.cidr}); "
                f"give it one, or name another router"
            )
            yield error(network.router.cause, message)


def router_forwards(survey: Survey) -> Iterator[Violation]:
    """A network's router forwards packets.

    Rocky does not unless `forward: true` is set, or a flow needs it. Unmanaged devices are not judged, nor the
    host of an isolated network.

    Fails:

        networks:
          lan: {cidr: 192.168.0.0/24, router: host}
        nodes:
          host: {os: rocky10, interfaces: {eth0: {network: lan, address: 192.168.0.40}}}

    Passes:

        networks:
          lan: {cidr: 192.168.0.0/24, router: host}
        nodes:
          host: {os: rocky10, forward: true, interfaces: {eth0: {network: lan, address: 192.168.0.40}}}
    """
    for name, network in _routers(survey).items():
        node = survey.resolved.nodes[name]
        if network.router is not None and _refuses(survey, node):
            path, on_key = _forward_place(survey, node)
            message = f"{name} is the router of {network.name} but does not forward; set forward: true on {name}"
            yield error(path, message, related=(network.router.cause,), on_key=on_key)


def next_hop_forwards(survey: Survey) -> Iterator[Violation]:
    """A node that is the next hop of another node's route forwards packets.

    Otherwise it drops them without a word. Unmanaged devices are not judged.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.99.0.0/16, via: lb2}]}
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb1: {routes: [{to: 10.99.0.0/16, via: lb2}]}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    seen = set(_routers(survey))
    for stated in survey.all_routes():
        owner = survey.owner(stated.gateway)
        if (
            owner is None
            or owner.node is stated.node
            or owner.node.name in seen
            or not _leads_on(survey, stated, owner.node)
        ):
            continue
        seen.add(owner.node.name)
        if _refuses(survey, owner.node):
            name = owner.node.name
            path, on_key = _forward_place(survey, owner.node)
            message = (
                f"{name} is the next hop of {stated.node.name} for {stated.destinations[0]} but does not forward; "
                f"set forward: true on {name}"
            )
            yield error(path, message, related=(stated.via,), on_key=on_key)


def kubernetes_node_forwards(survey: Survey) -> Iterator[Violation]:
    """A Kubernetes node forwards packets.

    Its pods' packets pass it as a router's do; with forwarding off, no pod reaches anything.

    Fails:

        nodes:
          worker1: {forward: false}

    Passes:

        nodes:
          worker1: {forward: true}
    """
    for node in survey.nodes:
        parameter = survey.parameters[node.name].get(IP_FORWARD)
        if node.role is not None and parameter is not None and parameter.value == "0":
            message = f"{node.name} is a Kubernetes node, whose pods need forwarding; leave this out"
            yield error(parameter.cause, message, node=node.name)


def masquerading_node_forwards(survey: Survey) -> Iterator[Violation]:
    """A node that masquerades others' packets forwards them.

    Fails:

        nodes:
          lb1: {masquerade: [{from: back, out: eth0}]}

    Passes:

        nodes:
          lb1: {forward: true, masquerade: [{from: back, out: eth0}]}
    """
    for node in survey.nodes:
        if node.masquerades and _refuses(survey, node):
            message = f"{node.name} does not forward, so that there is nothing to masquerade; set forward: true"
            yield warning(node.masquerades[0].cause, message, node=node.name)


def _routers(survey: Survey) -> dict[str, Network]:
    """The nodes that are routers, each with the first of its networks; not the hosts of isolated networks."""
    routers: dict[str, Network] = {}
    for network in survey.networks:
        is_closed = is_isolated(network) or (network.libvirt is not None and network.libvirt.forward == "isolated")
        if network.router is not None and network.router.value in survey.resolved.nodes and not is_closed:
            routers.setdefault(network.router.value, network)
    return routers


def _refuses(survey: Survey, node: Node) -> bool:
    """Return whether a node that netwright configures does not forward packets."""
    return node.is_managed and not survey.forwards(node)


def _forward_place(survey: Survey, node: Node) -> tuple[TopologyPath, bool]:
    """Return the place that turns a node's forwarding off, and whether that is only its name: it is set nowhere."""
    parameter = survey.parameters[node.name].get(IP_FORWARD)
    return (parameter.cause, False) if parameter else (node.cause, True)


def _leads_on(survey: Survey, stated: StatedRoute, hop: Node) -> bool:
    """Return whether a route goes on behind its next hop, and does not end there."""
    for destination in stated.destinations:
        end = survey.owner(destination.ip) if destination.prefixlen == 32 else None
        if end is None or end.node is not hop:
            return True
    return False


RULES = (
    router_is_on_its_network,
    router_forwards,
    next_hop_forwards,
    kubernetes_node_forwards,
    masquerading_node_forwards,
)
