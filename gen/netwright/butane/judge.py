"""Judges a translated config by the rules of Ignition."""

from collections.abc import Iterator, Sequence
from typing import Any

from netwright.butane.findings import Diagnostics
from netwright.butane.rules import ignition_rules
from netwright.butane.rules.disks import filesystem_spares_partitions
from netwright.butane.rules.resources import source_is_given
from netwright.butane.rules.storage import (
    Placed,
    link_has_target,
    nothing_lies_below_a_link,
    path_is_not_a_units,
)
from netwright.butane.rules.systemd import template_of_enabled_instance_installs
from netwright.butane.shape import Field, Shape
from netwright.butane.translation import Translation, Value
from netwright.text.source import TopologyPath


def judge(translation: Translation, found: Diagnostics) -> None:
    """Apply every rule of Ignition to the translated config."""
    rules = ignition_rules(translation.specification.ignition_version)
    arn = translation.specification.ignition_version != "3.3.0"
    containers: dict[str, Value] = {}
    for shape, value in translation.judged:
        path = value.place
        rule = rules.get(shape.name)
        if rule is not None:
            rule(value, path, found)
        if shape.has_unique:
            _entries_are_unique(translation, shape, value, path, found)
        match shape.name:
            case "storage" | "systemd":
                containers[shape.name] = value
            case "config":
                for resource, place in _placed(value, "merge"):
                    source_is_given(resource, place, found, arn=arn)
            case "tls":
                for resource, place in _placed(value, "certificateAuthorities"):
                    source_is_given(resource, place, found, arn=arn)
    units = _placed(containers.get("systemd", {}), "units")
    template_of_enabled_instance_installs(units, found)
    if "storage" in containers:
        _judge_storage(containers["storage"], units, found)


def _judge_storage(storage: Value, units: Placed, found: Diagnostics) -> None:
    files = _placed(storage, "files")
    directories = _placed(storage, "directories")
    links = _placed(storage, "links")
    nothing_lies_below_a_link(directories, links, found, noun="directory")
    nothing_lies_below_a_link(files, links, found, noun="file")
    nothing_lies_below_a_link(links, links, found, noun="link")
    link_has_target(links, directories, found)
    path_is_not_a_units([*files, *directories, *links], units, found)
    filesystems, disks = _placed(storage, "filesystems"), _placed(storage, "disks")
    if filesystems and disks:
        filesystem_spares_partitions(filesystems, disks, found)


def _placed(value: Value, name: str) -> Placed:
    return [(entry, entry.place) for entry in value.get(name, ())]


def _entries_are_unique(
    translation: Translation, shape: Shape, value: Value, path: TopologyPath, found: Diagnostics
) -> None:
    """No two entries of a list, or of lists that are judged as one, agree in their unique field.

    Passes: files /a and /b. Fails: files /a and /a, file /a and link /a.
    """
    seen: dict[str, dict[str, TopologyPath]] = {}
    for known in shape.fields:
        if known.unique is None or known.ignition is None or known.ignition not in value:
            continue
        first = seen.setdefault(known.unique_across or known.name, {})
        for key, place in _keys(translation, known, value[known.ignition], (*path, known.name)):
            if key not in first:
                first[key] = place
                continue
            shown = key if len(key) <= 80 else key[:77] + "..."
            noun = "the entry itself" if known.unique == "." else known.unique
            message = f"{shown or 'an entry without ' + noun} is already there; keep one of them"
            found.error(place, "entries_are_unique", message, related=(first[key],))


def _keys(
    translation: Translation, known: Field, entries: Sequence[Any], path: TopologyPath
) -> Iterator[tuple[str, TopologyPath]]:
    if known.unique in {None, "."}:
        places = translation.key_places.get(path)
        for index, entry in enumerate(entries):
            yield entry, places[index] if places else (*path, index)
        return
    for entry in entries:
        key = _partition_key(entry) if known.unique == "number or label" else entry.get(known.unique, "")
        yield key, entry.place


def _partition_key(partition: Value) -> str:
    if "number" in partition:
        return f"number {partition['number']}"
    return f"label {partition['label']}" if "label" in partition else ""
