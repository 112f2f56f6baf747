"""Faults of devices, and what is found of all of a machine's."""

from collections.abc import Mapping

from msgspec import Struct, field

from netwright.verify.values.facts import Device, Kind, Origin, Unknown
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import AssignedLink


class DeviceFault(Struct, frozen=True, kw_only=True):
    """A fault of a device: what becomes of the packets that would go by it, why, and the line that makes it so."""

    outcome: Outcome
    cause: str
    origin: Origin | None


class Devices(Struct, frozen=True, kw_only=True):
    """The devices of a machine: the kinds of those that are made, and what carries their frames, by their names.

    `faults` are those of the topology's devices, by their names; `gaps` are members that a bond lacks, and can do
    without.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    below: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: Mapping[str, DeviceFault] = field(default_factory=dict)
    gaps: tuple[Unknown, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def fault_of_tunnel(device: Device, stated: AssignedLink) -> DeviceFault | None:
    """Return what is wrong with a tunnel's own key: networkd makes no device without one."""
    if stated.tunnel is None or device.key_file is None:
        cause = f"no file has the private key of {device.name}"
        return DeviceFault(outcome=Outcome.NO_DEVICE, cause=cause, origin=device.origin)
    if device.key_file.value != stated.tunnel.key_file:
        cause = (
            f"{device.name} takes its private key from {device.key_file.value}, in the topology from "
            f"{stated.tunnel.key_file}"
        )
        return DeviceFault(outcome=Outcome.WRONG_DEVICE, cause=cause, origin=device.key_file.origin)
    return None
