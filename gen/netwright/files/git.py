"""Every call to git, made in folders with untrusted contents: what lies there is read, and never obeyed.

Only a repository above the folder counts, through a `.git` of its own, which no change request can contain. Git starts
no program (hook, pager, filter, fsmonitor, ssh), fetches nothing, reads no variable of the environment that points it
elsewhere, and shows the objects themselves: no replacement, no graft, and each of them has the digest that names it.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from msgspec import Struct

from netwright.files.git_process import GitError, GitLimitError, NoSuchRevisionError, git_command, run_git, started_git

LARGEST_BLOB = 64 * 1024 * 1024
"""The largest committed file that is read, in bytes."""
_LARGEST_GIT_FILE = 16 * 1024


class Blob(Struct, frozen=True, kw_only=True):
    """A committed entry below a folder: the steps to it, its mode as git writes it, the digest of its contents."""

    steps: tuple[str, ...]
    mode: str
    digest: str


class Repository(Struct, frozen=True, kw_only=True):
    """A work tree and the repository that its `.git` is or names, both as absolute paths without links."""

    top: str
    git_dir: str

    def resolve(self, revision: str) -> str:
        """Return the digest of the commit that a revision names. Raises NoSuchRevisionError."""
        self._be_safe()
        try:
            found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            shallow = self._run("rev-parse", "--is-shallow-repository").strip() == b"true"
            hint = "; this clone is shallow, fetch the revision (git fetch --unshallow origin)" if shallow else ""
            raise NoSuchRevisionError(hint) from None
        return found.decode().strip()

    def list_files(self, commit: str, folder: str) -> tuple[Blob, ...]:
        """Return every entry below a folder of the work tree as it was committed; none if the folder was not."""
        try:
            listed = self._run("ls-tree", "-r", "-z", "--full-tree", f"{commit}:{self._below(folder)}")
        except GitLimitError:
            raise
        except GitError:
            return ()
        return tuple(_blob(entry) for entry in listed.split(b"\0") if entry)

    def commits_of(self, path: str, most: int) -> tuple[tuple[str, str], ...]:
        """Return the last commits that changed a file of the work tree, the newest first: the digest of each, and the
        day on which it was made (YYYY-MM-DD)."""
        self._be_safe()
        words = (
            "log",
            "--no-show-signature",
            f"--max-count={most}",
            "--format=%H %cs",
            "--",
            f":(literal,top){self._below(path)}",
        )
        listed = (line.split(" ") for line in self._run(*words).decode("ascii").splitlines())
        return tuple((digest, day) for digest, day in listed)

    def read(self, commit: str, path: str) -> bytes:
        """Return the committed contents of one file of the work tree."""
        digest = self._run("rev-parse", "--verify", "--end-of-options", f"{commit}:{self._below(path)}")
        blob = Blob(steps=(os.path.basename(path),), mode="", digest=digest.decode().strip())
        (content,) = self.read_all([blob])
        return content

    def read_all(self, blobs: Sequence[Blob]) -> Iterator[bytes]:
        """Yield the contents of blobs in their order, byte by byte: `git archive` would obey .gitattributes."""
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{blob.digest}\n" for blob in blobs).encode("ascii"))
            asked.seek(0)
            with started_git(self._command("cat-file", "--batch"), self.top, asked.fileno()) as process:
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                for blob in blobs:
                    yield _read_blob(process.stdout, blob)

    def ignoring_rules(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Return which rule (`.gitignore:3: .env`) has git ignore a path, for those that it does not keep.

        The paths are absolute and lie below the work tree.
        """
        matched = self._rules(paths, "--no-index")  # quick: the index would be searched for each path
        return self._rules(tuple(matched)) if matched else {}

    def _rules(self, paths: Sequence[str], *options: str) -> dict[str, str]:
        feed = b"".join(b"./" + os.fsencode(self._below(path)) + b"\0" for path in paths)  # a name may begin with :!
        printed = self._run("check-ignore", "--verbose", "-z", "--stdin", *options, feed=feed, fine=(0, 1))
        words = [os.fsdecode(word) for word in printed.split(b"\0")[:-1]]
        rules = zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True)
        return {
            os.path.join(self.top, path.removeprefix("./")): f"{file.removeprefix(self.top + os.sep)}:{line}: {pattern}"
            for file, line, pattern, path in rules
            if not pattern.startswith("!")
        }

    def _below(self, path: str) -> str:
        below = os.path.relpath(path, self.top)
        if below.split(os.sep)[0] == os.pardir:
            raise GitError(f"{path} is not in the work tree {self.top}")
        return "" if below == os.curdir else below

    def _be_safe(self) -> None:
        """Let git find the repository by itself, which refuses one of another user's."""
        found = run_git([*git_command(), "-C", self.top, "rev-parse", "--absolute-git-dir"], self.top)
        found = found.removesuffix(b"\n")
        if os.path.realpath(os.fsdecode(found)) != self.git_dir:
            raise GitError(f"git takes {os.fsdecode(found)} for the repository of {self.top}, not {self.git_dir}")

    def _run(self, *words: str, feed: bytes = b"", fine: Sequence[int] = (0,)) -> bytes:
        return run_git(self._command(*words), self.top, feed=feed, fine=fine)

    def _command(self, *words: str) -> list[str]:
        return [*git_command(), f"--git-dir={self.git_dir}", f"--work-tree={self.top}", *words]


