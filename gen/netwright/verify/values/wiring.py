"""Facts that the files do not contain: the wiring of machines, the owners of pods, and what is taken for granted."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from netwright.verify.values.addresses import AddressNumber, Prefix, Range, Ranges
from netwright.verify.values.facts import BondMode, Kind

FirewalldState = Literal["absent", "managed", "masked", "running", "unstated"]
Backend = Literal["vxlan", "host-gw", "wireguard-native", "none"]
"""Flannel's backend; none where pods have no network of their own making."""


class StatedCard(Struct, frozen=True, kw_only=True):
    """What the topology has of a network card: patterns of its driver, place and name, which fit no other card of the
    node, and whether it is `renamed`, so that a file gives it its interface's name."""

    driver: str | None = None
    path: str | None = None
    name: str | None = None
    renamed: bool = False


class Port(Struct, frozen=True, kw_only=True):
    """A node's interface on a segment; `mac` is needed where the node's files match by hardware address. `kind` is that
    of a device, None for a network card, of which more may be stated (`card`)."""

    node: str
    interface: str
    mac: str | None = None
    kind: Kind | None = None
    card: StatedCard | None = None


class Segment(Struct, frozen=True, kw_only=True):
    """A layer-2 segment: every port hears every other. `bridge` is the port whose node carries the segment's frames
    on a bridge of its own kernel (a libvirt network), None where a switch does."""

    name: str
    ports: tuple[Port, ...]
    bridge: Port | None = None


class PodNetwork(Struct, frozen=True, kw_only=True):
    """A network of pods and the node that owns it; `interface` is the one by which flannel talks to other nodes.

    Unless that is `stated`, the files decide: what K3s is told, else the default route.
    """

    network: Prefix
    node: str
    interface: str
    stated: bool = False


class AssignedAddress(Struct, frozen=True, kw_only=True):
    """An address, with the length of its network, that the topology gives to an interface, or has a server lease."""

    node: str
    interface: str
    ip: AddressNumber
    length: int
    leased: bool = False


class AssignedPort(Struct, frozen=True, kw_only=True):
    """The VLANs that the topology has a port of a bridge carry, or the bridge itself."""

    name: str
    untagged: int | None = None
    tagged: frozenset[int] = frozenset()


class AssignedLink(Struct, frozen=True, kw_only=True):
    """A link that the topology gives to a node: a network card, or a device of some kind.

    `below` are the links that carry its frames, a VLAN's parent or the members of a bond or bridge. `tag` is a VLAN's
    number, `mode` a bond's; `mac` that of a card, or the one that a device is to have; `tunnel` what a
    WireGuard tunnel has in the topology. `ports` are those of a bridge that filters VLANs, and the bridge itself.
    """

    name: str
    kind: Kind | None = None
    below: tuple[str, ...] = ()
    tag: int | None = None
    mode: BondMode | None = None
    mac: str | None = None
    tunnel: "AssignedTunnel | None" = None
    card: StatedCard | None = None
    ports: tuple[AssignedPort, ...] = ()


class AssignedTunnel(Struct, frozen=True, kw_only=True):
    """A node's end of a WireGuard tunnel: the file of its private key, its public key, and those of its peers.

    `endpoint` is where it is reached from outside, if the topology states that.
    """

    key_file: str
    key: str
    peers: frozenset[str]
    endpoint: str | None = None


class HeldAddress(Struct, frozen=True, kw_only=True):
    """An IP that a program (keepalived, kube-vip) puts on an interface besides what the files configure.

    Of several nodes for one IP each holds it in turn, and a flow must hold for each of them. `moved`: the topology has
    keepalived do it. The addresses of a `pool` have their turns together; `learned` is the route to one that a router
    gets from the node, by BGP.
    """

    ip: AddressNumber
    node: str
    interface: str
    moved: bool = False
    pool: str | None = None
    learned: "LearnedRoute | None" = None


class LearnedRoute(Struct, frozen=True, kw_only=True):
    """Route that a router is told of: its interface, and the next hop there."""

    router: str
    interface: str
    gateway: AddressNumber


class Served(Struct, frozen=True, kw_only=True):
    """A TCP port of a virtual address, and the addresses and ports of the servers to which HAProxy leads from there.

    Without servers another program answers.
    """

    ip: AddressNumber
    port: int
    servers: frozenset[tuple[int, int]]


class Answered(Struct, frozen=True, kw_only=True):
    """A TCP port of a virtual address at which a program of the holders' own answers, on nodes of which no more is
    known."""

    ip: AddressNumber
    port: int
    nodes: tuple[str, ...]


class Forward(Struct, frozen=True, kw_only=True):
    """Ports at an address of a router, None for whatever it has towards the internet, that lead on to a target.

    `sources` are the addresses inside from which the target is asked there, and there alone; from those of `besides` it
    is asked there as well.
    """

    name: str
    node: str
    ip: AddressNumber | None
    protocol: int
    ports: Range
    target: AddressNumber
    to_port: int
    from_internet: bool
    sources: Ranges = ()
    besides: Ranges = ()

    def asked_port(self, port: int) -> int | None:
        """The router's port that leads to one of the target's, None if none does."""
        first, last = self.ports
        asked = first + port - self.to_port
        return asked if first <= asked <= last else None

    @property
    def to_ports(self) -> Range:
        """The target's ports."""
        return self.to_port, self.to_port + self.ports[1] - self.ports[0]


