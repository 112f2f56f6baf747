"""What a machine prints when it is looked at for a change. All of it is the machine's word: data of bounded size."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from netwright.apply.values import ABSENT, LINK, ListedFile
from netwright.verify.reading.record import RecordError, read_record

_PATH = re.compile(r"(/[^/\x00-\x1f\x7f]+)+")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OTHER = "other"


class LookedFile(Struct, frozen=True, kw_only=True):
    """A file of the machine: digest (or ABSENT, LINK), mode in octal, owner as USER:GROUP; its content where that is
    not what is wanted, or a link's target. None: too large to be shown."""

    digest: str
    mode: str = "-"
    owner: str = "-"
    content: bytes | None = None


class Applied(Struct, frozen=True, kw_only=True):
    """The last confirmed change: what is ours on the machine since, and the paths that it changed, with the commands
    that undo it. Of a rollback `is_rollback` is true."""

    identity: str
    who: str
    manifest: tuple[ListedFile, ...]
    brought_back: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    is_rollback: bool


class MachineLook(Struct, frozen=True, kw_only=True):
    """What is to be known of a machine before it is changed. `under_way` is the change that is not decided yet, of
    `who`."""

    problem: str | None
    under_way: str
    who: str
    applied: Applied | None
    files: Mapping[str, LookedFile]


def read_facts(content: bytes) -> dict[str, str]:
    """Return the facts that the script prints, as text. Raises RecordError."""
    return {name: fact.output.decode(errors="replace") for name, fact in read_record(content).items()}


def read_look(content: bytes) -> MachineLook:
    """Return what the machine printed. Raises RecordError for anything else."""
    facts = read_facts(content)
    if "files" not in facts:
        raise RecordError("does not say which files there are")
    identity = facts.get("applied", "")
    return MachineLook(
        problem=facts.get("problem"),
        under_way=facts.get("undoing") or facts.get("pending", ""),
        who=facts.get("who", "").strip(),
        applied=_applied(identity, facts) if identity else None,
        files=dict(_files(facts["files"])),
    )


def _applied(identity: str, facts: Mapping[str, str]) -> Applied:
    return Applied(
        identity=identity,
        who=facts.get("applied-who", "").strip(),
        manifest=tuple(_manifest(facts.get("applied-manifest", ""))),
        brought_back=tuple(_brought_back(facts.get("applied-files", ""))),
        commands=(*facts.get("applied-undo-leave", "").splitlines(), *facts.get("applied-undo-then", "").splitlines()),
        is_rollback=facts.get("applied-kind", "").strip() == "rollback",
    )


def _manifest(text: str) -> Iterator[ListedFile]:
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) != 4 or not _is_path(words[0]):
            raise RecordError("has a manifest of another form than netwright writes there")
        yield ListedFile(path=words[0], digest=words[1], mode=words[2], owner=words[3])


def _brought_back(text: str) -> Iterator[tuple[str, str]]:
    """Yield the sign and path of each file that a rollback changes."""
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) != 6 or not _is_path(words[5]):
            raise RecordError("has a change of another form than netwright writes there")
        yield "-" if words[4] == ABSENT else "+" if words[3] == ABSENT else "~", words[5]


def _files(text: str) -> Iterator[tuple[str, LookedFile]]:
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) != 5 or not _is_path(words[4]):
            raise RecordError("lists files in another form than it was told")
        digest, mode, owner, content, path = words
        if digest not in (ABSENT, LINK, _OTHER) and not _DIGEST.fullmatch(digest):
            raise RecordError(f"gives {path} no digest")
        yield path, LookedFile(digest=digest, mode=mode, owner=owner, content=_content(content))


def _content(text: str) -> bytes | None:
    if text == "-":
        return None
    try:
        return base64.b64decode("" if text == "=" else text, validate=True)
    except binascii.Error:
        raise RecordError("has a file whose content is damaged") from None


def _is_path(path: str) -> bool:
    return _PATH.fullmatch(path) is not None and not {".", ".."} & {*path.split("/")}
