"""Every call to git, made in folders with untrusted contents: what lies there is read, and never obeyed.

Only a repository above the folder counts, through a `.git` of its own, which no change request can contain. Git starts
no program (hook, pager, filter, fsmonitor, ssh), fetches nothing, reads no variable of the environment that points it
elsewhere, and shows the objects themselves: no replacement, no graft, and each of them has the digest that names it.
"""

import contextlib
import hashlib
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from msgspec import Struct

LARGEST_BLOB = 64 * 1024 * 1024
"""The largest committed file that is read, in bytes."""
LARGEST_ANSWER = 64 * 1024 * 1024
"""The most bytes that git may print of a list: trees of a few kilobytes can name themselves a billion times."""
LONGEST_ANSWER = 30.0
"""So many seconds git may take to answer: a pattern of a .gitignore can keep it busy for years."""
_ONE_WAIT = 0.5
_LARGEST_GIT_FILE = 16 * 1024
_SETTINGS = (
    "safe.bareRepository=explicit",
    "protocol.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.askPass=false",
    "core.pager=cat",
    "core.untrackedCache=false",
    "core.quotePath=false",
    "credential.helper=",
    "submodule.recurse=false",
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # unlike protocol.allow, no protocol's own setting overrides it
    "GIT_SSH_COMMAND": "false",
    "GIT_ASKPASS": "false",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}


class GitError(Exception):
    """Git is missing, failed, or shows what can't be taken; the text gives the reason."""


class GitLimitError(GitError):
    """Git takes too long, or prints too much."""


class NoSuchRevisionError(GitError):
    """The name is no commit of the repository."""


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
            with _started(self._command("cat-file", "--batch"), self.top, asked.fileno()) as process:
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
        found = _run([*_git(), "-C", self.top, "rev-parse", "--absolute-git-dir"], self.top).removesuffix(b"\n")
        if os.path.realpath(os.fsdecode(found)) != self.git_dir:
            raise GitError(f"git takes {os.fsdecode(found)} for the repository of {self.top}, not {self.git_dir}")

    def _run(self, *words: str, feed: bytes = b"", fine: Sequence[int] = (0,)) -> bytes:
        return _run(self._command(*words), self.top, feed=feed, fine=fine)

    def _command(self, *words: str) -> list[str]:
        return [*_git(), f"--git-dir={self.git_dir}", f"--work-tree={self.top}", *words]


def find_repository(folder: str) -> Repository | None:
    """Return the repository whose work tree a folder lies in, None if there is none. Raises GitError."""
    top = os.path.realpath(folder)
    while True:
        named = _named_by(os.path.join(top, ".git"))
        if named is not None and is_repository(named):
            return Repository(top=top, git_dir=named)
        if top == os.path.dirname(top):
            return None
        top = os.path.dirname(top)


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


def _git() -> list[str]:
    return [_program(), "--no-replace-objects", "--no-pager", *(word for one in _SETTINGS for word in ("-c", one))]


def _program() -> str:
    """Return where git is installed: an empty or relative step of PATH would have a file of the work tree run."""
    steps = (step for step in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(step))
    found = shutil.which("git", path=os.pathsep.join(steps))
    if found is None:
        raise GitError("git is not installed")
    return found


def _environment() -> dict[str, str]:
    """Return the environment without what would tell git of another repository, program or setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "LC_", "LANG"))}
    for name in ("PAGER", "SSH_ASKPASS", "EDITOR", "VISUAL"):
        kept.pop(name, None)
    return kept | _ENVIRONMENT


def _run(command: Sequence[str], folder: str, *, feed: bytes = b"", fine: Sequence[int] = (0,)) -> bytes:
    """Return what git prints. Raises GitError with its last words if it fails, GitLimitError if it does not end."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.write(feed)
        asked.seek(0)
        with _started(command, folder, asked.fileno(), stderr=said.fileno()) as process:
            printed = _answer(process)
        said.seek(0)
        if process.returncode not in fine:
            raise GitError(_last_words(said.read().decode(errors="replace")))
    return printed


def _answer(process: "subprocess.Popen[bytes]") -> bytes:
    """Return what git prints until it ends. Raises GitLimitError."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    end = time.monotonic() + LONGEST_ANSWER
    printed = bytearray()
    while chunk := _next_chunk(process.stdout.fileno(), end):
        printed += chunk
        if len(printed) > LARGEST_ANSWER:
            raise GitLimitError(f"has so many files that git lists more than {LARGEST_ANSWER >> 20} MiB")
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _too_long() from None
    return bytes(printed)


def _next_chunk(pipe: int, end: float) -> bytes:
    """Return what comes next through a pipe, nothing at its end. Raises GitLimitError after the monotonic time `end`.

    One wait is short: a signal that came just before it began is acted on after it.
    """
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    while (left := end - time.monotonic()) > 0:
        if poller.poll(min(left, _ONE_WAIT) * 1000):
            return os.read(pipe, 1 << 16)
    raise _too_long()


def _too_long() -> GitLimitError:
    return GitLimitError(f"git takes longer than {LONGEST_ANSWER:g} seconds to answer")


def _last_words(said: str) -> str:
    """Return what ended git, and the command that it advises."""
    lines = said.strip().splitlines() or ["git failed"]
    fatal = next((line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")), lines[-1])
    return f"{fatal}; {lines[-1].strip()}" if lines[-1].startswith("\tgit ") else fatal


@contextlib.contextmanager
def _started(
    command: Sequence[str], folder: str, stdin: int, *, stderr: int = subprocess.DEVNULL
) -> "Iterator[subprocess.Popen[bytes]]":
    """Git at work; ended with the block, whatever it still has to print."""
    try:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=folder, env=_environment(), stdin=stdin, stdout=subprocess.PIPE, stderr=stderr
        )
    except OSError as error:
        raise GitError(f"git can't be started: {error.strerror}") from None
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
