"""Files and units that an Ignition config puts on the machine (Ignition spec 3)."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from netwright.verify.reading.formats.fetching import decode_contents, find_fetch_fault
from netwright.verify.reading.formats.ignition_refusals import MisreadError, find_faults, load_config
from netwright.verify.reading.running.paths import normalise
from netwright.verify.reading.running.places import holds_places, refuse_mode
from netwright.verify.reading.running.programme import Order, UnitLink
from netwright.verify.values.facts import WRITES_AGAIN, Origin, Unknown

VERSIONS = frozenset({"3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0"})
"""Versions of the specification that Ignition 2.24 takes, which Flatcar stable has."""


class Delivered(Struct, frozen=True, kw_only=True):
    """One file that reaches the machine, with its mode and its user where the carrier sets them."""

    path: str
    content: bytes
    mode: int | None
    owner: str = "root"


class Provisioned(Struct):
    """Everything that one carrier brings, the units that it starts, and the commands that it runs itself.

    `remote` are the files of which it does not carry the content, and whether they are executable; `sections` what else
    it has, as JSON; `arguments` those of the kernel; `filesystems` the folders on which Ignition mounts file systems
    while it writes. `lines` tells where sections, arguments and paths of links stand.
    """

    files: dict[str, Delivered] = field(default_factory=dict)
    remote: dict[str, bool] = field(default_factory=dict)
    links: list[UnitLink] = field(default_factory=list)
    enabled: set[str] = field(default_factory=set)
    commands: list[tuple[Origin, Order]] = field(default_factory=list)
    bootcmd: list[str] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    filesystems: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)
    fetched: bool = False
    unknown: list[Unknown] = field(default_factory=list)

    def refuse(self, file: str, line: int, reason: str) -> None:
        """Notes that the carrier can't be read at all."""
        self.files.clear()
        self.unknown[:] = [
            Unknown(origin=Origin(file=file, line=line), text="", reason=f"{reason}; {WRITES_AGAIN}", whole=True)
        ]

    def stop(self, file: str, path: str, fault: str, *, line: int = 1) -> None:
        """Notes that the carrier's program stops at an entry, so that the machine does not come up."""
        reason = f"Ignition stops at {path or 'an entry without a name'}, and the machine does not come up: {fault}"
        self.unknown.append(Unknown(origin=Origin(file=file, line=line), text="", reason=reason, whole=True))

    @property
    def refused(self) -> bool:
        """Return whether the carrier can't be read at all."""
        return any(one.whole for one in self.unknown)


UNIT_FOLDER = "/etc/systemd/system/"
RELEVANT = (
    "/etc/systemd/network/",
    "/etc/sysconfig/network-scripts/",
    "/etc/sysconfig/nftables",
    "/etc/NetworkManager/",
    "/etc/sysctl",
    "/etc/nftables/",
    "/etc/iptables",
    "/etc/config/ip-masq-agent",
    "/etc/firewalld/",
    "/etc/rancher/k3s/",
    "/etc/default/k3s",
    "/etc/sysconfig/k3s",
    UNIT_FOLDER,
)
"""Folders of files that decide about the network. Others count only as what may run."""


