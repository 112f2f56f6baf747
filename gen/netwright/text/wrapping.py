"""Lines of a report as a terminal of so many columns shows them best: broken at blanks, and indented."""

import re
from collections.abc import Iterator

LEAST = 40
"""Columns of the narrowest terminal that lines are broken for."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SHOWN_AS_IT_IS = re.compile(r" *[0-9]* \| |.*\S {3,}\S")
"""Lines of a file below a message, and rows of a table."""


def wrap(text: str, columns: int) -> str:
    """The text with each long line broken; what follows is indented by four columns more.

    A word that is longer than a line, such as the path of a file, stays whole.
    """
    if columns < LEAST:
        return text
    return "".join(f"{part}\n" for line in text.splitlines() for part in _parts(line, columns))


def _parts(line: str, columns: int) -> Iterator[str]:
    if _width(line) <= columns or _SHOWN_AS_IT_IS.match(line):
        yield line
        return
    first, *words = line.lstrip(" ").split(" ")
    indent = " " * (len(line) - len(line.lstrip(" ")))
    part = indent + first
    for word in words:
        if _width(part) + 1 + _width(word) > columns:
            yield part
            part = f"{indent}    {word}"
        else:
            part += f" {word}"
    yield part


def _width(line: str) -> int:
    return len(_COLOUR.sub("", line))
