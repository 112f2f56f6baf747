"""The part of the reference network that a packet from a load balancer to a pod crosses, running from its output."""

import contextlib
import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from netwright.lab import networkd, networkmanager
from netwright.lab.machine import LabMachine, boot, poll
from tests.judges.cases import Case
from tests.rigs import network_scripts, sysctl
from tests.rigs.libvirt import read_network, start_network
from tests.rigs.wires import Nic, Node, await_carriers, wire

POD = "10.42.6.10"
"""A pod on worker2, whose pod network is 10.42.6.0/24."""

INTERNET = "203.0.113.1"
"""A server behind the router."""

# Which bridge of the KVM host each virtual machine hangs on.
BRIDGES = {"lb1": "virbr_kube01", "master1": "virbr_kube02", "worker2": "virbr_kube02"}
FLATCAR = ("master1", "worker2")

# What flannel loads on a node: it is in none of our files, and decides whose address a pod sees.
FLANNEL = """
table ip flannel {
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 10.42.0.0/16 ip daddr 10.42.0.0/16 return
        ip saddr 10.42.0.0/16 ip daddr != 224.0.0.0/4 masquerade
        ip saddr != 10.42.0.0/16 ip daddr 10.42.6.0/24 return
        ip saddr != 10.42.0.0/16 ip daddr 10.42.0.0/16 masquerade
    }
}
"""

_EXECUTED_BY_HAND = re.compile(r"^ {4}(ip route replace .*)$", re.MULTILINE)


class Reference(Struct, frozen=True, kw_only=True):
    """The running machines."""

    router: LabMachine
    kvm: LabMachine
    lb1: LabMachine
    master1: LabMachine
    worker2: LabMachine
    pod: LabMachine


@contextlib.contextmanager
def start_reference(case: Case, *, without_route: str | None = None) -> Iterator[Reference]:
    """Machines that were configured by the files of the case; the KVM host lacks the route to one destination."""
    names = ("router", "kvm", "lb1", "master1", "worker2", "pod")
    with boot(*names) as machines, contextlib.ExitStack() as daemons:
        named = dict(zip(names, machines, strict=True))
        kvm = named["kvm"]
        wire(kvm, Nic(name="eth0"), named["router"], Nic(name="lan0"))
        _start_networks(case, kvm, without_route)
        for name, bridge in BRIDGES.items():
            wire(named[name], Nic(name="eth0"), kvm, Nic(name=f"vnet-{name}"))
            kvm.run("ip", "link", "set", "dev", f"vnet-{name}", "master", bridge)
        for name in ("kvm", *BRIDGES):
            daemons.enter_context(_start(case, named[name]))
            _load(case, named[name])
        _configure_router(case, named["router"])
        _start_pod(named["worker2"], named["pod"])
        assert await_carriers(*machines)
        yield Reference(**named)


def _start_networks(case: Case, kvm: LabMachine, without_route: str | None) -> None:
    for file in sorted((case.out / "kvm" / "libvirt").iterdir()):
        network = read_network(file.read_text())
        kept = tuple(route for route in network.routes if route.to != without_route)
        start_network(kvm, replace(network, routes=kept))


def _start(case: Case, machine: LabMachine) -> contextlib.AbstractContextManager[None]:
    """The node's network, started by the service that reads its files."""
    if machine.name in FLATCAR:
        return _start_networkd(case, machine)
    files = case.files(machine.name)
    if any(file.path.startswith(network_scripts.FOLDER) for file in files):
        network_scripts.configure(machine, Node(nics=(Nic(name="eth0"),), files=files))
        return contextlib.nullcontext()
    return _start_networkmanager(case, machine)


@contextlib.contextmanager
def _start_networkd(case: Case, machine: LabMachine) -> Iterator[None]:
    with networkd.networkd(machine, case.files(machine.name)):
        assert poll(lambda: networkd.is_settled(machine, ["eth0"]), seconds=20)
        yield


@contextlib.contextmanager
def _start_networkmanager(case: Case, machine: LabMachine) -> Iterator[None]:
    with networkmanager.networkmanager(machine, case.files(machine.name)) as daemon:
        assert poll(lambda: networkmanager.is_settled(daemon), seconds=20)
        yield


def _load(case: Case, machine: LabMachine) -> None:
    """Kernel parameters and the packet filter."""
    files = case.files(machine.name)
    machine.install(file for file in files if file.path.startswith(("/etc/sysctl.d/", "/etc/nftables/")))
    machine.run(sysctl.PROGRAM, "--prefix=/net")
    if any(file.path == "/etc/nftables/netwright.nft" for file in files):
        machine.run("nft", "-f", "/etc/nftables/netwright.nft")


def _configure_router(case: Case, router: LabMachine) -> None:
    """By hand, as its sheet says."""
    router.run("ip", "address", "add", "192.168.0.1/24", "dev", "lan0")
    router.run("ip", "address", "add", f"{INTERNET}/32", "dev", "lo")
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    for line in _EXECUTED_BY_HAND.findall((case.out / "router" / "handoff.md").read_text()):
        router.run(*line.split())


def _start_pod(node: LabMachine, pod: LabMachine) -> None:
    """A pod of its own network on the node, as flannel and the kubelet would set it up."""
    wire(pod, Nic(name="eth0"), node, Nic(name="cni0"))
    node.run("ip", "address", "add", "10.42.6.1/24", "dev", "cni0")
    node.run("nft", "-f", "-", stdin=FLANNEL)
    pod.run("ip", "-batch", "-", stdin=f"address add {POD}/24 dev eth0\nlink set dev eth0 up\n")
    pod.run("ip", "route", "add", "default", "via", "10.42.6.1")
