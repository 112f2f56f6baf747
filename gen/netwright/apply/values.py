"""A change of a machine as values: its files, and the commands there and back."""

from msgspec import Struct

ABSENT, LINK = "-", "link"
"""In place of a digest: there is no file, or a symbolic link."""


class FileChange(Struct, frozen=True, kw_only=True):
    """A file that is to come, change or go. `was` is the digest (SHA-256) that the machine has now, or ABSENT or LINK;
    `content` is None for one that goes. `mode` is octal, `owner` USER:GROUP."""

    path: str
    was: str
    content: bytes | None
    digest: str = ABSENT
    mode: str = "-"
    owner: str = "-"


class ListedFile(Struct, frozen=True, kw_only=True):
    """A file as a manifest lists it."""

    path: str
    digest: str
    mode: str
    owner: str


class CommandLines(Struct, frozen=True, kw_only=True):
    """Commands before the files are exchanged, and after."""

    leave: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


class MachineChange(Struct, frozen=True, kw_only=True):
    """All that is changed on a machine at once; `there` and `back` are the commands that put it into effect, and those
    that put the old files into effect again.

    `parameters` are files below /proc/sys whose values are brought back with them, `units` those whose state is. The
    `manifest` is what is ours on the machine afterwards.
    """

    node: str
    files: tuple[FileChange, ...]
    there: CommandLines
    back: CommandLines
    parameters: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    manifest: tuple[ListedFile, ...] = ()
