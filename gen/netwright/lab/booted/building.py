"""A network of machines that boot, from what is delivered to each and nothing else: built, booted, booted again."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from msgspec import Struct

from netwright.lab import containers
from netwright.lab.applying import Progress
from netwright.lab.boot import power_on
from netwright.lab.booted.base import debian
from netwright.lab.booted.delivery import NodeSeed, RefusedError, apply_ignition, lay_seed, read_delivery
from netwright.lab.booted.families import DOES_NOTHING, IFCFG_LOG, family_of
from netwright.lab.booted.fitting import fit_root, fit_seed, lay_keys
from netwright.lab.booted.holding import Holding, start_holding
from netwright.lab.booted.libvirt import DefinedNetwork, read_networks, server_of
from netwright.lab.booted.machine import PATIENCE, BootedMachine, Startup, booting
from netwright.lab.booted.moving import Caller, Move, try_moves
from netwright.lab.booted.needs import check_cards, check_room
from netwright.lab.booted.quiet import Ears
from netwright.lab.booted.roots import Roots
from netwright.lab.booted.sheet import follow_sheet
from netwright.lab.booted.surroundings import Site, add_docker, add_internets, add_libvirt, add_pods, make_bridge
from netwright.lab.booted.world import OuterMachine, opened
from netwright.lab.cabling import OUTSIDE, SWITCH, Cables, cable, join_bridges, outsides
from netwright.lab.containers import rooms_of
from netwright.lab.devices import devices_by_sheet, make_devices
from netwright.lab.namespaces import Namespaces
from netwright.lab.plugs import remark_on_bridges
from netwright.lab.servers import Servers, is_here, macs_of, other_servers
from netwright.lab.surroundings import pods_of, remark_on_plugin
from netwright.lab.tunnels import Keyring, await_handshakes, configure_tunnels, make_keys, own_keys
from netwright.text.counting import list_some
from netwright.verify.reading.formats.handoff import read_handoff
from netwright.verify.values.wiring import Assumptions, Wiring

_UNITS_SHOWN = 5
_DEBIAN = "a Debian in place of"


class BootOrder(Struct, frozen=True, kw_only=True):
    """Order of what to boot: the files below `out`, wired, with the root file systems that the user has by system.

    `tried` are the addresses of pods and of the internet that conversations name, by namespace.
    """

    out: Path
    wiring: Wiring
    assumptions: Assumptions
    images: Mapping[str, Path]
    tried: Mapping[str, Sequence[int]]


class BootedNetwork(Struct, frozen=True, kw_only=True):
    """A network whose machines have booted; `absent` are those that did not come up."""

    spaces: Namespaces
    machines: Mapping[str, BootedMachine]
    roots: Roots
    remarks: tuple[str, ...]
    moves: tuple[Move, ...]
    holding: Holding
    ears: Ears

    def await_quiet(self) -> None:
        """Waits until nothing changes."""
        self.ears.await_quiet(lambda: True, PATIENCE)


class Computers:
    """The machines' disks: what one boot writes, the next one finds."""

    def __init__(self, world: OuterMachine, order: BootOrder, progress: Progress) -> None:
        """Lays out what is delivered. Raises LabError."""
        check_cards(order.wiring)
        self.world, self.order = world, order
        self.remarks: list[str] = []
        self.keyring = make_keys(order.wiring)
        self.deliveries: dict[str, NodeSeed] = {}
        for node in order.wiring.systems:
            delivery = read_delivery(order.out, node)
            if delivery is None:
                self.remarks.append(f"{node} stays off: nothing is delivered to it")
            else:
                self.deliveries[node] = delivery
        check_room(len(self.deliveries))
        self.kinds = {node: self._kind(node) for node in self.deliveries}
        self.roots = self._make_roots(progress)
        self.paths: dict[str, str] = {}
        self.binds: dict[str, str] = {}
        for number, (node, delivery) in enumerate(self.deliveries.items()):
            progress("laying out what is delivered", number, len(self.deliveries))
            self._lay(node, delivery)

    def _kind(self, node: str) -> str:
        """Nodes that share a layer: those of one system, and with firewalld or without it."""
        system = self.order.wiring.systems[node]
        has_firewalld = self.order.wiring.firewalld.get(node) in ("running", "masked")
        return f"{system}.firewalld" if has_firewalld and system not in self.order.images else system

    def _make_roots(self, progress: Progress) -> Roots:
        systems = {kind: kind.split(".")[0] for kind in self.kinds.values()}
        needed = sorted({*systems.values()} - self.order.images.keys())
        bases: dict[str, str] = {}
        made = None
        if needed:
            made, is_new = debian(progress)
            how = "made now and kept" if is_new else "kept"
            self.remarks.append(f"Booted: {_DEBIAN} {', '.join(needed)} ({how} in {made}); see docs/lab.md.")
        for kind, system in systems.items():
            image = self.order.images.get(system, made)
            place = f"/run/images/{kind}"
            self.world.run("mkdir", "-p", place)
            self.world.run("mount", "--bind", str(image), place)
            bases[kind] = place
        for system in sorted({*systems.values()} & self.order.images.keys()):
            self.remarks.append(f"Booted: {self.order.images[system]} as {system}.")
        roots = Roots(world=self.world, bases=bases)
        for kind, system in systems.items():
            if system not in self.order.images:
                roots.prepare(kind, family_of(system, firewalld=kind != system))
        return roots

    def _lay(self, node: str, delivery: NodeSeed) -> None:
        root = self.roots.make(node, self.kinds[node])
        lay_keys(self.world, root, own_keys(self.order.wiring, self.keyring, node))
        if delivery.ignition is None:
            is_debian = self.order.wiring.systems[node] not in self.order.images
            self.binds[node] = lay_seed(self.world, node, fit_seed(delivery, self.keyring, is_debian=is_debian))
        else:
            try:
                self.remarks += apply_ignition(self.world, node, root, delivery.ignition)
                fit_root(self.world, root, self.order.wiring.links.get(node, ()), self.keyring)
            except RefusedError as refused:
                self.remarks.append(f"{node} does not come up: Ignition: {refused}")
                return
        self.paths[node] = root


