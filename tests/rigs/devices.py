"""Machines with bonds, bridges, VLANs and dummy devices, configured in the emulator by their own network service.

All cases run side by side, in two boots at a time. What is found stays text and JSON as the programs wrote it until a
test asks for a machine.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from netwright.files.artifact import NodeFile
from netwright.lab import networkd, networkmanager
from netwright.model import Family, Vlan
from netwright.plan.types import Link, NodePlan
from tests.rigs import emulator
from tests.rigs.kernel import QUESTIONS, Kernel, parse_kernel
from tests.rigs.trunk import Cable, networks_of, plan_trunk

_SCRIPT = Path(__file__).with_name("emulated.sh")
_SERVICES = {Family.FLATCAR: "networkd", Family.ROCKY: "networkmanager"}
_HEADERS = 28
"""Bytes of an IPv4 packet that are not those of a ping."""
_USUAL_MTU = 1500


class Fleet(Struct, frozen=True, kw_only=True):
    """The machines of a case: plans and files, by node."""

    plans: Mapping[str, NodePlan]
    files: Mapping[str, Sequence[NodeFile]]


class Ping(Struct, frozen=True, kw_only=True):
    """A question of a node to an address: with the largest packet, or by an interface that does not lead there."""

    node: str
    to: str
    options: str


class MachineReport(Struct, frozen=True, kw_only=True):
    """Result of one machine: its kernel when its service was done, the service's states of links and complaints.

    `waited` is the exit status of what holds units back until the network is up, `survived` the kernel after the loss
    of a cable, `vlans` what `bridge` says of the ports.
    """

    kernel: Kernel
    survived: str
    talking: str
    vlans: str
    states: Mapping[str, str]
    waited: int
    complaints: tuple[str, ...]
    log: str


def run_fleets(fleets: Mapping[str, Fleet], folder: Path) -> None:
    """Boot the emulator once for each half of the cases, both at a time, and leave the results in the folder."""
    largest_first = sorted(fleets, key=lambda case: len(fleets[case].plans), reverse=True)
    halves: tuple[dict[str, Fleet], ...] = ({}, {})
    for case in largest_first:
        smaller = min(halves, key=lambda half: sum(len(fleet.plans) for fleet in half.values()))
        smaller[case] = fleets[case]
    with ThreadPoolExecutor(len(halves)) as pool:
        for output in pool.map(_boot, halves, (folder / str(number) for number in range(len(halves)))):
            print(output)


def _boot(fleets: Mapping[str, Fleet], folder: Path) -> str:
    """Boot the emulator once; return its output."""
    cables = [(case, cable) for case, fleet in fleets.items() for cable in plan_trunk(fleet.plans).cables]
    hardware = [(case, cable) for case, cable in cables if cable.mac is not None]
    for case, fleet in fleets.items():
        _write_switch(folder / "switches" / case, fleet)
        for node, plan in fleet.plans.items():
            _write_machine(folder / "machines" / f"{case}.{node}", plan, fleet.files[node])
    _write_lines(folder / "cables", itertools.chain.from_iterable(_cable(*one) for one in cables if one[1].mac is None))
    _write_lines(folder / "cards", itertools.chain.from_iterable(map(_cards, hardware, itertools.count())))
    _write_lines(folder / "questions", (f"{name} {' '.join(words)}" for name, words in QUESTIONS.items()))
    _write_lines(folder / "links", [f"links {' '.join(QUESTIONS['links'])}"])
    for name, pings in (("talk", pings_to_answer), ("silent", pings_to_nowhere)):
        asked = [(case, ping) for case, fleet in fleets.items() for ping in pings(fleet.plans)]
        _write_lines(folder / name, (f"{case}.{ping.node} {ping.to} {ping.options}" for case, ping in asked))
    devices = [argument for number, one in enumerate(hardware) for argument in _device(one[1], number)]
    return emulator.emulate(_SCRIPT.read_text(), folder, devices=devices)


def _write_switch(folder: Path, fleet: Fleet) -> None:
    trunk = plan_trunk(fleet.plans)
    for name, lines in (("ip", trunk.ip), ("bridge", trunk.bridge), ("pulled", trunk.pulled)):
        _write_lines(folder / name, lines)


def _write_machine(folder: Path, plan: NodePlan, files: Sequence[NodeFile]) -> None:
    service = _SERVICES[plan.family]
    if service == "networkmanager":
        files = [
            *(file for file in files if file.path.startswith((networkmanager.FOLDER, networkd.FOLDER))),
            NodeFile(path=networkmanager.CONFIG_PATH, content=networkmanager.CONFIG),
            NodeFile(path=networkmanager.BUS_CONFIG_PATH, content=networkmanager.BUS_CONFIG),
        ]
    else:
        files = [file for file in files if file.path.startswith(networkd.FOLDER)]
    for file in files:
        place = folder / "rootfs" / file.path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        place.chmod(file.mode)
    _write_lines(folder / "service", [service])
    _write_lines(folder / "links", (link.name for link in plan.links))


def _write_lines(path: Path, lines: Iterator[str] | Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def _cable(case: str, cable: Cable) -> Iterator[str]:
    """What `ip` is told, to make the cable: both ends at once, in the namespaces of the machine and of the switch."""
    yield f"link add name {cable.first} netns {case}.{cable.node} type veth peer name {cable.port} netns {case}"


def _cards(one: tuple[str, Cable], number: int) -> Iterator[str]:
    """Who gets which card of hardware, and its name there: the machine's end of the cable, and the switch's."""
    case, cable = one
    yield f"{(cable.mac or '').lower()} {case}.{cable.node} {cable.first}"
    yield f"{_port_mac(number)} {case} {cable.port}"


def _device(cable: Cable, number: int) -> Iterator[str]:
    """What QEMU is told: two cards, and a hub between them. Only such ones have a permanent MAC; LACP needs a speed."""
    for end, mac in (("card", cable.mac), ("port", _port_mac(number))):
        yield from ("-netdev", f"hubport,id={end}{number},hubid={number}")
        yield from ("-device", f"virtio-net-pci,netdev={end}{number},mac={mac},speed=1000,duplex=full,romfile=")


def _port_mac(number: int) -> str:
    return f"06:00:00:00:00:{number:02x}"


def pings_to_answer(plans: Mapping[str, NodePlan]) -> Iterator[Ping]:
    """A ping from each node to each later one on each network of both, as large as the network takes it."""
    for one, other in itertools.combinations(plans.values(), 2):
        for link, peer in itertools.product(one.links, other.links):
            if {*networks_of(link)} & {*networks_of(peer)} and link.kind != "dummy" and _has_ports(link):
                size = (link.mtu or _USUAL_MTU) - _HEADERS
                yield Ping(node=one.name, to=str(peer.addresses[0].ip), options=f"-w 10 -M do -s {size}")


def _has_ports(link: Link) -> bool:
    return link.kind != "bridge" or bool(link.device and getattr(link.device, "members", ()))


def pings_to_nowhere(plans: Mapping[str, NodePlan]) -> Iterator[Ping]:
    """A ping by each VLAN interface to each address of a node that is on its trunk, but not on this network."""
    for one, other in itertools.permutations(plans.values(), 2):
        for link in one.links:
            present = {network for peer in other.links for network in networks_of(peer)}
            if isinstance(link.device, Vlan) and link.addresses and not present & {*networks_of(link)}:
                for peer in other.links:
                    if isinstance(peer.device, Vlan) and peer.addresses:
                        yield Ping(node=one.name, to=str(peer.addresses[0].ip), options=f"-w 4 -I {link.name}")


def read_pings(folder: Path, name: str, case: str) -> dict[tuple[str, str], bool]:
    """Whether each ping of a case was answered, by node and address; `name` is talk, silent or survive."""
    rows = [line.split() for one in folder.glob(f"*/results/{name}") for line in one.read_text().splitlines()]
    names = [(*whole.rsplit(".", 1), to, status) for whole, to, status in rows]
    return {(node, to): status == "0" for of, node, to, status in names if of == case}


def read_machine(folder: Path, case: str, plan: NodePlan) -> MachineReport:
    """The result of one machine."""
    (place,) = folder.glob(f"*/results/{case}.{plan.name}")
    log = (place / "log").read_text(errors="replace")
    read_complaints = {"networkd": networkd.read_complaints, "networkmanager": networkmanager.read_complaints}
    complaints = read_complaints[_SERVICES[plan.family]](log.splitlines())
    states = [line.rsplit(":", 1) for line in _text(place / "states").splitlines()]
    return MachineReport(
        kernel=parse_kernel({name: (place / f"before.{name}").read_text() for name in QUESTIONS}),
        survived=(place / "survived.links").read_text(),
        vlans=(place / "before.vlans").read_text(),
        talking=(place / "talking.links").read_text(),
        states={re.sub(r"\\(.)", r"\1", name): state for name, state in states if name != "lo"},
        waited=int(_text(place / "online").strip() or -1),
        complaints=complaints,
        log=log,
    )


def _text(path: Path) -> str:
    """The text of a file, "" if the machine did not come so far."""
    return path.read_text() if path.exists() else ""
