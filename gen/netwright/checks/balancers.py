"""Programs at virtual addresses: keepalived, which moves them, and HAProxy, which answers there."""

from collections.abc import Iterator

from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown, warning
from netwright.model import KUBERNETES_API, Flow, Node, Service, VirtualAddress
from netwright.text.counting import list_some
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology

_NAMED = 3


def holders_can_run_balancers(survey: Survey) -> Iterator[Violation]:
    """Holders of an address with `vrrp` or backends run systems whose packages have keepalived and HAProxy.

    Flatcar has no packages. On a cluster's own nodes kube-vip may hold the address: then nothing is set here. A device
    that netwright does not configure is set up by its administrator.

    Fails:

        virtual_addresses:
          web: {address: 10.17.4.10, holders: [worker1], vrrp: {id: 51}}

    Passes:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], vrrp: {id: 51}}
    """
    for virtual in survey.resolved.topology.virtual_addresses:
        program, place = _first_program(virtual)
        for holder in virtual.holders if place is not None else ():
            node = survey.resolved.nodes.get(holder.value)
            if node is not None and place is not None and node.is_managed and not node.system.has_balancers:
                message = (
                    f"{node.name} has {node.system.name}, without a package of {program}; name holders with Rocky or "
                    f"AlmaLinux, or leave out {place[-1]}, if something else (kube-vip, say) does that"
                )
                yield error(holder.cause, message, related=(place,))


def _first_program(virtual: VirtualAddress) -> tuple[str, TopologyPath | None]:
    """Return the program that a virtual address needs, and the place that asks for it."""
    if virtual.vrrp is not None:
        return "keepalived", virtual.vrrp.cause
    balanced = next((service for service in virtual.serves if service.backends), None)
    return "HAProxy", (*balanced.cause, "backends") if balanced is not None else None


def virtual_router_ids_differ(survey: Survey) -> Iterator[Violation]:
    """No two virtual addresses on one segment have the same number of their virtual router.

    Their holders would take each other's advertisements for their own, and neither address would have a holder.

    Fails:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], vrrp: {id: 51}}
          mail: {address: 10.17.3.11, holders: [lb1], vrrp: {id: 51}}

    Passes:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], vrrp: {id: 51}}
          mail: {address: 10.17.3.11, holders: [lb1], vrrp: {id: 52}}
    """
    first: dict[tuple[str | None, int], VirtualAddress] = {}
    for virtual in survey.resolved.topology.virtual_addresses:
        if virtual.vrrp is None:
            continue
        number = virtual.vrrp.id
        other = first.setdefault((survey.segment_at(virtual.ip.value), number.value), virtual)
        if other is not virtual and other.vrrp is not None:
            message = f"{number.value} is the virtual router of {other.name} on the same segment; take another number"
            yield error(number.cause, message, related=(other.vrrp.id.cause,))


def backends_are_known(survey: Survey) -> Iterator[Violation]:
    """Backends are nodes or groups of the topology, and have addresses.

    Fails:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], serves: {http: {port: 80, backends: [worker3]}}}

    Passes:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], serves: {http: {port: 80, backends: [worker2]}}}
        flows:
          http: {from: [lb1], to: [worker2], allow: [tcp/80]}
    """
    resolved = survey.resolved
    known = Names((*resolved.nodes, *resolved.members))
    for _, service in _services(resolved):
        for backend in service.backends:
            if backend.value not in resolved.nodes and backend.value not in resolved.members:
                yield unknown("node or group", backend.value, backend.cause, known)
            elif not (nodes := _members(resolved, backend.value)):
                yield error(backend.cause, f"the group {backend.value} has no nodes; put one in it, or leave it out")
            elif bare := [node.name for node in nodes if not node.interfaces]:
                yield error(backend.cause, f"{list_some(bare, _NAMED)} has no address to send to; give it one")


