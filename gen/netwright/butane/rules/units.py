"""The syntax of unit files as go-systemd reads it, and names of units."""

import re
from functools import lru_cache

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_SPACES = re.compile(f"[{re.escape(_SPACE)}]*")
_LONGEST_LINE = 2048
_BUFFER = 4096


class UnitSyntaxError(Exception):
    """The text is not a unit file; the text gives the reason."""


@lru_cache(maxsize=1024)
def unit_problem(text: str) -> str | None:
    """Return what keeps the text from being a unit file, None if nothing does."""
    try:
        unit_sections(text)
    except UnitSyntaxError as error:
        return str(error)
    return None


@lru_cache(maxsize=1024)
def unit_sections(text: str) -> frozenset[str]:
    """The names of the sections that hold an option; raises UnitSyntaxError.

    A section without options does not count: the question is whether it sets something.
    """
    _check_line_lengths(text)
    sections: set[str] = set()
    section: str | None = None
    position = 0
    while True:
        if section is None:
            found = re.compile(r"[\[#;]").search(text, position)  # anything before the first section is skipped
            position = found.start() if found else len(text)
        else:
            space = _SPACES.match(text, position)
            position = space.end() if space else position
        if position >= len(text):
            return frozenset(sections)
        if text[position] in "#;":
            position = _skip_comment(text, position + 1)
        elif text[position] == "[":
            section, position = _section(text, position + 1)
        else:
            position = _option(text, position)
            sections.add(section or "")


def _section(text: str, position: int) -> tuple[str, int]:
    end = text.find("]", position)
    if end < 0:
        raise UnitSyntaxError("a section's closing ] is missing; write [NAME]")
    garbage, following = _line(text, end + 1)
    if garbage.strip(_SPACE):
        raise UnitSyntaxError(f"{garbage.strip()!r} stands after [{text[position:end]}]; put it on a line of its own")
    return text[position:end], following


def _option(text: str, position: int) -> int:
    """The position after the option that begins at `position`."""
    found = re.compile(r"[=\r\n]").search(text, position)
    if found is None or found[0] != "=":
        line = _line(text, position)[0]
        raise UnitSyntaxError(f"the line {line.strip()!r} has no =; write NAME=VALUE")
    position = found.end()
    while True:
        line, position = _line(text, position)
        if not line.strip(_SPACE) or not line.endswith("\\"):
            return position


def _skip_comment(text: str, position: int) -> int:
    while True:
        line, position = _line(text, position)
        if not line.removesuffix(" ").endswith("\\"):
            return position


def _line(text: str, position: int) -> tuple[str, int]:
    """The rest of the line at `position`, and where the next one begins."""
    end = text.find("\n", position)
    if end < 0:
        return text[position:].removesuffix("\r"), len(text)
    return text[position:end], end + 1


def _check_line_lengths(text: str) -> None:
    """Raise for a line that go-systemd finds longer than systemd takes.

    It only looks where it stops between two pieces of the syntax and has that much in its buffer of 4096 bytes; a long
    line that begins late in the buffer passes. For a line found to be long here, systemd would cut it.
    """
    if len(text) < _LONGEST_LINE // 4 or not re.search(rf"[^\r\n]{{{_LONGEST_LINE // 4},}}", text):
        return
    contents = text.encode("utf-8", "surrogateescape")
    start = buffered = 0
    for line in contents.splitlines(keepends=True):
        if start >= buffered:
            buffered = min(len(contents), start + _BUFFER)
        if buffered - start >= _LONGEST_LINE and not re.search(rb"[\r\n]", contents[start : start + _LONGEST_LINE]):
            raise UnitSyntaxError(f"a line is longer than {_LONGEST_LINE} bytes; continue it with \\ on further lines")
        start += len(line)
        if start > buffered:
            buffered = min(len(contents), start + _BUFFER) if start < len(contents) else len(contents)


UNIT_SUFFIXES = (
    ".service", ".socket", ".device", ".mount", ".automount", ".swap",
    ".target", ".path", ".timer", ".snapshot", ".slice", ".scope",
)  # fmt: skip


def suffix(name: str) -> str:
    """The name from its last dot on, "" without one; a dot before the last slash does not count."""
    last = name.rpartition("/")[2]
    return last[last.rfind(".") :] if "." in last else ""


def escape_path(path: str) -> str:
    """The path as part of a unit's name: /dev/disk/by-label/DATA is dev-disk-by\\x2dlabel-DATA."""
    joined = "/".join(step for step in path.split("/") if step)
    if not joined:
        return "-"
    escaped = []
    for number, byte in enumerate(joined.encode("utf-8", "surrogateescape")):
        char = chr(byte)
        if char == "/":
            escaped.append("-")
        elif (char == "." and number == 0) or char not in _UNIT_NAME:
            escaped.append(f"\\x{byte:x}")
        else:
            escaped.append(char)
    return "".join(escaped)


_UNIT_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.")
