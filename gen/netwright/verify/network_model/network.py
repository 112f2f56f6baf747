"""All machines, wired: who is on which segment, who owns which IP, where pods are and where the internet begins."""

from bisect import bisect_right
from collections.abc import Mapping

from msgspec import Struct, field

from netwright.verify.network_model.assigned import Assignment, Mismatch
from netwright.verify.network_model.assumed import INTERNET, foreign_address
from netwright.verify.network_model.difference import Difference
from netwright.verify.network_model.fib import Overlay
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.node_ports import NodePorts
from netwright.verify.network_model.programs import CONTAINER_IP, DOCKER
from netwright.verify.network_model.segments import WiredSegment
from netwright.verify.network_model.trace import PlaceKind
from netwright.verify.reading.asking import Asking
from netwright.verify.reading.formats.haproxy import Balancer
from netwright.verify.reading.formats.hosts import HostsFile
from netwright.verify.reading.formats.k3s import K3sSetting
from netwright.verify.reading.formats.keepalived import Instance
from netwright.verify.values.addresses import (
    AddressNumber,
    Ranges,
    complement,
    contains,
    format_ip,
    network_of,
)
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Unknown
from netwright.verify.values.packets import PROTOCOLS, Packet
from netwright.verify.values.wiring import (
    AssignedAddress,
    Assumptions,
    Forward,
    HeldAddress,
    PodNetwork,
    Wiring,
)


class Place(Struct, frozen=True, kw_only=True):
    """Place of an IP: on a machine, in a pod of a machine, or outside, behind the machines that lead there (of which
    it names the first)."""

    kind: PlaceKind
    machine: Machine


def describe_place(place: Place | None) -> str:
    """Return the owner's name, in a few words."""
    if place is None:
        return "unassigned"
    name = place.machine.name
    inner = {"pod": f"pods of {name}", "container": f"containers of {name}", "outside": "the internet"}
    return inner.get(place.kind, name)


