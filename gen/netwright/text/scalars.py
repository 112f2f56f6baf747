"""Meaning of one YAML scalar by the YAML 1.2 core schema, and the characters that no scalar may hold."""

import re
import unicodedata
from functools import cache

Scalar = str | int | float | bool | None

LARGEST_NUMBER = 2**63 - 1

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("-+.0123456789")
RESOLVED_STARTS = _NUMBER_STARTS | {word[:1] for word in _WORDS}
"""First characters ("" for an empty one) of a plain scalar that may be something else than text."""

_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 32


class NumberOutOfRangeError(ValueError):
    """A number that no file format of ours could carry."""


def resolve_plain(text: str) -> Scalar:
    """The value of an unquoted scalar: null, a boolean, a number, or else the text as it stands.

    A decimal without a fraction (1500.0, 1e3) is a whole number, as JSON Schema sees it. Raises NumberOutOfRangeError.
    """
    if text[:1] in _NUMBER_STARTS:
        return _resolve_number(text)
    return _WORDS.get(text, text)


def _resolve_number(text: str) -> Scalar:
    if _WHOLE.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            raise NumberOutOfRangeError
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        number: int | float = int(text, base)
    elif _DECIMAL.fullmatch(text):
        number = float(text)
    elif _NOT_FINITE.fullmatch(text):
        raise NumberOutOfRangeError
    else:
        return text
    if not -LARGEST_NUMBER - 1 <= number <= LARGEST_NUMBER:
        raise NumberOutOfRangeError
    return int(number) if number == int(number) else number


# Everything that is not drawn or that changes how its neighbours are drawn: controls, Unicode's property
# Default_Ignorable_Code_Point, surrogates, private use, noncharacters, line and paragraph separators, and the blanks
# that look like a space. Spelled out because unicodedata differs from one Python version to the next.
_BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
    + "".join(f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0x10000, 0xF0000, 0x10000))
)
_PLAIN_BYTES = bytes(range(0x20, 0x7F)) + b"\t\n"


# Compiling these takes as long as reading a topology of ten nodes, most of which are ASCII.
@cache
def _refused_in_text() -> re.Pattern[str]:
    return re.compile(f"[{_UNSEEN}]")


@cache
def _refused_in_value() -> re.Pattern[str]:
    return re.compile(f"[\t\n{_UNSEEN}{_BLANKS}]")


def unseen_characters(text: str) -> tuple[int, ...]:
    """The index of the first of each character that no topology may hold, comments included."""
    if text.isascii() and not text.encode("ascii").translate(None, _PLAIN_BYTES):
        return ()
    first: dict[str, int] = {}
    for match in _refused_in_text().finditer(text):
        first.setdefault(match.group(), match.start())
    return tuple(first.values())


def refused_character(value: str) -> str | None:
    """The first character that no value or key may hold: as in a text, and also tabs, line breaks and exotic blanks."""
    if value.isascii() and value.isprintable():
        return None
    match = _refused_in_value().search(value)
    return match.group() if match else None


_CONTROL_NAMES = {
    "\0": "NUL",
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a carriage return",
    "\x1b": "ESC",
    "\x85": "NEXT LINE",
}


def name_character(character: str) -> str:
    """The character for a message: U+202E (RIGHT-TO-LEFT OVERRIDE)."""
    code = f"U+{ord(character):04X}"
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "")
    return f"{code} ({name})" if name else code
