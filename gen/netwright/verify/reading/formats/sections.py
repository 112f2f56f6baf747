"""Lines of the formats that consist of [Section] and key=value: systemd's files and NetworkManager's keyfiles."""

from collections.abc import Iterator

from msgspec import Struct

from netwright.verify.values.facts import Origin


class Entry(Struct, frozen=True, kw_only=True):
    """One key=value line. `section` counts: two [Route] in one file are two sections. A `padded` line ends in blanks,
    which systemd leaves out and NetworkManager takes for a part of the value."""

    section: str
    number: int
    key: str
    value: str
    file: str
    line: int
    padded: bool = False

    @property
    def origin(self) -> Origin:
        """The line."""
        return Origin(file=self.file, line=self.line)


class Oddity(Struct, frozen=True, kw_only=True):
    """A line that is no section, assignment, comment or blank."""

    text: str
    origin: Origin


def read_entries(text: str, file: str, comments: str) -> Iterator[Entry | Oddity]:
    """The file's assignments in order; `comments` are the characters that start a comment line."""
    section, number = "", 0
    for index, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip(" \t")
        if not stripped or stripped[0] in comments:
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            section, number = stripped[1:-1], number + 1
            continue
        key, equals, value = stripped.partition("=")
        # A backslash at the end joins the next line in systemd's files and is an escape in keyfiles.
        if not equals or not section or stripped.endswith(("\\", "\r")):
            yield Oddity(text=line, origin=Origin(file=file, line=index))
            continue
        yield Entry(
            section=section,
            number=number,
            key=key.strip(),
            value=value.strip(),
            file=file,
            line=index,
            padded=line.endswith((" ", "\t")),
        )
