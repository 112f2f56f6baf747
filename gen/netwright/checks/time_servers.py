"""Time servers: each is known and somewhere, and those of ours have the time themselves."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.checks.ends import known_addresses, tell_nowhere
from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown, warning
from netwright.model import Node, TimeServer
from netwright.topology.time_servers import is_topology_name, time_servers


def time_servers_are_known(survey: Survey) -> Iterator[Violation]:
    """A time server without a dot in its name is a node or a virtual address of the topology.

    Fails:

        ntp: [ntp1]

    Passes:

        ntp: [0.pool.ntp.org]
    """
    resolved = survey.resolved
    known = Names((*resolved.nodes, *resolved.virtual))
    for server in _stated(survey):
        name, at, network = server.text.partition("@")
        if server.ip is not None or not is_topology_name(resolved, server) or server.text in resolved.virtual:
            continue
        if name in resolved.members or name in resolved.networks:
            kind = "group" if name in resolved.members else "network"
            yield error(server.cause, f"{name} is a {kind}, and one machine is asked for the time; name nodes")
        elif name not in resolved.nodes:
            yield unknown("node or virtual address", name, server.cause, known)
        elif at and resolved.address_on(resolved.nodes[name], network) is None:
            yield error(server.cause, f"{name} has no address on {network}; name a network that it is on")


def time_servers_are_somewhere(survey: Survey) -> Iterator[Violation]:
    """A private address of a time server is in a network of the topology, or a stated route leads there.

    Otherwise nothing is known of the way to it: the address is mistyped, or its network is missing.

    Fails:

        ntp: [10.71.3.11]

    Passes:

        ntp: [10.17.3.11]
    """
    known = known_addresses(survey, with_routes=True)
    for server in _stated(survey):
        message = tell_nowhere("time server", server.ip, known) if server.ip is not None else None
        if message is not None:
            yield warning(server.cause, message)


def time_servers_have_the_time(survey: Survey) -> Iterator[Violation]:
    """A node that others ask for the time runs chrony, and has an `ntp` of its own.

    Flatcar's timesyncd answers no one. Chrony does where its file allows it, which is written where `ntp` states from
    where the node itself has the time.

    Fails:

        nodes:
          worker1: {ntp: [gw]}

    Passes:

        nodes:
          worker1: {ntp: [gw]}
          gw: {ntp: [0.pool.ntp.org]}
    """
    for node in survey.nodes:
        for server in time_servers(survey.resolved, node) if node.is_managed else ():
            for other in _machines(survey, server.ip) if server.ip is not None else ():
                if other.is_managed and not other.system.serves_time:
                    message = f"{other.name} runs {other.system.name}, whose timesyncd answers no one; "
                    yield warning(server.cause, f"{message}name a node that runs chrony", node=node.name)
                elif other.is_managed and not any(time_servers(survey.resolved, other)):
                    message = (
                        f"{other.name} is asked for the time and has no ntp of its own, so that its chrony answers no "
                        "one; state there from where it has the time"
                    )
                    yield warning(server.cause, message, node=node.name)


def _stated(survey: Survey) -> Iterator[TimeServer]:
    """Each time server that the topology states for nodes that netwright configures."""
    nodes = [node for node in survey.nodes if node.is_managed and node.ntp is not None]
    yield from {server.cause: server for node in nodes if node.ntp is not None for server in node.ntp.value}.values()


def _machines(survey: Survey, ip: IPAddress) -> Iterator[Node]:
    """The nodes that have an address, or may have it."""
    owner = survey.owner(ip)
    if owner is not None:
        yield owner.node
    for virtual in survey.resolved.topology.virtual_addresses:
        if virtual.ip.value == ip:
            holders = (survey.resolved.nodes.get(holder.value) for holder in virtual.holders)
            yield from (holder for holder in holders if holder is not None)


RULES = (time_servers_are_known, time_servers_are_somewhere, time_servers_have_the_time)
