"""Port forwards: the router, the address at which it listens, and the machine to which it leads."""

from collections.abc import Iterator
from itertools import combinations

from netwright.checks.ends import find_unknown_ends
from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown, warning
from netwright.model import Node, PortForward, Traffic
from netwright.text.counting import list_some
from netwright.topology.forwards import forwarded_ports, is_from_internet, outer_addresses, spell_traffic, target_of
from netwright.topology.settings import Uplink, stated_uplinks

_NODE_PORTS = ((80, 80), (443, 443), (30000, 32767))
"""The ports at which kube-proxy, and K3s's servicelb for its Traefik, take what comes to a node (docs.k3s.io)."""


def forwards_are_known(survey: Survey) -> Iterator[Violation]:
    """The router of a port forward, its target and those whose packets it leads on are known names.

    Fails:

        forwards:
          web: {at: gw, from: front, port: tcp/443, to: lb3}

    Passes:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1}
        flows:
          web: {from: back, to: lb1, allow: [tcp/443]}
    """
    resolved = survey.resolved
    nodes = Names(resolved.nodes)
    targets = Names((*resolved.nodes, *resolved.virtual))
    for forward in resolved.topology.forwards:
        if forward.at.value not in resolved.nodes:
            yield unknown("node", forward.at.value, forward.at.cause, nodes)
        if "@" not in forward.to.text and forward.to.text not in targets:
            yield unknown("node or virtual address", forward.to.text, forward.to.cause, targets)
        yield from find_unknown_ends(survey, (*forward.sources, *([forward.to] if "@" in forward.to.text else [])))


def forwards_lead_to_one_address(survey: Survey) -> Iterator[Violation]:
    """The target of a port forward is one address, and another machine's than the router's.

    Fails:

        forwards:
          web: {at: gw, from: front, port: tcp/443, to: gw}

    Passes:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1}
        flows:
          web: {from: back, to: lb1, allow: [tcp/443]}
    """
    resolved = survey.resolved
    for forward in _known(survey):
        found = resolved.resolve_end(forward.to)
        virtual = resolved.virtual.get(forward.to.text)
        if forward.to.text.partition("@")[0] == forward.at.value:
            yield error(forward.to.cause, f"{forward.at.value} leads packets on to itself; name another machine")
        elif virtual is not None and virtual.is_held_by(forward.at.value):
            message = f"{forward.at.value} may hold {virtual.ip.value} itself, and what it holds it does not lead on to"
            yield error(forward.to.cause, f"{message}; name another machine")
        elif found == ():
            yield error(forward.to.cause, f"{forward.to.text} has no address to lead packets to; give it one")
        elif found is not None and len(found) > 1:
            networks = [at.network for link in resolved.nodes[forward.to.text].interfaces for at in link.attachments]
            message = f"{forward.to.text} has several addresses; name one, such as {forward.to.text}@{networks[0]}"
            yield error(forward.to.cause, message)
        if forward.to_port is not None and (len(forward.ports) > 1 or not _is_single(forward.ports[0])):
            yield error((*forward.cause, "to_port"), "only a single port can be led to another one; leave it out")


def forwards_listen_at_their_router(survey: Survey) -> Iterator[Violation]:
    """A port forward's router has one address that its users call, and leads to the internet if they are there.

    `address` names it where there are several.

    Fails:

        forwards:
          web: {at: gw, from: internet, port: tcp/443, to: lb1}
        flows:
          web: {from: back, to: lb1, allow: [tcp/443]}

    Passes:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1}
        flows:
          web: {from: back, to: lb1, allow: [tcp/443]}
    """
    for forward in _known(survey):
        node = survey.resolved.nodes[forward.at.value]
        addresses = outer_addresses(survey.resolved, forward)
        if is_from_internet(forward) and not node.internet:
            message = f"{node.name} does not lead to the internet; name the node that has internet: true"
            yield error(forward.at.cause, message)
        elif forward.address is not None and not _has(survey, node, forward):
            message = (
                f"{forward.address.value} is no address of {node.name}, which can't listen there; name one of its own"
            )
            yield error(forward.address.cause, message)
        elif forward.address is not None and (other := _other_uplink(survey, node, forward)) is not None:
            message = (
                f"{forward.address.value} is on {other.interface.name}, towards {other.gateway}, and {node.name} "
                "answers by another interface; name an address that it has there"
            )
            yield error(forward.address.cause, message)
        elif len(addresses) > 1:
            shown = " and ".join(map(str, addresses))
            yield error(forward.cause, f"{node.name} has {shown} towards its users; set address to one of them")
        elif not addresses and not is_from_internet(forward):
            users = list_some([end.text for end in forward.sources], 3)
            message = f"{node.name} has no address on the network of {users}; set address to the one that they call"
            yield error(forward.cause, message)
        elif forward.hairpin and not is_from_internet(forward):
            message = "from has no internet, so that there is no outer address for others; name them in from instead"
            yield error((*forward.cause, "hairpin"), message)


def _other_uplink(survey: Survey, node: Node, forward: PortForward) -> Uplink | None:
    """Return the way to the internet, other than the one that is preferred, on whose network a forward listens."""
    if forward.address is None or not is_from_internet(forward) or not node.is_managed:
        return None
    first, *others = stated_uplinks(survey.resolved, node) or (None,)
    network = survey.network_at(forward.address.value)
    if network is None or (first is not None and first.gateway in network.cidr):
        return None
    return next((one for one in others if one is not None and one.gateway in network.cidr), None)