def read_ignition(file: str, text: str) -> Provisioned:
    """The files of storage.files and the contents and drop-ins of systemd.units."""
    provisioned = Provisioned()
    try:
        document = load_config(text)
        for entry, fault in find_faults(document):
            provisioned.stop(file, entry, fault, line=_line_of(text, entry))
        if provisioned.refused:
            return provisioned
        storage, systemd = document.get("storage") or {}, document.get("systemd") or {}
        for key in sorted(set(document) - {"ignition", "storage", "systemd", "passwd", "kernelArguments"}):
            _puzzle(provisioned, file, key, "not known in an Ignition config")
        for link in storage.get("links") or ():
            _take_link(provisioned, file, link, _line_of(text, link["path"]))
        for folder in storage.get("directories") or ():
            for fault in _refuse_folder(folder):
                _puzzle(provisioned, file, folder["path"], fault, line=_line_of(text, folder["path"]))
        _take_arguments(provisioned, file, document.get("kernelArguments") or {}, text)
        _judge_header(provisioned, file, document.get("ignition") or {})
        _judge_accounts(provisioned, file, document.get("passwd") or {})
        for one in storage.get("files") or ():
            _take_file(provisioned, file, one)
        for unit in systemd.get("units") or ():
            _take_unit(provisioned, file, unit)
        _find_unmounted(provisioned, file, storage.get("filesystems") or ())
    except json.JSONDecodeError as error:
        provisioned.refuse(file, error.lineno, f"not an Ignition config, no JSON from column {error.colno} on")
    except MisreadError as refused:
        provisioned.refuse(file, 1, str(refused))
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        provisioned.refuse(file, 1, "not an Ignition config")
    return provisioned


def _refuse_folder(folder: dict[str, Any]) -> Iterator[str]:
    path, mode = folder["path"], folder.get("mode")
    if mode is not None:
        yield from filter(None, [refuse_mode(path, f"{mode:o}")])
    if folder.get("overwrite") and holds_places(normalise(path)) is not None:
        yield "overwrite: true removes all that the system has there; leave it out"


def _take_arguments(provisioned: Provisioned, file: str, said: dict[str, Any], text: str) -> None:
    for one in said.get("shouldExist") or ():
        provisioned.arguments.append(str(one))
        provisioned.lines[str(one)] = _line_of(text, one)
    for one in said.get("shouldNotExist") or ():
        if _KEPT.match(str(one)):
            reason = "without this argument cards may be called otherwise, or the machine may not start"
            _puzzle(provisioned, file, str(one), reason, line=_line_of(text, one))


_KEPT = re.compile(r"(?:net\.ifnames|biosdevname|ifname|root|usr|mount\.usr\w*|verity\.\w+)(?:=|\Z)")
"""Arguments of the kernel by which Flatcar finds its file systems, and names cards."""


def _judge_header(provisioned: Provisioned, file: str, header: dict[str, Any]) -> None:
    if set(header) - {"version", "config", "timeouts", "security", "proxy"} or header.get("config"):
        _puzzle(provisioned, file, "ignition", "other configs are merged into this one, or replace it")
    for resource in ((header.get("security") or {}).get("tls") or {}).get("certificateAuthorities") or ():
        _note_fetch(provisioned, file, "ignition.security.tls", resource)
    version = header.get("version")
    if version not in VERSIONS:
        reason = f"not a version of the Ignition specification that Flatcar's Ignition is known to take: {version}"
        provisioned.unknown.append(
            Unknown(origin=Origin(file=file, line=1), text="", reason=f"{reason}; {WRITES_AGAIN}", whole=True)
        )


def _judge_accounts(provisioned: Provisioned, file: str, accounts: dict[str, Any]) -> None:
    for one in (one for kind in accounts.values() for one in kind or ()):
        if one.get("shouldExist") is False:
            _puzzle(provisioned, file, str(one["name"]), "shouldExist: false removes who a daemon may run as")


def _take_link(provisioned: Provisioned, file: str, link: dict[str, Any], line: int) -> None:
    path = normalise(link["path"])
    if path.startswith(RELEVANT) and not path.startswith(UNIT_FOLDER):
        _puzzle(provisioned, file, link["path"], "a link in the place of a network file")
    else:
        provisioned.links.append(UnitLink(path=path, target=normalise(str(link.get("target", "")))))
        provisioned.lines[path] = line


