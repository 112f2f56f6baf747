"""Git as a process that obeys nothing in the repository it reads: settings, environment, limits to its answer."""

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence

LARGEST_ANSWER = 64 * 1024 * 1024
"""The most bytes that git may print of a list: trees of a few kilobytes can name themselves a billion times."""
LONGEST_ANSWER = 30.0
"""So many seconds git may take to answer: a pattern of a .gitignore can keep it busy for years."""
_ONE_WAIT = 0.5
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


def git_command() -> list[str]:
    """Return the words that every call of git begins with. Raises GitError where it is not installed."""
    return [_program(), "--no-replace-objects", "--no-pager", *(word for one in _SETTINGS for word in ("-c", one))]


def _program() -> str:
    """Return where git is installed: an empty or relative step of PATH would have a file of the work tree run."""
    steps = (step for step in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(step))
    found = shutil.which("git", path=os.pathsep.join(steps))
    if found is None:
        raise GitError("git is not installed")
    return found


def git_environment() -> dict[str, str]:
    """Return the environment without what would tell git of another repository, program or setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "LC_", "LANG"))}
    for name in ("PAGER", "SSH_ASKPASS", "EDITOR", "VISUAL"):
        kept.pop(name, None)
    return kept | _ENVIRONMENT


def run_git(command: Sequence[str], folder: str, *, feed: bytes = b"", fine: Sequence[int] = (0,)) -> bytes:
    """Return what git prints. Raises GitError with its last words if it fails, GitLimitError if it does not end."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as complaint:
        asked.write(feed)
        asked.seek(0)
        with started_git(command, folder, asked.fileno(), stderr=complaint.fileno()) as process:
            printed = _answer(process)
        complaint.seek(0)
        if process.returncode not in fine:
            raise GitError(_last_words(complaint.read().decode(errors="replace")))
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


def _last_words(complaint: str) -> str:
    """Return what ended git, and the command that it advises."""
    lines = complaint.strip().splitlines() or ["git failed"]
    fatal = next((line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")), lines[-1])
    return f"{fatal}; {lines[-1].strip()}" if lines[-1].startswith("\tgit ") else fatal


@contextlib.contextmanager
def started_git(
    command: Sequence[str], folder: str, stdin: int, *, stderr: int = subprocess.DEVNULL
) -> "Iterator[subprocess.Popen[bytes]]":
    """Git at work; ended with the block, whatever it still has to print."""
    try:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=folder, env=git_environment(), stdin=stdin, stdout=subprocess.PIPE, stderr=stderr
        )
    except OSError as error:
        raise GitError(f"git can't be started: {error.strerror}") from None
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