def forwarded_ports_are_free(survey: Survey) -> Iterator[Violation]:
    """A port at an address of a router is led on by one port forward, and nothing of the router's own answers there.

    What is led on never comes to a program of the router: our chain is asked before those of Docker and kube-proxy.

    Fails:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1}
          mail: {at: gw, from: back, port: tcp/440-450, to: lb1}
        flows:
          web: {from: back, to: lb1, allow: [tcp/443]}

    Passes:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1}
        flows:
          web: {from: back, to: lb1, allow: [tcp/443]}
    """
    forwards = tuple(_known(survey))
    for one, other in combinations(forwards, 2):
        shared = _shared_port(one.ports, other.ports)
        if one.at.value == other.at.value and shared is not None and _addresses_meet(survey, one, other):
            message = f"{one.name} leads {shared} of {one.at.value} on already; give each its own port or address"
            yield error((*other.cause, "port"), message, related=((*one.cause, "port"),))
    for forward in forwards:
        yield from _taken_by_services(survey, forward)
        yield from _taken_by_programs(survey.resolved.nodes[forward.at.value], forward)


def _taken_by_services(survey: Survey, forward: PortForward) -> Iterator[Violation]:
    """What a virtual address of the router serves at a port that is led on."""
    addresses = outer_addresses(survey.resolved, forward)
    for virtual in survey.resolved.topology.virtual_addresses:
        if not virtual.is_held_by(forward.at.value) or (addresses and virtual.ip.value not in addresses):
            continue
        for service in virtual.serves:
            if _shared_port(forward.ports, (Traffic(protocol="tcp", ports=(service.port, service.port)),)) is not None:
                message = f"{virtual.name} serves tcp/{service.port} at {virtual.ip.value} of {forward.at.value}"
                yield error((*forward.cause, "port"), f"{message}; take another port", related=(service.cause,))


def _taken_by_programs(node: Node, forward: PortForward) -> Iterator[Violation]:
    """Ports that Kubernetes or Docker may have on the router."""
    path = (*forward.cause, "port")
    services = tuple(Traffic(protocol=name, ports=ports) for name in ("tcp", "udp") for ports in _NODE_PORTS)
    if node.role is not None and (shared := _shared_port(forward.ports, services)) is not None:
        message = f"{node.name} is a Kubernetes node, and {shared} may be a Service's there: it is led on before"
        yield warning(path, f"{message}; take another port, or another router")
    if node.docker is not None and node.docker.value.runs and node.docker.value.network is None:
        message = f"what a container on {node.name} publishes at the same port is led on before Docker sees it"
        yield warning(path, f"{message}; take a port that none publishes")


def forwards_serve_flows(survey: Survey) -> Iterator[Violation]:
    """A flow asks for what a port forward leads on: filters accept, and `verify` proves, what flows ask for.

    The flow names the target and the target's port.

    Fails:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1, to_port: 8443}

    Passes:

        forwards:
          web: {at: gw, from: back, port: tcp/443, to: lb1, to_port: 8443}
        flows:
          web: {from: back, to: lb1, allow: [tcp/8443]}
    """
    resolved = survey.resolved
    for forward in _known(survey):
        target = target_of(resolved, forward)
        inner = tuple(one.inner for one in forwarded_ports(forward))
        used = target is None or any(
            flow.allow
            and _shared_port(flow.traffic, inner) is not None
            and any(target in network for network in resolved.union(flow.destinations))
            for flow in resolved.topology.flows
        )
        if not used:
            ports = ", ".join(map(spell_traffic, inner))
            users = list_some([end.text for end in forward.sources], 3)
            message = f"no flow asks for it; add one from {users} to {forward.to.text} that allows [{ports}]"
            yield warning(forward.cause, message, on_key=True)


def _known(survey: Survey) -> Iterator[PortForward]:
    """The forwards of which the router is known."""
    nodes = survey.resolved.nodes
    yield from (
        forward
        for forward in survey.resolved.topology.forwards
        if forward.at.value in nodes and nodes[forward.at.value].interfaces
    )


def _has(survey: Survey, node: Node, forward: PortForward) -> bool:
    if forward.address is None:
        return False
    ip = forward.address.value
    owner = survey.owner(ip)
    held = any(one.ip.value == ip and one.is_held_by(node.name) for one in survey.resolved.topology.virtual_addresses)
    return held or (owner is not None and owner.node is node)


def _addresses_meet(survey: Survey, one: PortForward, other: PortForward) -> bool:
    """Return whether two forwards may listen at one address; that of an interface which is not described may be any."""
    ours, theirs = outer_addresses(survey.resolved, one), outer_addresses(survey.resolved, other)
    return not ours or not theirs or any(ip in theirs for ip in ours)


def _shared_port(ours: tuple[Traffic, ...], theirs: tuple[Traffic, ...]) -> str | None:
    """Return the first port in both, None if there is none."""
    for one in ours:
        for other in theirs:
            if other.ports is None or (one.protocol is not None and one.protocol != other.protocol):
                continue
            low, high = one.ports or (1, 65535)
            first = max(low, other.ports[0])
            if first <= min(high, other.ports[1]):
                return f"{other.protocol}/{first}"
    return None


def _is_single(traffic: Traffic) -> bool:
    return traffic.ports is not None and traffic.ports[0] == traffic.ports[1]


RULES = (
    forwards_are_known,
    forwards_lead_to_one_address,
    forwards_listen_at_their_router,
    forwarded_ports_are_free,
    forwards_serve_flows,
)
