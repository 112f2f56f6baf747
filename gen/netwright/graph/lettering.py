"""Width and height of text. The reader's fonts are unknown, so widths are those of wide ones (DejaVu, Verdana)."""

import math
import unicodedata
from typing import Literal

from msgspec import Struct

from netwright.text.report import printable

Style = Literal["title", "caption", "heading", "line", "address"]
Lines = tuple[tuple[str, Style], ...]


class Lettering(Struct, frozen=True, kw_only=True):
    """Size and line height in pixels, and which generic font."""

    size: int
    height: int
    bold: bool = False
    mono: bool = False


LETTERINGS: dict[Style, Lettering] = {
    "title": Lettering(size=20, height=28, bold=True),
    "caption": Lettering(size=14, height=20),
    "heading": Lettering(size=14, height=19, bold=True),
    "line": Lettering(size=12, height=16),
    "address": Lettering(size=11, height=14, mono=True),
}

_SANS: dict[str, float] = {
    **dict.fromkeys("fijlrtI.,:;|!'()[]/ -", 0.46),
    **dict.fromkeys("mw", 1.05),
    **dict.fromkeys("MW@%", 1.12),
}
_LARGE, _SMALL, _OTHER, _MONO = 0.86, 0.73, 1.1, 0.605
_REGULAR = 0.93
"""Width of a font in proportion to bold."""


class Rect(Struct, frozen=True, kw_only=True):
    """A rectangle by its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Position of the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Position of the lower edge."""
        return self.y + self.height

    def overlaps(self, other: "Rect") -> bool:
        """Return whether both cover a place, more than a common edge."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


class TextLine(Struct, frozen=True, kw_only=True):
    """A line of text by the upper left corner of the room that it takes."""

    x: int
    y: int
    text: str
    style: Style

    @property
    def rect(self) -> Rect:
        """The room that it takes at most."""
        return Rect(x=self.x, y=self.y, width=measure(self.text, self.style), height=LETTERINGS[self.style].height)

    @property
    def baseline(self) -> int:
        """Position of the letters' baseline."""
        lettering = LETTERINGS[self.style]
        return self.y + (lettering.height + lettering.size * 7 // 10) // 2


def measure(text: str, style: Style) -> int:
    """The width of a text in pixels, rather too wide than too narrow."""
    lettering = LETTERINGS[style]
    widths = [_width(char, lettering) for char in printable(text)]
    return math.ceil(sum(widths) * lettering.size)


def _width(char: str, lettering: Lettering) -> float:
    if not char.isascii():
        return _OTHER if unicodedata.east_asian_width(char) in "WF" or not lettering.mono else _MONO
    if lettering.mono:
        return _MONO
    width = _SANS.get(char) or (_LARGE if char.isupper() or char in "#&+<=>_~" else _SMALL)
    return width if lettering.bold else width * _REGULAR


def stack(lines: Lines, x: int, y: int) -> tuple[TextLine, ...]:
    """Lines of text below one another."""
    texts = []
    for text, style in lines:
        texts.append(TextLine(x=x, y=y, text=text, style=style))
        y += LETTERINGS[style].height
    return tuple(texts)


def size_of(lines: Lines) -> tuple[int, int]:
    """Width and height of lines of text below one another."""
    return (
        max((measure(text, style) for text, style in lines), default=0),
        sum(LETTERINGS[style].height for _, style in lines),
    )


def wrap(text: str, style: Style, width: int) -> tuple[str, ...]:
    """The text in lines that are at most so wide, where its words allow."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and measure(f"{lines[-1]} {word}", style) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)
