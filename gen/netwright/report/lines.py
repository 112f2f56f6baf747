"""Lines of OUT by the place that a decision names."""

import os
from functools import lru_cache

from msgspec import Struct

from netwright.verify.reading.disk import read_file
from netwright.verify.values.facts import Origin

LONGEST = 160
"""Most letters of a line that are shown."""
_LARGEST = 1024 * 1024


class Line(Struct, frozen=True, kw_only=True):
    """A line of a file: its place as FILE:LINE, and its text, empty where there is no such file."""

    place: str
    text: str


class Lines:
    """The lines of the files below a directory."""

    def __init__(self, out: str) -> None:
        """Takes the directory."""
        self._out = out
        self._read = lru_cache(maxsize=64)(self._split)

    def find(self, origin: Origin) -> Line:
        """The line at a place. Rules of other programs have places too, and no file."""
        lines = self._read(origin.file) if origin.line else ()
        text = lines[origin.line - 1].strip() if origin.line <= len(lines) and lines else ""
        return Line(place=str(origin), text=text if len(text) <= LONGEST else f"{text[:LONGEST]} ...")

    def _split(self, file: str) -> tuple[str, ...]:
        content = read_file(os.path.join(self._out, file), _LARGEST)
        return tuple(content.decode(errors="replace").split("\n")) if isinstance(content, bytes) else ()
