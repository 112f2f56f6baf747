"""Routes: each has one interface that it leaves by, and no two contradict each other."""

from collections.abc import Callable, Iterator

from netwright.checks.spans import Span
from netwright.checks.spelling import Names
from netwright.checks.survey import MAIN_TABLE, StatedRoute, Survey, has_ifcfg_files
from netwright.checks.violation import Violation, error, warning
from netwright.model import Node
from netwright.topology.settings import default_route_offers, is_main_default, libvirt_bridges


def route_interface_is_known(survey: Survey) -> Iterator[Violation]:
    """The interface of a route is an interface of the node.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.42.0.0/16, via: gw, dev: ens3}]}

    Passes:

        nodes:
          lb1: {routes: [{to: 10.42.0.0/16, via: gw, dev: eth0}]}
    """
    for stated in survey.all_routes():
        dev = stated.route.dev
        interfaces = [interface.name for interface in stated.node.interfaces]
        if dev is not None and dev not in interfaces:
            message = f'{stated.node.name} has no interface "{dev}"{Names(interfaces).meant(dev)}'
            yield error((*stated.route.cause, "dev"), message, node=stated.node.name)


def route_names_its_interface(survey: Survey) -> Iterator[Violation]:
    """A route names its interface where the next hop does not tell it.

    That is a route without a next hop, or with `onlink`, on a node with several interfaces.

    Fails:

        nodes:
          gw: {routes: [{to: 10.99.0.0/24}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.99.0.0/24, dev: eth1}]}
    """
    for stated in survey.all_routes():
        route, node = stated.route, stated.node
        is_open = route.via is None or (route.onlink and stated.gateway is not None)
        if not is_open or route.dev is not None or stated.interface is not None:
            continue
        names = ", ".join(interface.name for interface in node.interfaces)
        if route.type != "unicast":
            message = (
                f"{node.name} has only bridges of libvirt ({names}), and they take no such route; add an interface"
            )
        else:
            why = "there is no next hop" if route.via is None else f"{stated.gateway} is on none of its networks"
            message = f"{node.name} has several interfaces ({names}) and {why}; set dev"
        yield error(route.cause, message, node=node.name)


def discarding_route_has_no_next_hop(survey: Survey) -> Iterator[Violation]:
    """A route that discards packets has no next hop, and nothing else that speaks of packets on their way.

    Types `blackhole`, `unreachable` and `prohibit` end a packet here, and by `local` the node takes it in. Such a route
    has a destination, and `table` and `metric` if you like; `via` and all other attributes are for packets that go on.

    Fails:

        nodes:
          gw: {routes: [{to: 10.42.0.0/16, via: worker1, type: blackhole}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.42.0.0/16, type: blackhole}]}
    """
    for stated in survey.all_routes():
        route = stated.route
        if route.type == "unicast":
            continue
        via = () if route.via is None else ("via",)
        for key in (*via, *route.stated_attributes(besides=_OF_EVERY_TYPE)):
            message = f"a route of type {route.type} takes no {key}; leave {key} out, or the type"
            yield error((*route.cause, key), message, node=stated.node.name)


_OF_EVERY_TYPE = frozenset({"type", "table", "metric"})
"""Attributes of routes that discard packets, too."""


def local_route_is_not_in_a_route_file(survey: Survey) -> Iterator[Violation]:
    """A route of type `local` is on a node that has no ifcfg files.

    The route files beside them have no form for it that every reader takes.

    Fails:

        nodes:
          lb1: {os: rocky8, routes: [{to: 10.99.0.0/24, type: local}]}

    Passes:

        nodes:
          lb1: {os: rocky8, network_config: keyfile, routes: [{to: 10.99.0.0/24, type: local}]}
    """
    for stated in survey.all_routes():
        node = stated.node
        if stated.route.type == "local" and has_ifcfg_files(node):
            message = "route files have no routes of type local; set network_config: keyfile"
            yield error((*stated.route.cause, "type"), message, node=node.name)


def route_source_is_an_own_address(survey: Survey) -> Iterator[Violation]:
    """The source of a route is an address of the node.

    The kernel refuses a route whose preferred source it does not have. A holder of a virtual address may
    name that.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.42.0.0/16, via: gw, source: 10.17.3.13}]}

    Passes:

        nodes:
          lb1: {routes: [{to: 10.42.0.0/16, via: gw, source: 10.17.3.12}]}
    """
    virtual = survey.resolved.topology.virtual_addresses
    for stated in survey.all_routes():
        source = stated.route.source
        if source is None or not stated.is_first:
            continue
        own = [attachment.ip for interface in stated.node.interfaces for attachment in interface.attachments]
        holds = any(one.ip.value == source and one.is_held_by(stated.node.name) for one in virtual)
        if source not in own and not holds:
            message = f"{source} is no address of {stated.node.name}; it has {', '.join(map(str, own))}"
            yield error((*stated.route.whole, "source"), message, node=stated.node.name)


