"""Private keys of tunnels: which file has them, and whether the program that needs one gets it in time."""

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from netwright.verify.reading.delivery import Delivery
from netwright.verify.reading.formats.ignition import UNIT_FOLDER
from netwright.verify.reading.formats.wireguard import KEYS_SCRIPT, read_keys
from netwright.verify.reading.what_runs import WhatRuns
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Device, Kind, Origin, Reading, Unknown


def add_keys(
    delivery: Delivery, running: WhatRuns, readings: Iterable[Reading], unknown: list[Unknown]
) -> Iterator[Device]:
    """Yield the devices, NetworkManager's tunnels with the private key that a script adds to their profiles."""
    script = delivery.files.get(KEYS_SCRIPT)
    keys = (read_keys(script.shown, script.text) or {}) if script is not None else {}
    for device in (device for reading in readings for device in reading.devices):
        if device.kind is not Kind.WIREGUARD or device.manager != "NetworkManager":
            unknown += _unreadable(delivery, device)
            yield device
            continue
        key = keys.get(device.name)
        missing = [when for when in Boot.EVERY.each() if when not in running.keyed]
        if key is None or missing or not _is_early(delivery):
            when = f" ({missing[0]})" if key is not None and missing else ""
            reason = f"nothing gives NetworkManager the private key of {device.name} before it starts{when}"
            unknown.append(Unknown(origin=device.origin, text="", reason=reason))
        yield replace(device, key_file=key)


def _unreadable(delivery: Delivery, device: Device) -> Iterator[Unknown]:
    """Yield that networkd, which is not root, can't read a private key that is delivered."""
    file = delivery.files.get(device.key_file.value) if device.key_file is not None else None
    if file is not None and file.mode is not None and not file.mode & 0o044:
        reason = f"systemd-networkd can't read mode {file.mode:04o}: 0640 of root:systemd-network is right"
        yield Unknown(origin=Origin(file=file.shown, line=0), text="", reason=reason)


def _is_early(delivery: Delivery) -> bool:
    """Return whether the units that run the script with the keys come before NetworkManager."""
    units = [file.text for path, file in delivery.files.items() if UNIT_FOLDER in path and KEYS_SCRIPT in file.text]
    return all(_BEFORE.search(text) for text in units)


_BEFORE = re.compile(r"^Before=NetworkManager\.service$", re.MULTILINE)
