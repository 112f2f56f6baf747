"""Names: each is known, and means one thing."""

from collections.abc import Iterator

from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown, warning
from netwright.model import KUBERNETES_API
from netwright.text.source import TopologyPath
from netwright.topology.host_records import HostRecord, records_for
from netwright.topology.resolved import RESERVED_ENDS


def groups_are_known(survey: Survey) -> Iterator[Violation]:
    """A node's groups are groups of the topology.

    A node that names an unknown group would silently get none of the settings meant for it.

    Fails:

        groups:
          ingress: {rp_filter: loose}
        nodes:
          lb1: {groups: [ingres]}

    Passes:

        groups:
          ingress: {rp_filter: loose}
        nodes:
          lb1: {groups: [ingress]}
    """
    known = Names(survey.resolved.members)
    for node in survey.nodes:
        for number, group in enumerate(node.groups):
            if group not in survey.resolved.members:
                yield unknown("group", group, (*node.cause, "groups", number), known, node=node.name)


def networks_are_known(survey: Survey) -> Iterator[Violation]:
    """An interface's networks are networks of the topology.

    The network gives the address its prefix length, its segment and its router; without it none of them is known.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: frnt, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    known = Names(survey.resolved.networks)
    for node in survey.nodes:
        for interface in node.interfaces:
            for attachment in interface.attachments:
                if attachment.network in survey.resolved.networks:
                    continue
                is_listed = attachment.cause[len(interface.cause)] == "networks"
                path = (
                    (*interface.cause, "networks", attachment.network) if is_listed else (*interface.cause, "network")
                )
                yield unknown("network", attachment.network, path, known, node=node.name, on_key=is_listed)


def routers_are_known(survey: Survey) -> Iterator[Violation]:
    """A network's router, and those that a flow prefers, are nodes of the topology.

    The other nodes of the network take the router's address as their default next hop. A device that netwright does not
    configure is a node with `os: unmanaged`.

    Fails:

        networks:
          lan: {cidr: 192.168.0.0/24, router: fritzbox}

    Passes:

        networks:
          lan: {cidr: 192.168.0.0/24, router: fritzbox}
        nodes:
          fritzbox: {os: unmanaged, internet: true, interfaces: {lan: {network: lan, address: 192.168.0.1}}}
    """
    known = Names(survey.resolved.nodes)
    routers = [network.router for network in survey.networks if network.router is not None]
    for router in (*routers, *(router for flow in survey.resolved.topology.flows for router in flow.via)):
        if router.value not in survey.resolved.nodes:
            yield unknown("node", router.value, router.cause, known)


def next_hops_are_known(survey: Survey) -> Iterator[Violation]:
    """A next hop that is a name is the name of a node.

    Fails:

        nodes:
          lb1: {routes: [{to: pods, via: gv}]}

    Passes:

        nodes:
          lb1: {routes: [{to: pods, via: gw}]}
    """
    known = Names(survey.resolved.nodes)
    for stated in survey.all_routes():
        hop = stated.route.via
        if hop is None or hop.ip is not None or hop.text in survey.resolved.nodes:
            continue
        network = survey.resolved.networks.get(hop.text)
        if network is not None:
            router = f" such as {network.router.value}" if network.router else ""
            message = f"{hop.text} is a network, no next hop; name a node{router}"
        elif hop.text in survey.resolved.members:
            message = f"{hop.text} is a group, no next hop; name one node"
        else:
            yield unknown("node", hop.text, stated.via, known, node=stated.node.name)
            continue
        yield error(stated.via, message, node=stated.node.name)


def holders_are_known(survey: Survey) -> Iterator[Violation]:
    """The holders of a virtual address are nodes of the topology.

    Fails:

        kubernetes:
          api: {vip: 10.17.4.10, holders: [worker3]}

    Passes:

        kubernetes:
          api: {vip: 10.17.4.10, holders: [worker1]}
    """
    known = Names(survey.resolved.nodes)
    for virtual in survey.resolved.topology.virtual_addresses:
        for holder in virtual.holders:
            if holder.value not in survey.resolved.nodes:
                yield unknown("node", holder.value, holder.cause, known)


def names_mean_one_thing(survey: Survey) -> Iterator[Violation]:
    """No two nodes, groups, networks, pools or virtual addresses share a name, nor has one a word of the language.

    A rule `to: front` has to mean either the network or the node. The words that mean something already: `default`,
    `pods`, `services`, `internet` and `any`.

    Fails:

        groups:
          front: {rp_filter: loose}

    Passes:

        groups:
          ingress: {rp_filter: loose}
    """
    resolved = survey.resolved
    first: dict[str, tuple[str, TopologyPath]] = {}
    for kind, section, names in (
        ("network", "networks", resolved.networks),
        ("group", "groups", resolved.members),
        ("node", "nodes", resolved.nodes),
        ("pool", "pools", resolved.pools),
        ("virtual address", "virtual_addresses", [name for name in resolved.virtual if name != KUBERNETES_API]),
    ):
        for name in names:
            path = (section, name)
            if name in RESERVED_ENDS:
                yield error(
                    path,
                    f'"{name}" means something in rules and routes already; give the {kind} another name',
                    on_key=True,
                )
            elif name in first:
                other, place = first[name]
                message = f'"{name}" is the name of a {other} too; give one of them another name'
                yield error(path, message, related=(place,), on_key=True)
            else:
                first[name] = (kind, path)


def hostnames_are_unique(survey: Survey) -> Iterator[Violation]:
    """No two nodes have the same host name.

    Kubernetes registers a node under its host name: the second machine takes the first one's place.

    Fails:

        nodes:
          worker2: {hostname: worker1}

    Passes:

        nodes:
          worker2: {hostname: worker2.cluster.example}
    """
    first: dict[str, TopologyPath] = {}
    for node in survey.nodes:
        hostname = node.hostname
        place = first.setdefault(hostname.value, hostname.cause)
        if place is not hostname.cause:
            message = f"{hostname.value} is the host name of {place[1]} too; give each node its own"
            yield error(hostname.cause, message, node=node.name, related=(place,), on_key=hostname.cause == node.cause)


def host_names_mean_one_machine(survey: Survey) -> Iterator[Violation]:
    """With `hosts`, no two machines or virtual addresses have a name in common.

    A machine has its host name, that without its domain, its name in the topology, and NAME-NETWORK for further
    addresses. Where two have one, programs take the first in the file.

    Fails:

        hosts: true
        nodes:
          worker1: {hostname: box.one.example}
          worker2: {hostname: box.two.example}

    Passes:

        hosts: true
        nodes:
          worker1: {hostname: box1.one.example}
          worker2: {hostname: box2.two.example}
    """
    asker = next((node for node in survey.nodes if node.is_managed and node.hosts and node.hosts.value), None)
    first: dict[str, HostRecord] = {}
    for record in records_for(survey.resolved, asker) if asker is not None else ():
        owner = record.cause[:2]
        for name in record.names:
            other = first.setdefault(name, record)
            if other.cause[:2] != owner:
                message = f"{name} is {record.ip} and {other.ip} in /etc/hosts, of which the first counts; rename one"
                yield warning(owner, message, related=(other.cause[:2],), on_key=True)
                break


RULES = (
    groups_are_known,
    networks_are_known,
    routers_are_known,
    next_hops_are_known,
    holders_are_known,
    names_mean_one_thing,
    hostnames_are_unique,
    host_names_mean_one_machine,
)
