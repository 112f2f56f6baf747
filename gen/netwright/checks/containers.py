"""Docker on a node: what it publishes, and the network of its containers."""

from collections.abc import Iterator

from msgspec import Struct
from netaddr import IPNetwork

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.flows.containers import CONTAINERS
from netwright.model import Node, Published, Setting
from netwright.text.source import TopologyPath


def published_ports_are_free(survey: Survey) -> Iterator[Violation]:
    """A port that Docker publishes is published once, and nothing else of the node answers there.

    Docker takes it at all of the node's addresses, virtual ones at which HAProxy listens included; a port
    forward of the node has it first. On K3s nodes servicelb takes tcp/80 and tcp/443 for Traefik, and the API and the
    kubelet have tcp/6443 and tcp/10250.

    Fails:

        nodes:
          lb1: {docker: {publish: [tcp/80, "tcp/80:8080"]}}

    Passes:

        nodes:
          lb1: {docker: {publish: [tcp/80, "tcp/8080:80"]}}
    """
    for node in survey.nodes:
        met: list[Setting[Published]] = []
        for published in node.docker.value.publish if node.docker is not None else ():
            other = next((one for one in met if _overlap(one.value, published.value)), None)
            if other is not None:
                yield error(
                    published.cause, "a port of this is published already; publish each once", related=(other.cause,)
                )
            met.append(published)
            for taken in _taken(survey, node):
                if _overlap(taken.ports, published.value):
                    port = f"{taken.ports.protocol}/{taken.ports.ports[0]}"
                    message = f"{taken.program} has {port} on {node.name} already; publish another port{taken.cure}"
                    report = error if taken.cure == "" else warning
                    yield report(published.cause, message, related=(taken.cause,))


def _overlap(one: Published, other: Published) -> bool:
    return one.protocol == other.protocol and one.ports[0] <= other.ports[1] and other.ports[0] <= one.ports[1]


class _Taken(Struct, frozen=True, kw_only=True):
    """A port that another program has on a node, and the place that says so; `cure` is what else would be right."""

    ports: Published
    program: str
    cause: TopologyPath
    cure: str = ""


def _taken(survey: Survey, node: Node) -> Iterator[_Taken]:
    for virtual in survey.resolved.topology.virtual_addresses:
        for service in virtual.serves if virtual.is_held_by(node.name) else ():
            if service.backends:
                yield _Taken(ports=_tcp(service.port), program=f"HAProxy at {virtual.ip.value}", cause=service.cause)
    for forward in survey.resolved.topology.forwards:
        for traffic in forward.ports if forward.at.value == node.name else ():
            if traffic.protocol is not None and traffic.ports is not None:
                ports = Published(protocol=traffic.protocol, ports=traffic.ports, to_port=None)
                yield _Taken(ports=ports, program=f"the port forward {forward.name}", cause=forward.cause)
    if node.role is not None:
        cure = ", or have K3s leave it out (disable: servicelb)"
        for port in (80, 443):
            yield _Taken(ports=_tcp(port), program="K3s's servicelb", cause=node.role.cause, cure=cure)
        yield _Taken(ports=_tcp(10250), program="the kubelet", cause=node.role.cause)
        if node.role.value == "server":
            yield _Taken(ports=_tcp(6443), program="the Kubernetes API", cause=node.role.cause)


def _tcp(port: int) -> Published:
    return Published(protocol="tcp", ports=(port, port), to_port=None)


def container_network_is_free(survey: Survey) -> Iterator[Violation]:
    """No network of the topology lies in that of Docker's bridge, where containers are on it.

    Docker would take other addresses for its bridge, which no rule of netwright knows.

    Fails:

        networks:
          lan: {cidr: 172.17.4.0/24}
        nodes:
          lb1: {docker: {network: bridge}}

    Passes:

        networks:
          lan: {cidr: 172.30.4.0/24}
        nodes:
          lb1: {docker: {network: bridge}}
    """
    kubernetes = survey.resolved.topology.kubernetes
    known: list[tuple[IPNetwork, str, TopologyPath]] = [
        (one.cidr, one.name, (*one.cause, "cidr")) for one in survey.networks
    ]
    if kubernetes is not None:
        known.append((kubernetes.pods, "the pod network", ("kubernetes", "pods", "cidr")))
    bridged = [(node.name, node.docker.cause) for node in survey.nodes if node.bridged is not None and node.docker]
    for cidr, name, cause in known if bridged else ():
        if cidr in CONTAINERS or CONTAINERS in cidr:
            bridge = f"Docker's bridge on {bridged[0][0]} ({CONTAINERS})"
            yield error(cause, f"{name} ({cidr}) meets the network of {bridge}; take another", related=(bridged[0][1],))


def containers_are_forwarded(survey: Survey) -> Iterator[Violation]:
    """A node whose containers are on Docker's bridge forwards: packets to and from them pass from card to card.

    Docker turns forwarding on as it starts, and drops all that the node forwards for others if it had to.

    Fails:

        nodes:
          lb1: {forward: false, docker: {network: bridge}}

    Passes:

        nodes:
          lb1: {forward: false, docker: {network: host}}
    """
    for node in survey.nodes:
        if node.bridged is not None and node.forward is not None and not node.forward.value:
            message = f"containers of {node.name} are on a bridge and need it to forward; leave it out"
            yield error(node.forward.cause, f"{message}, or set docker: {{network: host}}")


RULES = (published_ports_are_free, container_network_is_free, containers_are_forwarded)
