"""Rules of files, directories and links, alone and among each other."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netwright.butane.findings import Diagnostics
from netwright.butane.rules.paths import clean_path, mode_is_in_range, path_is_absolute_and_clean
from netwright.text.source import TopologyPath

Placed = Sequence[tuple[Mapping[str, Any], TopologyPath]]
"""The entries of one list of the config, each with its place in the document."""


def file_is_writable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A file has a clean path and a mode in range, and contents if it overwrites something.

    Passes: {path: /a, overwrite: true, contents: {inline: x}}. Fails: {path: /a, overwrite: true}.
    """
    path_is_absolute_and_clean(value, path, found, field="path")
    mode_is_in_range(value, path, found)
    if value.get("overwrite") and "source" not in value.get("contents", {}):
        found.error(
            (*path, "overwrite"),
            "file_is_writable",
            "overwrite: true needs contents; give contents or leave overwrite out",
        )


def directory_is_creatable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A directory has a clean path and a mode in range.

    Passes: {path: /etc/x, mode: 0755}. Fails: {path: /etc/x/}.
    """
    path_is_absolute_and_clean(value, path, found, field="path")
    mode_is_in_range(value, path, found)


def link_has_path(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A link has a clean path.

    Passes: {path: /a, target: ../b}. Fails: {path: a, target: ../b}.
    """
    path_is_absolute_and_clean(value, path, found, field="path")


def nothing_lies_below_a_link(nodes: Placed, links: Placed, found: Diagnostics, *, noun: str) -> None:
    """No file, directory or link of the config has a path that leads through a link of the config.

    Passes: link /a, file /b/c. Fails: link /a, file /a/c.
    """
    if not links:
        return
    places = {link["path"]: place for link, place in links}
    for node, path in nodes:
        for above in _ancestors(node["path"]):
            if above in places:
                message = f"the {noun} {node['path']} lies below the link {above}; use the link's target as its path"
                found.error(path, "nothing_lies_below_a_link", message, related=(places[above],))


def _ancestors(path: str) -> Iterator[str]:
    end = path.rfind("/")
    while end >= 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def link_has_target(links: Placed, directories: Placed, found: Diagnostics) -> None:
    """A link has a target; a hard link's is no directory of the config, and a hard link has no owner.

    Passes: {path: /a, target: /b, hard: true}. Fails: {path: /a}. Warns: a hard link with user or group.
    """
    places = {directory["path"]: place for directory, place in directories}
    for link, path in links:
        target = link.get("target")
        if not target:
            found.error((*path, "target"), "link_has_target", f"the link {link['path']} has no target; give one")
            continue
        if not link.get("hard"):
            continue
        absolute = clean_path(target) if target.startswith("/") else clean_path(posixpath.join(link["path"], target))
        if absolute in places:
            message = f"a hard link can't lead to the directory {absolute}; use a symbolic link"
            found.error(path, "link_has_target", message, related=(places[absolute],))
        for owner in ("user", "group"):
            for field in link.get(owner, {}):
                message = f"a hard link has the {owner} of its target; leave {owner} out"
                found.warning((*path, owner, field), "link_has_target", message)


def path_is_not_a_units(nodes: Placed, units: Placed, found: Diagnostics) -> None:
    """No file, directory or link has the path of a unit or drop-in that the config itself writes.

    Passes: unit a.service, file /etc/a. Fails: unit a.service with contents, file /etc/systemd/system/a.service.
    """
    below = "/etc/systemd/system/"
    if not any(node["path"].startswith(below) for node, _ in nodes):
        return
    taken: dict[str, TopologyPath] = {}
    for unit, path in units:
        if unit.get("contents"):
            taken[below + unit["name"]] = path
        for dropin in unit.get("dropins", ()):
            if dropin.get("contents"):
                taken[f"{below}{unit['name']}.d/{dropin['name']}"] = path
    for node, path in nodes:
        if node["path"] in taken:
            message = f"{node['path']} is written by the unit of that name; keep one of them"
            found.error((*path, "path"), "path_is_not_a_units", message, related=(taken[node["path"]],))
