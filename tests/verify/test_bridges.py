"""Bridges as networkd and NetworkManager make them of files, and as verify sees them: judged by the programs.

Of the devices that files make, bridges are those that every kernel has; the programs treat all of them alike.
"""

import json
from collections.abc import Mapping
from contextlib import ExitStack

from netwright.lab.machine import File, LabMachine
from netwright.lab.machine import poll as await_that
from netwright.lab.networkd import networkd
from netwright.lab.networkmanager import is_settled, networkmanager
from netwright.verify.network_model.cards import named_links
from netwright.verify.network_model.devices import find_devices
from netwright.verify.network_model.sizes import interface_mtus
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.values.facts import Kind
from netwright.verify.values.wiring import AssignedLink, Assumptions, Port
from tests.rigs.wires import Nic, boot_wired

NETWORKD, KEYFILES = "/etc/systemd/network/", "/etc/NetworkManager/system-connections/"
CARDS = ("eth0", "eth1")
BRIDGES = ("br0", "br1")
Files = dict[str, str]
Seen = Mapping[str, tuple[frozenset[str], int]]
"""The ports of each bridge that is there, and its MTU."""


def _network(name: str, lines: str = "", link: str = "") -> Files:
    text = f"[Match]\nName={name}\n[Link]\n{link}\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n{lines}\n"
    return {f"{NETWORKD}10-{name}.network": text}


def _netdev(name: str, lines: str = "", file: str = "") -> Files:
    return {f"{NETWORKD}{file or f'10-{name}.netdev'}": f"[NetDev]\nName={name}\nKind=bridge\n{lines}\n"}


PLAIN = (
    _network("eth0", "Bridge=br0")
    | _network("eth1", "Bridge=br0")
    | _netdev("br0")
    | _network("br0", "Address=10.1.0.2/24")
)
BIG, SMALL = "MTUBytes=9000", "MTUBytes=1400"
OF_NETWORKD: Mapping[str, Files] = {
    "two-ports": PLAIN,
    "one-port": PLAIN | _network("eth1"),
    "no-port": PLAIN | _network("eth0") | _network("eth1"),
    "a-bond-where-a-bridge-is-meant": PLAIN | _network("eth1", "Bond=br0"),
    "a-bridge-that-no-file-makes": PLAIN | _network("eth1", "Bridge=br7"),
    "a-vlan-that-no-file-makes": PLAIN | _network("eth1", "Bridge=br0\nVLAN=eth1.5"),
    "two-bridges": PLAIN | _netdev("br1") | _network("br1") | _network("eth1", "Bridge=br1"),
    "a-drop-in": PLAIN | {f"{NETWORKD}10-br0.netdev.d/a.conf": "[Bridge]\nSTP=no\n"},
    "options": PLAIN | _netdev("br0", "[Bridge]\nSTP=no\nPriority=9\nForwardDelaySec=2\nMulticastSnooping=no"),
    "large-ports": PLAIN | _network("eth0", "Bridge=br0", BIG) | _network("eth1", "Bridge=br0", BIG),
    "a-small-port": PLAIN | _network("eth0", "Bridge=br0", SMALL),
    "a-small-bridge": PLAIN | _network("br0", "Address=10.1.0.2/24", SMALL),
}  # fmt: skip


def _profile(name: str, number: int, lines: str = "", more: str = "") -> Files:
    kind = "bridge" if name in BRIDGES else "ethernet"
    ipv4 = "" if "master=" in lines else "[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n"
    head = f"[connection]\nid=the-{name}\nuuid=b2371264-793c-5f1f-9513-646fcc75bf3{number}\ntype={kind}\n"
    return {f"{KEYFILES}{name}.nmconnection": f"{head}interface-name={name}\n{lines}\n{more}\n{ipv4}"}


def _port(name: str, number: int, master: str, kind: str = "bridge", more: str = "") -> Files:
    return _profile(name, number, f"master={master}\nslave-type={kind}", more)