class Network(Struct, frozen=True, kw_only=True, eq=False):
    """The whole of it. `assignment` is what distinguishes the topology's addresses from those of the files.

    `unloaded` are each node's rulesets that nothing loads, `vrrp` its instances of keepalived. `boot` tells on which
    boot the machines are so, and `twofold` are those that differ. `policed` is False where
    K3s is told to enforce no NetworkPolicy; `long` are the nodes whose rules are too many to be shown to nft; `ends`
    are the node and the interface that has each public key of WireGuard. `node_ports` are those of Kubernetes nodes at
    which Services may take packets; `balancers` are what HAProxy does on nodes, `nonlocal_binds` those on which it may
    listen at addresses of others; `hosts` are nodes' files with names, `asking` the servers that
    they ask for names and the time, `k3s` what K3s is told on nodes.
    `collected` are the machines that are as their records have them, `differences` what distinguishes each of these
    from its files, and `allotted` the pod network that the topology gives to nodes that have another one; `holders`
    are then all that may hold virtual addresses.
    """

    machines: dict[str, Machine]
    segments: dict[tuple[str, str], WiredSegment]
    overlay: Overlay | None
    wiring: Wiring
    assumptions: Assumptions
    owners: dict[int, Machine]
    pod_starts: tuple[int, ...]
    pod_networks: tuple[PodNetwork, ...]
    inside: Ranges
    assignment: Assignment
    unmanaged: tuple[str, ...] = ()
    fetching: tuple[str, ...] = ()
    vouched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unloaded: Mapping[str, tuple[Unknown, ...]] = field(default_factory=dict)
    vrrp: Mapping[str, tuple[Instance, ...]] = field(default_factory=dict)
    boot: Boot = Boot.EVERY
    twofold: tuple[str, ...] = ()
    policed: bool = True
    ends: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    assumed_leases: tuple[AssignedAddress, ...] = ()
    long: tuple[str, ...] = ()
    node_ports: NodePorts = field(default_factory=dict)
    balancers: Mapping[str, Balancer] = field(default_factory=dict)
    nonlocal_binds: frozenset[str] = frozenset()
    hosts: Mapping[str, tuple[HostsFile, ...]] = field(default_factory=dict)
    asking: Mapping[str, Asking] = field(default_factory=dict)
    k3s: Mapping[str, Mapping[str, K3sSetting]] = field(default_factory=dict)
    collected: Mapping[str, Record] = field(default_factory=dict)
    differences: Mapping[str, tuple[Difference, ...]] = field(default_factory=dict)
    allotted: Mapping[str, PodNetwork] = field(default_factory=dict)
    holders: tuple[HeldAddress, ...] = ()

    def describes(self, machine: Machine, interface: str | None) -> bool:
        """Return whether the topology has an interface of a machine: a record may show others."""
        return machine.name not in self.collected or (machine.name, interface) in self.segments

    @property
    def judged_pods(self) -> tuple[PodNetwork, ...]:
        """The networks of pods whose packets are judged: none where a network plugin leads them by ways of its own."""
        plugin = self.assumptions.plugin
        return () if plugin is not None and plugin.leads else self.pod_networks

    def place_of(self, ip: int) -> Place | None:
        """Return the place of the IP, None if it is unassigned.

        An address of the topology lives on the machine that it is given to, whatever the files are: see `assignment`.
        """
        missing = self.assignment.missing.get(ip)
        if missing is not None:
            return Place(kind="machine", machine=missing.machine)
        pod = self.pod_network(ip)
        if pod is not None:
            # The first address is flannel's, the second the bridge's, the last the broadcast address: no pod's.
            is_pod = pod.network.first + 1 < ip < pod.network.last
            return Place(kind="pod", machine=self.machines[pod.node]) if is_pod else None
        machine = self.owners.get(ip)
        if machine is not None:
            return Place(kind="machine", machine=machine)
        if not self.wiring.exits or contains(self.inside, ip):
            return None
        return Place(kind="outside", machine=self.machines[self.wiring.exits[0].node])

    def is_for_services(self, machine: Machine, packet: Packet) -> bool:
        """Return whether a packet for the machine itself may be taken by a Service, which leads it on to a pod: at the
        ports of nodes, and at any of an address that a pool has for Services."""
        if not machine.pods:
            return False
        pooled = any(one.ip == packet.destination and one.pool is not None for one in self.wiring.held)
        return pooled or contains(self.node_ports.get(packet.protocol, ()), packet.dport)

    def is_container(self, machine: Machine, ip: int) -> bool:
        """Return whether an IP on Docker's bridge is a container's: one stands for all, unless a record shows them."""
        if machine.name not in self.wiring.containers:
            return False
        if machine.name not in self.collected:
            return ip == CONTAINER_IP
        own = machine.addresses.get(DOCKER, ())
        return any(one.ip != ip and ip in network_of(one.ip, one.length) for one in own)

    def inner_port(self, node: str, protocol: int, port: int) -> int | None:
        """The port of the container that answers for a port of its node, None if none does."""
        found = (one for one in self.wiring.containers.get(node, ()) if PROTOCOLS.get(one.protocol) == protocol)
        return next((one.to_port or port for one in found if one.ports[0] <= port <= one.ports[1]), None)

    def entrances(self, place: Place, destination: int) -> tuple[Machine, ...]:
        """The machines at which a packet from a place may begin: of one from the internet, that which has the
        destination towards it, else all that lead there."""
        if place.kind != "outside":
            return (place.machine,)
        exits = tuple(self.machines[one.node] for one in self.wiring.exits)
        return tuple(machine for machine in exits if _has_outside(machine, destination)) or exits

    def outer_address(self, forward: Forward) -> AddressNumber:
        """The address of the router's at which a port forward listens."""
        if forward.ip is not None:
            return forward.ip
        return foreign_address(self.wiring, forward.node)

    def mismatch(self, source: int, destination: int) -> Mismatch | None:
        """Return why nothing holds between two addresses: one is not where the topology has it. None if both are."""
        missing = self.assignment.missing
        return missing.get(source) or missing.get(destination) if missing else None

    def pod_network(self, ip: int) -> PodNetwork | None:
        """The pod network that holds the IP."""
        number = bisect_right(self.pod_starts, ip) - 1
        found = self.pod_networks[number] if number >= 0 else None
        return found if found is not None and ip in found.network else None

    def outside(self) -> Ranges:
        """Every IP of the internet."""
        return complement(self.inside)


def _has_outside(machine: Machine, ip: int) -> bool:
    """Return whether a machine has an address by which it leads to the internet."""
    interface = machine.exit.interface if machine.exit is not None else None
    return any(address.ip == ip for address in machine.addresses.get(interface or INTERNET, ()))


def describe_network(network: Network, ip: int) -> str:
    """Return the network an IP lies in, as far as the machines know one; else the IP."""
    pods = network.pod_network(ip)
    if pods is not None:
        return str(pods.network)
    place = network.place_of(ip)
    if place is not None and place.kind == "machine":
        connected = [
            network_of(ip, address.length)
            for addresses in place.machine.addresses.values()
            for address in addresses
            if address.length < 32 and address.ip in network_of(ip, address.length)
        ]
        if connected:
            return str(max(connected, key=lambda one: one.length))
    if place is not None and place.kind == "outside":
        return "the internet"
    return format_ip(ip)
