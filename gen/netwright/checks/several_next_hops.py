"""Routes with several next hops: they differ, and the node can have such a route."""

from collections.abc import Iterator

from netwright.checks.survey import StatedRoute, Survey, has_ifcfg_files
from netwright.checks.violation import Violation, error
from netwright.text.source import TopologyPath
from netwright.topology.settings import is_main_default


def next_hops_are_different(survey: Survey) -> Iterator[Violation]:
    """The next hops of one route are different ones.

    The kernel takes one twice, with the weights added. Say so by its weight.

    Fails:

        nodes:
          gw: {routes: [{to: 10.99.0.0/24, next_hops: [{via: worker1}, {via: 10.17.4.24}]}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.99.0.0/24, next_hops: [{via: worker1, weight: 2}, {via: worker2}]}]}
    """
    first: dict[tuple[str, TopologyPath, str, object, object], StatedRoute] = {}
    for stated in survey.all_routes():
        if stated.route.weight is None or stated.gateway is None or stated.interface is None:
            continue
        route = stated.route
        key = stated.node.name, route.whole, route.to.text, stated.gateway, stated.interface.name
        earlier = first.setdefault(key, stated)
        if earlier is not stated:
            message = f"{stated.gateway} is a next hop of this route already; leave it out, or raise the other's weight"
            yield error(stated.via, message, node=stated.node.name, related=(earlier.via,))


def several_next_hops_are_possible(survey: Survey) -> Iterator[Violation]:
    """A route with `next_hops` is on a node whose network service takes several for one route.

    These are systemd-networkd, and NetworkManager from 1.42 on, in keyfiles. ifcfg files have no form for it, and Rocky
    8 has NetworkManager 1.40. Where the next hops are on several interfaces, NetworkManager 1.42 itself (9.2 has it)
    goes on using the first one alone; 1.52 uses all.

    Fails:

        nodes:
          lb1:
            os: rocky8
            routes: [{to: 10.99.0.0/24, next_hops: [{via: gw}, {via: lb2}]}]
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb1:
            os: rocky9
            network_config: keyfile
            routes: [{to: 10.99.0.0/24, next_hops: [{via: gw}, {via: lb2}]}]
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for stated in survey.all_routes():
        node = stated.node
        if stated.route.weight is None or not stated.is_first:
            continue
        if not node.system.weighs_next_hops:
            message = (
                f"NetworkManager of {node.system.name} takes one next hop for a route; name one in via, or "
                "use a later release"
            )
            yield error((*stated.route.whole, "next_hops"), message, node=node.name)
        elif has_ifcfg_files(node):
            message = "ifcfg files have one next hop for a route; set network_config: keyfile, or via"
            yield error((*stated.route.whole, "next_hops"), message, node=node.name)


def flannel_finds_its_interface(survey: Survey) -> Iterator[Violation]:
    """A Kubernetes node whose default route has several next hops is told flannel's interface.

    Otherwise flannel takes that of the default route, and one with several next hops has none (flannel, iface.go,
    GetDefaultGatewayInterface): it ends, and K3s with it.

    Fails:

        nodes:
          worker1: {default_route: {next_hops: [{via: gw}, {via: gw2}]}}
          gw2: {os: unmanaged, forward: true, interfaces: {lan0: {network: back, address: 10.17.4.2}}}

    Passes:

        kubernetes: {cni: {interface: eth0}}
        nodes:
          worker1: {default_route: {next_hops: [{via: gw}, {via: gw2}]}}
          gw2: {os: unmanaged, forward: true, interfaces: {lan0: {network: back, address: 10.17.4.2}}}
    """
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is None or kubernetes.plugin != "flannel" or kubernetes.interface is not None:
        return
    for stated in survey.all_routes():
        route = stated.route
        is_several = route.weight is not None and stated.is_first and is_main_default(survey.resolved, route)
        if is_several and stated.node.role is not None:
            message = "flannel finds no interface by several next hops; set kubernetes.cni.interface, or prefer"
            yield error((*route.whole, "next_hops"), message, node=stated.node.name)


RULES = (flannel_finds_its_interface, next_hops_are_different, several_next_hops_are_possible)
