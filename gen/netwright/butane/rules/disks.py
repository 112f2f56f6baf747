"""Rules of disks, partitions, file systems, RAID arrays and LUKS volumes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from netwright.butane.findings import Diagnostics
from netwright.butane.rules.paths import path_problem
from netwright.butane.rules.storage import Placed
from netwright.text.source import TopologyPath

Partitions = Sequence[Mapping[str, Any]]


def disk_is_partitionable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A disk's device is an absolute path; its partitions' numbers and labels are unique and their ranges disjoint.

    Passes: partitions 1 and 2 with sizes. Fails: two partitions 1; 1 MiB to 10 MiB next to 5 MiB to 8 MiB.
    """
    if not value["device"]:
        found.error((*path, "device"), "disk_is_partitionable", "the disk's device is missing; give its absolute path")
        return
    _check_device(value["device"], (*path, "device"), found)
    partitions: Partitions = value.get("partitions", ())
    where = (*path, "partitions")
    _check_labels(partitions, where, found)
    overlap = _overlap(partitions)
    if overlap:
        message = "the partition overlaps another one; change start_mib or size_mib"
        found.error((*where, overlap[1]), "disk_is_partitionable", message, related=((*where, overlap[0]),))
    absent = any(partition.get("shouldExist") is False for partition in partitions)
    if absent and any("number" not in partition for partition in partitions):
        message = (
            "a partition that should not exist stands next to one without a number; give every partition its number"
        )
        found.error(where, "disk_is_partitionable", message)


def _check_labels(partitions: Partitions, path: TopologyPath, found: Diagnostics) -> None:
    """Numbers are checked where all lists are checked for repetition; labels count with numbers, so here."""
    first: dict[str, int] = {}
    for index, partition in enumerate(partitions):
        label = partition.get("label")
        if label is not None and label in first:
            message = f"the label {label!r} is already used on this disk; give each partition its own"
            found.error((*path, index), "disk_is_partitionable", message, related=((*path, first[label]),))
            return
        if label is not None:
            first[label] = index


def _overlap(partitions: Partitions) -> tuple[int, int] | None:
    """The first two partitions that overlap; those placed or sized by sgdisk can't be judged and are passed over."""
    ranges = []
    for index, partition in enumerate(partitions):
        start, size = partition.get("startMiB"), partition.get("sizeMiB")
        if start and size is not None:
            ranges.append((index, start, start + size - 1 if size else start))
    for one, start, end in ranges:
        for other, other_start, other_end in ranges:
            if one != other and (
                other_start <= start <= other_end
                or other_start <= end <= other_end
                or (start < other_start and end > other_end)
            ):
                return one, other
    return None


_GUID = re.compile(r"(?:[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})?")


