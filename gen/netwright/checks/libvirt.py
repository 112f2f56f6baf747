"""Libvirt networks: a bridge on the KVM host, and what libvirt can configure on it."""

from collections.abc import Iterator

from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.model import LibvirtBridge, Network, Node
from netwright.topology.settings import libvirt_bridges, makes_bridge


def libvirt_network_has_a_host(survey: Survey) -> Iterator[Violation]:
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
        if network.libvirt is not None and makes_bridge(network) and network.router is None:
            yield error(
                network.libvirt.cause,
                f"{network.name} has no router; name the KVM host that makes the bridge",
                on_key=True,
            )


def libvirt_host_is_rocky(survey: Survey) -> Iterator[Violation]:
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
    for network, libvirt, host in hosted_networks(survey):
        if host.os is not None and not host.os.value.hosts_libvirt:
            message = (
                f"{host.name} is {host.os.value.name}, for which no libvirt network is written; "
                f"use a Rocky host, or leave libvirt out of {network.name}"
            )
            yield error(libvirt.cause, message, on_key=True, related=(host.os.cause,))


def libvirt_bridge_is_an_interface(survey: Survey) -> Iterator[Violation]:
    """The bridge of a libvirt network is an interface of the network's router, on that network.

    The interface has the address that libvirt gives the bridge.

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
    for network, libvirt, host in hosted_networks(survey):
        path = (*libvirt.cause, "bridge")
        interface = next((one for one in host.interfaces if one.name == libvirt.bridge), None)
        if interface is None:
            known = Names(one.name for one in host.interfaces)
            yield error(path, f'{host.name} has no interface "{libvirt.bridge}"{known.meant(libvirt.bridge)}')
        elif all(attachment.network != network.name for attachment in interface.attachments):
            message = f"{libvirt.bridge} of {host.name} is not on {network.name}; give it an address there"
            yield error(path, message, related=(interface.cause,))


def libvirt_bridge_makes_one_network(survey: Survey) -> Iterator[Violation]:
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
    for network, libvirt, host in hosted_networks(survey):
        other = first.setdefault((host.name, libvirt.bridge), network)
        if other is not network:
            message = (
                f"{libvirt.bridge} of {host.name} is the bridge of {other.name} already; "
                f"name another bridge, or leave libvirt out of {network.name}"
            )
            yield error((*libvirt.cause, "bridge"), message, related=((*other.cause, "libvirt", "bridge"),))


def libvirt_names_are_unique(survey: Survey) -> Iterator[Violation]:
    """No two libvirt networks of a host have the same name in libvirt.

    Its name there is `libvirt: {name: ...}`, else the network's. Libvirt takes the second one for a change of the
    first, and refuses it.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, name: lab_net}}
          more: {cidr: 10.17.6.0/24, router: gw, libvirt: {bridge: virbr6, name: lab_net}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}, virbr6: {network: more, address: 10.17.6.1}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, name: lab_net}}
          more: {cidr: 10.17.6.0/24, router: gw, libvirt: {bridge: virbr6}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}, virbr6: {network: more, address: 10.17.6.1}}}
    """
    first: dict[tuple[str, str], Network] = {}
    for network, libvirt, host in hosted_networks(survey):
        other = first.setdefault((host.name, libvirt.name), network)
        if other is not network:
            path = (*libvirt.cause, "name") if libvirt.name != network.name else libvirt.cause
            message = f"libvirt on {host.name} has a network {libvirt.name} already, {other.name}; set another name"
            yield error(path, message, related=((*other.cause, "libvirt"),))


def libvirt_bridge_has_no_mac_or_dns(survey: Survey) -> Iterator[Violation]:
    """The interface that is a libvirt bridge sets neither `mac` nor `dns`.

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
    for _, libvirt, host in hosted_networks(survey):
        for interface in host.interfaces:
            if interface.name != libvirt.bridge:
                continue
            for key, setting in (("mac", interface.mac), ("dns", interface.dns)):
                if setting is not None:
                    message = f"libvirt creates {interface.name} and does not support {key} on it; remove {key}"
                    yield error(setting.cause, message, node=host.name)


def libvirt_supports_the_route(survey: Survey) -> Iterator[Violation]:
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
    for host in {host.name: host for _, _, host in hosted_networks(survey)}.values():
        bridges = libvirt_bridges(survey.resolved, host)
        for stated in survey.routes[host.name]:
            route = stated.route
            if stated.interface is None or stated.interface.name not in bridges:
                continue
            name = stated.interface.name
            if route.weight is not None:
                message = f"libvirt creates {name} and does not support several next hops on it; set via to one of them"
                yield error(route.whole, message, node=host.name)
                continue
            if route.type != "unicast" or route.via is None:
                what = f"a route of type {route.type}" if route.type != "unicast" else "a route without next hop"
                message = f"libvirt creates {name} and does not support {what} on it; set dev to another interface"
                yield error(route.cause, message, node=host.name)
                continue
            for key in route.stated_attributes(besides=("metric",)):
                message = f"libvirt creates {name} and its routes do not support {key}; remove {key}"
                yield error((*route.cause, key), message, node=host.name)


def hosted_networks(survey: Survey) -> Iterator[tuple[Network, LibvirtBridge, Node]]:
    """The networks whose bridge libvirt makes on a host that is known."""
    for network in survey.networks:
        host = survey.resolved.nodes.get(network.router.value) if network.router else None
        if network.libvirt is not None and host is not None and makes_bridge(network):
            yield network, network.libvirt, host


RULES = (
    libvirt_network_has_a_host,
    libvirt_host_is_rocky,
    libvirt_bridge_is_an_interface,
    libvirt_bridge_makes_one_network,
    libvirt_names_are_unique,
    libvirt_bridge_has_no_mac_or_dns,
    libvirt_supports_the_route,
)
