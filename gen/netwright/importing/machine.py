"""The network files of one machine, networkd's or NetworkManager's -> what they configure, by the proof's readers."""

import os
import re
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from netwright.importing.errors import ImportFileError, read_bytes
from netwright.importing.machine_lines import find_lost, odd_devices
from netwright.importing.machine_options import OPTIONS, is_yes
from netwright.text.natural import natural_key
from netwright.text.report import printable
from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.reading.formats.netdev import read_netdev
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.reading.formats.sections import Entry, read_entries
from netwright.verify.reading.formats.udev_link import read_link
from netwright.verify.values.facts import Device, Link, Reading, Rename

Source: TypeAlias = Literal["networkd", "NetworkManager"]

_FOLDERS: Mapping[Source, str] = {
    "networkd": "systemd/network",
    "NetworkManager": "NetworkManager/system-connections",
}
"""Where each has its files, below /etc."""
_ENDINGS: Mapping[Source, tuple[str, ...]] = {
    "networkd": (".network", ".netdev"),
    "NetworkManager": (".nmconnection",),
}
_NO_NAMES = frozenset({"", "etc", "systemd", "network", "NetworkManager", "system-connections", "rootfs"})
"""Folders that do not say whose files they hold."""
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_ORDER = re.compile(r"^[0-9]+-")
_PRETTY_NAME = re.compile(r"^PRETTY_NAME=[\"']?([^\"'\n]*)", re.MULTILINE)
_MOST_FILES = 2000


class MachineLink(Struct, frozen=True, kw_only=True):
    """An interface: what the proof's reader found, the device if it is none of hardware, and what it is made with, by
    the keys that a topology has for that. `is_primary` is a bond's first choice, `is_guessed` a name that no file has,
    `rename` what gives a card its name.
    """

    name: str
    link: Link
    device: Device | None
    options: Mapping[str, Any]
    is_primary: bool
    is_guessed: bool
    rename: Rename | None

    def carries(self, other: "MachineLink") -> bool:
        """Return whether the other is a VLAN on this, or a member of it."""
        named = (self.name, *filter(None, [self.link.uuid]))
        controller, parent = other.link.controller, other.device.parent if other.device is not None else None
        stacked = any(one.value == other.name for one in self.link.vlans)
        return stacked or any(one in named for one in (controller and controller.name, parent and parent.value))


class MachineDefinition(Struct, frozen=True, kw_only=True):
    """A machine: its name, the PRETTY_NAME of its system if that is known, what manages its interfaces, these, its
    name servers and search domain, and the lines that a draft has no place for, each with its file."""

    name: str
    image: str
    source: Source
    links: tuple[MachineLink, ...]
    dns: tuple[str, ...]
    domain: str | None
    left_out: tuple[str, ...]


class _Found(Struct):
    """Everything that the files of a machine say."""

    links: list[tuple[str, Link]] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    renames: dict[str, Rename] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    dns: dict[str, None] = field(default_factory=dict)
    domain: str | None = None
    left_out: list[str] = field(default_factory=list)
    odd: set[str] = field(default_factory=set)


def read_machine(path: str, source: Source) -> MachineDefinition:
    """Return what the files in a folder configure: a copy of a machine's /etc, of its root, or of the one folder of
    /etc that networkd or NetworkManager reads. Raises ImportFileError."""
    folder = _folder_of(path, source)
    found = _Found()
    for name in _files(folder, _ENDINGS[source]):
        _add(found, name, source, _texts(folder, name))
    named = _folder_of(path, "networkd")
    for name in _files(named, (".link",)):
        _add(found, name, "networkd", _texts(named, name))
    if not found.links and not found.devices:
        endings = " or ".join(f"*{ending}" for ending in _ENDINGS[source])
        raise ImportFileError(path, f"has no {endings} for an interface, neither here nor in {_FOLDERS[source]}")
    return MachineDefinition(
        name=_name_of(path),
        image=_image_of(path),
        source=source,
        links=tuple(_links(found)),
        dns=tuple(found.dns),
        domain=found.domain,
        left_out=tuple(found.left_out),
    )


def _texts(folder: str, name: str) -> list[tuple[str, str]]:
    parts = [os.path.join(folder, name), *_dropins(folder, name)]
    return [(os.path.relpath(part, folder), _text(part)) for part in parts]


def _folder_of(path: str, source: Source) -> str:
    if not os.path.isdir(path):
        raise ImportFileError(path, "is no folder; name a copy of the machine's /etc")
    below = (os.path.join(path, middle, _FOLDERS[source]) for middle in ("", "etc"))
    return next((folder for folder in below if os.path.isdir(folder)), path)


