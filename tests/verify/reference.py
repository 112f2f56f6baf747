"""The reference network and the guides, generated, and wired by hand: what a command line makes of the topology."""

from pathlib import Path

from click.testing import CliRunner

from netwright.commands.main import netwright
from netwright.verify import Exit, Flow, HeldAddress, PodNetwork, Port, Segment, Traffic, Wiring, parse_ip, parse_prefix
from netwright.verify.values.addresses import Prefix, Ranges

HERE = Path(__file__).resolve().parent
NODES = {
    "worker1": "10.42.0.0/24",
    "master1": "10.42.1.0/24",
    "master2": "10.42.3.0/24",
    "master3": "10.42.4.0/24",
    "worker3": "10.42.5.0/24",
    "worker2": "10.42.6.0/24",
    "worker4": "10.42.9.0/24",
}


def generate(folder: Path, topology: str) -> Path:
    """The directory that generate makes of the topology."""
    path = folder / "topology.yaml"
    path.write_text(topology, encoding="utf-8")
    done = CliRunner().invoke(netwright, ["generate", str(path), "-o", str(folder / "out")])
    assert done.exit_code == 0, done.output
    return folder / "out"


def prefix(text: str) -> Prefix:
    """The network."""
    found = parse_prefix(text)
    assert found is not None
    return found


def ranges(*texts: str) -> Ranges:
    """The networks as ranges."""
    return tuple(prefix(text).range for text in texts)


def reference_wiring() -> Wiring:
    """Three libvirt networks routed by the KVM host."""
    held = parse_ip("10.17.5.10")
    assert held is not None
    return Wiring(
        nodes=("router", "kvm", "api-lb", "lb1", "lb2", "haproxy1", *NODES),
        segments=(
            _segment("lan", ("router", "lan0"), ("kvm", "eth0"), ("api-lb", "eth0")),
            _segment("kube01", ("kvm", "virbr_kube01"), ("lb1", "eth0"), ("lb2", "eth0"), bridged=True),
            _segment("kube02", ("kvm", "virbr_kube02"), *((node, "eth0") for node in NODES), bridged=True),
            _segment("kube03", ("kvm", "virbr_kube03"), ("haproxy1", "eth0"), bridged=True),
        ),
        pod_networks=tuple(
            PodNetwork(network=prefix(network), node=node, interface="eth0") for node, network in NODES.items()
        ),
        pods=prefix("10.42.0.0/16"),
        services=prefix("10.43.0.0/16"),
        held=(HeldAddress(ip=held, node="haproxy1", interface="eth0"),),
        exits=(Exit(node="router"),),
        systems=dict.fromkeys(NODES, "flatcar") | dict.fromkeys(("kvm", "api-lb", "lb1", "lb2", "haproxy1"), "rocky9"),
    )


def shared_wiring() -> Wiring:
    """The first guide's: everything on one segment, 10.42.9.0/24 on worker2 too."""
    owners = {network: node for node, network in NODES.items()} | {"10.42.9.0/24": "worker2"}
    guests = ("lb1", "lb2", "haproxy1", *NODES)
    return Wiring(
        nodes=("kvm", *guests),
        segments=(_segment("kube", ("kvm", "virbr_kube"), *((node, "eth0") for node in guests), bridged=True),),
        pod_networks=tuple(
            PodNetwork(network=prefix(network), node=node, interface="eth0") for network, node in owners.items()
        ),
        pods=prefix("10.42.0.0/16"),
        systems=dict.fromkeys(NODES, "flatcar"),
    )


def _segment(name: str, *ports: tuple[str, str], bridged: bool = False) -> Segment:
    made = tuple(Port(node=node, interface=interface) for node, interface in ports)
    return Segment(name=name, ports=made, bridge=made[0] if bridged else None)


INGRESS_TO_PODS = Flow(
    name="ingress-to-pods",
    sources=ranges("10.17.3.12/32", "10.17.3.13/32"),
    destinations=ranges("10.42.0.0/16"),
    traffic=(Traffic(protocol="icmp"), Traffic(protocol="tcp", ports=(8080, 8080))),
    nat_allowed=False,
)
