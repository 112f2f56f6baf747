"""A network of namespaces from the files below OUT."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from netwright.lab import containers
from netwright.lab.applying import IP_ALONE, Applier, Choice, Progress, Site
from netwright.lab.boot import Guest, SysctlFiles, configure, power_on, read_guest, relax, run_commands
from netwright.lab.cabling import OUTSIDE, SWITCH, Cables, Waiting, cable, outsides
from netwright.lab.containers import rooms_of
from netwright.lab.devices import refuse_missing
from netwright.lab.leases import apply_leased
from netwright.lab.namespaces import LabError, Namespaces
from netwright.lab.outside import add_internet
from netwright.lab.plugs import remark_on_bridges
from netwright.lab.probes import Trial
from netwright.lab.surroundings import (
    add_encrypted,
    add_held,
    add_overlay,
    add_pods,
    add_programs,
    load_rules,
    pods_of,
    remark_on_plugin,
)
from netwright.lab.tunnels import NO_KEYS, Keyring, await_handshakes, make_keys
from netwright.verify.network_model.network import Network, Place
from netwright.verify.proof.proof import build_networks
from netwright.verify.values.boots import Boot
from netwright.verify.values.wiring import Assumptions, Wiring


class LabPlan(Struct, frozen=True, kw_only=True):
    """Plan of what is to be built: the nodes with their files, and the network as verify sees it."""

    guests: tuple[Guest, ...]
    network: Network


class Lab(Struct, frozen=True, kw_only=True):
    """A network that stands, and remarks on who applied which files, and their complaints."""

    spaces: Namespaces
    plan: LabPlan
    remarks: tuple[str, ...]
    keyring: Keyring = NO_KEYS


class _Powered(Struct, frozen=True, kw_only=True):
    """Needs of adding to nodes that run: numbers for cables, and each node's sysctl.d."""

    cables: Cables
    sysctls: dict[str, SysctlFiles]
    remarks: tuple[str, ...]
    keyring: Keyring


def read_plans(out: Path, wiring: Wiring, assumptions: Assumptions) -> tuple[LabPlan, ...]:
    """The plans of the files below `out`: one for each turn of who holds its virtual addresses."""
    guests = tuple(read_guest(out, name, wiring) for name in wiring.nodes)
    forms = build_networks([guest.configuration for guest in guests], wiring, assumptions)
    return tuple(LabPlan(guests=guests, network=network) for network in forms if network.boot != Boot.BEFORE)


@contextlib.contextmanager
def built(plan: LabPlan, trials: Sequence[Trial], progress: Progress, choice: Choice = IP_ALONE) -> Iterator[Lab]:
    """The network, standing until the block ends; pods and the internet have the addresses that the trials need.

    The daemons of the choice apply the files that are for them; for all others `ip` applies them.
    """
    refuse_missing(plan.network.wiring, plan.network.assumptions)
    spaces = Namespaces(names_of(plan))
    try:
        with contextlib.ExitStack() as opened:
            powered = _boot(spaces, plan, progress, choice, opened)
            _surround(spaces, plan, trials, powered)
            remarks = [line for guest in plan.guests for line in run_commands(spaces, guest, plan.network.boot)]
            await_handshakes(spaces, plan.network.wiring)
        remarks += remark_on_plugin(plan.network.assumptions)
        remarks += remark_on_bridges(plan.network.wiring)
        remarks += containers.remarks(plan.network.wiring.containers)
        yield Lab(spaces=spaces, plan=plan, remarks=(*powered.remarks, *remarks), keyring=powered.keyring)
    finally:
        spaces.close()


def namespace_of(place: Place) -> str:
    """The name of the namespace in which an IP of the place is."""
    if place.kind == "outside":
        return OUTSIDE
    return pods_of(place.machine.name) if place.kind == "pod" else place.machine.name


def names_of(plan: LabPlan) -> tuple[str, ...]:
    """The names of all namespaces: nodes, their pods and containers, the internet, and the switches between."""
    pods = [pods_of(machine.name) for machine in plan.network.machines.values() if machine.pods]
    rooms = rooms_of(plan.network.wiring)
    return (
        *(guest.name for guest in plan.guests),
        *pods,
        *rooms,
        *(outsides(plan.network.wiring) or (OUTSIDE,)),
        SWITCH,
    )


