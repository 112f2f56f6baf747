"""Effect of generating a node on its folder in OUT, and objections to it."""

import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from netwright.write import objections
from netwright.write.layout import EXECUTABLE, PLAIN, Wanted, folders_of, manifest_digest
from netwright.write.manifest import LARGEST_FILE, MANIFEST, BrokenManifestError, digest, read_manifest
from netwright.write.objections import Objection
from netwright.write.survey import Contents, survey

CLOSED = 0o700
"""The mode of a directory in which only its owner can do anything."""


class FileChange(NamedTuple):
    """The bytes and modes of a file before and after; None where there is none."""

    path: str
    before: Wanted | None
    after: Wanted | None


class NodeChanges(Struct, frozen=True, kw_only=True):
    """Effect of generating one node on its folder; paths are relative to that folder, in the order of generation."""

    node: str
    paths: tuple[str, ...]
    """Paths of all that is generated for the node."""
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    foreign_folders: tuple[str, ...] = ()
    """Directories that hold nothing generated: kept with the foreign files, with the mode they have."""
    empty_in_the_way: tuple[str, ...] = ()
    """Empty directories where a file is generated."""
    odd_modes: tuple[str, ...] = ()
    """Unchanged files whose mode is neither 0644 nor 0755, as after a checkout with another umask."""
    closed_folders: tuple[str, ...] = ()
    """Directories that only their owner may enter, as a killed run of an older release left them, below OUT.

    There are none where a file has such a mode as well: then the user has chosen it, or the umask of a checkout has.
    """
    objections: tuple[Objection, ...] = ()
    changes: tuple[FileChange, ...] = ()
    digest: bytes = b""
    """Digest of the manifest, which has that of every file."""
    is_recorded: bool = False
    """True if the files were not read, because they look as they did when they were known to be as generated."""

    @property
    def is_unchanged(self) -> bool:
        """Return whether there is nothing to write or delete."""
        return not (self.added or self.changed or self.pruned)

    @property
    def is_exact(self) -> bool:
        """Return whether the folder, once generated, holds just what the manifest lists."""
        return not (self.foreign or self.foreign_folders or self.odd_modes)


def judge(node: str, wanted: Mapping[str, Wanted], top: str, *, keep_bytes: bool = False) -> NodeChanges:
    """The verdict on the folder `top` of a node; with keep_bytes its changes carry what is there and what would be.

    The folder of a node that is not generated any more is judged with nothing wanted. Raises OSError.
    """
    try:
        kind = os.lstat(top).st_mode
    except FileNotFoundError:
        return _all_missing(node, wanted, keep_bytes=keep_bytes)
    if stat.S_ISLNK(kind):
        return NodeChanges(node=node, paths=tuple(wanted), objections=(objections.symlink(""),))
    if not stat.S_ISDIR(kind):
        return NodeChanges(node=node, paths=tuple(wanted), objections=(objections.not_a_folder(),))
    return _Judgement(node=node, wanted=wanted, top=top, found=survey(top), keep_bytes=keep_bytes).verdict()


def _all_missing(node: str, wanted: Mapping[str, Wanted], *, keep_bytes: bool) -> NodeChanges:
    changes = tuple(FileChange(path, None, file) for path, file in wanted.items()) if keep_bytes else ()
    paths = tuple(wanted)
    return NodeChanges(node=node, paths=paths, added=paths, changes=changes, digest=manifest_digest(wanted))


