"""Plans: each node's facts, free of any operating system's formats, each with the topology path that caused it."""

from typing import Literal
from uuid import UUID

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model import (
    Bridge,
    CardMatch,
    Device,
    Family,
    ForwardMode,
    IpMasqAgent,
    NetworkConfig,
    RouteAttributes,
)
from netwright.plan.filter_types import Ruleset
from netwright.plan.virtual_address_types import PlannedVirtualAddress
from netwright.text.source import TopologyPath
from netwright.topology.host_records import HostRecord
from netwright.topology.links import PortVlans


class PlannedAddress(Struct, frozen=True, kw_only=True):
    """An address of a link with its prefix length."""

    ip: IPAddress
    prefix: int
    cause: TopologyPath


class PlannedHop(Struct, frozen=True, kw_only=True):
    """A next hop of a route that has several."""

    gateway: IPAddress
    interface: str
    weight: int


class PlannedRoute(RouteAttributes, frozen=True, kw_only=True):
    """A route through a link; no gateway means that the destination is on the link (or, by type, nowhere).

    With a `weight` it is one next hop of a route that has several: the node's routes with a weight and the same
    destination, table and metric. Formats that have one entry for all get them together, as `next_hops`.
    """

    destination: IPNetwork
    gateway: IPAddress | None
    weight: int | None = None
    next_hops: tuple[PlannedHop, ...] = ()
    cause: TopologyPath
    flows: tuple[str, ...] = ()

    @property
    def is_default(self) -> bool:
        """Return whether the destination is everything."""
        return self.destination.prefixlen == 0

    @property
    def is_plain_default(self) -> bool:
        """Return whether the route is a default route of the main table without any attribute."""
        is_plain = self.weight is None and not self.has_attributes()
        return self.is_default and self.gateway is not None and is_plain


class PlannedPolicyRule(Struct, frozen=True, kw_only=True):
    """A routing policy rule; absent source or destination means any."""

    priority: int
    source: IPNetwork | None
    destination: IPNetwork | None
    table: int
    cause: TopologyPath
    ingress: str | None = None
    mark: int | None = None
    mask: int | None = None
    flows: tuple[str, ...] = ()

    @property
    def shown_mark(self) -> str:
        """The mark and, where not all bits are compared, the mask, as `0x10/0xff`; "" without a mark."""
        return "/".join(f"{number:#x}" for number in (self.mark, self.mask) if number is not None)


class Controller(Struct, frozen=True, kw_only=True):
    """The bond or bridge that a link is a member of; `primary` is the bond's preferred one."""

    name: str
    kind: Literal["bond", "bridge"]
    primary: str | None
    cause: TopologyPath


class Peer(Struct, frozen=True, kw_only=True):
    """Another end of a WireGuard tunnel: its key, the addresses that are its, and where it is, if that is known.

    `keepalive` are the seconds between packets that keep the way to it open, 0 for none.
    """

    node: str
    public_key: str
    allowed: tuple[IPNetwork, ...]
    endpoint: str | None
    keepalive: int
    cause: TopologyPath


class Tunnel(Struct, frozen=True, kw_only=True):
    """An end of a WireGuard tunnel: the file with its private key, the UDP port on which it listens, and its peers."""

    private_key_file: str
    public_key: str
    port: int
    peers: tuple[Peer, ...]


class Link(Struct, frozen=True, kw_only=True):
    """A network interface whose configuration is written as a file of the node's network service.

    `device` is what the service makes, None for a network card, which `match` may find; `vlans` are the VLAN interfaces
    on it. With `dhcp` the addresses are leased: only they are taken from the lease, or all that it brings. `zone` is
    its zone of a firewalld that has the node's rules.
    """

    name: str
    uuid: UUID
    mac: str | None
    mtu: int | None
    addresses: tuple[PlannedAddress, ...]
    dns: tuple[IPAddress, ...]
    domain: str | None
    routes: tuple[PlannedRoute, ...]
    policy_rules: tuple[PlannedPolicyRule, ...]
    cause: TopologyPath
    device: Device | None = None
    controller: Controller | None = None
    vlans: tuple[str, ...] = ()
    dhcp: Literal["address", "all"] | None = None
    tunnel: Tunnel | None = None
    match: CardMatch | None = None
    optional: bool = False
    port_vlans: PortVlans | None = None
    zone: str | None = None

    @property
    def is_renamed(self) -> bool:
        """Return whether udev gives the card the interface's name."""
        return self.match is not None and self.match.renames

    @property
    def is_found_by_pattern(self) -> bool:
        """Return whether the file finds the card by patterns."""
        return self.match is not None and bool(self.match.patterns) and not self.is_renamed

    @property
    def is_certain(self) -> bool:
        """Return whether the file can take one card only; it comes before those that may take several."""
        return not self.is_found_by_pattern or self.mac is not None

    @property
    def kind(self) -> str:
        """The kind of the device, in the words of networkd and NetworkManager: bond, bridge, vlan, dummy, wireguard,
        ethernet."""
        return type(self.device).__name__.lower() if self.device is not None else "ethernet"

    @property
    def is_primary(self) -> bool:
        """Return whether its bond prefers it."""
        return self.controller is not None and self.controller.primary == self.name

    @property
    def is_required(self) -> bool:
        """Return whether the machine waits for this link when it starts."""
        return self.needs_carrier and not self.optional

    @property
    def needs_carrier(self) -> bool:
        """Return whether the machine's network is up only with this link: it has addresses, and ports or a cable."""
        return bool(self.addresses or self.dhcp) and not (isinstance(self.device, Bridge) and not self.device.members)