def ports_are_served_once(survey: Survey) -> Iterator[Violation]:
    """A port of a virtual address is one service's, and none of its holders' own where HAProxy listens.

    A program that listens on all addresses of the holder, as K3s does, has the port at the virtual address as well.

    Fails:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], serves: {http: {port: 80, backends: [lb1]}}}

    Passes:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], serves: {http: {port: 80, to_port: 8080, backends: [lb1]}}}
    """
    for virtual in survey.resolved.topology.virtual_addresses:
        first: dict[int, Service] = {}
        for service in virtual.serves:
            other = first.setdefault(service.port, service)
            if other is not service:
                message = f"{other.name} has port {service.port} of {virtual.ip.value} already; give each its own"
                yield error((*service.cause, "port"), message, related=((*other.cause, "port"),))
            for backend in service.backends:
                own = [node.name for node in _members(survey.resolved, backend.value) if virtual.is_held_by(node.name)]
                if own and service.port == service.to_port:
                    message = (
                        f"{list_some(own, _NAMED)} holds {virtual.ip.value}, where HAProxy listens at port "
                        f"{service.port}, and a program of its own has that port on all addresses; take another port"
                    )
                    yield error(backend.cause, message)


def api_port_is_served(survey: Survey) -> Iterator[Violation]:
    """What the Kubernetes API's virtual address serves includes the API's own port.

    Nodes join by that port, and it is 6443 unless `port` states another.

    Fails:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1], serves: {join: {port: 9345}}}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1], serves: {api: {port: 6443}, join: {port: 9345}}}
    """
    kubernetes, virtual = survey.resolved.topology.kubernetes, survey.resolved.virtual.get(KUBERNETES_API)
    if kubernetes is None or virtual is None:
        return
    port = kubernetes.api_port.value
    if all(service.port != port for service in virtual.serves):
        cause = virtual.serves[0].cause[:-1]
        yield error(cause, f"nothing here serves the API's port {port}; add it, or set port", on_key=True)


def backends_are_reached_by_flows(survey: Survey) -> Iterator[Violation]:
    """A flow lets the holders of an address reach the backends of what it serves.

    Routes and accepts on the way follow from flows, and only those are proved.

    Fails:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], serves: {http: {port: 80, backends: [worker1]}}}

    Passes:

        virtual_addresses:
          web: {address: 10.17.3.10, holders: [lb1], serves: {http: {port: 80, backends: [worker1]}}}
        flows:
          http-to-worker1: {from: [lb1], to: [worker1], allow: [tcp/80]}
    """
    resolved = survey.resolved
    for virtual, service in _services(resolved):
        flows = [flow for flow in resolved.topology.flows if flow.allow and _allows(flow, service.to_port)]
        lost = [
            (holder, node)
            for holder in filter(None, (resolved.nodes.get(one.value) for one in virtual.holders))
            for backend in service.backends
            for node in _members(resolved, backend.value)
            if node.interfaces and holder is not node and not _is_reached(resolved, flows, holder, node)
        ]
        if lost:
            holder, node = lost[0]
            more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
            message = f"no flow lets {holder.name} reach tcp/{service.to_port} of {node.name}{more}; add one"
            yield warning((*service.cause, "backends"), message)


def _services(resolved: ResolvedTopology) -> Iterator[tuple[VirtualAddress, Service]]:
    """The services with backends."""
    for virtual in resolved.topology.virtual_addresses:
        yield from ((virtual, service) for service in virtual.serves if service.backends)


def _members(resolved: ResolvedTopology, name: str) -> tuple[Node, ...]:
    if name in resolved.nodes:
        return (resolved.nodes[name],)
    return resolved.members.get(name, ())


def _allows(flow: Flow, port: int) -> bool:
    return any(
        traffic.protocol in (None, "tcp") and (traffic.ports is None or traffic.ports[0] <= port <= traffic.ports[1])
        for traffic in flow.traffic
    )


def _is_reached(resolved: ResolvedTopology, flows: list[Flow], holder: Node, node: Node) -> bool:
    own, target = (
        [one.ip for link in holder.interfaces for one in link.attachments],
        resolved.address_from(holder, node),
    )

    return any(
        any(ip in network for network in resolved.union(flow.sources) for ip in own)
        and any(target in network for network in resolved.union(flow.destinations))
        for flow in flows
    )


RULES = (
    holders_can_run_balancers,
    virtual_router_ids_differ,
    backends_are_known,
    ports_are_served_once,
    api_port_is_served,
    backends_are_reached_by_flows,
)
