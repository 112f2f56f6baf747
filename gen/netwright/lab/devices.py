"""Devices that `ip` makes: those of files that no daemon here applies, and those of nodes with a hand-off sheet.

A file's device is made as verify's readers understand the file; where a sheet asks a person for it, as the topology has
it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from netwright.lab.namespaces import LabError, Namespaces
from netwright.lab.plugs import kinds_of
from netwright.verify.network_model.assumed import FLANNEL_WIREGUARD
from netwright.verify.network_model.devices import find_devices
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.facts import DEFAULT_MODE, Device, Kind, Link, Origin, PortVlans
from netwright.verify.values.wiring import AssignedLink, AssignedPort, Assumptions, Wiring

_MODULES = {
    Kind.VLAN: "8021q",
    Kind.BOND: "bonding",
    Kind.BRIDGE: "bridge",
    Kind.DUMMY: "dummy",
    Kind.WIREGUARD: "wireguard",
}
"""Linux's module for each kind of device."""
_TRIAL = "trial"
_TOPOLOGY = Origin(file="topology.yaml", line=1)


def refuse_missing(wiring: Wiring, assumptions: Assumptions) -> None:
    """Raise LabError if the kernel makes no device of a kind that nodes have, with the names of the modules, or no
    bridge that filters VLANs."""
    kinds = dict(kinds_of(wiring))
    if assumptions.cni == "wireguard-native" and wiring.pod_networks:
        kinds.setdefault(Kind.WIREGUARD, (wiring.pod_networks[0].node, FLANNEL_WIREGUARD))
    lacking = {kind: found for kind, found in kinds.items() if not _makes(kind)}
    if lacking:
        modules = " ".join(_MODULES[kind] for kind in lacking)
        devices = ", ".join(
            f"{_MODULES[kind]} for {node}'s {name} (a {kind})" for kind, (node, name) in lacking.items()
        )
        raise LabError(
            f"this machine's kernel lacks {devices}; load them (modprobe {modules}), or take a kernel that has them; "
            "netwright verify proves flows through such links"
        )
    filtering = [f"{node}'s {link.name}" for node, links in wiring.links.items() for link in links if link.ports]
    if filtering and not _makes(Kind.BRIDGE, _bridge_options(None, filters=True)):
        raise LabError(
            f"this machine's kernel has no bridges that filter VLANs, for {filtering[0]}; take one that is built with "
            "BRIDGE_VLAN_FILTERING; netwright verify proves flows through such links"
        )


def _makes(kind: Kind, options: str = "") -> bool:
    """Return whether the kernel makes such a device, tried in a namespace of its own; it may load the module for it."""
    spaces = Namespaces([_TRIAL])
    try:
        below = f"link {_TRIAL}0 " if kind is Kind.VLAN else ""
        number = " id 1" if kind is Kind.VLAN else ""
        if below:
            spaces.ip(_TRIAL, [f"link add name {_TRIAL}0 type veth peer name {_TRIAL}1"])
        words = f"ip link add {below}name {_TRIAL} type {kind.value}{number}{options}".split()
        return not spaces.attempt(_TRIAL, words)
    finally:
        spaces.close()


class MadeDevice(Struct, frozen=True, kw_only=True):
    """A device to make: `below` are a VLAN's parent, or the members of a bond or bridge.

    `vlans` are those that the ports of a bridge carry, and the bridge itself, beside the default one of all its ports.
    """

    name: str
    kind: Kind
    below: tuple[str, ...]
    options: str = ""
    mac: str | None = None
    vlans: Mapping[str, PortVlans] = MappingProxyType({})

    def lines(self) -> Iterator[str]:
        """The commands of `ip` that make it, of all but its members."""
        address = f" address {self.mac}" if self.mac else ""
        if self.kind is not Kind.VLAN:
            yield f"link add name {self.name}{address} type {self.kind.value}{self.options}"
        for parent in self.below if self.kind is Kind.VLAN else ():
            yield f"link set dev {parent} up"
            yield f"link add link {parent} name {self.name}{address} type vlan{self.options}"

    def joins(self) -> Iterator[str]:
        """The commands of `ip` by which its members join it."""
        for member in self.below if self.kind in (Kind.BOND, Kind.BRIDGE) else ():
            yield f"link set dev {member} down"
            yield f"link set dev {member} master {self.name}"
            yield f"link set dev {member} up"

    def filters(self) -> Iterator[str]:
        """The commands of `bridge` that give its ports their VLANs."""
        for port, vlans in self.vlans.items():
            end = f"dev {port} self" if port == self.name else f"dev {port} master"
            for number in sorted(vlans.tagged | vlans.untagged | {*filter(None, [vlans.pvid])}):
                words = (" pvid" * (number == vlans.pvid), " untagged" * (number in vlans.untagged))
                yield f"vlan add vid {number}{''.join(words)} {end}"


