"""Local files that a document names: read only beneath the files directory, never through a symbolic link."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

DOCUMENT_MIB = 32
"""Most MiB that the local files of one document may have together; a single one may have a quarter of that."""
DEEPEST_FOLDER = 100
"""Most folders inside each other in a tree."""
REPOSITORIES = frozenset({".git", ".hg", ".svn", ".jj"})
"""Folders of version control: they hold tokens, and what was never published."""


class LocalFileError(Exception):
    """A local file can't be taken; the text gives the reason and what would be right."""


class TreeFile(Struct, frozen=True, kw_only=True):
    """A regular file of a tree: its path below the tree's root, its contents, whether anyone may execute it."""

    path: str
    contents: bytes
    executable: bool


class TreeLink(Struct, frozen=True, kw_only=True):
    """A symbolic link of a tree: its path below the tree's root and where it points, as written."""

    path: str
    target: str


class LocalFiles(Protocol):
    """Folder in which `local:` is looked up. Every method raises LocalFileError."""

    def read(self, name: str) -> bytes:
        """The contents of the regular file `name`."""

    def walk(self, name: str) -> Iterator[TreeFile | TreeLink | LocalFileError]:
        """The files and links below the directory `name` in lexical order; what can't be taken as an error."""


class Withheld(Protocol):
    """Files below the files directory that must not be read."""

    def reasons(self, folder: str, names: Sequence[str]) -> Mapping[str, str]:
        """Return the reasons for entries of a folder that are withheld, such as `is ignored by git (RULE)`."""


class Budget(Struct):
    """Bytes that the local files of one document may have, and those that the ones read had."""

    mib: int = DOCUMENT_MIB
    spent: int = 0

    @property
    def largest_file(self) -> int:
        """The most bytes that one file may have."""
        return self.mib * 1024 * 1024 // 4

    def spend(self, size: int, name: str) -> None:
        """Count a file of so many bytes. Raises LocalFileError where that is too much."""
        if size > self.largest_file:
            raise LocalFileError(f"{_shown(name)} is larger than {self.largest_file / (1 << 20):g} MiB")
        self.spent += size
        if self.spent > self.mib * 1024 * 1024:
            raise LocalFileError(f"{_shown(name)} makes the local files larger than {self.mib} MiB together")


class GivenFiles(Struct, frozen=True):
    """Local files that are at hand already, by the name under which the document knows them."""

    contents: Mapping[str, bytes]

    def read(self, name: str) -> bytes:
        """The contents of the file `name`."""
        if name not in self.contents:
            raise LocalFileError(f"{_shown(name)} is not among the files; name one of them")
        return _given(name, self.contents[name])

    def walk(self, name: str) -> Iterator[TreeFile | TreeLink | LocalFileError]:
        """The files below `name` in lexical order, none of them executable."""
        prefix = "".join(f"{step}/" for step in _steps(name))
        if prefix and not any(path.startswith(prefix) for path in self.contents):
            raise LocalFileError(f"{_shown(name)} is no folder of the files; name one of them")
        for path in sorted(self.contents, key=lambda path: os.fsencode(path).split(b"/")):
            if path.startswith(prefix):
                below = path.removeprefix(prefix)
                try:
                    yield TreeFile(path=below, contents=_given(path, self.contents[path]), executable=False)
                except LocalFileError as error:
                    yield error