@contextlib.contextmanager
def computers(order: BootOrder, progress: Progress) -> Iterator[Computers]:
    """The machines, switched off, until the block ends. Raises LabError."""
    with opened() as world:
        yield Computers(world, order, progress)


@contextlib.contextmanager
def booted(computers: Computers, progress: Progress, callers: Mapping[int, Caller] | None) -> Iterator[BootedNetwork]:
    """The machines on, and all that is around them; a boot after another one finds what that has written.

    With `callers`, by virtual address, those addresses are moved first.
    """
    order, world = computers.order, computers.world
    networks = {node: read_networks(order.out, node) for node in order.wiring.nodes}
    spaces = Namespaces(_names(order.wiring))
    try:
        with contextlib.ExitStack() as opened_files:
            for name in spaces.names:
                power_on(spaces, name)
            cables = Cables()
            waiting = cable(spaces, order.wiring, cables)
            paths = {node: world.attach(spaces, node) for node in computers.paths}
            opened_files.callback(world.detach, [*paths])
            ears = Ears(spaces, tuple(paths), opened_files)
            servers = opened_files.enter_context(contextlib.closing(Servers(spaces)))
            remarks = [*_serve(spaces, order.wiring, networks, servers)]
            with booting(world, computers.paths, paths, computers.binds) as boot:
                remarks += _follow_sheets(spaces, order, computers.keyring)
                remarks += _await(boot, ears, progress, lambda: join_bridges(spaces, waiting))
                progress("adding what other programs make", 0, 0)
                site = Site(
                    spaces=spaces,
                    cables=cables,
                    machines=boot.machines,
                    wiring=order.wiring,
                    assumptions=order.assumptions,
                )
                tried = defaultdict(tuple, {name: tuple(ips) for name, ips in order.tried.items()})
                add_libvirt(site, networks)
                join_bridges(spaces, waiting)
                add_pods(site, tried)
                add_docker(site)
                add_internets(site, tried, tuple(computers.keyring.doors.values()))
                await_handshakes(spaces, order.wiring)
                remarks += remark_on_plugin(order.assumptions)
                remarks += remark_on_bridges(order.wiring)
                remarks += containers.remarks(order.wiring.containers)
                remarks += _look(computers, boot.machines)
                moving = () if callers is None else try_moves(spaces, boot.machines, order.wiring, callers, progress)
                moves = tuple(moving)
                holding = start_holding(spaces, boot.machines, order.wiring.held)
                remarks += holding.remarks()
                yield BootedNetwork(
                    spaces=spaces,
                    machines=boot.machines,
                    roots=computers.roots,
                    remarks=tuple(remarks),
                    moves=moves,
                    holding=holding,
                    ears=ears,
                )
    finally:
        spaces.close()


