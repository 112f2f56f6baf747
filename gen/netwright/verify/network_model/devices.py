"""The devices that a machine's files make, compared with those that the topology gives it: bonds, bridges, VLANs.

A VLAN exists once its file makes it and its parent's file, or its own, puts it on a parent that exists. A bond or
bridge exists once its file makes it, and carries frames once a member's file puts that into it. Seen with networkd 252
and NetworkManager 1.42: a device that no file makes is left out where others name it, as is one of another kind.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from msgspec.structs import replace

from netwright.text.counting import list_some
from netwright.verify.network_model.bridge_filters import doubtful_ports, filter_differences
from netwright.verify.network_model.device_faults import DeviceFault, Devices, fault_of_tunnel
from netwright.verify.network_model.doubtful_links import doubtful_links
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.formats.wireguard import overlapping
from netwright.verify.values.facts import DEFAULT_MODE, Controller, Device, Kind, Link, Origin, Stated, Unknown
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import AssignedLink

_NAMED = 5
"""Number of members that a cause names at most."""


_NONE = Devices()
_NO_FAULTS: Mapping[str, DeviceFault] = {}


def find_devices(
    configuration: Configuration,
    links: Sequence[tuple[str, Link]],
    stated: Sequence[AssignedLink],
    system: str,
    broken: Mapping[str, DeviceFault] = _NO_FAULTS,
) -> Devices:
    """Return the devices that the files make, and what is wrong with them; `links` are the files' by their interfaces'
    names, `stated` the topology's, `broken` the faults of interfaces themselves, which what they carry shares."""
    broken = {**broken, **dict(_left_down(links))}
    joins = any(link.controller is not None or link.vlans for _, link in links)
    if not configuration.managed or not (configuration.devices or joins or stated):
        return replace(_NONE, faults=broken) if broken else _NONE
    found = _Comparison(configuration.devices, links, stated, broken).result()
    return replace(found, unknown=(*found.unknown, *doubtful_links(links, stated, system)))


def _left_down(links: Iterable[tuple[str, Link]]) -> Iterator[tuple[str, DeviceFault]]:
    """Yield the faults of interfaces that their service does not bring up, by their names."""
    for name, link in links:
        if link.down is not None:
            cause = f"the file leaves {name} down (ActivationPolicy={link.down.value})"
            yield name, DeviceFault(outcome=Outcome.NO_CARRIER, cause=cause, origin=link.down.origin)