class FilesDir(Struct, frozen=True):
    """Local files beneath a directory on disk.

    Butane only compares path names and follows links wherever they lead; here each step is opened with O_NOFOLLOW,
    relative to the step before, so neither a link nor one swapped in meanwhile leads out. Folders of version control
    are never read, nor what is withheld.
    """

    root: Path
    budget: Budget = field(default_factory=Budget)
    withheld: Withheld | None = None

    def read(self, name: str) -> bytes:
        """The contents of the regular file `name`."""
        steps = _steps(name)
        if not steps:
            raise LocalFileError(f"{_shown(name)} is a directory; name a file")
        parent = self._open_directory(steps[:-1], name)
        try:
            self._refuse("/".join(steps[:-1]), steps[-1:], name)
            return _read_regular(parent, steps[-1], name, self.budget)
        finally:
            os.close(parent)

    def walk(self, name: str) -> Iterator[TreeFile | TreeLink | LocalFileError]:
        """The files and links below the directory `name` in lexical order; what can't be taken as an error."""
        steps = _steps(name)
        if steps:
            self._refuse("/".join(steps[:-1]), steps[-1:], name)
        directory = self._open_directory(steps, name)
        try:
            yield from self._walk(directory, "/".join(steps), "")
        finally:
            os.close(directory)

    def _refuse(self, folder: str, names: Sequence[str], shown: str) -> None:
        for reason in self._reasons(folder, names).values():
            raise LocalFileError(f"{_shown(shown)} {reason}")

    def _reasons(self, folder: str, names: Sequence[str]) -> Mapping[str, str]:
        private = {name: _PRIVATE for name in names if name.lower() in REPOSITORIES}
        return {**(self.withheld.reasons(folder, names) if self.withheld is not None else {}), **private}

    def _walk(self, directory: int, folder: str, prefix: str) -> Iterator[TreeFile | TreeLink | LocalFileError]:
        """Walk the open directory, which is `folder` below the files directory and `prefix` below the tree's root."""
        if prefix.count("/") > DEEPEST_FOLDER:
            more = f"{DEEPEST_FOLDER} folders inside each other"
            yield LocalFileError(f"{_shown('/'.join(prefix.split('/')[:3]))} has more than {more}; remove some")
            return
        names = sorted(os.listdir(directory), key=os.fsencode)
        reasons = self._reasons(folder, names)
        for step in names:
            path = f"{prefix}{step}"
            try:
                if step in reasons:
                    raise LocalFileError(f"{_shown(path)} {reasons[step]}")
                mode = os.stat(step, dir_fd=directory, follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    yield from self._walk_below(directory, step, f"{folder}/{step}".lstrip("/"), path)
                elif stat.S_ISLNK(mode):
                    yield TreeLink(path=path, target=os.readlink(step, dir_fd=directory))
                elif stat.S_ISREG(mode):
                    contents = _read_regular(directory, step, path, self.budget)
                    yield TreeFile(path=path, contents=contents, executable=bool(mode & 0o111))
                else:
                    message = f"{_shown(path)} is neither a file, a directory nor a symbolic link; remove it"
                    raise LocalFileError(message)
            except LocalFileError as error:
                yield error
            except OSError as error:
                yield LocalFileError(f"{_shown(path)} can't be read: {_reason(error)}")

    def _walk_below(
        self, parent: int, step: str, folder: str, path: str
    ) -> Iterator[TreeFile | TreeLink | LocalFileError]:
        directory = os.open(step, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            yield from self._walk(directory, folder, f"{path}/")
        finally:
            os.close(directory)

    def _open_directory(self, steps: tuple[str, ...], name: str) -> int:
        if any(step.lower() in REPOSITORIES for step in steps):
            raise LocalFileError(f"{_shown(name)} {_PRIVATE}")
        try:
            directory = os.open(self.root, _DIRECTORY)
        except OSError as error:
            raise LocalFileError(f"the files directory can't be opened: {_reason(error)}") from error
        for step in steps:
            try:
                below = os.open(step, _DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            except (OSError, ValueError) as error:
                raise _refusal(directory, step, name, error) from error
            finally:
                os.close(directory)
            directory = below
        return directory


_PRIVATE = f"belongs to version control ({', '.join(sorted(REPOSITORIES))}), which may hold secrets; name another file"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def _given(name: str, contents: object) -> bytes:
    """Return the contents of a file that was given. Raises LocalFileError."""
    if isinstance(contents, bytes | bytearray | memoryview):
        return bytes(contents)
    raise LocalFileError(f"{_shown(name)} is given as {type(contents).__name__}; give its contents as bytes")


def _steps(name: str) -> tuple[str, ...]:
    """The steps of the way from the files directory to `name`; `.` and inner `..` are resolved by name, as Go does."""
    steps: list[str] = []
    for step in name.split("/"):
        if step in {"", "."}:
            continue
        if step != "..":
            steps.append(step)
        elif steps:
            steps.pop()
        else:
            raise LocalFileError(f"{_shown(name)} lies outside the files directory; name a file beneath it")
    return tuple(steps)


def _read_regular(parent: int, step: str, name: str, budget: Budget) -> bytes:
    try:
        # Without O_NONBLOCK opening a FIFO would wait for a writer for ever.
        file = os.open(step, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    except (OSError, ValueError) as error:
        raise _refusal(parent, step, name, error) from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise LocalFileError(f"{_shown(name)} is not a regular file; name a file")
        with os.fdopen(file, "rb", closefd=False) as stream:
            contents = stream.read(budget.largest_file + 1)
        budget.spend(len(contents), name)
    except OSError as error:
        raise LocalFileError(f"{_shown(name)} can't be read: {_reason(error)}") from error
    finally:
        os.close(file)
    return contents


def _refusal(parent: int, step: str, name: str, error: Exception) -> LocalFileError:
    """Return what is wrong with `step`, told apart after the kernel refused to open it."""
    try:
        if stat.S_ISLNK(os.stat(step, dir_fd=parent, follow_symlinks=False).st_mode):
            return LocalFileError(
                f"{_shown(name)} leads through the symbolic link {_shown(step)}; name the file itself"
            )
    except (OSError, ValueError):
        pass
    return LocalFileError(f"{_shown(name)} can't be read: {_reason(error)}")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _shown(name: str) -> str:
    return repr(name) if name != name.strip() or not name.isprintable() or not name else name