def _names(wiring: Wiring) -> tuple[str, ...]:
    pods = dict.fromkeys(pods_of(pods.node) for pods in wiring.pod_networks)
    return (*wiring.nodes, *pods, *rooms_of(wiring), *(outsides(wiring) or (OUTSIDE,)), SWITCH)


def _serve(
    spaces: Namespaces, wiring: Wiring, networks: Mapping[str, Sequence[DefinedNetwork]], servers: Servers
) -> Iterator[str]:
    """Starts what leases addresses to machines that boot; remarks where there is none.

    libvirt's bridges are there before their hosts boot then, which a lease of theirs has to wait for otherwise.
    """
    leased = [one for one in wiring.addresses if one.leased]
    if leased and not is_here():
        yield "dnsmasq is not here (install dnsmasq-base): no addresses are leased."
    elif leased:
        for node, own in networks.items():
            for network in own:
                make_bridge(spaces, node, network)
                servers.start(server_of(node, network))
        known = [one.network for own in networks.values() for network in own for one in network.addresses]
        servers.start(
            other_servers(
                [one for one in leased if not _is_among(one.ip, known)], wiring, macs_of(spaces, wiring.nodes)
            )
        )
        yield "Addresses were leased by dnsmasq: those that the topology reserves."


def _is_among(ip: int, networks: Sequence[IPv4Network]) -> bool:
    return any(IPv4Address(ip) in network for network in networks)


def _follow_sheets(spaces: Namespaces, order: BootOrder, keyring: Keyring) -> Iterator[str]:
    for node in order.wiring.nodes:
        if node not in order.wiring.systems:
            yield from _make_by_hand(spaces, order, node, keyring)
            ports = [port for segment in order.wiring.segments for port in segment.ports if port.node == node]
            yield from follow_sheet(spaces, order.out, node, tuple(port.interface for port in ports))


def _make_by_hand(spaces: Namespaces, order: BootOrder, node: str, keyring: Keyring) -> Iterator[str]:
    """Makes the devices that a person makes by a node's sheet, and yields complaints."""
    path = order.out / node / "handoff.md"
    asked = read_handoff(str(path), path.read_text(encoding="utf-8")).devices if path.is_file() else []
    make_devices(spaces, node, [*devices_by_sheet(order.wiring.links.get(node, ()), asked)])
    yield from configure_tunnels(spaces, node, asked, [*own_keys(order.wiring, keyring, node)], keyring)


def _await(boot: Startup, ears: Ears, progress: Progress, join: Callable[[], None]) -> Iterator[str]:
    """Waits until every machine has started and nothing changes; remarks on those that do not."""
    count = len(boot.starting)

    def is_ready() -> bool:
        join()
        waiting = boot.waiting()
        progress("booting", count - len(waiting), count)
        return not waiting

    if not ears.await_quiet(is_ready, PATIENCE):
        for name in boot.waiting():
            jobs = boot.machines[name].waiting_jobs() if name in boot.machines else ("systemd",)
            yield f"{name} is still starting after {PATIENCE:.0f} s: {list_some(jobs, _UNITS_SHOWN)}"


def _look(computers: Computers, machines: Mapping[str, BootedMachine]) -> Iterator[str]:
    """Return what the machines complain of, and what is delivered to them of which a container does nothing."""
    for name, machine in machines.items():
        failed = machine.failed_units()
        if failed:
            yield f"{name}: systemd could not start {list_some(failed, _UNITS_SHOWN)}"
        log = machine.run("cat", IFCFG_LOG).stdout
        yield from (
            f"{name}: not understood by what stands in for the ifcfg plugin: {line}" for line in log.splitlines()
        )
        for folder, why in DOES_NOTHING.items():
            yield from (f"{name}: {path} does nothing here: {why}" for path in computers.roots.changed(name, folder))
        links = computers.roots.changed(name, "/etc/systemd/network")
        yield from (f"{name}: {path} does nothing here: udev does not run" for path in links if path.endswith(".link"))
