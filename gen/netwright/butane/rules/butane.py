"""Rules for a Butane document before it is translated: one rule a function, by the name of the object."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from netwright.butane.findings import Diagnostics, Rule
from netwright.butane.rules.paths import mode_is_octal
from netwright.text.source import TopologyPath

_SOURCES = ("local", "inline", "source")


def resource_has_one_source(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """Contents come from one place.

    Passes: {inline: x}. Fails: {inline: x, source: "data:,y"}.
    """
    given = [field for field in _SOURCES if value.get(field) is not None]
    if len(given) > 1:
        found.error(
            (*path, given[-1]), "resource_has_one_source", f"{' and '.join(given)} are given together; keep one of them"
        )


def unit_has_one_source(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A unit's or drop-in's contents come from one place.

    Passes: {contents_local: a.service}. Fails: {contents: "", contents_local: a.service}.
    """
    if value.get("contents") is not None and value.get("contents_local") is not None:
        message = "contents and contents_local are given together; keep one of them"
        found.error((*path, "contents_local"), "unit_has_one_source", message)


def mount_unit_knows_what_and_where(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A file system with a mount unit has a format and, unless it is swap, a path.

    Passes: {format: swap, with_mount_unit: true}. Fails: {format: ext4, with_mount_unit: true}.
    """
    if not value.get("with_mount_unit"):
        return
    rule = "mount_unit_knows_what_and_where"
    if not value.get("format"):
        found.error((*path, "format"), rule, "with_mount_unit needs a format; give one")
    elif value["format"] != "swap" and not value.get("path"):
        found.error((*path, "path"), rule, "with_mount_unit needs the path to mount at; give one")


def tree_has_local(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A tree names the local directory that it embeds.

    Passes: {local: rootfs}. Fails: {path: /etc}.
    """
    if not value.get("local"):
        found.error(path, "tree_has_local", "local is missing; name a directory below the files directory")


BUTANE_RULES: Mapping[str, Rule] = {
    "directory": partial(mode_is_octal, directory=True),
    "dropin": unit_has_one_source,
    "file": partial(mode_is_octal, directory=False),
    "filesystem": mount_unit_knows_what_and_where,
    "resource": resource_has_one_source,
    "tree": tree_has_local,
    "unit": unit_has_one_source,
}
"""The rules of a single object, applied as it stands in the document."""
