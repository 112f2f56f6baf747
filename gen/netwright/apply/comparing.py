"""What is to change on a machine, from what it has: file by file."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from netwright.apply.earlier import HeldFile
from netwright.apply.look import LookedFile, MachineLook
from netwright.apply.values import ABSENT, LINK, FileChange, ListedFile
from netwright.files.artifact import NodeFile
from netwright.live.wanted import read_manifest_files, read_wanted
from netwright.production.production import Production
from netwright.verify.reading.disk import read_file


class WantedFiles(Struct, frozen=True, kw_only=True):
    """A node's files as the topology generates them, and those that a state of OUT had and that are not among them, by
    their digest. `filled_in` are files whose contents are known at the provisioning only."""

    files: Mapping[str, NodeFile]
    earlier: Mapping[str, str]
    filled_in: tuple[str, ...] = ()

    def asked(self) -> dict[str, str]:
        """What a machine is to be asked about: the digest by path."""
        return dict.fromkeys(self.earlier, ABSENT) | {path: digest_of(one.content) for path, one in self.files.items()}


class FilesToChange(Struct, frozen=True, kw_only=True):
    """The changes, what the machine has in their place, and in words why other files stay as they are. With a `problem`
    nothing can be done."""

    changes: tuple[FileChange, ...]
    held: Mapping[str, HeldFile | None]
    remarks: tuple[str, ...] = ()
    problem: str | None = None


def digest_of(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def wanted_files(production: Production, out: Path, node: str, earlier: Path | None) -> WantedFiles:
    """Return what is wanted of a node, which OUT has; `earlier` is the state of OUT that it may come from."""
    known = read_wanted(out, node).files
    tree = production.build(node)
    filled_in = tuple(one.path for one in tree.files if one.path in known and known[one.path].digest is None)
    files = {one.path: one for one in tree.files if one.path not in filled_in}
    listed: dict[str, str] = {}
    if earlier is not None and isinstance(content := read_file(f"{earlier}/{node}/manifest.json"), bytes):
        listed = {path: one.digest or "" for path, one in read_manifest_files(content)}
    return WantedFiles(
        files=files,
        earlier={path: digest for path, digest in listed.items() if path not in files and path not in filled_in},
        filled_in=filled_in,
    )


def manifest_of(wanted: WantedFiles) -> tuple[ListedFile, ...]:
    """Return the manifest that a machine keeps."""
    return tuple(
        ListedFile(path=path, digest=digest_of(one.content), mode=f"{one.mode:o}", owner=one.owner)
        for path, one in sorted(wanted.files.items())
    )


def compare_files(wanted: WantedFiles, look: MachineLook) -> FilesToChange:
    """Return what is to change so that a machine has what is wanted, and nothing that was ours before."""
    changes: list[FileChange] = []
    held: dict[str, HeldFile | None] = {}
    remarks = [f"{path} is filled in at the provisioning, and stays as it is" for path in wanted.filled_in]
    for path, file in wanted.files.items():
        found = look.files.get(path)
        if found is None:
            return _problem(f"it did not say what {path} is")
        if _is_alike(file, found):
            continue
        if found.digest == "other":
            return _problem(f"{path} is no file there; remove it")
        content = file.content if found.digest == digest_of(file.content) else found.content
        if found.digest != ABSENT and content is None:
            return _problem(f"{path} is larger there than a file of ours can be; look at it")
        changes.append(_change(file, found))
        held[path] = None if found.digest in (ABSENT, LINK) else _held(content or b"", found)
    for path, digest in _ours_before(wanted, look):
        found = look.files.get(path)
        if found is None or found.digest == ABSENT:
            continue
        if found.digest != digest:
            remarks.append(f"{path} is not wanted any more, but was edited on the machine: it stays")
            continue
        changes.append(FileChange(path=path, was=found.digest, content=None))
        held[path] = _held(found.content or b"", found)
    return FilesToChange(changes=tuple(changes), held=held, remarks=tuple(remarks))


def _problem(text: str) -> FilesToChange:
    return FilesToChange(changes=(), held={}, problem=text)


def _is_alike(file: NodeFile, found: LookedFile) -> bool:
    return (found.digest, found.mode, found.owner) == (digest_of(file.content), f"{file.mode:o}", file.owner)


def _change(file: NodeFile, found: LookedFile) -> FileChange:
    return FileChange(
        path=file.path,
        was=found.digest,
        content=file.content,
        digest=digest_of(file.content),
        mode=f"{file.mode:o}",
        owner=file.owner,
    )


def _held(content: bytes, found: LookedFile) -> HeldFile:
    return HeldFile(content=content, mode=found.mode, owner=found.owner)


def _ours_before(wanted: WantedFiles, look: MachineLook) -> Iterator[tuple[str, str]]:
    """Yield the files that were ours and are not wanted: by the machine's own manifest, and by the earlier state."""
    listed = {one.path: one.digest for one in look.applied.manifest} if look.applied is not None else {}
    for path, digest in {**wanted.earlier, **listed}.items():
        if path not in wanted.files and path not in wanted.filled_in:
            yield path, digest