def destination_is_routed_once(survey: Survey) -> Iterator[Violation]:
    """No two routes of a node have the same destination, table and metric.

    Which of two next hops is taken would be left to chance: systemd-networkd installs both, other services the
    first or the last. On Rocky and AlmaLinux a route without a metric has 100, elsewhere 0. To use both at once, write
    one route with `next_hops`.

    Fails:

        nodes:
          gw:
            routes:
              - {to: 10.99.0.0/24, via: worker2}
              - {to: 10.99.0.0/24, via: worker1}

    Passes:

        nodes:
          gw:
            routes:
              - {to: 10.99.0.0/24, via: worker2}
              - {to: 10.99.0.0/24, via: worker1, metric: 10}
    """
    for node in survey.nodes:
        unsaid = _unsaid_metric(survey, node)
        first: dict[tuple[Span, int, int], StatedRoute] = {}
        for stated in survey.routes[node.name]:
            metric = unsaid(stated) if stated.route.metric is None else stated.route.metric
            for destination, sought in zip(stated.destinations, stated.spans, strict=True):
                key = (sought, stated.table, metric)
                earlier = first.setdefault(key, stated)
                if earlier.route.whole == stated.route.whole:
                    continue
                ways = f"{_way(earlier)} and {_way(stated)}"
                is_same = earlier.route.metric == stated.route.metric
                alike = "the same metric" if is_same else f"metric {metric}, the default of a route without one"
                where = f"{_way(stated)} twice" if _way(earlier) == _way(stated) else f"{ways}, with {alike}"
                message = (
                    f"{destination} is routed to {where}; keep one, or give each its metric{_or_both(earlier, stated)}"
                )
                yield error(stated.route.to.cause, message, node=node.name, related=(earlier.route.to.cause,))


def _or_both(*stated: StatedRoute) -> str:
    """Return how to use two next hops at once, where that is possible."""
    ways = {one.gateway for one in stated}
    return ", or list both in next_hops of one route" if len(ways) > 1 and None not in ways else ""


def _unsaid_metric(survey: Survey, node: Node) -> Callable[[StatedRoute], int]:
    """Return the metric of the node's routes that set none; those through a libvirt bridge are libvirt's."""
    metric = node.system.default_metric
    bridges = libvirt_bridges(survey.resolved, node) if len(survey.routes[node.name]) > 1 else {}
    return lambda stated: 0 if stated.interface and stated.interface.name in bridges else metric


def _way(stated: StatedRoute) -> str:
    if stated.gateway is not None:
        return str(stated.gateway)
    return (
        stated.route.type
        if stated.route.type != "unicast"
        else stated.interface.name
        if stated.interface
        else "the link"
    )


def preferred_metrics_are_numbers_of_the_kernels(survey: Survey) -> Iterator[Violation]:
    """The metric of the first of several default routes leaves room for those of the others.

    Each has 100 more than the one before it, and the kernel's largest is 4294967295.

    Fails:

        nodes:
          lb1: {default_route: {prefer: [{via: gw}, {via: 10.17.3.13}], metric: 4294967200}}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb1: {default_route: {prefer: [{via: gw}, {via: 10.17.3.13}], metric: 10}}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for stated in survey.all_routes():
        metric = stated.route.metric
        if metric is not None and metric > _LARGEST_METRIC:
            message = (
                f"the metric of this one would be {metric}, and the largest is {_LARGEST_METRIC}; set a lower metric"
            )
            yield error(stated.via, message, node=stated.node.name)


_LARGEST_METRIC = 0xFFFFFFFF


def default_route_is_clear(survey: Survey) -> Iterator[Violation]:
    """A node on networks with several routers names the one that is its default next hop.

    Without `default_route` a node takes the router of its network; from several it would take whichever stands first.
    `default_route: none` is an answer too.

    Fails:

        nodes:
          probe:
            os: rocky10
            interfaces: {eth0: {network: front, address: 10.17.3.9}, eth1: {network: back, address: 10.17.4.9}}

    Passes:

        nodes:
          probe:
            os: rocky10
            default_route: {via: 10.17.4.1}
            interfaces: {eth0: {network: front, address: 10.17.3.9}, eth1: {network: back, address: 10.17.4.9}}
    """
    for node in survey.nodes:
        if node.default_route is not None or not node.is_managed:
            continue
        offers = default_route_offers(survey.resolved, node)
        if len(offers) > 1 and not any(is_main_default(survey.resolved, route) for route in node.routes):
            gateways = ", ".join(f"{offer.gateway} ({offer.interface.name})" for offer in offers)
            message = (
                f"the routers of {node.name}'s networks offer several default routes: {gateways}; "
                f"set default_route: {{via: {offers[0].gateway}}}, or none"
            )
            yield error(node.cause, message, node=node.name, on_key=True)


def connected_network_is_not_routed(survey: Survey) -> Iterator[Violation]:
    """No route in the main table has a network as its destination that the node is on itself.

    The kernel has a route to it already; the second one hides it or is hidden by it, by a metric that depends on
    the network service.

    Fails:

        nodes:
          worker1: {routes: [{to: back, via: gw}]}

    Passes:

        nodes:
          worker1: {routes: [{to: front, via: gw}]}
    """
    for node in survey.nodes:
        own = {connection.span: connection for connection in survey.connections[node.name]}
        for stated in survey.routes[node.name]:
            if stated.table != MAIN_TABLE:
                continue
            for destination, sought in zip(stated.destinations, stated.spans, strict=True):
                if (connection := own.get(sought)) is not None:
                    message = (
                        f"{node.name} is on {destination} itself, by {connection.interface.name}; leave this route out"
                    )
                    yield warning(stated.route.to.cause, message, node=node.name)


RULES = (
    route_interface_is_known,
    route_names_its_interface,
    discarding_route_has_no_next_hop,
    local_route_is_not_in_a_route_file,
    route_source_is_an_own_address,
    destination_is_routed_once,
    preferred_metrics_are_numbers_of_the_kernels,
    default_route_is_clear,
    connected_network_is_not_routed,
)
