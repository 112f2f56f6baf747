"""One node's configuration -> the machine as its kernel stands after boot."""

from collections.abc import Iterator, Sequence

from netwright.verify.network_model.assumed import (
    OVERLAY,
    OVERLAYS,
    PODS,
    assumed_links,
    lead_to_internet,
)
from netwright.verify.network_model.card_patterns import check_names
from netwright.verify.network_model.cards import image_rivals, named_links, plugin_interfaces_taken, rivals
from netwright.verify.network_model.device_faults import Devices
from netwright.verify.network_model.devices import find_devices
from netwright.verify.network_model.fib import Fib, Overlay
from netwright.verify.network_model.k3s_settings import contradictions
from netwright.verify.network_model.leases import Leases, take_leases
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.machine_rules import find_rules
from netwright.verify.network_model.parameters import (
    Parameters,
    among_the_systems,
    apply_settings,
    relax,
    set_by_commands,
)
from netwright.verify.network_model.programs import DOCKER
from netwright.verify.network_model.route_install import Hops, build_hops
from netwright.verify.network_model.sizes import interface_mtus
from netwright.verify.network_model.tunnels import find_tunnels
from netwright.verify.reading.commands import carry_out
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import Prefix, format_ip
from netwright.verify.values.facts import MAIN_TABLE, Address, Kind, Link, Origin, Setting, Unknown
from netwright.verify.values.wiring import Assumptions, Backend, HeldAddress, PodNetwork, Port, Wiring

_FORWARDS = Setting(
    key=("net", "ipv4", "ip_forward"), value="1", origin=Origin(file="the internet device's own settings", line=0)
)


def build_machine(
    configuration: Configuration,
    ports: Sequence[Port],
    wiring: Wiring,
    assumptions: Assumptions,
    *,
    held: Sequence[HeldAddress],
    pods: Sequence[PodNetwork],
    overlay: Overlay | None,
    leases: Leases,
) -> Machine:
    """The machine; `ports` are its own in the wiring, `held` its further addresses, `pods` its pod networks,
    `leases` those of all machines."""
    name, own_pods = configuration.node, tuple(pod.network for pod in pods)
    is_host_gw = bool(pods) and assumptions.cni == "host-gw"
    unknown = [*configuration.unknown]
    links, devices = _configured_links(configuration, ports, wiring, leases, unknown)
    unknown += _contradictions(configuration, ports, links, wiring, backend=assumptions.cni, pods=pods)
    unknown += plugin_interfaces_taken(configuration) if pods else ()
    unknown += _misplaced(configuration, wiring)
    links += assumed_links(name, own_pods, wiring, assumptions, held)
    standing, links = links, carry_out(configuration.changes, links, unknown, bound=_bound(devices, pods))
    hops = build_hops(links)
    way_out = wiring.exit_of(name)
    if way_out is not None and way_out.interface is None:
        lead_to_internet(hops)
    later = _made_by_programs(configuration, wiring, assumptions, pods)
    before = build_hops(standing) if configuration.changes else hops
    at_boot = _parameters_at_boot(
        configuration, wiring, assumptions, unknown, standing=standing, hops=before, later=[*later, *devices.kinds]
    )
    parameters = set_by_commands(at_boot, configuration.commanded, later)
    forwards = bool(at_boot.values["all"]["forwarding"])
    rules = find_rules(configuration, wiring, assumptions, links, unknown, pods=own_pods, forwards=forwards)
    return Machine(
        name=name,
        addresses=_addresses(links),
        fib=_fib(name, links, hops, overlay if pods else None, pods[0].interface if is_host_gw else None),
        parameters=parameters,
        firewall=rules.firewall,
        pods=own_pods,
        refusals=hops.refusals,
        unknown=(*unknown, *parameters.unknown),
        bridge_nf=bool(pods) or _filters_bridges(configuration, wiring, assumptions, parameters),
        mtus=interface_mtus(links, devices, pods, assumptions),
        faults=devices.faults,
        gaps=devices.gaps,
        bridges=tuple(one for one, kind in devices.kinds.items() if kind is Kind.BRIDGE),
        forwarder=_forwarder(configuration, own_pods, wiring),
        programs=rules.programs,
        firewalld=rules.firewalld,
        exit=way_out,
        tunnels=find_tunnels(configuration, wiring.links.get(name, ())),
        window=rules.window,
    )


def _configured_links(
    configuration: Configuration, ports: Sequence[Port], wiring: Wiring, leases: Leases, unknown: list[Unknown]
) -> tuple[list[tuple[str, Link]], Devices]:
    """Return the links that files configure, each with the name of its interface, and the devices that they make."""
    name, system = configuration.node, wiring.systems.get(configuration.node, "")
    links = take_leases(named_links(configuration, ports, unknown), name, leases, unknown)
    unknown += rivals(links)
    misnamed = dict(check_names(configuration, ports, unknown))
    devices = find_devices(configuration, links, wiring.links.get(name, ()), system, misnamed)
    unknown += devices.unknown
    unknown += image_rivals(links, system)
    links += _libvirts_bridges(configuration)
    unknown += _unconfigured(name, ports, links, unknown)
    return links, devices


def _libvirts_bridges(configuration: Configuration) -> list[tuple[str, Link]]:
    return [(link.name, link) for link in (network.bridge for network in configuration.networks) if link.name]


def _made_by_programs(
    configuration: Configuration, wiring: Wiring, assumptions: Assumptions, pods: Sequence[PodNetwork]
) -> list[str]:
    """The interfaces that are not there yet as sysctl.d is applied: libvirt, flannel and Docker make them."""
    of_flannel = [PODS, OVERLAYS.get(assumptions.cni, OVERLAY)] if pods else []
    of_docker = [DOCKER] if configuration.node in wiring.docker else []
    return [*(bridge for bridge, _ in _libvirts_bridges(configuration)), *of_flannel, *of_docker]


