"""The text of a unit file: its assignments, and the words of its commands."""

import re
from collections.abc import Iterator

from msgspec import Struct

from netwright.verify.reading.running.paths import UNSURE

_QUOTED = re.compile(r"""\s*((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s"'\\]+)+)""")
_PIECES = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|\\(.)|([^\s"'\\]+)""")


class Directive(Struct, frozen=True, kw_only=True):
    """One assignment of a unit file; a value that is continued is one line."""

    section: str
    key: str
    value: str
    line: int


def read_unit(text: str) -> tuple[Directive, ...]:
    """The unit file's assignments in order."""
    found: list[Directive] = []
    section, held, start = "", "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if (not stripped or stripped[0] in "#;") and (held == "" or stripped[:1] in ("#", ";")):
            continue
        start = start or number
        if stripped.endswith("\\"):
            held += stripped[:-1] + " "
            continue
        whole, at = (held + stripped).strip(), start
        held, start = "", 0
        if whole.startswith("[") and whole.endswith("]"):
            section = whole[1:-1]
            continue
        key, _, value = whole.partition("=")
        found.append(Directive(section=section, key=key.strip(), value=value.strip(), line=at))
    if held:
        key, _, value = held.partition("=")
        found.append(Directive(section=section, key=key.strip(), value=value.strip(), line=start))
    return tuple(found)


def split_words(value: str) -> Iterator[list[str]]:
    """The commands of an Exec line as words: specifiers and variables are values that are not known."""
    words: list[str] = []
    place = 0
    while (found := _QUOTED.match(value, place)) is not None and found.end() > place:
        place = found.end()
        raw = found[1]
        if raw == ";":
            yield words
            words = []
            continue
        words.append(_plain(raw))
    yield words if not value[place:].strip() else [UNSURE]


def _plain(raw: str) -> str:
    text = "".join(piece[0] or piece[1] or piece[2] or piece[3] for piece in _PIECES.findall(raw))
    text = text.replace("%%", "\2").replace("$$", "\3")
    text = re.sub(r"%[a-zA-Z]", UNSURE, text)
    text = re.sub(r"\$\{[^}]*\}", UNSURE, text)
    text = re.sub(r"^\$[A-Za-z_]\w*$", UNSURE, text)
    return text.replace("\2", "%").replace("\3", "$")
