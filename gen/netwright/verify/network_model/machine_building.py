"""One node's configuration -> the machine as its kernel stands after boot."""

from collections.abc import Iterable, Iterator, Sequence

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
from netwright.verify.network_model.device_faults import Devices
from netwright.verify.network_model.devices import find_devices
from netwright.verify.network_model.fib import Fib, Overlay
from netwright.verify.network_model.firewalld import Loaded, load_firewalld, rules_of_2
from netwright.verify.network_model.flannel import contradictions
from netwright.verify.network_model.foreign import (
    flannel_ruleset,
    kube_proxy_rules,
    libvirt_rules,
    read_rules,
    uplink_rules,
)
from netwright.verify.network_model.leases import Leases, take_leases
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.parameters import (
    Parameters,
    among_the_systems,
    apply_settings,
    relax,
    set_by_commands,
)
from netwright.verify.network_model.programs import (
    DOCKER,
    RUNNING,
    docker_translation,
    own_firewalld,
    program_rules,
)
from netwright.verify.network_model.route_install import Hops, build_hops
from netwright.verify.network_model.sizes import interface_mtus
from netwright.verify.network_model.tunnels import find_tunnels
from netwright.verify.reading.commands import carry_out
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.facts import MAIN_TABLE, Address, Kind, Link, Origin, Setting, Unknown
from netwright.verify.values.nftables import Ruleset
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
    links = take_leases(named_links(configuration, ports, unknown), name, leases, unknown)
    unknown += rivals(links)
    misnamed = dict(check_names(configuration, ports, unknown))
    devices = find_devices(configuration, links, wiring.links.get(name, ()), wiring.systems.get(name, ""), misnamed)
    unknown += devices.unknown
    unknown += image_rivals(links, wiring.systems.get(name, ""))
    links += _libvirts_bridges(configuration)
    unknown += _unconfigured(name, ports, links, unknown)
    unknown += _contradictions(configuration, ports, links, wiring, backend=assumptions.cni, pods=pods)
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
    programs = tuple(program_rules(configuration, wiring, forwards=bool(at_boot.values["all"]["forwarding"])))
    rulesets = _rulesets(configuration, own_pods, wiring, assumptions, programs)
    firewalld = _own_firewalld(configuration, wiring, links, unknown)
    if firewalld is not None:
        rulesets += _rules_of_firewalld(firewalld, configuration, wiring, leads_on=bool(own_pods))
    if len(rulesets) > 1:
        unknown += _late_flush(configuration)
    return Machine(
        name=name,
        addresses=_addresses(links),
        fib=_fib(name, links, hops, overlay if pods else None, pods[0].interface if is_host_gw else None),
        parameters=parameters,
        firewall=Firewall(rulesets),
        pods=own_pods,
        refusals=hops.refusals,
        unknown=(*unknown, *parameters.unknown),
        bridge_nf=bool(pods) or _filters_bridges(configuration, wiring, assumptions, parameters),
        mtus=interface_mtus(links, devices, pods, assumptions),
        faults=devices.faults,
        gaps=devices.gaps,
        bridges=tuple(one for one, kind in devices.kinds.items() if kind is Kind.BRIDGE),
        forwarder=_forwarder(configuration, own_pods, wiring),
        programs=(*(program for program, _ in programs), *(("firewalld",) if firewalld is not None else ())),
        firewalld=_text_of_firewalld(firewalld, configuration, wiring) if firewalld is not None else "",
        exit=way_out,
        tunnels=find_tunnels(configuration, wiring.links.get(name, ())),
        window=configuration.window
        or (configuration.firewalld.window if firewalld and configuration.firewalld else None),
    )


def _rules_of_firewalld(
    firewalld: Loaded, configuration: Configuration, wiring: Wiring, *, leads_on: bool
) -> Iterator[Ruleset]:
    """Yield its rules. It lets pass what kube-proxy (`leads_on`) and Docker lead on, whose rules are not known."""
    yield firewalld.ruleset(optional=leads_on or configuration.node in wiring.docker)
    of_2 = _refusals_of_2(firewalld, configuration, wiring)
    if of_2:
        yield read_rules("firewalld", of_2, optional=True)


def _text_of_firewalld(firewalld: Loaded, configuration: Configuration, wiring: Wiring) -> str:
    return firewalld.text + _refusals_of_2(firewalld, configuration, wiring)


def _refusals_of_2(firewalld: Loaded, configuration: Configuration, wiring: Wiring) -> str:
    """Return what firewalld 2.x, which release 10 has, refuses beside the rules."""
    return rules_of_2(firewalld.placed) if wiring.systems.get(configuration.node, "").endswith("10") else ""


def _own_firewalld(
    configuration: Configuration, wiring: Wiring, links: Sequence[tuple[str, Link]], unknown: list[Unknown]
) -> Loaded | None:
    """What firewalld loads by the machine's files, None where it does not run or has none."""
    files = own_firewalld(configuration, wiring)
    if files is None:
        if configuration.firewalld is not None and wiring.firewalld.get(configuration.node) not in (*RUNNING, "masked"):
            reason = "firewalld may load it; set firewalld: managed or running"
            unknown.append(
                Unknown(origin=Origin(file=configuration.node, line=0), text="/etc/firewalld", reason=reason)
            )
        return None
    if not files.enabled and wiring.firewalld[configuration.node] == "managed":
        reason = "nothing enables firewalld, which has the rules of the machine"
        unknown.append(Unknown(origin=Origin(file=configuration.node, line=0), text="", reason=reason))
    loaded = load_firewalld(files, {name: link.zone for name, link in links if link.manager == "NetworkManager"})
    unknown += loaded.unknown
    return loaded


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


def _late_flush(configuration: Configuration) -> Iterator[Unknown]:
    if configuration.late_flush is not None:
        reason = "it may run when other programs have loaded their rules, and wipes them"
        yield Unknown(origin=configuration.late_flush, text="flush ruleset", reason=reason)


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
    if configuration.node in wiring.docker:
        rulesets.append(read_rules("Docker", docker_translation(wiring.containers.get(configuration.node, ()))))
    rulesets += (read_rules(program, text, optional=True) for program, text in programs)
    return rulesets