def _find_unmounted(provisioned: Provisioned, file: str, filesystems: Iterable[dict[str, Any]]) -> None:
    """Name the file systems that hold delivered files and that no unit and no fstab mounts once Ignition is through."""
    mounted = {
        line.split()[1]
        for line in _text_of(provisioned, "/etc/fstab").split("\n")
        if len(line.split()) > 1 and line.strip()[0] != "#"
    }
    units = (_text_of(provisioned, path) for path in provisioned.files if path.endswith(".mount"))
    mounted |= {found[1] for text in units for found in _WHERE.finditer(text)}
    for one in filesystems:
        path = normalise(str(one.get("path") or "/"))
        provisioned.filesystems.add(path)
        held = next((other for other in provisioned.files if other.startswith(f"{path.rstrip('/')}/")), None)
        if path != "/" and held is not None and path not in mounted:
            reason = f"nothing mounts {path} once Ignition is through, on which {held} lies; with_mount_unit: true does"
            _puzzle(provisioned, file, path, reason)


def _text_of(provisioned: Provisioned, path: str) -> str:
    return provisioned.files[path].content.decode(errors="replace") if path in provisioned.files else ""


_WHERE = re.compile(r"^\s*Where\s*=\s*(\S+)", re.MULTILINE)


def _line_of(text: str, value: str) -> int:
    """Return the line on which a string stands for the first time, 1 if it is written in another way."""
    place = text.find(json.dumps(value))
    return text.count("\n", 0, max(place, 0)) + 1


def _puzzle(provisioned: Provisioned, file: str, text: str, reason: str, *, line: int = 1) -> None:
    provisioned.unknown.append(Unknown(origin=Origin(file=file, line=line), text=text, reason=reason))


def _take_file(provisioned: Provisioned, file: str, entry: dict[str, Any]) -> None:
    contents = entry.get("contents") or {}
    for resource in (contents, *(entry.get("append") or ())):
        _note_fetch(provisioned, file, entry["path"], resource)
    content, mode = decode_contents(contents), entry.get("mode")
    if not is_clean(entry["path"]):
        _puzzle(provisioned, file, entry["path"], "not a path that a file may have")
        return
    path = normalise(entry["path"])
    if content is None or entry.get("append"):
        if path.startswith(RELEVANT):
            _puzzle(provisioned, file, path, "what the file will hold cannot be read from the config")
        else:
            provisioned.remote[path] = bool((mode or 0) & 0o111)
        return
    user = entry.get("user") or {}
    owner = str(user.get("name") or user.get("id") or "root")
    provisioned.files[path] = Delivered(path=path, content=content, mode=mode, owner=owner)


def _note_fetch(provisioned: Provisioned, file: str, path: str, resource: dict[str, Any]) -> None:
    fault = find_fetch_fault(resource)
    if fault is not None:
        provisioned.stop(file, path, fault)
    provisioned.fetched = provisioned.fetched or not (resource.get("source") or "data:").startswith("data:")


def _tell_systemctl(provisioned: Provisioned, file: str, verb: str, name: str) -> None:
    provisioned.commands.append((Origin(file=file, line=1), Order(text=("systemctl", verb, name), every_boot=True)))


def _take_unit(provisioned: Provisioned, file: str, unit: dict[str, Any]) -> None:
    if unit.get("contents") is not None:
        path = UNIT_FOLDER + unit["name"]
        provisioned.files[path] = Delivered(path=path, content=unit["contents"].encode(), mode=None)
    for dropin in unit.get("dropins") or ():
        path = f"{UNIT_FOLDER}{unit['name']}.d/{dropin['name']}"
        provisioned.files[path] = Delivered(path=path, content=(dropin.get("contents") or "").encode(), mode=None)
    if unit.get("mask"):
        _tell_systemctl(provisioned, file, "mask", unit["name"])
    if unit.get("enabled"):
        provisioned.enabled.add(unit["name"])
    elif unit.get("enabled") is False:
        _tell_systemctl(provisioned, file, "disable", unit["name"])


@lru_cache(maxsize=1024)  # nodes have many files in common
def is_clean(path: str) -> bool:
    """Return whether a path is clean: without steps back, and in visible characters."""
    return path.isprintable() and not {"", ".", ".."} & {*path.split("/")[1:]}
