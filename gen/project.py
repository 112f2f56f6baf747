"""Files beside the topology: snippets and templates of the user's, read only beneath the project root."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from gen.source import Source

SIZE_LIMIT = 4 * 1024 * 1024
"""The largest file that is read, in bytes."""


class ProjectFileError(Exception):
    """A file cannot be used; the message says why, and what would be right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """The folder of a topology file."""

    root: Path

    def read_text(self, path: str) -> Source:
        """The text of the file `path`, relative to the root; ProjectFileError if it can't be used."""
        content = self.read(path)
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise ProjectFileError(f"{path} is not UTF-8 text (byte {error.start})") from None
        if "\0" in text:
            raise ProjectFileError(f"{path} contains a NUL character; it must be text")
        return Source(name=path, text=text)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file beneath the root, reached through real folders only; else ProjectFileError."""
        folder = self._open_folder(path.split("/")[:-1], path)
        try:
            descriptor = os.open(
                path.rsplit("/", maxsplit=1)[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder
            )
        except OSError as error:
            raise ProjectFileError(_reason(path, error)) from None
        finally:
            os.close(folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before it is wrapped: a directory can't be
                raise ProjectFileError(f"{path} is not a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(SIZE_LIMIT + 1)
        except OSError as error:
            raise ProjectFileError(_reason(path, error)) from None
        finally:
            os.close(descriptor)
        if len(content) > SIZE_LIMIT:
            raise ProjectFileError(f"{path} is larger than {SIZE_LIMIT >> 20} MiB")
        return content

    def list_files(self, folder: str) -> tuple[str, ...]:
        """The files below a folder of the project, relative to that folder, sorted; symbolic links are refused."""
        os.close(self._open_folder(folder.split("/"), folder))
        found: list[str] = []
        for directory, folders, files in os.walk(self.root / folder, onerror=_raise):
            for name in (*folders, *files):
                if os.path.islink(os.path.join(directory, name)):
                    below = os.path.relpath(os.path.join(directory, name), self.root)
                    raise ProjectFileError(f"{below} is a symbolic link; put the file itself there")
            found += [os.path.relpath(os.path.join(directory, name), self.root / folder) for name in files]
        return tuple(sorted(found))

    def _open_folder(self, steps: list[str], path: str) -> int:
        try:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise ProjectFileError(f"{self.root}, the topology's folder, cannot be read: {error.strerror}") from None
        for step in steps:
            if step in {"", ".", ".."}:
                os.close(descriptor)
                raise ProjectFileError(f"{path} leads out of the project; name a file below the topology's folder")
            try:
                below = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except NotADirectoryError as error:
                if _is_link(step, descriptor):
                    raise ProjectFileError(_reason(path, error)) from None
                raise ProjectFileError(f"there is no file {path} below the topology's folder") from None
            except OSError as error:
                raise ProjectFileError(_reason(path, error)) from None
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _raise(error: OSError) -> None:
    raise ProjectFileError(f"{error.filename} cannot be listed: {error.strerror}")


def _reason(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path} below the topology's folder"
    if error.errno in {20, 40}:  # ENOTDIR, ELOOP: what O_NOFOLLOW says of symbolic links
        return f"{path} is reached through a symbolic link; put the file itself there"
    return f"{path} cannot be read: {error.strerror}"
