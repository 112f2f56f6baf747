"""Files next to the topology: snippets and templates of the user's, read only beneath the project root."""

import contextlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from netwright.files.git import Repository, find_repository
from netwright.files.git_process import GitError, GitLimitError
from netwright.text.source import Source

SIZE_LIMIT = 4 * 1024 * 1024
"""The largest file that is read, in bytes."""
DEEPEST_FOLDER = 100
"""Most folders inside each other in a folder of templates."""
_REPOSITORIES = frozenset({".git", ".hg", ".svn", ".jj"})


class ProjectFileError(Exception):
    """A file cannot be used; the message gives the reason, and what would be right."""


class Project(Struct, frozen=True, kw_only=True):
    """The folder of a topology file. Nothing that git ignores in it is read: tokens and keys lie there."""

    root: Path
    _reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    """Findings on ignored files, by folder and name, for the folders that were asked about."""
    _outsiders: dict[str, bool] = field(default_factory=dict)
    """By work tree: whether git ignores the whole project there, so that its rules are not about it."""

    _limits: list[GitLimitError] = field(default_factory=list)
    """Reason not to ask git again: it took too long once."""

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
        *steps, name = path.split("/")
        folder = self._open_folder([*steps], path)
        try:
            self._refuse_private([*steps, name], path)
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
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
        folders = [""]
        for prefix in folders:
            if prefix.count("/") > DEEPEST_FOLDER:
                below = "/".join(prefix.split("/")[:3])
                more = f"has more than {DEEPEST_FOLDER} folders inside each other"
                raise ProjectFileError(f"{folder}/{below} {more}; remove some")
            for entry in _entries(self.root / folder / prefix):
                path = f"{prefix}{entry.name}"
                if entry.is_symlink():
                    raise ProjectFileError(f"{folder}/{path} is a symbolic link; put the file itself there")
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                else:
                    found.append(path)
        return tuple(sorted(found))

    def reasons(self, folder: str, names: Sequence[str]) -> Mapping[str, str]:
        """Return the findings on entries of a folder below the root that git ignores, by their names."""
        known = self._reasons.get(folder)
        if known is None or not known.keys() >= {*names}:
            known = self._reasons[folder] = self._find_reasons(folder, names)
        return {name: known[name] for name in names if known[name]}

    def _find_reasons(self, folder: str, names: Sequence[str]) -> dict[str, str]:
        """Look at all that lies in the folder at once: asking git takes some milliseconds, whatever it is asked."""
        root = os.path.realpath(self.root)
        place = os.path.join(root, folder) if folder else root
        every = {*names}
        with contextlib.suppress(ProjectFileError):  # reading it will tell
            every.update(entry.name for entry in _entries(Path(place)))
        try:
            rules = self._ignored_within_limits(root, place, sorted(every))
        except GitError as error:
            reason = f"can't be read before git lists what it ignores, and it fails: {error}"
            return dict.fromkeys(every, reason)
        complaint = "is ignored by git ({}), as secrets are; name another file, or let git keep it"
        return {name: complaint.format(rules[name]) if name in rules else "" for name in every}

    def _ignored_within_limits(self, root: str, place: str, names: Sequence[str]) -> dict[str, str]:
        if self._limits:
            raise self._limits[0]
        try:
            return self._ignored(root, place, names)
        except GitLimitError as error:
            self._limits.append(error)
            raise

    def _ignored(self, root: str, place: str, names: Sequence[str]) -> dict[str, str]:
        repository = find_repository(place)
        if repository is None or self._is_outside(repository, root):
            return {}
        rules = repository.ignoring_rules([os.path.join(place, name) for name in names])
        found = {name: rules[path] for name in names if (path := os.path.join(place, name)) in rules}
        if repository.top == root or os.path.commonpath((repository.top, root)) == repository.top:
            return found
        above, own = os.path.split(repository.top)  # a repository inside of the project's
        outer = self._ignored(root, above, [own])
        return found | dict.fromkeys(names, outer[own]) if own in outer else found

    def _is_outside(self, repository: Repository, root: str) -> bool:
        """Return whether the project lies in the repository's work tree and is ignored there as a whole."""
        if repository.top not in self._outsiders:
            below = root != repository.top and os.path.commonpath((repository.top, root)) == repository.top
            self._outsiders[repository.top] = below and bool(repository.ignoring_rules([root]))
        return self._outsiders[repository.top]

    def _refuse_private(self, steps: Sequence[str], path: str) -> None:
        """Raise ProjectFileError for what belongs to version control, or is ignored by it."""
        if any(step.lower() in _REPOSITORIES for step in steps):
            names = ", ".join(sorted(_REPOSITORIES))
            raise ProjectFileError(f"{path} belongs to version control ({names}), which may hold secrets")
        for reason in self.reasons("/".join(steps[:-1]), steps[-1:]).values():
            raise ProjectFileError(f"{path} {reason}")

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


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise ProjectFileError(f"{folder} cannot be listed: {error.strerror}") from None


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _reason(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path} below the topology's folder"
    if error.errno in {20, 40}:  # ENOTDIR, ELOOP: the errors of O_NOFOLLOW on symbolic links
        return f"{path} is reached through a symbolic link; put the file itself there"
    return f"{path} cannot be read: {error.strerror}"
