"""Name servers: how many are asked, and that they are somewhere."""

from collections.abc import Iterator

from netwright.checks.ends import known_addresses, tell_nowhere
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, warning
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


RULES = (resolvers_ask_three_name_servers, name_servers_are_somewhere)
