"""Facts in the files, each with the file and line that states it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Generic, Literal, TypeVar, get_args

from msgspec import Struct, field

from netwright.verify.values.addresses import EVERYWHERE, AddressNumber, Prefix, parse_number

WRITES_AGAIN = "netwright generate --force writes it again"
"""Advice about a file that can't be read."""

MAIN_TABLE = 254
TABLE_NAMES = {"default": 253, "main": MAIN_TABLE, "local": 255}

RouteKind = Literal["unicast", "blackhole", "unreachable", "prohibit", "throw", "local"]
"""The kernel's type of route."""
ROUTE_KINDS: Final[dict[str, RouteKind]] = {kind: kind for kind in get_args(RouteKind)}
RuleKind = Literal["lookup", "blackhole", "unreachable", "prohibit"]
"""Action of a policy rule."""
Manager = Literal["networkd", "NetworkManager", "libvirt", "hand", "command", "held", "cni", "docker", "uplink"]
"""What configures a link: a daemon, a person with a hand-off sheet, a command at boot, a program that holds an address
(keepalived), the network of pods, Docker, or the provider."""
Mode = Literal["open", "route", "nat", "isolated"]
"""How libvirt forwards what a network of its own sends."""
MODES: Final[dict[str, Mode]] = {mode: mode for mode in get_args(Mode)}

NETWORKMANAGER_METRIC = 100
"""NetworkManager's metric of the Ethernet card that comes up first; each further one's is higher by one."""


class Origin(Struct, frozen=True, kw_only=True):
    """A line of a file below out/, or of the rules that another program is assumed to add."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Unknown(Struct, frozen=True, kw_only=True):
    """A line that a reader does not know, so that nothing behind it can be proved; or `whole`, an entire file. It is
    `intended` where the topology itself leaves open what the line does."""

    origin: Origin
    text: str
    reason: str
    whole: bool = False
    intended: bool = False

    @property
    def cause(self) -> str:
        """Return why nothing can be proved, in words."""
        return f"{self.reason}: {self.text}" if self.text else self.reason

    def __str__(self) -> str:
        return f"{self.origin}: {self.cause}"


class Address(Struct, frozen=True, kw_only=True):
    """An interface's IP and the length of its network; `metric` is that of the network's route, if not the link's."""

    ip: AddressNumber
    length: int
    origin: Origin
    metric: int | None = None


class Mtu(Struct, frozen=True, kw_only=True):
    """The octets of the largest packet that an interface sends and takes."""

    octets: int
    origin: Origin


def parse_mtu(text: str, origin: Origin) -> Mtu | None:
    """Return the MTU that a line sets, None if the text is no number of octets."""
    octets = parse_number(text, 0xFFFFFFFF)
    return Mtu(octets=octets, origin=origin) if octets else None


MOST_WEIGHT = 256
"""The largest weight of a next hop (rtnetlink(7): it is an octet, one less)."""


class NextHop(Struct, frozen=True, kw_only=True):
    """One of several next hops of a route; without `interface` it is by the link that has the route."""

    gateway: AddressNumber
    weight: int
    interface: str | None = None


class Route(Struct, frozen=True, kw_only=True):
    """A route as it is asked for; the kernel may refuse it. `source` is the address that the node itself is
    to send from, `mtu` (octets) what it sends at most by this route. With `next_hops` it has no gateway. Of those with
    a `weight` NetworkManager makes one route with several next hops."""

    to: Prefix
    gateway: AddressNumber | None
    metric: int
    origin: Origin
    table: int = MAIN_TABLE
    kind: RouteKind = "unicast"
    onlink: bool = False
    interface: str | None = None
    source: AddressNumber | None = None
    mtu: int | None = None
    weight: int | None = None
    next_hops: tuple[NextHop, ...] = ()


class PolicyRule(Struct, frozen=True, kw_only=True):
    """A policy rule; `suppress` is its suppress_prefixlength, `incoming` its iif. It is for packets that have `mark` in
    the bits of `mask`."""

    priority: int
    table: int
    origin: Origin
    source: Prefix = EVERYWHERE
    destination: Prefix = EVERYWHERE
    incoming: str | None = None
    suppress: int | None = None
    mark: int = 0
    mask: int = 0
    kind: RuleKind = "lookup"


class Kind(StrEnum):
    """A kind of device that a node's network service makes, in the words of networkd and NetworkManager."""

    VLAN = "vlan"
    BOND = "bond"
    BRIDGE = "bridge"
    DUMMY = "dummy"
    WIREGUARD = "wireguard"

    def __str__(self) -> str:
        return {Kind.VLAN: "VLAN", Kind.DUMMY: "dummy device", Kind.WIREGUARD: "WireGuard tunnel"}.get(self, self.value)


class BondMode(StrEnum):
    """A bond's mode, in the order of the kernel's numbers (Linux, Documentation/networking/bonding.rst)."""

    BALANCE_RR = "balance-rr"
    ACTIVE_BACKUP = "active-backup"
    BALANCE_XOR = "balance-xor"
    BROADCAST = "broadcast"
    LACP = "802.3ad"
    BALANCE_TLB = "balance-tlb"
    BALANCE_ALB = "balance-alb"

    @property
    def is_static(self) -> bool:
        """Return whether the switch has the ports in a group and is not told which of them are members: it sends to a
        card that is none as well (bonding.rst, 11.1)."""
        return self in (BondMode.BALANCE_RR, BondMode.BALANCE_XOR, BondMode.BROADCAST)


_METRICS: Mapping[Kind | None, int] = {Kind.BOND: 300, Kind.VLAN: 400, Kind.BRIDGE: 425}
"""NetworkManager's metrics of devices (1.42, ran)."""
DEFAULT_MODE = BondMode.BALANCE_RR
"""The mode of a bond without one: that of networkd, of NetworkManager (1.42, ran) and of the kernel."""

