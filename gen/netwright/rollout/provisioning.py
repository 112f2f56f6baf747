"""What only provisioning brings to a machine: pieces of Ignition and cloud-init, and sheets for a person."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from netwright.rollout.settings import changed_lines
from netwright.rollout.values import ChangedFile, Consequence, FilePlan, Loss
from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep

_FILES = {"files", "units"}
"""Keys of Ignition whose entries are compared file by file."""


def ignition_pieces(node: str, file: ChangedFile) -> Iterator[FilePlan]:
    """Yield the parts of an Ignition config that change, but for files and units: users, disks, kernel arguments."""
    was, now = (_ignition(text) for text in (file.before, file.after))
    for piece in sorted(was.keys() | now.keys()):
        if was.get(piece) != now.get(piece):
            changed = ChangedFile(path=f"{node}.ign: {piece}", before=was.get(piece), after=now.get(piece))
            yield FilePlan(file=changed, consequence=_REPROVISION)


_REPROVISION = Consequence(
    loss=Loss.REBOOT,
    moment="provisioning",
    notes=("Ignition runs at the first boot only: provision the machine again, or run flatcar-reset",),
)


def _ignition(text: str | None) -> Mapping[str, str]:
    """The parts of an Ignition config, each as JSON. By its version alone nothing changes on a machine."""
    try:
        document = json.loads(text or "{}")
        document.get("ignition", {}).pop("version", None)
        sections = {name: document[name] for name in document if name not in ("storage", "systemd") and document[name]}
        below = {f"storage.{name}": value for name, value in document.get("storage", {}).items() if name not in _FILES}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {"config": text or ""}
    return {name: json.dumps(value, sort_keys=True) for name, value in (sections | below).items()}


def seed_pieces(file: ChangedFile, known: Iterable[str]) -> Iterator[FilePlan]:
    """Yield the keys of cloud-init's user-data that change, but for the files that it writes, and for commands about a
    file or unit of which something is `known`."""
    subjects = {word for text in known for word in text.split()}
    was, now = (_seed(text) for text in (file.before, file.after))
    for key in sorted(was.keys() | now.keys()):
        piece = ChangedFile(path=f"{file.path}: {key}", before=was.get(key), after=now.get(key))
        lines = [line for line in changed_lines(piece) if line[2:] not in _OURS and not {*line.split()[-1:]} & subjects]
        if lines:
            notes = ("cloud-init does it at the first boot only; until then it is done by hand:", *lines)
            yield FilePlan(file=piece, consequence=Consequence(moment="provisioning", notes=notes))


_OURS = {"cloud-init single --name write_files", "systemctl daemon-reload"}
"""Commands that belong to the files that a seed brings."""


def _seed(text: str | None) -> Mapping[str, str]:
    try:
        document: Any = yaml.load(text or "", Loader=LOADER) if not is_deep(text or "") else None  # noqa: S506
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return {}
    return {str(key): _lines(value) for key, value in document.items() if key != "write_files"}


def _lines(value: Any) -> str:
    """The value as text, each entry of a list on a line of its own."""
    entries = value if isinstance(value, list) else [value]
    return "\n".join(one if isinstance(one, str) else json.dumps(one, sort_keys=True, default=str) for one in entries)


def sheet(file: ChangedFile) -> Consequence:
    """A hand-off sheet: a person does what it lists, and knows the device."""
    changed = [line for line in changed_lines(file) if line[2:].strip() and not line[2:].startswith("#")]
    commands = tuple(line for line in changed if not line[2:].startswith("|"))
    if commands or not changed:
        return Consequence(loss=Loss.UNKNOWN, moment="person", notes=("for the person who looks after it:", *commands))
    notes = ("for the person who looks after it, in its table:", *changed)
    return Consequence(loss=Loss.UNKNOWN, moment="person", notes=notes)
