"""The VLANs that ports of a bridge carry by its machine's files, compared with those of the topology.

The kernel passes a frame between two ports that carry its VLAN, and gives a port that is told of none the bridge's
default one (Linux, net/bridge/br_vlan.c); NetworkManager gives it to all ports (nm-settings(5), bridge-port.vlans).
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from netwright.text.counting import list_some
from netwright.verify.values.facts import Device, Link, Origin, PortVlans, Unknown
from netwright.verify.values.wiring import AssignedLink, AssignedPort

_KERNELS_DEFAULT = 1
_NAMED = 5


class PortDifference(Struct, frozen=True, kw_only=True):
    """VLANs that a port carries otherwise than in the topology: why, and the line."""

    numbers: frozenset[int]
    cause: str
    origin: Origin


def filter_differences(device: Device, stated: AssignedLink, links: Mapping[str, Link]) -> Iterator[PortDifference]:
    """Yield the ports, the bridge itself among them, that carry other VLANs by the files; `links` are the files' by
    their interfaces' names."""
    for port in stated.ports:
        link = links.get(port.name)
        carried = _carried(device, link)
        numbers = _different(carried, port)
        if numbers:
            names = list_some([str(number) for number in sorted(numbers)], _NAMED)
            cause = f"{port.name} carries VLAN {names} on {device.name} otherwise than in the topology"
            origin = link.port_vlans.origin if link is not None and link.port_vlans is not None else device.origin
            yield PortDifference(numbers=numbers, cause=cause, origin=origin)


def doubtful_ports(device: Device, stated: AssignedLink, links: Mapping[str, Link]) -> Iterator[Unknown]:
    """Yield the ports of which it is not known whether networkd leaves them the bridge's default VLAN as well."""
    default = _default(device)
    for port in stated.ports:
        vlans = links[port.name].port_vlans if port.name in links else None
        if device.manager != "networkd" or vlans is None or not default:
            continue
        if vlans.pvid != default or default not in vlans.untagged:
            reason = f"{port.name} may have VLAN {default}, the default of {device.name}, besides"
            yield Unknown(origin=vlans.origin, text="", reason=reason)


def _default(device: Device) -> int:
    return device.default_pvid.value if device.default_pvid is not None else _KERNELS_DEFAULT


def _carried(device: Device, link: Link | None) -> PortVlans:
    """Return what a port carries by the files."""
    default = _default(device)
    own = link.port_vlans if link is not None else None
    default_only = frozenset(filter(None, [default]))
    if own is None:
        return PortVlans(origin=device.origin, untagged=default_only, pvid=default or None)
    besides = default_only if device.manager == "NetworkManager" else frozenset()
    return PortVlans(
        origin=own.origin,
        tagged=own.tagged - besides,
        untagged=own.untagged | besides,
        pvid=own.pvid or min(besides, default=None),
    )


def _different(carried: PortVlans, port: AssignedPort) -> frozenset[int]:
    """Return the VLANs that one of both alone carries, or has a tag for, or takes untagged frames into."""
    untagged = frozenset(filter(None, [port.untagged]))
    pvids = frozenset(filter(None, [carried.pvid]))
    return (carried.tagged ^ port.tagged) | (carried.untagged ^ untagged) | (pvids ^ untagged)