def partition_is_described(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A partition has a number or a label, and nothing but a number if it should not exist.

    Passes: {label: ROOT}, {number: 9, should_exist: false}. Fails: {size_mib: 10}, {label: a:b}, {guid: x}.
    """
    rule = "partition_is_described"
    label = value.get("label")
    described = label is not None or value.get("typeGuid") or value.get("guid")
    if value.get("shouldExist") is False and (described or "startMiB" in value or "sizeMiB" in value):
        found.error(path, rule, "a partition that should not exist is further described; leave only its number")
    if "number" not in value and label is None:
        found.error(path, rule, "the partition has neither number nor label; give one of them")
    if label is not None and _length(label) > 36:
        found.error((*path, "label"), rule, f"the label has {_length(label)} bytes; use at most 36")
    elif label is not None and ":" in label:
        found.error((*path, "label"), rule, f"the label {label!r} would be cut at the colon; use no colon")
    for field, name in (("guid", "guid"), ("typeGuid", "type_guid")):
        if field in value and not _GUID.fullmatch(value[field]):
            message = f"{value[field]!r} is not a GUID; write it like 01234567-89AB-CDEF-EDCB-A98765432101"
            found.error((*path, name), rule, message)


_LABEL_BYTES = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
_FORMATS = (*_LABEL_BYTES, "none")


def filesystem_is_creatable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A file system has a device, a known format, and a label that fits the format.

    Passes: {device: /dev/vdb1, format: ext4}. Fails: {device: vdb1}, {format: ext3}, {path: /srv} without format.
    """
    rule = "filesystem_is_creatable"
    form, label = value.get("format"), value.get("label")
    if value.get("path") and (problem := path_problem(value["path"])):
        found.error((*path, "path"), rule, problem)
    _check_device(value["device"], (*path, "device"), found)
    described = ("path", "label", "uuid", "wipeFilesystem", "mountOptions", "options")
    if not form and any(value.get(field) for field in described):
        found.error((*path, "format"), rule, f"the format is missing; use one of {', '.join(_FORMATS)}")
    elif form and form not in _FORMATS:
        found.error((*path, "format"), rule, f"{form} is no known format; use one of {', '.join(_FORMATS)}")
    if label and not form:
        found.error((*path, "label"), rule, "a label needs a format; give the format")
    elif label and form and _length(label) > _LABEL_BYTES.get(form, len(label) * 4):
        message = f"the label has {_length(label)} bytes; {form} allows {_LABEL_BYTES[form]}"
        found.error((*path, "label"), rule, message)


def filesystem_spares_partitions(filesystems: Placed, disks: Placed, found: Diagnostics) -> None:
    """A file system does not take a whole disk that the config partitions or wipes.

    Passes: disk /dev/vdb, file system /dev/vdb1. Warns: partitions on /dev/vdb, file system /dev/vdb.
    """
    known = {disk["device"]: (disk, place) for disk, place in disks}
    for filesystem, path in filesystems:
        disk, place = known.get(filesystem["device"], (None, ()))
        if disk is None:
            continue
        where = (*path, "device")
        if disk.get("partitions"):
            message = f"the file system overwrites the partitions of {filesystem['device']}; use one of the partitions"
            found.warning(where, "filesystem_spares_partitions", message, related=(place,))
        elif disk.get("wipeTable") and not filesystem.get("wipeFilesystem"):
            message = f"wipe_table on {filesystem['device']} wipes the file system; set wipe_filesystem: true"
            found.warning(where, "filesystem_spares_partitions", message, related=(place,))


_PLAIN_LEVELS = frozenset({"linear", "raid0", "0", "stripe"})
_LEVELS = _PLAIN_LEVELS | {"raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6", "raid10", "10"}


def raid_is_assemblable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A RAID array has a known level, devices with absolute paths, and spares only where it is redundant.

    Passes: {level: raid1, devices: [/dev/vdb, /dev/vdc]}. Fails: {level: raid7}, {level: raid0, spares: 1}.
    """
    rule = "raid_is_assemblable"
    level = value.get("level")
    if not level:
        found.error(
            (*path, "level"), rule, "the level is missing; use linear, raid0, raid1, raid4, raid5, raid6 or raid10"
        )
    elif level not in _LEVELS:
        message = f"{level} is no known level; use linear, raid0, raid1, raid4, raid5, raid6 or raid10"
        found.error((*path, "level"), rule, message)
    elif level in _PLAIN_LEVELS and value.get("spares"):
        found.error((*path, "level"), rule, f"{level} has no use for spares; leave spares out")
    if not value.get("devices"):
        found.error((*path, "devices"), rule, "the devices are missing; give their absolute paths")
    for index, device in enumerate(value.get("devices", ())):
        _check_device(device, (*path, "devices", index), found)


def luks_is_openable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A LUKS volume has a device and a name and label that cryptsetup takes.

    Passes: {name: data, device: /dev/vdb}. Fails: {name: a/b}, a label of 48 bytes, no device.
    """
    rule = "luks_is_openable"
    if "/" in value["name"]:
        found.error((*path, "name"), rule, f"{value['name']} is a file name below /dev/mapper; use no slash")
    if _length(value.get("label", "")) > 47:
        found.error((*path, "label"), rule, f"the label has {_length(value['label'])} bytes; use at most 47")
    if not value.get("device"):
        found.error((*path, "device"), rule, "the device is missing; give its absolute path")
    else:
        _check_device(value["device"], (*path, "device"), found)


def _check_device(device: str, path: TopologyPath, found: Diagnostics) -> None:
    problem = path_problem(device)
    if problem:
        found.error(path, "path_is_absolute_and_clean", problem)


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
