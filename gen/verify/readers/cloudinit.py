"""What cloud-init's user-data puts on the machine: write_files, and the units that runcmd starts."""

from base64 import b64decode
from typing import Any

import yaml

from gen.verify.facts import Origin, Unknown
from gen.verify.readers.ignition import RELEVANT, Cargo, Delivered

_ENCODINGS = {None: False, "": False, "text/plain": False, "b64": True, "base64": True}
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_user_data(file: str, text: str) -> Cargo:
    """The files that the seed writes. What bootcmd, runcmd and other modules do beside that is not looked at."""
    cargo = Cargo()
    try:
        document = yaml.load(text, Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError:
        document = None
    if not isinstance(document, dict) or not text.startswith("#cloud-config"):
        _puzzle(cargo, file, "", "not a #cloud-config document")
        return cargo
    for entry in document.get("write_files") or ():
        _take_file(cargo, file, entry)
    for command in document.get("runcmd") or ():
        words = command.split() if isinstance(command, str) else [str(word) for word in command]
        if words[:2] == ["systemctl", "enable"]:
            cargo.enabled.update(word for word in words[2:] if not word.startswith("-"))
    return cargo


def _puzzle(cargo: Cargo, file: str, text: str, reason: str) -> None:
    cargo.unknown.append(Unknown(origin=Origin(file=file, line=1), text=text, reason=reason))


def _take_file(cargo: Cargo, file: str, entry: dict[str, Any]) -> None:
    if not str(entry.get("path", "")).startswith(RELEVANT):
        return
    try:
        path, content, encoded = entry["path"], entry.get("content", ""), _ENCODINGS[entry.get("encoding")]
        mode = int(str(entry.get("permissions", "0644")), 8)
        raw = b64decode(content) if encoded else content.encode()
    except (KeyError, ValueError, AttributeError, TypeError):
        _puzzle(cargo, file, str(entry), "not a known form of write_files")
        return
    if entry.get("append") or entry.get("defer"):
        _puzzle(cargo, file, path, "what the file will hold depends on what is there before")
        return
    cargo.files[path] = Delivered(path=path, content=raw, mode=mode)
