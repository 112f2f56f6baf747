"""Rules of units and drop-ins."""

import re
from collections.abc import Mapping
from typing import Any

from netwright.butane.findings import Diagnostics
from netwright.butane.rules.storage import Placed
from netwright.butane.rules.units import UNIT_SUFFIXES, suffix, unit_problem, unit_sections
from netwright.text.source import TopologyPath


def unit_is_well_formed(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A unit's name has a unit's suffix, its contents are a unit file, and [Install] is there if it is enabled.

    Passes: a.service. Warns: enabled: true with contents that lack [Install]. Fails: a.network, "[Service" unclosed.
    """
    name, contents = value["name"], value.get("contents")
    if suffix(name) not in UNIT_SUFFIXES:
        shown = name or "the name"
        message = (
            f"{shown} is not a unit's name; end it with .service, .socket, .mount, .timer or the like "
            "(.network, .netdev and .link files belong to storage.files)"
        )
        found.error((*path, "name"), "unit_is_well_formed", message)
    if contents is None:
        return
    where = (*path, "contents")
    problem = unit_problem(contents)
    if problem:
        found.error(where, "unit_is_well_formed", f"{name or 'the unit'} is not a unit file: {problem}")
    elif value.get("enabled") and contents and "Install" not in unit_sections(contents):
        message = f"{name} is enabled but has no [Install] section, so nothing starts it; add one with WantedBy="
        found.warning(where, "unit_is_well_formed", message)


def dropin_is_well_formed(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A drop-in's name ends with .conf, and its contents are a unit file.

    Passes: 10-debug.conf. Fails: 10-debug.txt.
    """
    problem = unit_problem(value["contents"]) if "contents" in value else None
    if problem:
        found.error(
            (*path, "contents"),
            "dropin_is_well_formed",
            f"{value['name'] or 'the drop-in'} is not a unit file: {problem}",
        )
    if suffix(value["name"]) != ".conf":
        message = f"{value['name'] or 'the name'} is not a drop-in's name; end it with .conf"
        found.error((*path, "name"), "dropin_is_well_formed", message)


_INSTANCE = re.compile(r"(.+?)@(.+?)\.service")


def template_of_enabled_instance_installs(units: Placed, found: Diagnostics) -> None:
    """The template of an enabled instance has an [Install] section.

    Passes: a@.service with [Install], a@x.service enabled. Warns: a@.service without [Install], a@x.service enabled.
    """
    contents = {unit["name"]: unit.get("contents") for unit, _ in units}
    for unit, path in units:
        instance = _INSTANCE.fullmatch(unit["name"]) if unit.get("enabled") else None
        template = contents.get(f"{instance[1]}@.service") if instance else None
        if instance and template and not unit_problem(template) and "Install" not in unit_sections(template):
            message = (
                f"{unit['name']} is enabled but its template {instance[1]}@.service has no [Install] section; "
                "add one with WantedBy="
            )
            found.warning((*path, "contents"), "template_of_enabled_instance_installs", message)
