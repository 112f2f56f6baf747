"""What cloud-init's user-data puts on the machine: write_files, and the units that runcmd starts."""

from base64 import b64decode
from typing import Any

import yaml

from gen.verify.facts import Origin, Unknown
from gen.verify.readers.ignition import RELEVANT, Cargo, Delivered, is_clean
from gen.yaml_parser import LOADER, PARSER_LIMIT, parse_events

_ENCODINGS = {None: False, "": False, "text/plain": False, "b64": True, "base64": True}
_DEEPEST_NESTING = 64


def read_user_data(file: str, text: str) -> Cargo:
    """The files that the seed writes, the units that it starts, and its commands. Other modules are not looked at."""
    cargo = Cargo()
    line = 1
    try:
        document = None if _is_deep(text) else yaml.load(text, Loader=LOADER)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        document = None
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):  # a date or a number beyond Python's
        document = None
    if not isinstance(document, dict) or not text.startswith("#cloud-config"):
        cargo.refuse(file, line, "not a #cloud-config document")
        return cargo
    for entry in _listed(cargo, file, document, "write_files"):
        _take_file(cargo, file, entry)
    for key in ("bootcmd", "runcmd"):
        for command in _listed(cargo, file, document, key):
            words = command.split() if isinstance(command, str) else command
            if not isinstance(words, list):
                _puzzle(cargo, file, str(command), f"not a known form of {key}")
                continue
            said = command if isinstance(command, str) else " ".join(map(str, words))
            cargo.commands.append((Origin(file=file, line=1), said))
            if key == "bootcmd":
                cargo.bootcmd.append(said)
            if words[:2] == ["systemctl", "enable"]:
                cargo.enabled.update(str(word) for word in words[2:] if not str(word).startswith("-"))
    return cargo


def _is_deep(text: str) -> bool:
    """Whether the text is nested so deeply that the parser might refuse it or, written in C, overflow its stack.

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


def _listed(cargo: Cargo, file: str, document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key) or []
    if isinstance(found, list):
        return found
    _puzzle(cargo, file, key, "not a list")
    return []


def _puzzle(cargo: Cargo, file: str, text: str, reason: str) -> None:
    cargo.unknown.append(Unknown(origin=Origin(file=file, line=1), text=text, reason=reason))


def _take_file(cargo: Cargo, file: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        _puzzle(cargo, file, str(entry), "not a known form of write_files")
        return
    if not str(entry.get("path", "")).startswith(RELEVANT):
        return
    try:
        path, content, encoded = entry["path"], entry.get("content", ""), _ENCODINGS[entry.get("encoding")]
        mode = int(str(entry.get("permissions", "0644")), 8)
        raw = b64decode(content) if encoded else content.encode()
    except (KeyError, ValueError, AttributeError, TypeError):
        _puzzle(cargo, file, str(entry.get("path")), "not a known form of write_files")
        return
    if not is_clean(path):
        _puzzle(cargo, file, path, "not a path that a file may have")
        return
    if entry.get("append") or entry.get("defer"):
        _puzzle(cargo, file, path, "what the file will hold depends on what is there before")
        return
    owner = str(entry.get("owner") or "root").partition(":")[0]
    cargo.files[path] = Delivered(path=path, content=raw, mode=mode, owner=owner)
