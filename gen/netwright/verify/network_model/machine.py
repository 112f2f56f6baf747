"""One machine as its kernel stands after boot: interfaces, routes, parameters, rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from netwright.verify.network_model.assumed import (
    INTERNET,
    OVERLAY,
    OVERLAYS,
    PODS,
    assumed_links,
    lead_to_internet,
)
from netwright.verify.network_model.card_patterns import check_names
from netwright.verify.network_model.cards import image_rivals, named_links, rivals
from netwright.verify.network_model.chains import Firewall
from netwright.verify.network_model.devices import DeviceFault, find_devices
from netwright.verify.network_model.fib import Fib, Hop, Overlay
from netwright.verify.network_model.flannel import contradictions
from netwright.verify.network_model.foreign import (
    flannel_ruleset,
    kube_proxy_rules,
    libvirt_rules,
    read_rules,
    uplink_rules,
)
from netwright.verify.network_model.leases import Leases, take_leases
from netwright.verify.network_model.parameters import (
    Parameters,
    among_the_systems,
    apply_settings,
    relax,
    set_by_commands,
)
from netwright.verify.network_model.programs import DOCKER, program_rules
from netwright.verify.network_model.route_install import Hops, RefusedRoute, build_hops
from netwright.verify.network_model.sizes import interface_mtus
from netwright.verify.network_model.tunnels import Tunnel, find_tunnels
from netwright.verify.reading.commands import carry_out
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.startup import Window
from netwright.verify.values.addresses import AddressNumber, Prefix, is_public
from netwright.verify.values.facts import MAIN_TABLE, Address, Kind, Link, Mtu, Origin, Setting, Unknown
from netwright.verify.values.nftables import Ruleset
from netwright.verify.values.wiring import Assumptions, Backend, Exit, HeldAddress, PodNetwork, Port, Wiring

_FORWARDS = Setting(
    key=("net", "ipv4", "ip_forward"), value="1", origin=Origin(file="the internet device's own settings", line=0)
)


class Machine(Struct, frozen=True, kw_only=True, eq=False):
    """A machine: `addresses` by interface in the order in which they are added, `pods` its own pod networks.

    `mtus` by interface lacks those of which no file of ours decides: an unmanaged device's that its sheet leaves out.
    `faults` are those of its devices, by interface, `gaps` the members that a bond lacks and can do without, `bridges`
    those that its files make.
    `forwarder` is a program that turns forwarding on as it starts, whatever sysctl.d sets, None where there is none;
    `programs` those that have rules of their own, firewalld and Docker; `window` a time in which packets pass without
    the rules of the machine's files; `tunnels` are its ends of WireGuard tunnels, by interface.
    """

    name: str
    addresses: dict[str, tuple[Address, ...]]
    fib: Fib
    parameters: Parameters
    firewall: Firewall
    pods: tuple[Prefix, ...]
    refusals: tuple[RefusedRoute, ...]
    unknown: tuple[Unknown, ...]
    bridge_nf: bool
    mtus: Mapping[str, Mtu]
    faults: Mapping[str, DeviceFault] = field(default_factory=dict)
    gaps: tuple[Unknown, ...] = ()
    bridges: tuple[str, ...] = ()
    forwarder: str | None = None
    programs: tuple[str, ...] = ()
    window: Window | None = None
    exit: Exit | None = None
    tunnels: Mapping[str, Tunnel] = field(default_factory=dict)

    def leads_out(self, hop: Hop) -> bool:
        """Return whether what takes the hop is on its way to the internet, behind everything that is known."""
        if self.exit is None:
            return False
        if self.exit.interface is None:
            return hop.interface == INTERNET
        return hop.interface == self.exit.interface and hop.gateway == self.exit.gateway

    def is_known_outside(self, ip: int) -> bool:
        """Return whether machines on the way to the internet know an address of ours: it is a public one, or one
        of the network by which the machine leads there."""
        own = self.addresses.get(self.exit.interface, ()) if self.exit and self.exit.interface is not None else ()
        return is_public(ip) or any(ip in _network(address) for address in own)

    def owns(self, ip: int) -> bool:
        """Return whether the IP is one of the machine's own."""
        hop = self.fib.find_local(ip)
        return hop is not None and hop.kind == "local"

    def address_for(self, interface: str, target: int) -> AddressNumber | None:
        """The address that the kernel takes as its own towards a target: the first of the interface whose network
        holds the target, else the interface's first, else another interface's."""
        own = self.addresses.get(interface, ())
        for address in own:
            if target in _network(address):
                return address.ip
        others = [address for addresses in self.addresses.values() for address in addresses]
        return (own or others)[0].ip if own or others else None


