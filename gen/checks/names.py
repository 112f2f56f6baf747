"""Names: each is known, and means one thing."""

from collections.abc import Iterator

from gen.checks.breach import Breach, error
from gen.checks.spelling import Names
from gen.checks.survey import Survey
from gen.fabric import RESERVED_ENDS
from gen.source import TopologyPath


def groups_are_known(survey: Survey) -> Iterator[Breach]:
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
    known = Names(survey.fabric.members)
    for node in survey.nodes:
        for number, group in enumerate(node.groups):
            if group not in survey.fabric.members:
                message = f'no group is called "{group}"{known.meant(group)}'
                yield error((*node.cause, "groups", number), message, node=node.name)


def networks_are_known(survey: Survey) -> Iterator[Breach]:
    """An interface's networks are networks of the topology.

    The network gives the address its prefix length, its segment and its router; without it none of them is known.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: frnt, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    known = Names(survey.fabric.networks)
    for node in survey.nodes:
        for interface in node.interfaces:
            for attachment in interface.attachments:
                if attachment.network in survey.fabric.networks:
                    continue
                is_listed = attachment.cause[len(interface.cause)] == "networks"
                path = (
                    (*interface.cause, "networks", attachment.network) if is_listed else (*interface.cause, "network")
                )
                message = f'no network is called "{attachment.network}"{known.meant(attachment.network)}'
                yield error(path, message, node=node.name, on_key=is_listed)


def routers_are_known(survey: Survey) -> Iterator[Breach]:
    """A network's router is a node of the topology.

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
    known = Names(survey.fabric.nodes)
    for network in survey.networks:
        if network.router is not None and network.router.value not in survey.fabric.nodes:
            message = f'no node is called "{network.router.value}"{known.meant(network.router.value)}'
            yield error(network.router.cause, message)


def next_hops_are_known(survey: Survey) -> Iterator[Breach]:
    """A next hop that is a name is the name of a node.

    Fails:

        nodes:
          lb1: {routes: [{to: pods, via: gv}]}

    Passes:

        nodes:
          lb1: {routes: [{to: pods, via: gw}]}
    """
    known = Names(survey.fabric.nodes)
    for stated in survey.all_routes():
        hop = stated.route.via
        if hop is None or hop.ip is not None or hop.text in survey.fabric.nodes:
            continue
        network = survey.fabric.networks.get(hop.text)
        if network is not None:
            router = f" such as {network.router.value}" if network.router else ""
            message = f"{hop.text} is a network, no next hop; name a node{router}"
        elif hop.text in survey.fabric.members:
            message = f"{hop.text} is a group, no next hop; name one node"
        else:
            message = f'no node is called "{hop.text}"{known.meant(hop.text)}'
        yield error(stated.via, message, node=stated.node.name)


def ends_are_known(survey: Survey) -> Iterator[Breach]:
    """Destinations of routes, and both ends of filter and NAT rules, are known names or addresses.

    They are the name of a node, a group or a network, `pods`, `services` or `kubernetes.api` where the topology says
    what those are, `default` or `any`, an address or a network.

    Fails:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: frnt, to: pods, allow: any}]}}}

    Passes:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: front, to: pods, allow: any}]}}}
    """
    fabric = survey.fabric
    known = Names((*fabric.networks, *fabric.nodes, *fabric.members, *_cluster_ends(survey)))
    for node, end in survey.ends():
        if end.network is not None or end.text in known:
            continue
        if end.text == "internet":
            message = "internet has no addresses of its own; say default in a route, leave from or to out in a rule"
        elif end.text in _ABSENT:
            message = f"the topology says nothing of {_ABSENT[end.text]}; say it there"
        else:
            message = f'no node, group or network is called "{end.text}"{known.meant(end.text)}'
        yield error(end.cause, message, node=node.name)


_ABSENT = {"pods": "kubernetes.pods", "services": "kubernetes.services", "kubernetes.api": "kubernetes.api"}


def _cluster_ends(survey: Survey) -> Iterator[str]:
    yield from ("default", "any")
    kubernetes = survey.fabric.topology.kubernetes
    if kubernetes is not None:
        yield "pods"
        if kubernetes.services is not None:
            yield "services"
        if kubernetes.api is not None:
            yield "kubernetes.api"


def ends_have_addresses(survey: Survey) -> Iterator[Breach]:
    """A group that stands for its nodes' addresses has nodes.

    A rule without addresses would match everybody: `from: [ingress]` with nobody in `ingress` must not become an accept
    for the whole world.

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
    for node, end in survey.ends():
        if end.network is None and end.text in survey.fabric.members and not survey.fabric.resolve_end(end):
            message = f"the group {end.text} has no nodes and stands for no address; put a node in it, or leave it out"
            yield error(end.cause, message, node=node.name)


def holders_are_known(survey: Survey) -> Iterator[Breach]:
    """The holders of the Kubernetes API's virtual address are nodes of the topology.

    Fails:

        kubernetes:
          api: {vip: 10.17.4.10, holders: [worker3]}

    Passes:

        kubernetes:
          api: {vip: 10.17.4.10, holders: [worker1]}
    """
    kubernetes = survey.fabric.topology.kubernetes
    if kubernetes is None or kubernetes.api is None:
        return
    known = Names(survey.fabric.nodes)
    for holder in kubernetes.api.holders:
        if holder.value not in survey.fabric.nodes:
            yield error(holder.cause, f'no node is called "{holder.value}"{known.meant(holder.value)}')


def names_mean_one_thing(survey: Survey) -> Iterator[Breach]:
    """No two of a node, a group and a network share a name, and none is called like a word of the language.

    A rule `to: front` has to mean either the network or the node. The words that mean something already: `default`,
    `pods`, `services`, `internet` and `any`.

    Fails:

        groups:
          front: {rp_filter: loose}

    Passes:

        groups:
          ingress: {rp_filter: loose}
    """
    fabric = survey.fabric
    first: dict[str, tuple[str, TopologyPath]] = {}
    for kind, section, names in (
        ("network", "networks", fabric.networks),
        ("group", "groups", fabric.members),
        ("node", "nodes", fabric.nodes),
    ):
        for name in names:
            path = (section, name)
            if name in RESERVED_ENDS:
                yield error(
                    path,
                    f'"{name}" means something in rules and routes already; call the {kind} otherwise',
                    on_key=True,
                )
            elif name in first:
                other, place = first[name]
                message = f'"{name}" is the name of a {other} too; call one of them otherwise'
                yield error(path, message, related=(place,), on_key=True)
            else:
                first[name] = (kind, path)


def hostnames_are_unique(survey: Survey) -> Iterator[Breach]:
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


RULES = (
    groups_are_known,
    networks_are_known,
    routers_are_known,
    next_hops_are_known,
    ends_are_known,
    ends_have_addresses,
    holders_are_known,
    names_mean_one_thing,
    hostnames_are_unique,
)
