"""Name servers: how many are asked, and that they are somewhere."""

from collections.abc import Iterator

from netaddr import IPAddress, IPNetwork

from netwright.checks.ends import known_addresses, tell_nowhere
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.flows.asked_servers import name_servers

_MOST = 3
"""MAXNS of glibc (resolv.conf(5)); musl's limit is the same."""


def resolvers_ask_three_name_servers(survey: Survey) -> Iterator[Violation]:
    """A node has three name servers at most.

    The C library's resolver asks the first three of `/etc/resolv.conf` and never another.

    Fails:

        dns: [10.17.3.11, 1.1.1.1, 8.8.8.8, 8.8.4.4]

    Passes:

        dns: [10.17.3.11, 1.1.1.1, 8.8.8.8]
    """
    for node in survey.nodes:
        servers = tuple(name_servers(node))
        if len(servers) > _MOST:
            unasked = ", ".join(str(ip) for ip, _ in servers[_MOST:])
            message = (
                f"{node.name} has {len(servers)} name servers, of which resolvers ask the first three; "
                f"{unasked} {'is' if len(servers) == _MOST + 1 else 'are'} never asked: leave out what is not needed"
            )
            yield warning(servers[_MOST][1], message, node=node.name)


def name_servers_are_somewhere(survey: Survey) -> Iterator[Violation]:
    """A private address of a name server is in a network of the topology, or a stated route leads there.

    Otherwise nothing is known of the way to it: the address is mistyped, or its network is missing.

    Fails:

        dns: [10.71.3.11]

    Passes:

        dns: [10.17.3.11]
    """
    known = known_addresses(survey, with_routes=True)
    messages: dict[int, str | None] = {}  # thousands of nodes have the same
    for node in survey.nodes:
        if not node.is_managed:
            continue
        for ip, cause in name_servers(node):
            if int(ip) not in messages:
                messages[int(ip)] = tell_nowhere("name server", ip, known)
            message = messages[int(ip)]
            if message is not None:
                yield warning(cause, message, node=node.name)


def name_servers_are_not_the_asker(survey: Survey) -> Iterator[Violation]:
    """No name server of a Flatcar node is systemd-resolved's own stub, and none of a Kubernetes node is in 127.0.0.0/8.

    What a Flatcar node is to ask is asked by systemd-resolved, at 127.0.0.53 itself. In a pod 127.0.0.1 is the pod:
    CoreDNS, which has the name servers of its node, would ask itself and ends (coredns.io, plugin loop). K3s gives it
    8.8.8.8 instead. So the one is an error, the other a warning.

    Fails:

        dns: [127.0.0.53]

    Passes:

        dns: [10.17.3.11]
    """
    for node in survey.nodes:
        for ip, cause in name_servers(node) if node.is_managed else ():
            if ip in _STUBS and node.os is not None and node.os.value.name == "flatcar":
                said = f"{ip} is the stub of {node.name}'s own systemd-resolved, which would ask itself"
                yield error(cause, f"{said}; name the server that it is to ask", node=node.name)
            elif ip in _LOOPBACK and node.role is not None:
                said = (
                    f"{ip} is the pod itself in a pod: CoreDNS, which has the name servers of {node.name}, asks itself"
                )
                yield warning(cause, f"{said}, or with K3s 8.8.8.8; name an address that pods reach", node=node.name)


_LOOPBACK = IPNetwork("127.0.0.0/8")
_STUBS = frozenset({IPAddress("127.0.0.53"), IPAddress("127.0.0.54")})
"""The stub of systemd-resolved(8), and its proxy."""

RULES = (resolvers_ask_three_name_servers, name_servers_are_somewhere, name_servers_are_not_the_asker)