def _network(address: Address) -> Prefix:
    return Prefix(first=address.ip & (0xFFFFFFFF << (32 - address.length)), length=address.length)


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
    unknown = [*configuration.unknown]
    links = take_leases(named_links(configuration, ports, unknown), name, leases, unknown)
    unknown += rivals(links)
    misnamed = dict(check_names(configuration, ports, unknown))
    devices = find_devices(configuration, links, wiring.links.get(name, ()), wiring.systems.get(name, ""))
    unknown += devices.unknown
    unknown += image_rivals(links, wiring.systems.get(name, ""))
    bridges = [(link.name, link) for link in (network.bridge for network in configuration.networks) if link.name]
    links += bridges
    unknown += _unconfigured(name, ports, links, unknown)
    unknown += _contradictions(configuration, ports, links, wiring, backend=assumptions.cni, pods=pods)
    links += assumed_links(name, own_pods, wiring, assumptions, held)
    docker = name in wiring.docker
    of_flannel = [PODS, OVERLAYS.get(assumptions.cni, OVERLAY)] if pods else []
    later = [*(bridge for bridge, _ in bridges), *of_flannel, *([DOCKER] if docker else [])]
    carriers = {lower for below in devices.below.values() for lower in below}
    bound = {*devices.kinds, *carriers, *(pod.interface for pod in pods)}
    standing, links = links, carry_out(configuration.changes, links, unknown, bound=bound)
    hops = build_hops(links)
    way_out = wiring.exit_of(name)
    if way_out is not None and way_out.interface is None:
        lead_to_internet(hops)
    before = build_hops(standing) if configuration.changes else hops
    at_boot = _parameters_at_boot(
        configuration, wiring, assumptions, unknown, standing=standing, hops=before, later=[*later, *devices.kinds]
    )
    parameters = set_by_commands(at_boot, configuration.commanded, later)
    programs = tuple(program_rules(configuration, wiring, forwards=bool(at_boot.values["all"]["forwarding"])))
    rulesets = _rulesets(configuration, own_pods, wiring, assumptions, programs)
    if configuration.late_flush is not None and len(rulesets) > 1:
        reason = "it may run when other programs have loaded their rules, and wipes them"
        unknown.append(Unknown(origin=configuration.late_flush, text="flush ruleset", reason=reason))
    return Machine(
        name=name,
        addresses=_addresses(links),
        fib=Fib(
            node=name,
            local=hops.local,
            tables=hops.tables,
            rules=[rule for _, link in links for rule in link.rules],
            overlay=overlay if pods else None,
            overlay_interface=pods[0].interface if pods and assumptions.cni == "host-gw" else None,
        ),
        parameters=parameters,
        firewall=Firewall(rulesets),
        pods=own_pods,
        refusals=hops.refusals,
        unknown=(*unknown, *parameters.unknown),
        # K3s sets it as it starts (pkg/agent/syssetup); the default of br_netfilter, which Docker loads, is 1.
        bridge_nf=bool(pods)
        or (
            assumptions.bridge_nf_call_iptables or docker or configuration.bridge_filter
            if parameters.bridge_nf is None
            else parameters.bridge_nf
        ),
        mtus=interface_mtus(links, devices, pods, assumptions),
        faults={**devices.faults, **misnamed},
        gaps=devices.gaps,
        bridges=tuple(one for one, kind in devices.kinds.items() if kind is Kind.BRIDGE),
        forwarder=_forwarder(configuration, own_pods, wiring),
        programs=tuple(program for program, _ in programs),
        exit=way_out,
        tunnels=find_tunnels(configuration, wiring.links.get(name, ())),
        window=configuration.window,
    )


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
        configuration.k3s.values(),
        node=configuration.node,
        backend=backend,
        pods=wiring.pods,
        services=wiring.services,
        card=next((pod.interface for pod in pods if pod.stated), None),
        cards=[port.interface for port in ports],
        addresses=[address.ip for _, link in links for address in link.addresses],
    )
    for one in found:
        reason = f"the topology has {one.stated} as {'.'.join(one.path)}, and K3s is told otherwise"
        yield Unknown(origin=one.setting.origin, text=str(one.setting), reason=reason)


def _forwarder(configuration: Configuration, pods: Sequence[Prefix], wiring: Wiring) -> str | None:
    """libvirt does as it starts a network that is not isolated (src/network/bridge_driver.c), K3s in its agent
    (pkg/agent/syssetup), Docker as it starts (20.10, ran)."""
    if any(network.mode != "isolated" for network in configuration.networks):
        return "libvirt"
    if pods:
        return "K3s"
    return "Docker" if configuration.node in wiring.docker else None


def _led_out_by_networkmanager(links: Sequence[tuple[str, Link]], hops: Hops) -> Iterator[tuple[str, Origin]]:
    """The cards to which NetworkManager gives a default route, each with the line that causes it."""
    cards = {name for name, link in links if link.manager == "NetworkManager"}
    for hop in hops.tables.get(MAIN_TABLE, ()):
        for way in hop.every if hop.kind == "unicast" and hop.prefix.length == 0 else ():
            if way.interface in cards:
                yield way.interface, way.origin


def is_translated_outside(configuration: Configuration, wiring: Wiring, assumptions: Assumptions) -> bool:
    """Return whether a machine translates the sources of what leaves for the internet, by rules outside its files:
    its hand-off sheet asks for it. Of a machine that has files, these decide."""
    leads_out = wiring.exit_of(configuration.node) is not None
    return leads_out and assumptions.internet_translates and not configuration.managed


def _rulesets(
    configuration: Configuration,
    pods: tuple[Prefix, ...],
    wiring: Wiring,
    assumptions: Assumptions,
    programs: Iterable[tuple[str, str]],
) -> list[Ruleset]:
    """The node's own rules, then those that other programs are assumed to add."""
    rulesets = [configuration.ruleset]
    if assumptions.libvirt_rules and configuration.networks:
        rulesets.append(read_rules("libvirt", libvirt_rules(configuration.networks)))
    if pods and wiring.pods is not None and assumptions.cni != "none":
        rulesets.append(flannel_ruleset(wiring.pods, pods))
    if configuration.agent is not None:
        rulesets.append(configuration.agent)
    if pods and assumptions.kube_proxy_drops_invalid:
        rulesets.append(read_rules("kube-proxy", kube_proxy_rules()))
    if is_translated_outside(configuration, wiring, assumptions):
        rulesets.append(read_rules("the internet device", uplink_rules(INTERNET)))
    rulesets += (read_rules(program, text, optional=True) for program, text in programs)
    return rulesets