UUID = "b2371264-793c-5f1f-9513-646fcc75bf39"
PROFILES = _port("eth0", 1, "br0") | _port("eth1", 2, "br0") | _profile("br0", 9)
OF_NETWORKMANAGER: Mapping[str, Files] = {
    "two-ports": PROFILES,
    "one-port": PROFILES | _profile("eth1", 2),
    "by-its-uuid": PROFILES | _port("eth1", 2, UUID),
    "by-its-uuid-in-capitals": PROFILES | _port("eth1", 2, UUID.upper()),
    "by-its-id": PROFILES | _port("eth1", 2, "the-br0"),
    "of-another-kind": PROFILES | _port("eth1", 2, "br0", "bond"),
    "of-a-bridge-that-no-profile-makes": PROFILES | _port("eth1", 2, "br7"),
    "two-bridges": PROFILES | _port("eth1", 2, "br1") | _profile("br1", 8),
    "options": PROFILES | _profile("br0", 9, more="[bridge]\nstp=false\npriority=9\nforward-delay=2"),
    "large-ports": PROFILES | _port("eth0", 1, "br0", more="[ethernet]\nmtu=9000")
    | _port("eth1", 2, "br0", more="[ethernet]\nmtu=9000"),
    "a-small-bridge": PROFILES | _profile("br0", 9, more="[ethernet]\nmtu=1400"),
}  # fmt: skip


def _kernels(machine: LabMachine) -> Seen:
    shown = json.loads(machine.run("ip", "-json", "-details", "link", "show").stdout)
    there = {one["ifname"]: one["mtu"] for one in shown if one.get("linkinfo", {}).get("info_kind") == "bridge"}
    ports = {bridge: {one["ifname"] for one in shown if one.get("master") == bridge} for bridge in there}
    return {bridge: (frozenset(ports[bridge]), mtu) for bridge, mtu in there.items()}


def _verifys(files: Files) -> Seen:
    texts = {path: Text(path=path, shown=path, text=text, mode=_mode(path)) for path, text in files.items()}
    configuration = read_configuration(
        Delivery(node="n", files=texts, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    )
    stated = (
        *(AssignedLink(name=name) for name in CARDS),
        *(AssignedLink(name=name, kind=Kind.BRIDGE, below=CARDS) for name in BRIDGES),
    )
    ports = [Port(node="n", interface=link.name, kind=link.kind) for link in stated]
    links = [*named_links(configuration, ports, [])]
    devices = find_devices(configuration, links, stated, "rocky10")
    assert (configuration.unknown, devices.unknown) == ((), ())
    mtus = interface_mtus(links, devices, (), Assumptions())
    return {name: (frozenset(devices.below[name]), mtus[name].octets) for name in devices.kinds}


def _mode(path: str) -> int:
    return 0o600 if path.startswith(KEYFILES) else 0o644


def _written(files: Files) -> list[File]:
    return [File(path=path, content=text.encode(), mode=_mode(path)) for path, text in files.items()]


def test_verify_sees_the_bridges_that_networkd_makes() -> None:
    wanted = {name: _verifys(files) for name, files in OF_NETWORKD.items()}
    nics = tuple(Nic(name=name) for name in CARDS)
    with boot_wired(dict.fromkeys(OF_NETWORKD, nics)) as machines, ExitStack() as daemons:
        for name, files in OF_NETWORKD.items():
            daemons.enter_context(networkd(machines[name], _written(files)))
        await_that(lambda: {name: _kernels(machines[name]) for name in OF_NETWORKD} == wanted, seconds=20, interval=0.5)
        found = {name: _kernels(machines[name]) for name in OF_NETWORKD}

    assert found == wanted


def test_verify_sees_the_bridges_that_networkmanager_makes() -> None:
    wanted = {name: _verifys(files) for name, files in OF_NETWORKMANAGER.items()}
    nics = tuple(Nic(name=name) for name in CARDS)
    with boot_wired(dict.fromkeys(OF_NETWORKMANAGER, nics)) as machines, ExitStack() as daemons:
        running = [
            daemons.enter_context(networkmanager(machines[name], _written(files)))
            for name, files in OF_NETWORKMANAGER.items()
        ]
        await_that(lambda: all(map(is_settled, running)), seconds=60)
        await_that(
            lambda: {name: _kernels(machines[name]) for name in OF_NETWORKMANAGER} == wanted, seconds=10, interval=0.5
        )
        found = {name: _kernels(machines[name]) for name in OF_NETWORKMANAGER}

    assert found == wanted