def _boot(
    spaces: Namespaces, plan: LabPlan, progress: Progress, choice: Choice, opened: contextlib.ExitStack
) -> _Powered:
    """Every node with its own files applied, in the order in which a machine boots."""
    for name in spaces.names:
        power_on(spaces, name)
    cables, wiring, keyring = Cables(), plan.network.wiring, make_keys(plan.network.wiring)
    site = Site(spaces=spaces, wiring=wiring, waiting=cable(spaces, wiring, cables), keyring=keyring)
    sysctls = {}
    remarks: list[str] = []
    for number, guest in enumerate(plan.guests):
        progress("building nodes", number, len(plan.guests))
        leads_out = wiring.exit_of(guest.name) is not None
        sysctl = sysctls[guest.name] = opened.enter_context(
            contextlib.closing(SysctlFiles(spaces, guest, plan.network.boot, leads_out=leads_out))
        )
        complaint = sysctl.apply()
        complaints = [f"systemd-sysctl: {line}" for line in complaint.splitlines()]
        remarks += (f"{guest.name}: {line}" for line in (*complaints, *load_rules(spaces, plan.network, guest)))
    applier = Applier(site, choice, progress)
    leased = [guest for guest in plan.guests if guest.is_leased]
    applier.apply([guest for guest in plan.guests if not guest.is_leased])
    for guest in plan.guests:
        _tune_devices(spaces, guest, sysctls[guest.name])
        _add_bridges(spaces, guest, sysctls[guest.name], site.waiting)
    if leased:
        remarks += apply_leased(site, applier, plan.guests, by_daemons=bool(choice.programs))
        for guest in leased:
            _tune_devices(spaces, guest, sysctls[guest.name])
    return _Powered(cables=cables, sysctls=sysctls, remarks=(*applier.remarks(), *remarks), keyring=keyring)


def _tune_devices(spaces: Namespaces, guest: Guest, sysctl: SysctlFiles) -> None:
    """Applies parameters to the devices that daemons have made, as udev does it, and NetworkManager after it."""
    devices = [link.name for link in guest.stated if link.kind is not None]
    for name in devices:
        sysctl.apply_to(name)
    relax(
        spaces, guest.name, [name for name, link in guest.named if name in devices and link.manager == "NetworkManager"]
    )


def _surround(spaces: Namespaces, plan: LabPlan, trials: Sequence[Trial], powered: _Powered) -> None:
    tried = _addresses_tried(trials)
    add_held(spaces, plan.network)
    for name, machine in plan.network.machines.items():
        sysctl = powered.sysctls[name]
        if machine.pods:
            usual = {pods.first + 2 for pods in machine.pods}
            ips = sorted(usual | tried.get(pods_of(name), set()))
            add_pods(spaces, powered.cables, machine, sysctl, ips)
            add_overlay(spaces, plan.network, machine, sysctl)
        add_programs(spaces, powered.cables, plan.network, machine, sysctl)
    add_encrypted(spaces, plan.network, lambda node, interface: powered.sysctls[node].apply_to(interface))
    ips = sorted(tried.get(OUTSIDE, set()))
    add_internet(
        spaces,
        powered.cables,
        plan.network.wiring,
        lambda node, interface: powered.sysctls[node].apply_to(interface),
        ips,
        doors=tuple(powered.keyring.doors.values()),
    )


def _add_bridges(spaces: Namespaces, guest: Guest, sysctl: SysctlFiles, waiting: Waiting) -> None:
    """libvirt's networks, which come when the machine is up already."""
    links = []
    for network in guest.configuration.networks:
        bridge = network.bridge.name
        if bridge is None:
            raise LabError(f"{guest.name}: the libvirt network {network.name} names no bridge")
        spaces.ip(guest.name, [f"link add name {bridge} type bridge forward_delay 0"])
        sysctl.apply_to(bridge)
        ends = waiting.pop((guest.name, bridge), [])
        spaces.ip(guest.name, [f"link set {end} master {bridge} up" for end in ends])
        links.append((bridge, network.bridge))
    configure(spaces, guest.name, links)


def _addresses_tried(trials: Sequence[Trial]) -> dict[str, set[int]]:
    """The IPs of pods and of the internet that the trials speak of, by namespace."""
    tried: dict[str, set[int]] = {}
    for trial in trials:
        for probe in trial.probes:
            for ip, place in ((probe.source, probe.sender), (probe.destination, probe.home)):
                if place is not None and place.kind != "machine":
                    tried.setdefault(namespace_of(place), set()).add(ip)
    return tried
