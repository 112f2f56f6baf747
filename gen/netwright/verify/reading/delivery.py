"""The bytes that reach each machine: what its Ignition or cloud-init carries, compared with rootfs/."""

import json
import os
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from msgspec import Struct, field

from netwright.verify.reading.disk import Unread, read_file, walk
from netwright.verify.reading.formats.cloudinit import read_user_data
from netwright.verify.reading.formats.ignition import RELEVANT, Delivered, Provisioned, read_ignition
from netwright.verify.reading.formats.nocloud import is_disabled, is_empty, read_meta_data
from netwright.verify.reading.running.programme import Order, UnitLink
from netwright.verify.reading.startup import Seed
from netwright.verify.values.facts import WRITES_AGAIN, Origin, Unknown

_LONGEST_QUOTE = 80


class Text(Struct, frozen=True, kw_only=True):
    """A text file on the machine; `shown` is where a person finds it below out/."""

    path: str
    shown: str
    text: str
    mode: int | None
    owner: str = "root"


class Delivery(Struct, frozen=True, kw_only=True):
    """Everything in one node's folder: files by path, units started, libvirt networks, hand-off sheet, and the
    commands that run at boot. with `fetched` some of it comes over the network, `carrier` is the file that brings
    it to the machine, empty without one; `remote`, `sections`, `arguments`, `filesystems` and `lines` are a
    Provisioned's."""

    node: str
    files: Mapping[str, Text]
    enabled: frozenset[str]
    libvirt: tuple[Text, ...]
    handoff: Text | None
    unknown: tuple[Unknown, ...]
    commands: tuple[tuple[Origin, Order], ...] = ()
    seed: Seed | None = None
    fetched: bool = False
    carrier: str = ""
    remote: tuple[tuple[str, bool], ...] = ()
    links: tuple[UnitLink, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    filesystems: frozenset[str] = frozenset()
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def seeded(self) -> bool:
        """Return whether cloud-init writes the files, during the first boot."""
        return self.carrier.endswith("user-data")


def read_delivery(out: Path, node: str) -> Delivery:
    """The node's delivered files. A difference between rootfs/ and what is delivered is named as unknown."""
    folder = f"{out}/{node}"
    unknown: list[Unknown] = []
    if any(os.path.islink(path) for path in (folder, f"{folder}/cloud-init", f"{folder}/rootfs")):
        reason = "it or a directory in it is a symbolic link, which generate never writes"
        unknown.append(_unknown(node, reason, whole=True))
        return Delivery(node=node, files={}, enabled=frozenset(), libvirt=(), handoff=None, unknown=tuple(unknown))
    ignition, seed, sheet = (
        _read(f"{folder}/{name}", f"{node}/{name}", unknown, whole=True)
        for name in (f"{node}.ign", "cloud-init/user-data", "handoff.md")
    )
    refused = bool(unknown)
    carrier, provisioned = _provisioned(node, ignition, seed)
    told = _read_seed(folder, node, provisioned) if carrier.endswith("user-data") else None
    if not carrier and not refused:
        rootfs = _walk(f"{folder}/rootfs", f"{node}/rootfs", unknown)
        bare = {path: Delivered(path=path, content=content, mode=None) for path, content in rootfs.items()}
        provisioned = Provisioned(files=bare)
    unknown += provisioned.unknown
    unknown += _other_networks(folder, node) if carrier.endswith("user-data") and not provisioned.refused else ()
    if not carrier and sheet is None and not refused:
        reason = "neither an Ignition config, a cloud-init seed nor a hand-off sheet"
        unknown.append(_unknown(node, f"{reason}; run netwright generate", whole=True))
    files = _name_files(node, carrier, provisioned, folder, unknown) if not (refused or provisioned.refused) else {}
    return Delivery(
        node=node,
        files=files,
        enabled=frozenset(provisioned.enabled),
        libvirt=tuple(_libvirt_texts(folder, node, unknown)),
        handoff=_sheet(node, sheet) if sheet is not None else None,
        unknown=tuple(unknown),
        commands=tuple(provisioned.commands),
        fetched=provisioned.fetched,
        seed=told,
        carrier=carrier,
        remote=tuple(provisioned.remote.items()),
        links=tuple(provisioned.links),
        sections=tuple(provisioned.sections),
        arguments=tuple(provisioned.arguments),
        filesystems=frozenset(provisioned.filesystems),
        lines=provisioned.lines,
    )


def _provisioned(node: str, ignition: bytes | None, seed: bytes | None) -> tuple[str, Provisioned]:
    """Return the file that brings the others, "" if none does, and what it brings."""
    if ignition is not None:
        carrier = f"{node}/{node}.ign"
        return carrier, read_ignition(carrier, ignition.decode(errors="replace"))
    if seed is not None:
        carrier = f"{node}/cloud-init/user-data"
        return carrier, read_user_data(carrier, seed.decode(errors="replace"))
    return "", Provisioned(files={})


def _read_seed(folder: str, node: str, provisioned: Provisioned) -> Seed:
    """Return how cloud-init applies the seed, by its meta-data, and note where it applies none, or more than that."""
    found = read_file(f"{folder}/cloud-init/meta-data")
    meta = read_meta_data(found if isinstance(found, bytes) else None)
    if meta.fault is not None and not provisioned.refused:
        provisioned.refuse(f"{node}/cloud-init/meta-data", 1, meta.fault)
    return Seed(shown=f"{node}/cloud-init/user-data", early=meta.early, bootcmd=tuple(provisioned.bootcmd))


def _other_networks(folder: str, node: str) -> Iterator[Unknown]:
    """Yield what else of the seed configures the machine: a network-config that does not leave the network alone, and
    vendor-data."""
    shown = f"{node}/cloud-init/network-config"
    content = read_file(f"{folder}/cloud-init/network-config")
    if content is None:
        reason = f"without it cloud-init asks for addresses by DHCP, with a profile of priority 120; {WRITES_AGAIN}"
        yield _unknown(shown, reason)
    elif isinstance(content, bytes) and not is_disabled(content):
        yield _unknown(shown, f"cloud-init writes a network of its own by it; {WRITES_AGAIN}")
    vendor = read_file(f"{folder}/cloud-init/vendor-data")
    if vendor is not None and not (isinstance(vendor, bytes) and is_empty(vendor)):
        reason = "cloud-init applies it beside user-data, and it is not read; put into user-data what is needed"
        yield _unknown(f"{node}/cloud-init/vendor-data", reason)


def _sheet(node: str, content: bytes) -> Text:
    """The sheet; a person reads it, to whom line ends of Windows are line ends."""
    text = content.decode(errors="replace").replace("\r\n", "\n")
    return Text(path="", shown=f"{node}/handoff.md", text=text, mode=None)


def _unknown(file: str, reason: str, *, line: int = 0, whole: bool = False) -> Unknown:
    return Unknown(origin=Origin(file=file, line=line), text="", reason=reason, whole=whole)


def _name_files(
    node: str, carrier: str, provisioned: Provisioned, folder: str, unknown: list[Unknown]
) -> dict[str, Text]:
    """The delivered files by path, each under the name of its copy in rootfs/ if the copy is the same."""
    files = {}
    for path, file in provisioned.files.items():
        if carrier and not path.startswith(RELEVANT):
            text = file.content.decode(errors="replace")
            files[path] = Text(path=path, shown=f"{carrier}:{path}", text=text, mode=file.mode)
            continue
        copy = _read(f"{folder}/rootfs{path}", f"{node}/rootfs{path}", unknown) if carrier else file.content
        if copy is not None and copy != file.content:
            line, difference = describe_difference(copy, file.content)
            reason = f"differs from what {carrier} delivers: {difference}; netwright generate --force makes them agree"
            unknown.append(_unknown(f"{node}/rootfs{path}", reason, line=line))
        shown = f"{node}/rootfs{path}" if copy == file.content else f"{carrier}:{path}"
        text = file.content.decode(errors="replace")
        files[path] = Text(path=path, shown=shown, text=text, mode=file.mode, owner=file.owner)
    # A preset or unit may be carried in another form: Ignition has `enabled`.
    listed = _rootfs_paths(folder, node, unknown)
    shown_only = [path for path in listed if path not in files and path.startswith(RELEVANT)]
    unknown += (
        _unknown(f"{node}/rootfs{path}", f"is not delivered by {carrier}; {WRITES_AGAIN}") for path in shown_only
    )
    return files


def describe_difference(copy: bytes, delivered: bytes) -> tuple[int, str]:
    """The first line in which a file differs from what the machine gets, and the text of both there."""
    lines = zip_longest(copy.split(b"\n"), delivered.split(b"\n"))
    number, (here, there) = next(found for found in enumerate(lines, start=1) if found[1][0] != found[1][1])
    return number, f"here {_quote(here)}, delivered {_quote(there)}"


def _quote(line: bytes | None) -> str:
    if line is None:
        return "nothing"
    text = line.decode(errors="backslashreplace")
    return f"`{text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + ' ...'}`"


def _rootfs_paths(folder: str, node: str, unknown: list[Unknown]) -> list[str]:
    """The paths below rootfs/, by the manifest where there is one: quicker than a walk, and as good."""
    manifest = _read(f"{folder}/manifest.json", f"{node}/manifest.json", unknown)
    if manifest is not None:
        try:
            return sorted(str(entry["path"]) for entry in json.loads(manifest)["files"])
        except (ValueError, KeyError, TypeError, RecursionError):
            unknown.append(_unknown(f"{node}/manifest.json", f"is no manifest that generate wrote; {WRITES_AGAIN}"))
    return sorted(_walk(f"{folder}/rootfs", f"{node}/rootfs", unknown))


def _read(path: str, shown: str, unknown: list[Unknown], *, whole: bool = False) -> bytes | None:
    """The file's bytes, None if there is none; one that can't be read is named as unknown."""
    found = read_file(path)
    if isinstance(found, Unread):
        unknown.append(_unknown(shown, found.reason, whole=whole))
        return None
    return found


def _walk(root: str, shown: str, unknown: list[Unknown]) -> dict[str, bytes]:
    """All files below a directory by their path from it; what can't be read is named as unknown."""
    files = {}
    for path, found in walk(root):
        if isinstance(found, Unread):
            unknown.append(_unknown(f"{shown}{path}", found.reason, whole=True))
        else:
            files[path] = found
    return files


def _libvirt_texts(folder: str, node: str, unknown: list[Unknown]) -> list[Text]:
    return [
        Text(path="", shown=f"{node}/libvirt{path}", text=content.decode(errors="replace"), mode=None)
        for path, content in sorted(_walk(f"{folder}/libvirt", f"{node}/libvirt", unknown).items())
        if path.endswith(".xml")
    ]
