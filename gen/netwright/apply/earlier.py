"""What machines have, laid out as OUT is, so that a rollout can begin from it: OUT with their files in place of its.

The files reach a machine by its Ignition config or seed, so these get the contents as well.
"""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from netwright.text.yaml_parser import LOADER

_UNITS = "/etc/systemd/system/"
_HEAD = "#cloud-config\n"


class HeldFile(Struct, frozen=True, kw_only=True):
    """A file as a machine has it; `mode` is octal, `owner` USER:GROUP."""

    content: bytes
    mode: str
    owner: str


def lay_out_earlier(
    source: Path, target: Path, nodes: Iterable[str], held: Mapping[str, Mapping[str, HeldFile | None]]
) -> None:
    """Copy the folders of nodes below `source` to `target`, with what `held` says of some: their files by path, None
    for one that is not there."""
    for node in nodes:
        if (source / node).is_dir():
            shutil.copytree(source / node, target / node, symlinks=True)
            if held.get(node):
                _replace_files(target / node, node, held[node])


def _replace_files(folder: Path, node: str, held: Mapping[str, HeldFile | None]) -> None:
    for path, file in held.items():
        place = folder / "rootfs" / path.lstrip("/")
        if file is None:
            place.unlink(missing_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.content)
    _rewrite(folder / "manifest.json", lambda text: _list_files(text, held))
    _rewrite(folder / f"{node}.ign", lambda text: _carry_by_ignition(text, held))
    _rewrite(folder / "cloud-init" / "user-data", lambda text: _carry_by_seed(text, held))


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    if path.is_file():
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def _list_files(text: str, held: Mapping[str, HeldFile | None]) -> str:
    manifest = json.loads(text)
    entries = {entry["path"]: entry for entry in manifest["files"] if entry["path"] not in held}
    for path, file in held.items():
        if file is not None:
            digest = hashlib.sha256(file.content).hexdigest()
            entries[path] = {"path": path, "sha256": digest, "mode": file.mode.zfill(4), "owner": file.owner}
    return json.dumps(manifest | {"files": [entries[path] for path in sorted(entries)]})


def _carry_by_ignition(text: str, held: Mapping[str, HeldFile | None]) -> str:
    config = json.loads(text)
    storage, systemd = config.setdefault("storage", {}), config.setdefault("systemd", {})
    units: dict[str, Any] = {unit["name"]: unit for unit in systemd.get("units", ())}
    files = {file["path"]: file for file in storage.get("files", ())}
    for path, file in held.items():
        name = path.removeprefix(_UNITS)
        if path.startswith(_UNITS) and ("/" not in name or name.partition(".d/")[0] in units):
            _put_unit(units, name, file)
        elif file is None:
            files.pop(path, None)
        else:
            source = f"data:;base64,{base64.b64encode(file.content).decode()}"
            files[path] = {"path": path, "overwrite": True, "contents": {"source": source}, "mode": int(file.mode, 8)}
    storage["files"], systemd["units"] = [files[path] for path in sorted(files)], [*units.values()]
    return json.dumps(config)


def _put_unit(units: dict[str, Any], name: str, file: HeldFile | None) -> None:
    """Put a unit's text, or that of a drop-in, among the units of an Ignition config."""
    unit, _, drop_in = name.partition(".d/")
    text = file.content.decode(errors="replace") if file is not None else None
    if not drop_in and text is None:
        units.pop(unit, None)
    elif not drop_in:
        units[unit] = {"enabled": True, **units.get(unit, {"name": unit}), "contents": text}
    else:
        kept = [one for one in units[unit].get("dropins", ()) if one["name"] != drop_in]
        added = [{"name": drop_in, "contents": text}] if text is not None else []
        units[unit] = units[unit] | {"dropins": kept + added}


def _carry_by_seed(text: str, held: Mapping[str, HeldFile | None]) -> str:
    document = yaml.load(text, Loader=LOADER) or {}  # noqa: S506
    kept = [entry for entry in document.get("write_files", ()) if entry.get("path") not in held]
    document["write_files"] = kept + [
        {
            "path": path,
            "owner": file.owner,
            "permissions": file.mode.zfill(4),
            "content": file.content.decode(errors="replace"),
        }
        for path, file in held.items()
        if file is not None
    ]
    return _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