def _bound(devices: Devices, pods: Sequence[PodNetwork]) -> set[str]:
    """The interfaces on which something else stands, so that no command may change them without more."""
    carriers = {lower for below in devices.below.values() for lower in below}
    return {*devices.kinds, *carriers, *(pod.interface for pod in pods)}


def _fib(
    name: str, links: Sequence[tuple[str, Link]], hops: Hops, overlay: Overlay | None, overlay_interface: str | None
) -> Fib:
    return Fib(
        node=name,
        local=hops.local,
        tables=hops.tables,
        rules=[rule for _, link in links for rule in link.rules],
        overlay=overlay,
        overlay_interface=overlay_interface,
    )


def _filters_bridges(
    configuration: Configuration, wiring: Wiring, assumptions: Assumptions, parameters: Parameters
) -> bool:
    """Return whether bridged packets pass the ip rules of a machine without pods.

    K3s sets it as it starts (pkg/agent/syssetup); the default of br_netfilter, which Docker loads, is 1.
    """
    if parameters.bridge_nf is not None:
        return parameters.bridge_nf
    docker = configuration.node in wiring.docker
    return assumptions.bridge_nf_call_iptables or docker or configuration.bridge_filter


def _unconfigured(
    name: str, ports: Sequence[Port], links: Sequence[tuple[str, Link]], unknown: Sequence[Unknown]
) -> tuple[Unknown, ...]:
    """The interfaces that no file configures, unless a whole file is unknown, which may."""
    known = dict(links)
    return tuple(
        Unknown(origin=Origin(file=name, line=0), text=port.interface, reason="no file configures the interface")
        for port in ports
        if port.interface not in known and not any(one.whole for one in unknown)
    )


def _addresses(links: Sequence[tuple[str, Link]]) -> dict[str, tuple[Address, ...]]:
    """The addresses of each interface, of all links that configure it."""
    addresses: dict[str, tuple[Address, ...]] = {}
    for name, link in links:
        addresses[name] = addresses.get(name, ()) + link.addresses
    return addresses


def _parameters_at_boot(
    configuration: Configuration,
    wiring: Wiring,
    assumptions: Assumptions,
    unknown: list[Unknown],
    *,
    standing: Sequence[tuple[str, Link]],
    hops: Hops,
    later: Sequence[str],
) -> Parameters:
    """The kernel parameters once the machine is up, before commands run; `standing` are the links by then, with their
    `hops`."""
    settings: tuple[Setting, ...] = configuration.settings
    if assumptions.system_sysctls:
        settings = among_the_systems(wiring.systems.get(configuration.node, ""), settings, unknown)
    if wiring.exit_of(configuration.node) is not None and not configuration.managed:
        settings = (_FORWARDS, *settings)
    present = [name for name, _ in standing if name not in later]
    parameters = apply_settings(settings, present, later)
    if not assumptions.networkmanager_relaxes:
        return parameters
    return relax(parameters, _led_out_by_networkmanager(standing, hops))


def _contradictions(
    configuration: Configuration,
    ports: Sequence[Port],
    links: Sequence[tuple[str, Link]],
    wiring: Wiring,
    *,
    backend: Backend,
    pods: Sequence[PodNetwork],
) -> Iterator[Unknown]:
    """Yield settings of K3s on the node that contradict the topology."""
    found = contradictions(
        configuration.k3s,
        wiring,
        node=configuration.node,
        backend=backend,
        card=next((pod.interface for pod in pods if pod.stated), None),
        cards=[port.interface for port in ports],
        addresses=[address.ip for _, link in links for address in link.addresses],
    )
    for one in found:
        yield Unknown(origin=one.setting.origin, text=str(one.setting), reason=one.reason)


def _forwarder(configuration: Configuration, pods: Sequence[Prefix], wiring: Wiring) -> str | None:
    """libvirt does as it starts a network that is not isolated (src/network/bridge_driver.c), K3s in its agent
    (pkg/agent/syssetup), Docker as it starts (20.10, ran)."""
    if any(network.mode != "isolated" for network in configuration.networks):
        return "libvirt"
    if pods:
        return "K3s"
    return "Docker" if configuration.node in wiring.docker else None


def _misplaced(configuration: Configuration, wiring: Wiring) -> Iterator[Unknown]:
    """Yield addresses that kube-vip holds otherwise than the topology has it. Who is told nothing of a card takes that
    of the default route (kube-vip, pkg/vip)."""
    places = {held.ip: held.interface for held in wiring.held if held.node == configuration.node}
    for one in configuration.kube_vip:
        card = places.get(one.ip)
        if card is None:
            reason = "kube-vip holds it, and the topology has no such address at the node"
            yield Unknown(origin=one.origin, text=format_ip(one.ip), reason=reason)
        elif one.card is not None and one.card != card:
            reason = f"kube-vip puts {format_ip(one.ip)} on it, where the topology has {card}"
            yield Unknown(origin=one.card_origin or one.origin, text=one.card, reason=reason)


def _led_out_by_networkmanager(links: Sequence[tuple[str, Link]], hops: Hops) -> Iterator[tuple[str, Origin]]:
    """The cards to which NetworkManager gives a default route, each with the line that causes it."""
    cards = {name for name, link in links if link.manager == "NetworkManager"}
    for hop in hops.tables.get(MAIN_TABLE, ()):
        for way in hop.every if hop.kind == "unicast" and hop.prefix.length == 0 else ():
            if way.interface in cards:
                yield way.interface, way.origin