class PublishedPorts(Struct, frozen=True, kw_only=True):
    """Ports of a node that Docker leads on to a container on its bridge, with the protocol's name, and the container's
    own port, None where it is the same."""

    protocol: str
    ports: tuple[int, int]
    to_port: int | None = None


class Exit(Struct, frozen=True, kw_only=True):
    """A node that leads to the internet, by an interface and the next hop on it, which is the provider's.

    Without an interface the node leads there by one of which nothing is known but that a default route goes by it.
    """

    node: str
    interface: str | None = None
    gateway: AddressNumber | None = None


class Wiring(Struct, frozen=True, kw_only=True):
    """The network around the files. `systems` names each node's system (flatcar, rocky9 ...), whose own sysctl.d counts
    with ours; `exits` are the ways to the internet; `services` is Kubernetes' service network; `addresses` are all
    that the topology gives to interfaces, none if that is not known; `routers` lead on from network to network,
    `isolated` are the networks, by name, that no packet is to enter or leave.
    `agents` are K3s's agents; `networks` those of the topology; `owners` maps its addresses to their nodes, those that
    move to "".
    `firewalld` maps nodes that may have it to its state, `docker` names those with Docker, `containers` maps those
    whose containers are on Docker's bridge to what they publish; `trusted` are each node's files that are vouched for.
    `links` are those of each node that has other links than cards with an address. `served` are the ports of virtual
    addresses at which holders answer, `answered` those at which something unknown does. `servers` are K3s's servers,
    with the API at `server_port`.
    `open_leases` are the interfaces, each with its node, that take whatever a DHCP server gives them. `forwards` are
    the ports of routers that lead on to other machines. `names` maps the nodes that are to know all others by name to
    what each name stands for, `name_servers` and `time_servers` nodes to the servers that they are to ask, these by
    address or name."""

    nodes: tuple[str, ...]
    segments: tuple[Segment, ...]
    pod_networks: tuple[PodNetwork, ...] = ()
    pods: Prefix | None = None
    services: Prefix | None = None
    addresses: tuple[AssignedAddress, ...] = ()
    routers: tuple[str, ...] = ()
    isolated: Mapping[str, Prefix] = field(default_factory=lambda: MappingProxyType({}))
    held: tuple[HeldAddress, ...] = ()
    served: tuple[Served, ...] = ()
    answered: tuple[Answered, ...] = ()
    servers: frozenset[str] = frozenset()
    server_port: int = 6443
    agents: frozenset[str] = frozenset()
    networks: tuple[Prefix, ...] = ()
    owners: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    exits: tuple[Exit, ...] = ()
    forwards: tuple[Forward, ...] = ()
    systems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    firewalld: Mapping[str, FirewalldState] = field(default_factory=lambda: MappingProxyType({}))
    docker: frozenset[str] = frozenset()
    containers: Mapping[str, tuple[PublishedPorts, ...]] = field(default_factory=lambda: MappingProxyType({}))
    trusted: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    open_leases: frozenset[tuple[str, str]] = frozenset()
    links: Mapping[str, tuple[AssignedLink, ...]] = field(default_factory=lambda: MappingProxyType({}))
    names: Mapping[str, Mapping[str, frozenset[AddressNumber]]] = field(default_factory=lambda: MappingProxyType({}))
    name_servers: Mapping[str, tuple[AddressNumber, ...]] = field(default_factory=lambda: MappingProxyType({}))
    time_servers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def ends(self) -> Mapping[str, tuple[str, str]]:
        """The node and the interface that has each public key of WireGuard."""
        return {
            link.tunnel.key: (node, link.name)
            for node, links in self.links.items()
            for link in links
            if link.tunnel is not None
        }

    def exit_of(self, node: str) -> Exit | None:
        """The way by which a node leads to the internet, None if it does not."""
        return next((one for one in self.exits if one.node == node), None)


class Plugin(Struct, frozen=True, kw_only=True):
    """A network plugin other than flannel: whether it leads packets for pods of other nodes by ways of its own, and
    whether what pods send out of the cluster has their node's address."""

    name: str
    leads: bool
    masquerades: bool


class Assumptions(Struct, frozen=True, kw_only=True):
    """Under what a proof holds: rules and parameters that other programs set.

    `cni` is flannel's backend, `plugin` another network plugin.
    """

    cni: Backend = "vxlan"
    plugin: Plugin | None = None
    kube_proxy_drops_invalid: bool = True
    libvirt_rules: bool = True
    bridge_nf_call_iptables: bool = False
    internet_translates: bool = True
    system_sysctls: bool = True
    networkmanager_relaxes: bool = True
    tcp_loose: bool = True


class Traffic(Struct, frozen=True, kw_only=True):
    """A protocol (one of packets.PROTOCOLS, or any) and its destination ports, first to last."""

    protocol: str
    ports: tuple[int, int] | None = None


class Flow(Struct, frozen=True, kw_only=True):
    """Packets that must arrive, or must not, from any of the sources at any of the destinations.

    `nat_allowed` is False where the receiver must see the sender's own address; `from_internet` and `to_internet` add
    every address of the internet to the ends. Of the addresses of machines that have several networks, those in
    `named_sources` and `named_destinations` are meant only where they are on the way to the other end.
    """

    name: str
    sources: Ranges
    destinations: Ranges
    traffic: tuple[Traffic, ...]
    must_arrive: bool = True
    nat_allowed: bool = True
    from_internet: bool = False
    to_internet: bool = False
    named_sources: Ranges = ()
    named_destinations: Ranges = ()
