"""cloud-init's user-data: write_files, and the units that runcmd starts."""

import json
import re
from typing import Any

import yaml

from netwright.text.yaml_parser import LOADER, PARSER_LIMIT, parse_events
from netwright.verify.reading.formats.ignition import RELEVANT, Delivered, Provisioned, is_clean
from netwright.verify.reading.formats.write_files import WriteError, read_entry
from netwright.verify.reading.running.paths import normalise
from netwright.verify.reading.running.programme import Order
from netwright.verify.reading.running.sections import READ_ELSEWHERE
from netwright.verify.values.facts import Origin, Unknown

_DEEPEST_NESTING = 64


def read_user_data(file: str, text: str) -> Provisioned:
    """The files that the seed writes, its commands, and its settings for other modules."""
    provisioned = Provisioned()
    line = 1
    try:
        document = None if is_deep(text) else yaml.load(text, Loader=LOADER)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        document = None
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):  # a date or a number beyond Python's
        document = None
    if not isinstance(document, dict) or not text.startswith("#cloud-config"):
        provisioned.refuse(file, line, "not a #cloud-config document")
        return provisioned
    _take_files(provisioned, file, text, _listed(provisioned, file, document, "write_files"))
    for key in ("bootcmd", "runcmd"):
        commands = _listed(provisioned, file, document, key)
        for command, at in zip(commands, _lines_of(text, key, len(commands)), strict=True):
            if not isinstance(command, str | list):
                _puzzle(provisioned, file, str(command), f"not a known form of {key}", line=at)
                continue
            said = command if isinstance(command, str) else tuple(map(str, command))
            provisioned.commands.append((Origin(file=file, line=at), Order(text=said, every_boot=key == "bootcmd")))
            if key == "bootcmd":
                provisioned.bootcmd.append(said if isinstance(said, str) else " ".join(said))
    for key in sorted(map(str, document.keys() - READ_ELSEWHERE)):
        provisioned.sections.append((key, json.dumps(_shallow(document.get(key), 2), sort_keys=True)))
        found = re.search(rf"""^["']?{re.escape(key)}["']?\s*:""", text, re.MULTILINE)
        provisioned.lines[key] = text.count("\n", 0, found.start()) + 1 if found is not None else 1
    return provisioned


def is_deep(text: str) -> bool:
    """Return whether the text is nested so deeply that the parser might refuse it or, written in C, overflow its stack.

    Only a text of many brackets or long lines can be; only such a one is looked at event by event.
    """
    if text.count("[") + text.count("{") < PARSER_LIMIT and max(map(len, text.split("\n"))) < PARSER_LIMIT:
        return False
    depth = 0
    for event in parse_events(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST_NESTING:
            return True
    return False


def _shallow(value: Any, depth: int) -> Any:
    """The value without what is nested deeper: aliases can make that more than fits anywhere."""
    if isinstance(value, dict):
        return {str(key): _shallow(inner, depth - 1) for key, inner in value.items()} if depth else "..."
    if isinstance(value, list):
        return [_shallow(inner, depth - 1) for inner in value] if depth else "..."
    return value if isinstance(value, bool | int | None) else str(value)


def _listed(provisioned: Provisioned, file: str, document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key) or []
    if isinstance(found, list):
        return found
    _puzzle(provisioned, file, key, "not a list")
    return []


def _lines_of(text: str, key: str, count: int) -> list[int]:
    """The line on which each entry of a top-level list begins, a block's on the one behind its mark; the key's own line
    where the list is not written as a block of its own."""
    found = re.search(rf"^{key}:.*\n(?:(?:[ \t#-].*)?(?:\n|\Z))*", text, re.MULTILINE)
    if found is None or not count:
        return [1] * count
    start = text.count("\n", 0, found.start())
    try:
        node = yaml.compose(found[0], Loader=LOADER)
    except yaml.YAMLError:
        return [start + 1] * count
    entries = node.value[0][1].value if isinstance(node, yaml.MappingNode) else ()
    if not isinstance(entries, list) or len(entries) != count:
        return [start + 1] * count
    return [start + one.start_mark.line + (2 if _is_block(one) else 1) for one in entries]


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")


def _puzzle(provisioned: Provisioned, file: str, text: str, reason: str, *, line: int = 1) -> None:
    provisioned.unknown.append(Unknown(origin=Origin(file=file, line=line), text=text, reason=reason))


def _take_files(provisioned: Provisioned, file: str, text: str, entries: list[Any]) -> None:
    for number, entry in enumerate(entries):
        try:
            _take_file(provisioned, file, entry)
        except WriteError as error:
            line = _lines_of(text, "write_files", len(entries))[number]
            followed = "; what follows is not written" if number + 1 < len(entries) else ""
            reason = f"cloud-init stops at this file: {error}{followed}"
            _puzzle(provisioned, file, str(entry.get("path")), reason, line=line)
            if followed:
                return


def _take_file(provisioned: Provisioned, file: str, entry: Any) -> None:
    said = entry.get("path") if isinstance(entry, dict) else entry
    if not isinstance(entry, dict) or not isinstance(said, str):
        _puzzle(provisioned, file, str(said), "not a known form of write_files")
        return
    path = normalise(said)
    if not is_clean(path) or not said.startswith("/"):
        _puzzle(provisioned, file, said, "not a path that a file may have")
        return
    relevant, earlier = path.startswith(RELEVANT), provisioned.files.get(path)
    found = read_entry(entry)
    appended = bool(entry.get("append"))
    if "source" in entry or (appended and earlier is None) or (relevant and entry.get("defer")):
        if relevant:
            _puzzle(provisioned, file, path, "what the file will hold depends on what is there before")
        else:
            provisioned.remote[path] = bool(found.mode & 0o111)
        return
    content = earlier.content + found.content if appended and earlier is not None else found.content
    provisioned.files[path] = Delivered(path=path, content=content, mode=found.mode, owner=found.owner)
