"""What a machine has now, by its own word: the kernel's addresses, routes and rules, digests of files, units."""

from collections.abc import Mapping

from msgspec import Struct

from netwright.verify.values.addresses import AddressNumber, Prefix
from netwright.verify.values.facts import PolicyRule, RouteKind


class LiveLink(Struct, frozen=True, kw_only=True):
    """An interface; `kind` is the kernel's word for what is no card, "" for a card, `carries` that there is carrier,
    `controller` the bridge or bond that it is a port of. `tag` is a VLAN's number, `parent` what it is on, `mode` a
    bond's; each None where the record does not say so."""

    mtu: int
    kind: str = ""
    up: bool = False
    carries: bool = False
    controller: str | None = None
    mac: str | None = None
    tag: int | None = None
    parent: str | None = None
    mode: str | None = None


class LiveTunnel(Struct, frozen=True, kw_only=True):
    """A WireGuard tunnel: its public key, and the networks of each peer by that one's public key."""

    key: str
    peers: Mapping[str, frozenset[Prefix]]


class LiveAddress(Struct, frozen=True, kw_only=True, order=True):
    """An interface's IP and the length of its network; `broadcast` is the address that stands for all of it."""

    ip: AddressNumber
    length: int
    broadcast: AddressNumber | None = None


class LiveNextHop(Struct, frozen=True, kw_only=True):
    """Where a route leads: the gateway, None for the target itself, and the interface, with its share. The kernel takes
    none that is `dead`, and one that is `linkdown` only while it does not ignore these (ip-route(8))."""

    interface: str | None
    gateway: AddressNumber | None
    weight: int = 1
    onlink: bool = False
    dead: bool = False
    linkdown: bool = False


class LiveRoute(Struct, frozen=True, kw_only=True):
    """A route of a table; one that rejects has no next hop. `kind` None is one that netwright does not know, named by
    `word`. `mtu` is in octets, `by` the word for who made it."""

    to: Prefix
    table: int
    kind: RouteKind | None
    word: str
    next_hops: tuple[LiveNextHop, ...]
    metric: int = 0
    source: AddressNumber | None = None
    mtu: int | None = None
    by: str = "boot"
    linkdown: bool = False


class LiveFile(Struct, frozen=True, kw_only=True):
    """A file or, with a `target`, a symbolic link; without a digest (SHA-256, hexadecimal) it could not be read."""

    mode: int
    owner: str
    digest: str | None = None
    target: str | None = None


class LiveUnit(Struct, frozen=True, kw_only=True):
    """A unit of systemd, in its words: loaded or masked, active or failed, enabled; `stale` when its file is newer than
    what systemd has loaded."""

    load: str
    active: str
    state: str
    enabled: str
    stale: bool = False


class LiveState(Struct, frozen=True, kw_only=True):
    """A machine as it is. What could not be read is None, and the reason stands in `unread` under the fact's name.

    `addresses`, `parameters` (by path below /proc/sys), `files` and `units` are by name; `pod_network` is flannel's on
    this machine, `pod_networks` those of the cluster by node, as its server says; `libvirt` are libvirt's networks, as
    XML, `ruleset` what nft lists of all tables. `versions` are those of programs, by name; `asked` the files and
    folders that were looked for.
    """

    node: str
    hostname: str
    kernel: str
    system: str
    boot: str
    links: Mapping[str, LiveLink] | None
    tunnels: Mapping[str, LiveTunnel] | None
    addresses: Mapping[str, tuple[LiveAddress, ...]] | None
    routes: tuple[LiveRoute, ...] | None
    rules: tuple[PolicyRule, ...] | None
    unknown_rules: tuple[str, ...]
    ruleset: str | None
    iptables: str | None
    parameters: Mapping[str, str] | None
    files: Mapping[str, LiveFile] | None
    asked: tuple[str, ...]
    units: Mapping[str, LiveUnit] | None
    libvirt: str | None
    pod_network: Prefix | None
    pod_networks: Mapping[str, Prefix] | None
    provisioned: bytes | None
    versions: Mapping[str, str]
    unread: Mapping[str, str]