class _Comparison:
    """Comparison of one machine's files with the topology."""

    def __init__(
        self,
        devices: Iterable[Device],
        links: Sequence[tuple[str, Link]],
        stated: Sequence[AssignedLink],
        broken: Mapping[str, DeviceFault],
    ) -> None:
        """Takes of two devices of one name the first."""
        self._made: dict[str, Device] = {}
        self._repeated: list[Device] = []
        for device in devices:
            if self._made.setdefault(device.name, device) is not device:
                self._repeated.append(device)
        self._links = links
        self._by_name = dict(reversed(links))
        self._by_uuid = {link.uuid: name for name, link in links if link.uuid is not None}
        self._stated = {link.name: link for link in stated}
        self._broken = broken
        self._faults: dict[str, DeviceFault | None] = {}
        self._carriers: dict[str, list[tuple[str, Origin]]] = {}
        self._gaps: list[Unknown] = []

    def result(self) -> Devices:
        """Return what the comparison finds."""
        faults = {name: fault for name in self._stated if (fault := self._fault(name)) is not None}
        return Devices(
            kinds={name: device.kind for name, device in self._made.items()},
            below={name: tuple(lower for lower, _ in self._below(device)) for name, device in self._made.items()},
            faults={**self._broken, **faults},
            gaps=tuple(self._gaps),
            unknown=(*self._strangers(), *self._changed_macs(), *self._strange_peers(), *self._strange_filters()),
        )

    def _fault(self, name: str) -> DeviceFault | None:
        """Return what is wrong with a link, None if it is there and carries frames as in the topology."""
        if name not in self._faults:
            self._faults[name] = None  # of links in a circle, which the topology has not, the first is at fault
            self._faults[name] = self._find_fault(name)
        return self._faults[name]

    def _find_fault(self, name: str) -> DeviceFault | None:
        if name in self._broken:
            return self._broken[name]
        stated, device = self._stated.get(name), self._made.get(name)
        if stated is None or stated.kind is None:
            return None
        if device is None:
            origin = self._by_name[name].origin if name in self._by_name else None
            return DeviceFault(
                outcome=Outcome.NO_DEVICE, cause=f"no file makes the {stated.kind} {name}", origin=origin
            )
        if device.kind is not stated.kind:
            cause = f"the file makes {name} a {device.kind}, in the topology it is a {stated.kind}"
            return DeviceFault(outcome=Outcome.WRONG_DEVICE, cause=cause, origin=device.origin)
        match device.kind:
            case Kind.VLAN:
                return self._fault_of_vlan(device, stated)
            case Kind.BOND | Kind.BRIDGE:
                return self._fault_of_members(device, stated)
            case Kind.DUMMY:
                return None
            case Kind.WIREGUARD:
                return fault_of_tunnel(device, stated)
            case _:
                assert_never(device.kind)

    def _fault_of_vlan(self, device: Device, stated: AssignedLink) -> DeviceFault | None:
        parents, (parent, *_) = self._below(device), stated.below
        foreign = next((one for one in parents if one[0] != parent), None)
        if foreign is not None:
            cause = f"the file puts {device.name} on {foreign[0]}, in the topology it is on {parent}"
            return DeviceFault(outcome=Outcome.WRONG_DEVICE, cause=cause, origin=foreign[1])
        if not parents:
            cause = f"{device.name} is never made: the file of {parent} has no VLAN={device.name}"
            return DeviceFault(
                outcome=Outcome.NO_DEVICE, cause=cause, origin=self._place_of_vlan(parent) or device.origin
            )
        fault = self._fault(parent)
        if fault is not None and fault != self._filtered(parent, self._untagged(parent)):
            return fault
        tag = device.tag
        filtered = self._filtered(parent, stated.tag)
        if filtered is not None:
            return filtered
        if tag is not None and stated.tag is not None and tag.value != stated.tag:
            cause = f"{device.name} has VLAN {tag.value} by its file, and VLAN {stated.tag} in the topology"
            return DeviceFault(outcome=Outcome.VLAN_MISMATCH, cause=cause, origin=tag.origin)
        return self._fault_of_number(device, parent)

    def _fault_of_number(self, device: Device, parent: str) -> DeviceFault | None:
        """Return what is wrong with a VLAN where another on its parent has its number: the kernel makes the first."""
        for other in self._made.values():
            if other is not device and _number(other) == _number(device) and parent in dict(self._below(other)):
                cause = f"{other.name} has VLAN {_number(device)} on {parent} too, of which the kernel makes one"
                return DeviceFault(
                    outcome=Outcome.VLAN_MISMATCH, cause=cause, origin=other.tag.origin if other.tag else None
                )
        return None

    def _fault_of_members(self, device: Device, stated: AssignedLink) -> DeviceFault | None:
        members = self._below(device)
        there = [name for name, _ in members]
        foreign = next((one for one in members if one[0] not in stated.below), None)
        if foreign is not None:
            cause = f"the file makes {foreign[0]} a member of {device.name}, in the topology it is none"
            return DeviceFault(outcome=Outcome.WRONG_DEVICE, cause=cause, origin=foreign[1])
        missing = [name for name in stated.below if name not in there]
        if stated.below and not there:
            cause = f"no file makes {list_some(missing, _NAMED)} a member of {device.name}, which so carries nothing"
            return DeviceFault(outcome=Outcome.NO_CARRIER, cause=cause, origin=self._place_of_member(missing[0]))
        below = next(filter(None, map(self._fault, there)), None)
        if below is not None:
            return below
        if device.kind is Kind.BOND:
            return self._fault_of_bond(device, stated, missing)
        return self._cut_off(device, missing) or self._fault_of_filter(device, stated)

    def _fault_of_filter(self, device: Device, stated: AssignedLink) -> DeviceFault | None:
        """Return what is wrong with a bridge that is to filter VLANs, and with those of its own untagged frames."""
        filters = device.filtering is not None and device.filtering.value
        if stated.ports and not filters:
            cause = f"the file does not have {device.name} filter VLANs, as in the topology"
            origin = device.filtering.origin if device.filtering is not None else device.origin
            return DeviceFault(outcome=Outcome.VLAN_MISMATCH, cause=cause, origin=origin)
        return self._filtered(device.name, self._untagged(device.name))

    def _untagged(self, bridge: str) -> int | None:
        """Return the VLAN of a bridge's own untagged frames, None if it has none."""
        stated = self._stated.get(bridge)
        return next((port.untagged for port in stated.ports if port.name == bridge), None) if stated else None

    def _filtered(self, bridge: str, number: int | None) -> DeviceFault | None:
        """Return what is wrong with a VLAN at the ports of a bridge that filters them, None of any other link."""
        stated, device = self._stated.get(bridge), self._made.get(bridge)
        if stated is None or device is None or not stated.ports or number is None:
            return None
        for difference in filter_differences(device, stated, self._by_name):
            if number in difference.numbers:
                return DeviceFault(outcome=Outcome.VLAN_MISMATCH, cause=difference.cause, origin=difference.origin)
        return None

    def _strange_filters(self) -> Iterator[Unknown]:
        """Yield bridges that filter VLANs only by the files, and VLANs of ports that no interface here is on."""
        for name, device in self._made.items():
            stated = self._stated.get(name)
            if (
                device.kind is not Kind.BRIDGE
                or device.filtering is None
                or not device.filtering.value
                or stated is None
            ):
                continue
            if not stated.ports:
                reason = f"{name} filters VLANs, and the topology does not tell which its ports carry"
                yield Unknown(origin=device.filtering.origin, text="", reason=reason)
                continue
            yield from doubtful_ports(device, stated, self._by_name)
            used = {self._untagged(name)} | {
                one.tag for one in self._stated.values() if name in one.below and one.kind is Kind.VLAN
            }
            for difference in filter_differences(device, stated, self._by_name):
                if not difference.numbers & used:
                    yield Unknown(origin=difference.origin, text="", reason=difference.cause)

    def _cut_off(self, device: Device, missing: Sequence[str]) -> DeviceFault | None:
        """Return what is wrong with a bridge that lacks ports: what is behind those is cut off."""
        if not missing:
            return None
        cause = f"no file makes {list_some(missing, _NAMED)} a member of {device.name}"
        return DeviceFault(outcome=Outcome.NO_CARRIER, cause=cause, origin=self._place_of_member(missing[0]))

    def _fault_of_bond(self, device: Device, stated: AssignedLink, missing: Sequence[str]) -> DeviceFault | None:
        """Return what is wrong with a bond that has a member at least; one that it lacks may do no harm."""
        mode = device.mode or Stated(value=DEFAULT_MODE, origin=device.origin)
        if stated.mode is not None and mode.value is not stated.mode:
            cause = f"the file gives {device.name} the mode {mode.value}, the topology {stated.mode}"
            return DeviceFault(outcome=Outcome.WRONG_DEVICE, cause=cause, origin=mode.origin)
        left = len(stated.below) - len(missing)
        if device.min_links is not None and device.min_links.value > left:
            cause = f"{device.name} is down with fewer members than {device.min_links.value}; the files give it {left}"
            return DeviceFault(outcome=Outcome.NO_CARRIER, cause=cause, origin=device.min_links.origin)
        if not missing:
            return None
        cause = f"no file makes {list_some(missing, _NAMED)} a member of {device.name}"
        origin = self._place_of_member(missing[0])
        if mode.value.is_static:
            cause = f"{cause}, to which a switch sends all the same in mode {mode.value}"
            return DeviceFault(outcome=Outcome.NO_CARRIER, cause=cause, origin=origin)
        self._gaps.append(Unknown(origin=origin or device.origin, text="", reason=f"{cause}; the others carry it"))
        return None

    def _place_of_vlan(self, parent: str) -> Origin | None:
        """Return the line by which the parent's file names a VLAN that no file makes, else the file's first, if any."""
        link = self._by_name.get(parent)
        if link is None:
            return None
        return next((vlan.origin for vlan in link.vlans if vlan.value not in self._made), link.origin)

    def _place_of_member(self, name: str) -> Origin | None:
        """Return the line that makes it a member of something else, or its file."""
        link = self._by_name.get(name)
        if link is None:
            return None
        return link.controller.origin if link.controller is not None else link.origin

    def _below(self, device: Device) -> list[tuple[str, Origin]]:
        """Return the links that carry a device's frames by the files, each with the line that makes it so."""
        if device.name not in self._carriers:
            self._carriers[device.name] = self._find_below(device)
        return self._carriers[device.name]

    def _find_below(self, device: Device) -> list[tuple[str, Origin]]:
        if device.kind is not Kind.VLAN:
            return [
                (name, link.controller.origin)
                for name, link in self._links
                if link.controller is not None and self._joins(link, link.controller, device)
            ]
        if device.parent is not None:
            return [(self._resolve(device.parent.value), device.parent.origin)]
        stacked = ((name, vlan) for name, link in self._links for vlan in link.vlans)
        return [(name, vlan.origin) for name, vlan in stacked if vlan.value == device.name]

    def _joins(self, link: Link, controller: Controller, device: Device) -> bool:
        name = self._resolve(controller.name) if link.manager == "NetworkManager" else controller.name
        return name == device.name and controller.kind is device.kind and link.manager == device.manager

    def _resolve(self, text: str) -> str:
        """Return the interface that a keyfile names, by its name or by a profile's UUID."""
        return text if text in self._stated or text in self._made else self._by_uuid.get(text, text)

    def _strangers(self) -> Iterator[Unknown]:
        """Yield the devices that the topology does not have."""
        for device in self._repeated:
            reason = f"{self._made[device.name].origin.file} makes {device.name} too"
            yield Unknown(origin=device.origin, text="", reason=reason)
        for name, device in self._made.items():
            stated = self._stated.get(name)
            if stated is None or stated.kind is None:
                known = "no such device" if stated is None else f"a network card {name}"
                reason = f"the file makes the {device.kind} {name}, the topology has {known} there"
                yield Unknown(origin=device.origin, text="", reason=reason)

    def _strange_peers(self) -> Iterator[Unknown]:
        """Yield the peers that the topology does not have, and a network that two have."""
        for name, device in self._made.items():
            stated = self._stated.get(name)
            known = stated.tunnel.peers if stated is not None and stated.tunnel is not None else frozenset()
            for peer in device.peers:
                if peer.key is not None and peer.key.value not in known:
                    reason = f"the topology has no peer with this key on {name}"
                    yield Unknown(origin=peer.key.origin, text=peer.key.value, reason=reason)
            twice = overlapping(device.peers)
            if twice is not None:
                reason = "two peers have this network: it goes to one of them"
                yield Unknown(origin=twice.origin, text=str(twice.value), reason=reason)

    def _changed_macs(self) -> Iterator[Unknown]:
        """Yield the devices whose hardware address is not the topology's, which others may know them by."""
        for name, device in self._made.items():
            stated, own = self._stated.get(name), device.mac.value if device.mac is not None else None
            if stated is not None and stated.kind is not None and own != stated.mac:
                reason = f"{name} has {own or 'no hardware address of its own'}, in the topology {stated.mac or 'none'}"
                origin = device.mac.origin if device.mac is not None else device.origin
                yield Unknown(origin=origin, text="", reason=reason)


def _number(device: Device) -> int | None:
    return device.tag.value if device.tag is not None else None
