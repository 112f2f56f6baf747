"""Usual other spellings of a value, and ideas for which the language has another form: what to write instead."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from netwright.schema.words import Schema, quote, resolve

_ADDRESS = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:/(\S+))?", re.ASCII)
_CARD = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}", re.ASCII)
_PORT = re.compile(r"([\d-]{1,11})/(\w{1,8})", re.ASCII)
_USUAL_LENGTH = 24
_NO_LABEL = re.compile(r"[^a-z0-9]+")


def rewrite(value: str, fits: Callable[[str], bool]) -> str | None:
    """Return the first other spelling of a value that fits; None if there is none, or the value is not to be shown."""
    if quote(value) != f'"{value}"':
        return None
    return next((other for other in _spellings(value.strip()) if other != value and fits(other)), None)


def instead(word: str, schema: Schema, root: Schema) -> str | None:
    """Return what the schema (`x-instead`) has for a word that people write there, None if it has nothing."""
    return _sentence(word, resolve(schema, root).get("x-instead", ()))


def idea(word: str, root: Schema) -> str | None:
    """Return what the language (`x-ideas`) has for a word wherever it is written, None if it has nothing."""
    return _sentence(word, root.get("x-ideas", ()))


def without_release(word: str) -> str:
    """Return a name without its release: ubuntu-24.04 is ubuntu."""
    return _RELEASE.sub("", word.strip())


def _sentence(word: str, known: Sequence[Mapping[str, Any]]) -> str | None:
    written = word.strip().casefold().replace("_", "-")
    return next((str(one["text"]) for one in known if written in one["words"]), None)


_RELEASE = re.compile(r"[-.\s]*[0-9][0-9.-]*\Z")


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield from _of_addresses(text)
    if _CARD.fullmatch(text):
        digits = re.sub("[:.-]", "", text)
        yield ":".join(digits[start : start + 2] for start in range(0, 12, 2))
    if port := _PORT.fullmatch(text):
        yield f"{port[2].lower()}/{port[1]}"
    yield text.lower()
    if ".." not in text:  # no path that leads elsewhere is meant to be a name
        yield _NO_LABEL.sub("-", text.lower()).strip("-")


def _of_addresses(text: str) -> Iterator[str]:
    """An address without its prefix length, and a network with one: the stated, or the usual one."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return
    octets = [int(octet) for octet in found.groups()[:4]]
    plain = ".".join(map(str, octets))
    yield plain
    length = _length_of_mask(found[5]) if found[5] else _USUAL_LENGTH
    if length is not None and (found[5] or octets[-1] == 0):
        yield f"{plain}/{length}"


def _length_of_mask(mask: str) -> int | None:
    """Return the prefix length of a mask such as 255.255.255.0, or of a length with leading zeros."""
    if mask.isascii() and mask.isdecimal() and len(mask) < 4:
        return int(mask)
    found = _ADDRESS.fullmatch(mask)
    if found is None:
        return None
    bits = "".join(f"{int(octet):08b}" for octet in found.groups()[:4])
    return bits.count("1") if re.fullmatch("1*0*", bits) else None
