"""Libvirt networks: a bridge on the KVM host, and what libvirt can say of it."""

from collections.abc import Iterator

from netaddr import IPNetwork

from gen.checks.breach import Breach, error, warning
from gen.checks.spelling import Names
from gen.checks.survey import Survey, span
from gen.model import End, Family, LibvirtBridge, Network, Node
from gen.resolve import libvirt_bridges
from gen.source import TopologyPath


def libvirt_network_has_a_host(survey: Survey) -> Iterator[Breach]:
    """A libvirt network names its router: the KVM host.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, libvirt: {bridge: virbr5}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
    """
    for network in survey.networks:
        if network.libvirt is not None and network.router is None:
            yield error(
                network.libvirt.cause,
                f"{network.name} has no router; name the KVM host that makes the bridge",
                on_key=True,
            )


def libvirt_host_is_rocky(survey: Survey) -> Iterator[Breach]:
    """The host of a libvirt network runs Rocky or AlmaLinux.

    There is no libvirt on Flatcar, and nothing is written for an unmanaged device.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: host, libvirt: {bridge: virbr5}}
        nodes:
          host: {os: flatcar, forward: true, interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: host, libvirt: {bridge: virbr5}}
        nodes:
          host: {os: rocky10, forward: true, interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
    """
    for network, libvirt, host in _hosted(survey):
        if host.os is not None and host.os.value.family is not Family.ROCKY:
            message = (
                f"{host.name} is {host.os.value.name}, for which no libvirt network is written; "
                f"use a Rocky host, or leave libvirt out of {network.name}"
            )
            yield error(libvirt.cause, message, on_key=True, related=(host.os.cause,))


def libvirt_bridge_is_an_interface(survey: Survey) -> Iterator[Breach]:
    """The bridge of a libvirt network is an interface of the network's router, on that network.

    The interface says the address that libvirt gives the bridge.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr05: {network: vms, address: 10.17.5.1}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
    """
    for network, libvirt, host in _hosted(survey):
        path = (*libvirt.cause, "bridge")
        interface = next((one for one in host.interfaces if one.name == libvirt.bridge), None)
        if interface is None:
            known = Names(one.name for one in host.interfaces)
            yield error(path, f'{host.name} has no interface "{libvirt.bridge}"{known.meant(libvirt.bridge)}')
        elif all(attachment.network != network.name for attachment in interface.attachments):
            message = f"{libvirt.bridge} of {host.name} is not on {network.name}; give it an address there"
            yield error(path, message, related=(interface.cause,))


def libvirt_bridge_makes_one_network(survey: Survey) -> Iterator[Breach]:
    """No two libvirt networks of a host have the same bridge.

    Libvirt refuses to start the second one.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, segment: vms, router: gw, libvirt: {bridge: virbr5}}
          more: {cidr: 10.17.6.0/24, segment: vms, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr5: {networks: {vms: 10.17.5.1, more: 10.17.6.1}}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, segment: vms, router: gw, libvirt: {bridge: virbr5}}
          more: {cidr: 10.17.6.0/24, segment: vms, router: gw}
        nodes:
          gw: {interfaces: {virbr5: {networks: {vms: 10.17.5.1, more: 10.17.6.1}}}}
    """
    first: dict[tuple[str, str], Network] = {}
    for network, libvirt, host in _hosted(survey):
        other = first.setdefault((host.name, libvirt.bridge), network)
        if other is not network:
            message = (
                f"{libvirt.bridge} of {host.name} is the bridge of {other.name} already; "
                f"name another bridge, or leave libvirt out of {network.name}"
            )
            yield error((*libvirt.cause, "bridge"), message, related=((*other.cause, "libvirt", "bridge"),))


def libvirt_bridge_has_no_mac_or_dns(survey: Survey) -> Iterator[Breach]:
    """The interface that is a libvirt bridge says neither `mac` nor `dns`.

    Libvirt makes the bridge and chooses its MAC address; name servers are the host's.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1, mac: "52:54:00:00:05:01"}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
    """
    for _, libvirt, host in _hosted(survey):
        for interface in host.interfaces:
            if interface.name != libvirt.bridge:
                continue
            for key, setting in (("mac", interface.mac), ("dns", interface.dns)):
                if setting is not None:
                    message = f"libvirt makes {interface.name}, and takes no {key} for it; leave {key} out"
                    yield error(setting.cause, message, node=host.name)