def find_repository(folder: str) -> Repository | None:
    """Return the repository whose work tree a folder lies in, None if there is none. Raises GitError."""
    for top in _upwards(folder):
        named = _named_by(os.path.join(top, ".git"))
        if named is not None and is_repository(named):
            return Repository(top=top, git_dir=named)
    return None


def find_bare_repository(folder: str) -> str | None:
    """Return the repository without a work tree that a folder is or lies in, to name it: no git is asked there."""
    return next(filter(is_repository, _upwards(folder)), None)


def _upwards(folder: str) -> Iterator[str]:
    """Yield a folder without links, and those that it lies in, up to the root."""
    top = os.path.realpath(folder)
    yield top
    while top != os.path.dirname(top):
        top = os.path.dirname(top)
        yield top


def is_repository(folder: str) -> bool:
    """Return whether a folder looks like what git keeps a repository, or a further work tree of one, in."""
    below = ("HEAD", "commondir") if os.path.isfile(os.path.join(folder, "commondir")) else ("HEAD", "objects", "refs")
    return all(os.path.lexists(os.path.join(folder, name)) for name in below)


def _named_by(place: str) -> str | None:
    """Return the folder that a `.git` is, or names if it is a link, or a file as in a submodule."""
    if os.path.isdir(place):
        return _outside_of_the_files(os.path.realpath(place), place)
    return _named_in(place) if os.path.isfile(place) else None


def _named_in(place: str) -> str:
    top = os.path.dirname(place)
    try:
        with open(place, "rb") as file:
            text = file.read(_LARGEST_GIT_FILE)
    except OSError as error:
        raise GitError(f"{place} can't be read: {error.strerror}") from None
    head, _, path = text.partition(b":")
    named = os.path.realpath(os.path.join(top, os.fsdecode(path.replace(b"\0", b"").strip())))
    if head != b"gitdir" or b"\0" in text or not is_repository(named):
        raise GitError(f"{place} names no repository")
    return _outside_of_the_files(named, place)


def _outside_of_the_files(named: str, place: str) -> str:
    """Return the repository that a `.git` names. Raises GitError for one that a change may contain."""
    top = os.path.dirname(place)
    if os.path.commonpath((named, top)) == top and ".git" not in os.path.relpath(named, top).split(os.sep):
        raise GitError(f"{place} names a repository among the files of the work tree, which is not trusted")
    return named


def _blob(entry: bytes) -> Blob:
    about, _, path = entry.partition(b"\t")
    mode, _, digest = about.decode("ascii").split(" ")
    return Blob(steps=tuple(os.fsdecode(path).split("/")), mode=mode, digest=digest)


def _read_blob(stream: IO[bytes], blob: Blob) -> bytes:
    """Return the next blob that `git cat-file --batch` prints: `DIGEST blob SIZE`, the contents, a line end."""
    name = "/".join(blob.steps)
    head = stream.readline().decode("ascii", "replace").split()
    if len(head) != 3 or head[0] != blob.digest or head[1] != "blob":
        raise GitError(f"lacks {name} in this clone; fetch it with git fetch")
    size = int(head[2])
    if size > LARGEST_BLOB:
        raise GitError(f"has {name}, which is larger than {LARGEST_BLOB >> 20} MiB")
    content = stream.read(size + 1)[:size]
    made = hashlib.sha256() if len(blob.digest) == 64 else hashlib.sha1(usedforsecurity=False)
    made.update(b"blob %d\0" % size + content)
    if made.hexdigest() != blob.digest:
        raise GitError(f"has a {name} whose contents are not those that were committed; check the clone with git fsck")
    return content
