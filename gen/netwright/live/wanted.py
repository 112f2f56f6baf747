"""What OUT wants of a machine's files and units, as they are compared with a record of it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from netwright.verify.reading.delivery import Delivery, Text, read_delivery
from netwright.verify.reading.disk import read_file

USUAL_MODE = 0o644
"""The mode of a file without one, for Ignition and cloud-init alike."""
_FILLED_IN = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_LOST = "\ufffd"
_PRESETS = "/etc/systemd/system-preset/"
_UNITS = "/etc/systemd/system/"


class WantedFile(Struct, frozen=True, kw_only=True):
    """A file as it is delivered; what is None is not known here, and not compared.

    That is the digest (SHA-256) of a file in which values are filled in at provisioning, or that is fetched, the mode
    of the latter, and the owner where a config names a user alone, or a number.
    """

    digest: str | None = None
    mode: int | None = None
    owner: str | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """A node's files by path, and the units that are enabled and masked; `managed` is False for a node with a hand-off
    sheet."""

    node: str
    managed: bool
    files: Mapping[str, WantedFile]
    enabled: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()


class _Entry(Struct):
    path: str
    sha256: str
    mode: str
    owner: str


class _Manifest(Struct):
    files: list[_Entry]


def read_wanted(out: Path, node: str) -> Wanted:
    """Return what the files below `out` want of the node."""
    delivery = read_delivery(out, node)
    files = {path: WantedFile() for path, _ in delivery.remote}
    files |= {path: _from_text(text) for path, text in delivery.files.items()}
    filled = {path for path, text in delivery.files.items() if _is_filled_in(text, delivery)}
    for path, file in _listed(out, node):
        files[path] = msgspec.structs.replace(file, digest=None) if path in filled else file
    if delivery.handoff is not None:
        return Wanted(node=node, managed=False, files=files)
    units = {"enable": {*delivery.enabled, *_preset(delivery)}, "mask": set[str]()}
    for verb, unit in _ordered(delivery):
        units["mask" if verb == "mask" else "enable"].add(unit)
    enabled, masked = frozenset(units["enable"] - units["mask"]), frozenset(units["mask"])
    return Wanted(node=node, managed=True, files=files, enabled=enabled, masked=masked)


def _preset(delivery: Delivery) -> Iterator[str]:
    """Yield the units of ours that a preset of ours enables (systemd.preset(5))."""
    for path, text in delivery.files.items():
        if path.startswith(_PRESETS):
            lines = (line.split() for line in text.text.splitlines())
            yield from (
                words[1] for words in lines if words[:1] == ["enable"] and f"{_UNITS}{words[1]}" in delivery.files
            )


def _ordered(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """Yield what cloud-init has systemctl do with units: the verb and each unit."""
    for _, order in delivery.commands:
        match order.line.split():
            case ["systemctl", "enable" | "reenable" | "mask" as verb, *words]:
                units = (word for word in words if not word.startswith("-"))
                yield from ((verb, unit if "." in unit else f"{unit}.service") for unit in units)


def _from_text(text: Text) -> WantedFile:
    known = _LOST not in text.text and _FILLED_IN.search(text.text) is None
    return WantedFile(
        digest=hashlib.sha256(text.text.encode()).hexdigest() if known else None,
        mode=USUAL_MODE if text.mode is None else text.mode,
        owner=text.owner if ":" in text.owner else None,
    )


def _is_filled_in(text: Text, delivery: Delivery) -> bool:
    """Return whether values may be filled in at provisioning: Ignition's encoding would hide them."""
    return delivery.seeded and _FILLED_IN.search(text.text) is not None


def _listed(out: Path, node: str) -> Iterator[tuple[str, WantedFile]]:
    """Yield the files of the node's manifest, which has what cloud-init does by other means than files as well."""
    content = read_file(f"{out}/{node}/manifest.json")
    if isinstance(content, bytes):
        yield from read_manifest_files(content)


def read_manifest_files(content: bytes) -> Iterator[tuple[str, WantedFile]]:
    """Yield the files that a manifest lists; none of what is no manifest."""
    try:
        manifest = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.MsgspecError, RecursionError):
        return
    for entry in manifest.files:
        if re.fullmatch(r"[0-7]{1,4}", entry.mode):
            yield entry.path, WantedFile(digest=entry.sha256, mode=int(entry.mode, 8), owner=entry.owner)