def libvirt_can_say_the_route(survey: Survey) -> Iterator[Breach]:
    """A route through a libvirt bridge has nothing but a destination, a next hop and a metric.

    It stands in the network's XML, since the bridge exists only once libvirt has started it, and `<route>` knows no
    more.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw:
            interfaces: {virbr5: {network: vms, address: 10.17.5.1}}
            routes: [{to: 10.99.0.0/24, via: vm1, mtu: 1400}]
          vm1: {os: flatcar, forward: true, interfaces: {eth0: {network: vms, address: 10.17.5.11}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw:
            interfaces: {virbr5: {network: vms, address: 10.17.5.1}}
            routes: [{to: 10.99.0.0/24, via: vm1, metric: 10}]
          vm1: {os: flatcar, forward: true, interfaces: {eth0: {network: vms, address: 10.17.5.11}}}
    """
    for host in {host.name: host for _, _, host in _hosted(survey)}.values():
        bridges = libvirt_bridges(survey.fabric, host)
        for stated in survey.routes[host.name]:
            route = stated.route
            if stated.interface is None or stated.interface.name not in bridges:
                continue
            name = stated.interface.name
            if route.type != "unicast" or route.via is None:
                what = f"a route of type {route.type}" if route.type != "unicast" else "a route without next hop"
                message = f"libvirt makes {name}, and can't give it {what}; let another interface have it (dev)"
                yield error(route.cause, message, node=host.name)
                continue
            for key, value in _unsayable(stated.route.onlink, route.table, route.source, route.mtu):
                if value:
                    message = f"libvirt makes {name}, and its routes know no {key}; leave {key} out"
                    yield error((*route.cause, key), message, node=host.name)


def _unsayable(onlink: object, table: object, source: object, mtu: object) -> tuple[tuple[str, object], ...]:
    return ("onlink", onlink), ("table", table), ("source", source), ("mtu", mtu)


def libvirt_lets_traffic_through(survey: Survey) -> Iterator[Breach]:
    """A libvirt network that routes or filter rules want traffic through is `open`.

    In `nat` mode libvirt masquerades everything that leaves the network, to other libvirt networks too, and rejects
    what comes in unasked; in `route` mode its rules stood in the way as well when measured; `isolated` forwards
    nothing. No accept in another table overrides them. `open` adds no rule.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, forward: nat}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
          lb1: {routes: [{to: vms, via: gw}]}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, forward: open}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
          lb1: {routes: [{to: vms, via: gw}]}
    """
    closed = {network.name: network for network, libvirt, _ in _hosted(survey) if libvirt.forward != "open"}
    wanted: dict[str, TopologyPath] = {}
    for name, path in (*_wanted_by_routes(survey, closed), *_wanted_by_rules(survey, closed)):
        wanted.setdefault(name, path)
    for name, path in wanted.items():
        libvirt = closed[name].libvirt
        if libvirt is not None:
            message = (
                f"traffic through {name} is wanted, but libvirt's mode {libvirt.forward} {_MODES[libvirt.forward]}, "
                f"and no accept elsewhere overrides that; say forward: open"
            )
            yield warning((*libvirt.cause, "forward"), message, related=(path,))


_MODES = {
    "nat": "rewrites the source of what leaves it and rejects what comes in unasked",
    "route": "adds rules of its own, which rejected traffic between networks",
    "isolated": "forwards nothing",
}


def _wanted_by_routes(survey: Survey, closed: dict[str, Network]) -> Iterator[tuple[str, TopologyPath]]:
    """The closed networks through which a route sends packets: into them, or out of them to another network."""
    if not closed:
        return
    kubernetes = survey.fabric.topology.kubernetes
    for stated in survey.all_routes():
        own = {connection.network.name for connection in survey.connections[stated.node.name]}
        behind = survey.network_at(stated.gateway) if stated.gateway is not None else None
        for destination in stated.destinations:
            if destination.prefixlen == 0 or stated.route.type != "unicast":
                continue
            met = [network.name for network in survey.networks_in(destination)]
            yield from ((name, stated.route.cause) for name in met if name in closed and name not in own)
            is_inside = bool(met) or (kubernetes is not None and span(kubernetes.pods).meets(span(destination)))
            if behind is not None and behind.name in closed and is_inside:
                yield behind.name, stated.route.cause


def _wanted_by_rules(survey: Survey, closed: dict[str, Network]) -> Iterator[tuple[str, TopologyPath]]:
    """The closed networks that a forward rule of their host accepts traffic into or out of."""
    for network in closed.values():
        host = survey.fabric.nodes[network.router.value] if network.router else None
        chain = host.forward_chain if host else None
        for rule in chain.rules if chain else ():
            ends = (_networks_of(survey, rule.sources), _networks_of(survey, rule.destinations))
            if not rule.accept or not all(ends):
                continue
            for here, there in (ends, ends[::-1]):
                inside = any(span(network.cidr).meets(span(one)) for one in here)
                outside = any(one.prefixlen and not span(network.cidr).covers(span(one)) for one in there)
                if inside and outside and all(one.prefixlen for one in here):
                    yield network.name, rule.cause


def _networks_of(survey: Survey, ends: tuple[End, ...]) -> list[IPNetwork]:
    return [network for end in ends for network in survey.fabric.resolve_end(end) or ()]


def _hosted(survey: Survey) -> Iterator[tuple[Network, LibvirtBridge, Node]]:
    """The libvirt networks whose host is known."""
    for network in survey.networks:
        host = survey.fabric.nodes.get(network.router.value) if network.router else None
        if network.libvirt is not None and host is not None:
            yield network, network.libvirt, host


RULES = (
    libvirt_network_has_a_host,
    libvirt_host_is_rocky,
    libvirt_bridge_is_an_interface,
    libvirt_bridge_makes_one_network,
    libvirt_bridge_has_no_mac_or_dns,
    libvirt_can_say_the_route,
    libvirt_lets_traffic_through,
)