def _files(folder: str, endings: tuple[str, ...]) -> list[str]:
    """The names of the files that are read, in their order; a link to /dev/null masks the system's own file."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(endings) and not name.startswith(".")]
    except OSError as error:
        raise ImportFileError(folder, f"can't be read: {error.strerror}") from None
    if len(names) > _MOST_FILES:
        raise ImportFileError(folder, f"has {len(names)} files; name the folder of one machine")
    return sorted((name for name in names if os.path.isfile(os.path.join(folder, name))), key=natural_key)


def _dropins(folder: str, name: str) -> list[str]:
    inside = os.path.join(folder, f"{name}.d")
    names = sorted(os.listdir(inside)) if os.path.isdir(inside) else []
    return [path for one in names if one.endswith(".conf") and os.path.isfile(path := os.path.join(inside, one))]


def _text(path: str) -> str:
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError:
        raise ImportFileError(path, "is no UTF-8 text; leave it out") from None


def _name_of(path: str) -> str:
    """The machine's name: that of its file hostname, else of the nearest folder that is not one of /etc's."""
    for place in ("hostname", "etc/hostname"):
        if os.path.isfile(file := os.path.join(path, place)) and (name := _text(file).strip()):
            return name
    folders = reversed(os.path.abspath(path).split(os.sep))
    return next((folder for folder in folders if folder not in _NO_NAMES), "machine")


def _image_of(path: str) -> str:
    for place in ("os-release", "etc/os-release", "usr/lib/os-release"):
        if os.path.isfile(file := os.path.join(path, place)) and (found := _PRETTY_NAME.search(_text(file))):
            return found[1]
    return ""


def _add(found: _Found, name: str, source: Source, texts: Sequence[tuple[str, str]]) -> None:
    """Add a file with its drop-ins."""
    reading = _read(name, texts)
    stem, _, _ = name.rpartition(".")
    comments = "#;" if source == "networkd" else "#"
    entries = [one for file, text in texts for one in read_entries(text, file, comments) if isinstance(one, Entry)]
    found.left_out += (printable(str(unknown)) for unknown in reading.unknown)
    odd = odd_devices(entries)
    found.odd |= odd
    for one in odd:
        what = f"{printable(one)}, a kind of device that no topology has" if one else "a device, and gives it no name"
        found.left_out.append(f"{name}: makes {what}")
    if odd:
        return
    found.links += ((_ORDER.sub("", stem), link) for link in reading.links)
    found.devices |= {device.name: device for device in reading.devices}
    for rename in reading.renames:
        found.renames.setdefault(rename.name, rename)
    subject = next((device.name for device in reading.devices), None)
    subject = subject or next((link.name for link in reading.links if link.name is not None), None)
    for entry in entries:
        lost = find_lost(entry, is_taken=_note(found, subject, entry))
        found.left_out += [printable(lost)] if lost is not None else []


def _read(name: str, texts: Sequence[tuple[str, str]]) -> Reading:
    if name.endswith(".nmconnection"):
        return read_keyfile(*texts[0])
    readers = {".netdev": read_netdev, ".link": read_link}
    return readers.get(name[name.rfind(".") :], read_network)(texts)


def _note(found: _Found, subject: str | None, entry: Entry) -> bool:
    """Note what the proof has no use for, and a draft has; return whether that is all that the line says."""
    match entry.section, entry.key:
        case ("Network", "DNS") | ("ipv4", "dns"):
            found.dns.update(dict.fromkeys(one for one in re.split(r"[\s;,]+", entry.value) if one))
        case ("Network", "Domains") | ("ipv4", "dns-search"):
            names = [one for one in re.split(r"[\s;,]+", entry.value) if one and not one.startswith("~")]
            found.domain = found.domain or next((name for name in names if _DOMAIN.fullmatch(name.lower())), None)
        case ("Network", "PrimarySlave") if subject is not None and is_yes(entry.value):
            found.options[subject]["is_primary"] = True
        case _ if (entry.section, entry.key) in OPTIONS and subject is not None:
            key, convert = OPTIONS[entry.section, entry.key]
            if (value := convert(entry.value)) is not None:
                found.options[subject][key] = value
            return value is not None
    return False


def _links(found: _Found) -> Iterator[MachineLink]:
    """Yield each interface once; a device without a file for its addresses too."""
    taken: set[str] = set()
    named = {link.name for _, link in found.links}
    for stem, link in found.links:
        if link.name in found.odd:
            continue
        name = link.name or _free_name(stem, taken | {one for one in named if one is not None})
        if name in taken:
            found.left_out.append(f"{link.origin.file}: another file configures {name}")
            continue
        taken.add(name)
        yield _machine_link(found, name, link, is_guessed=link.name is None)
    for name, device in found.devices.items():
        if name not in taken:
            link = Link(manager=device.manager, origin=device.origin, name=name)
            yield _machine_link(found, name, link, is_guessed=False)


def _machine_link(found: _Found, name: str, link: Link, *, is_guessed: bool) -> MachineLink:
    options = dict(found.options.get(name, {}))
    is_primary = options.pop("is_primary", False)
    return MachineLink(
        name=name,
        link=link,
        device=found.devices.get(name),
        options=options,
        is_primary=is_primary,
        is_guessed=is_guessed,
        rename=found.renames.get(name),
    )


def _free_name(stem: str, taken: Container[str]) -> str:
    names = (stem if number == 0 else f"eth{number - 1}" for number in range(_MOST_FILES))
    return next(name for name in names if _INTERFACE.fullmatch(name) and name not in taken)