class _Judgement:
    """The walk through one node's folder, gathering what the verdict consists of."""

    def __init__(self, *, node: str, wanted: Mapping[str, Wanted], top: str, found: Contents, keep_bytes: bool) -> None:
        self.node, self.wanted, self.top, self.found, self.keep_bytes = node, wanted, top, found, keep_bytes
        self.there = frozenset(found.files)
        self.added: list[str] = []
        self.changed: list[str] = []
        self.pruned: list[str] = []
        self.foreign: list[str] = []
        self.odd_modes: list[str] = []
        self.objections = [objections.symlink(path) for path in found.symlinks]
        self.objections += dict.fromkeys(map(objections.too_deep, found.too_deep))
        self.changes: list[FileChange] = []
        self.is_broken = False
        self.listed = self._read_manifest()

    def verdict(self) -> NodeChanges:
        for path, file in self.wanted.items():
            if path in self.there:
                self._judge_wanted(path, file)
            else:
                self._note(self.added, path, None, file)
        for path in sorted(self.there - self.wanted.keys()):
            self._judge_unwanted(path)
        self.foreign += sorted(self.found.others)
        self._judge_places()
        kept, in_the_way = self._foreign_folders()
        return NodeChanges(
            node=self.node,
            paths=tuple(self.wanted),
            added=tuple(self.added),
            changed=tuple(self.changed),
            pruned=tuple(self.pruned),
            foreign=tuple(self.foreign),
            foreign_folders=tuple(kept),
            empty_in_the_way=tuple(in_the_way),
            odd_modes=tuple(self.odd_modes),
            closed_folders=() if self.odd_modes else tuple(self._closed_folders()),
            objections=tuple(self.objections),
            changes=tuple(self.changes),
            digest=manifest_digest(self.wanted),
        )

    def _read_manifest(self) -> Mapping[str, str] | None:
        """Return the manifest's entries; None if it is the one that is wanted, which needs no reading."""
        if MANIFEST not in self.there:
            return {}
        content, _ = _read(f"{self.top}/{MANIFEST}", LARGEST_FILE)
        if content is None:
            self.objections.append(objections.broken(f"it is {objections.LARGE}"))
            self.is_broken = True
            return {}
        if MANIFEST in self.wanted and content == self.wanted[MANIFEST].content:
            return None
        try:
            return read_manifest(content, self.node)
        except BrokenManifestError as error:
            self.objections.append(objections.broken(str(error)))
            self.is_broken = True
            return {}

    def _judge_wanted(self, path: str, file: Wanted) -> None:
        content, mode = _read(f"{self.top}/{path}", max(LARGEST_FILE, len(file.content)))
        if content == file.content and bool(mode & 0o100) == (file.mode == EXECUTABLE):
            if mode not in (PLAIN, EXECUTABLE):
                self.odd_modes.append(path)
            return
        self._note(self.changed, path, Wanted(content or b"", mode), file)
        if content == file.content or path == MANIFEST:
            return
        if content is None:
            self.objections.append(objections.too_large(path))
        elif self.listed is None:
            self.objections.append(objections.edited(path))
        elif path not in self.listed:
            self.objections.append(objections.in_the_way(path))
        elif self.listed[path] != digest(content):
            self.objections.append(objections.edited(path))

    def _judge_unwanted(self, path: str) -> None:
        listed = self.listed or {}
        if path not in listed and (path != MANIFEST or self.is_broken):
            self.foreign.append(path)
            return
        content, mode = _read(f"{self.top}/{path}", LARGEST_FILE)
        self._note(self.pruned, path, Wanted(content or b"", mode), None)
        if content is None:
            self.objections.append(objections.too_large(path))
        elif path != MANIFEST and listed[path] != digest(content):
            self.objections.append(objections.edited_and_unwanted(path))

    def _note(self, paths: list[str], path: str, before: Wanted | None, after: Wanted | None) -> None:
        paths.append(path)
        if self.keep_bytes:
            self.changes.append(FileChange(path, before, after))

    def _judge_places(self) -> None:
        """Object to foreign files where a directory is needed, and to directories of foreign files where a file is."""
        if not self.foreign:
            return
        needed = frozenset(folders_of(self.wanted))
        kept = []
        for path in self.foreign:
            if path in needed or path in self.wanted:
                self.objections.append(objections.in_the_way(path))
                if path in needed:
                    self.pruned.append(path)
            else:
                kept.append(path)
            for folder in folders_of((path,)):
                if folder in self.wanted:
                    self.objections.append(objections.folder_in_the_way(folder))
        self.foreign = kept

    def _closed_folders(self) -> Iterator[str]:
        if self.wanted and _is_closed(self.top):
            yield self.node
        there = frozenset(self.found.folders)
        for folder in folders_of(self.wanted):
            if folder in there and _is_closed(f"{self.top}/{folder}"):
                yield f"{self.node}/{folder}"

    def _foreign_folders(self) -> tuple[list[str], list[str]]:
        """The directories in which nothing is generated: those that stay, and the empty ones that a file replaces."""
        if not self.foreign and not self.found.empty_folders:
            return [], []
        generated = frozenset(folders_of(self.wanted))
        held = {folder for path in (*self.foreign, *self.found.empty_folders) for folder in folders_of((path,))}
        kept: list[str] = []
        in_the_way: list[str] = []
        for folder in sorted({*held, *self.found.empty_folders} - generated):
            replaced = any(place in self.wanted for place in (folder, *folders_of((folder,))))
            (in_the_way if replaced else kept).append(folder)
        return kept, in_the_way


def _is_closed(folder: str) -> bool:
    return stat.S_IMODE(os.lstat(folder).st_mode) == CLOSED


def _read(path: str, most: int) -> tuple[bytes | None, int]:
    """The bytes (None if there are more than `most`) and permission bits of a regular file.

    It is not reached through a link in its last place.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        mode = stat.S_IMODE(status.st_mode)
        if status.st_size > most:
            return None, mode
        content = os.read(fd, status.st_size + 1)
        if len(content) != status.st_size:
            content += _read_rest(fd, most + 1 - len(content))
        return (content if len(content) <= most else None), mode
    finally:
        os.close(fd)


def _read_rest(fd: int, most: int) -> bytes:
    chunks = []
    while most > 0 and (chunk := os.read(fd, min(most, 1 << 20))):
        chunks.append(chunk)
        most -= len(chunk)
    return b"".join(chunks)