def make_devices(spaces: Namespaces, name: str, devices: Sequence[MadeDevice]) -> None:
    """Makes a node's devices, those that others stand on first; what the kernel refuses is left out."""
    for device in _lowest_first(devices):
        spaces.ip(name, [*device.lines(), *device.joins(), f"link set dev {device.name} up"], force=True)
        if device.vlans:
            spaces.attempt(name, ["bridge", "-force", "-batch", "-"], "\n".join([*device.filters(), ""]))


def _lowest_first(devices: Sequence[MadeDevice]) -> Iterator[MadeDevice]:
    by_name = {device.name: device for device in devices}
    while by_name:
        ready = [one for one in by_name.values() if not any(lower in by_name for lower in one.below)]
        for device in ready or [*by_name.values()]:
            yield by_name.pop(device.name)


def devices_by_files(
    configuration: Configuration, links: Sequence[tuple[str, Link]], stated: Sequence[AssignedLink], left: Iterable[str]
) -> Iterator[MadeDevice]:
    """The devices that a node's files make, but for those in the folders `left` to daemons."""
    made: Mapping[str, Device] = {device.name: device for device in reversed(configuration.devices)}
    below = find_devices(configuration, links, stated, "").below
    own = {port: link.port_vlans for port, link in reversed(links) if link.port_vlans is not None}
    folders = tuple(left)
    for name, device in made.items():
        if not any(folder in device.origin.file for folder in folders):
            mac = device.mac.value if device.mac is not None else None
            ports = (*below.get(name, ()), name) if device.kind is Kind.BRIDGE else ()
            yield MadeDevice(
                name=name,
                kind=device.kind,
                below=below.get(name, ()),
                options=_options(device),
                mac=mac,
                vlans={port: own[port] for port in ports if port in own},
            )


def _options(device: Device) -> str:
    match device.kind:
        case Kind.VLAN:
            return f" id {device.tag.value if device.tag is not None else 0}"
        case Kind.BOND:
            mode = device.mode.value if device.mode is not None else DEFAULT_MODE
            least = f" min_links {device.min_links.value}" if device.min_links is not None else ""
            return f" miimon 100 mode {mode}{least}"
        case Kind.BRIDGE:
            default = device.default_pvid.value if device.default_pvid is not None else None
            return _bridge_options(default, filters=device.filtering is not None and device.filtering.value)
        case _:
            return ""


def devices_by_sheet(stated: Iterable[AssignedLink], sheet: Sequence[Device]) -> Iterator[MadeDevice]:
    """The devices of a node that a person configures: the topology's, and of tunnels those that the sheet asks for."""
    asked = {device.name for device in sheet}
    for link in stated:
        if link.kind is None or (link.kind is Kind.WIREGUARD and link.name not in asked):
            continue
        options = {
            Kind.VLAN: f" id {link.tag}",
            Kind.BOND: f" miimon 100 mode {link.mode}",
            Kind.BRIDGE: _bridge_options(0, filters=bool(link.ports)),
        }.get(link.kind, "")
        yield MadeDevice(
            name=link.name,
            kind=link.kind,
            below=link.below,
            options=options,
            mac=link.mac,
            vlans={port.name: _vlans_of(port) for port in link.ports},
        )


def _bridge_options(default: int | None, *, filters: bool) -> str:
    """The options of a bridge; `default` is the VLAN of ports that have no other, which the kernel has as 1."""
    vlans = "" if default is None else f" vlan_default_pvid {default}"
    return f" forward_delay 0 vlan_filtering 1{vlans}" if filters else " forward_delay 0"


def _vlans_of(port: AssignedPort) -> PortVlans:
    untagged = frozenset(filter(None, [port.untagged]))
    return PortVlans(origin=_TOPOLOGY, tagged=port.tagged, untagged=untagged, pvid=port.untagged)