class Lease(Struct, frozen=True, kw_only=True):
    """An address that a DHCP server keeps for an interface."""

    mac: str
    ip: IPAddress
    name: str
    cause: TopologyPath


class Leases(Struct, frozen=True, kw_only=True):
    """Addresses that a DHCP server leases: the first and the last of a range, and those that it keeps for machines."""

    range: tuple[IPAddress, IPAddress] | None
    kept: tuple[Lease, ...]
    cause: TopologyPath


class LibvirtNetwork(Struct, frozen=True, kw_only=True):
    """A network that libvirt makes on the node: its bridge with address, and the routes through it.

    `libvirt_name` is what libvirt calls it, `name` what the topology does. With `forward` bridge guests join a bridge
    that is there without it. `dns_hosts` are the names of addresses.
    """

    name: str
    libvirt_name: str
    uuid: UUID
    bridge: str
    forward: ForwardMode
    dns: bool
    mtu: int | None
    addresses: tuple[PlannedAddress, ...]
    routes: tuple[PlannedRoute, ...]
    cause: TopologyPath
    leases: Leases | None = None
    domain: str | None = None
    dns_hosts: tuple[tuple[IPAddress, tuple[str, ...]], ...] = ()


class Sysctl(Struct, frozen=True, kw_only=True):
    """A kernel parameter: the key's words, and its value."""

    key: tuple[str, ...]
    value: str
    cause: TopologyPath
    flows: tuple[str, ...] = ()

    @property
    def has_dotted_word(self) -> bool:
        """Return whether a word of the key contains a dot, so that only the form with slashes is unambiguous."""
        return any("." in word for word in self.key)


class PlannedSnippet(Struct, frozen=True, kw_only=True):
    """A file of the user's that is merged into what the node is provisioned with: path below the project root."""

    path: str
    cause: TopologyPath

    @property
    def is_template(self) -> bool:
        """Return whether it is rendered for the node first."""
        return self.path.endswith(".j2")


class PlannedK3sSetting(Struct, frozen=True, kw_only=True):
    """A key of K3s's configuration, and its value or its list of values, as YAML has them."""

    key: str
    value: str = ""
    values: tuple[str, ...] = ()
    cause: TopologyPath


class PlannedTimeServer(Struct, frozen=True, kw_only=True):
    """An NTP server as configuration files name it: its address, or a name that may have several."""

    text: str
    is_name: bool
    cause: TopologyPath


class NodePlan(Struct, frozen=True, kw_only=True):
    """Everything that one node needs."""

    name: str
    cluster: str
    family: Family
    os: str
    network_config: NetworkConfig | None
    hostname: str
    domain: str | None
    links: tuple[Link, ...]
    libvirt_networks: tuple[LibvirtNetwork, ...]
    sysctls: tuple[Sysctl, ...]
    ruleset: Ruleset | None
    ip_masq_agent: IpMasqAgent | None
    butane_version: str
    local_files_mib: int
    dropins_only: bool
    firewalld_masked: bool
    firewalld_managed: bool
    butane_snippets: tuple[PlannedSnippet, ...]
    cloud_init_snippets: tuple[PlannedSnippet, ...]
    forwards: bool
    kubernetes: bool
    virtual_addresses: tuple[PlannedVirtualAddress, ...]
    k3s: tuple[PlannedK3sSetting, ...]
    hosts: tuple[HostRecord, ...]
    time_servers: tuple[PlannedTimeServer, ...]
    time_askers: tuple[IPNetwork, ...]
    """From where the node is asked for the time."""
    cause: TopologyPath
    causes: tuple[tuple[str, TopologyPath], ...]
    """Causes of the node's single settings, by their key in the topology."""

    @property
    def moved_addresses(self) -> tuple[PlannedVirtualAddress, ...]:
        """The virtual addresses that keepalived moves."""
        return tuple(address for address in self.virtual_addresses if address.vrrp is not None)

    @property
    def balanced_addresses(self) -> tuple[PlannedVirtualAddress, ...]:
        """The virtual addresses at which HAProxy answers."""
        return tuple(address for address in self.virtual_addresses if address.balanced)