_T = TypeVar("_T")


class Stated(Struct, Generic[_T], frozen=True, kw_only=True):
    """A value, and the line that sets it."""

    value: _T
    origin: Origin


class Peer(Struct, frozen=True, kw_only=True):
    """A peer that a file gives to a WireGuard tunnel: its public key, the addresses that are its, and where it is.

    `keepalive` are the seconds between packets that keep the way to it open, None for none.
    """

    origin: Origin
    key: Stated[str] | None = None
    allowed: tuple[Stated[Prefix], ...] = ()
    endpoint: Stated[str] | None = None
    keepalive: Stated[int] | None = None


class PortVlans(Struct, frozen=True, kw_only=True):
    """The VLANs that a file gives to a port of a bridge, or to the bridge itself: those of which frames leave with and
    without a tag, and the one that untagged frames belong to."""

    origin: Origin
    tagged: frozenset[int] = frozenset()
    untagged: frozenset[int] = frozenset()
    pvid: int | None = None


class Device(Struct, frozen=True, kw_only=True):
    """A device that a file makes.

    `parent` is what a keyfile puts a VLAN on, an interface's name or a profile's UUID; networkd has that in the file of
    the parent. `mode` and `min_links` are a bond's; `key_file` (of the private key), `port` and `peers` a WireGuard
    tunnel's. A bridge may filter VLANs (`filtering`); `default_pvid` is the VLAN of ports without another, 0 for none.
    """

    manager: Manager
    name: str
    kind: Kind
    origin: Origin
    tag: Stated[int] | None = None
    parent: Stated[str] | None = None
    mac: Stated[str] | None = None
    mode: Stated[BondMode] | None = None
    min_links: Stated[int] | None = None
    key_file: Stated[str] | None = None
    port: Stated[int] | None = None
    peers: tuple[Peer, ...] = ()
    filtering: Stated[bool] | None = None
    default_pvid: Stated[int] | None = None


class Controller(Struct, frozen=True, kw_only=True):
    """The bond or bridge that a file makes an interface a member of: its name, or its profile's UUID.

    `recent` is set where only NetworkManager 1.46 and later know the key.
    """

    name: str
    kind: Kind
    origin: Origin
    recent: bool = False


class Lease(Struct, frozen=True, kw_only=True):
    """What an interface takes from a DHCP server: its address, and the server's routes if it `brings_routes`."""

    origin: Origin
    brings_routes: bool


class CardPatterns(Struct, frozen=True, kw_only=True):
    """Patterns by which a file finds network cards: one of each kind that it has is to fit."""

    drivers: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Rename(Struct, frozen=True, kw_only=True):
    """A file by which udev gives a name to a network card, which it finds by hardware address and patterns."""

    origin: Origin
    name: str
    mac: str | None = None
    patterns: CardPatterns = CardPatterns()


class Link(Struct, frozen=True, kw_only=True):
    """One interface as a file configures it; a file that matches by hardware address does not know the name.

    `manager` decides metrics that are not written. `metric` is the one that
    the file sets for all its routes without one of their own, `table` the one for them and the networks of the
    addresses. Of several profiles for a card NetworkManager takes the one of the highest `priority`. A `loose` match
    takes any device with the hardware address, not only a card; one by the `current` address is of no use once a bond
    has changed it, and some take network cards only (`cards_only`). `vlans` are the VLANs that networkd stacks on the
    interface. `kind` is that of the device that a profile of NetworkManager makes, None of one for a card, and `uuid`
    the profile's. With a `lease` a DHCP server gives it an address as well. What `patterns` it has must
    fit, too. A service leaves it `down` where its file has that. NetworkManager names its `zone` to firewalld.
    """

    manager: Manager
    origin: Origin
    name: str | None = None
    mac: str | None = None
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    metric: int | None = None
    mtu: Mtu | None = None
    table: int = MAIN_TABLE
    priority: int = 0
    loose: bool = False
    current: bool = False
    cards_only: bool = False
    controller: Controller | None = None
    vlans: tuple[Stated[str], ...] = ()
    kind: Kind | None = None
    uuid: str | None = None
    lease: Lease | None = None
    patterns: CardPatterns | None = None
    port_vlans: PortVlans | None = None
    down: Stated[str] | None = None
    zone: str | None = None

    @property
    def default_metric(self) -> int:
        """The metric of the routes without one: those of the addresses, and static ones."""
        if self.metric is not None:
            return self.metric
        return _METRICS.get(self.kind, NETWORKMANAGER_METRIC) if self.manager == "NetworkManager" else 0


class LibvirtNetwork(Struct, frozen=True, kw_only=True):
    """A network that libvirt makes: a bridge of the host. By hardware address, `kept` are the addresses it leases."""

    name: str
    mode: Mode
    bridge: Link
    kept: Mapping[str, int] = field(default_factory=dict)


class Setting(Struct, frozen=True, kw_only=True):
    """One line of sysctl.d: a key with dots (an interface's own dots kept), None as value for `-key` alone."""

    key: tuple[str, ...]
    value: str | None
    origin: Origin
    optional: bool = False


class Reading(Struct):
    """Facts that one reader gathers from one file, and the lines it does not know."""

    links: list[Link] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    renames: list[Rename] = field(default_factory=list)
    networks: list[LibvirtNetwork] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)

    def note_unknown(self, origin: Origin, text: str, reason: str, *, whole: bool = False) -> None:
        """Notes a line that the reader does not know, or a file of which it knows none."""
        self.unknown.append(Unknown(origin=origin, text=text.strip(), reason=reason, whole=whole))
