"""A Butane document as YAML text that people read and Butane compiles."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from netwright.butane.encoding import bytes_of


def dump_butane(document: Mapping[str, Any]) -> str:
    """The document as YAML, its keys in the order given: modes in octal, text of several lines as literal blocks.

    Text that is not UTF-8 (`text_of`) is written as !!binary, which Butane decodes again. A general YAML library takes
    several times as long and knows no octal modes; what little of YAML is written here, every YAML parser reads alike.
    """
    return "".join(_mapping(document, "")) or "{}\n"


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, below in value.items():
        name = key if _NAME.fullmatch(key) and key.lower() not in _WORDS else _quoted(key)
        if key == "mode" and type(below) is int:
            yield f"{indent}{name}: {f'0{below:o}' if below > 0 else below}\n"
        else:
            yield from _value(f"{indent}{name}:", below, indent)


def _sequence(value: list[Any], indent: str) -> Iterator[str]:
    for entry in value:
        if isinstance(entry, Mapping) and entry:
            first, *rest = _mapping(entry, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        else:
            yield from _value(f"{indent}-", entry, indent)


def _value(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, str):
        yield f"{head} {_text(value, indent + '  ')}\n"
    elif value is None or isinstance(value, bool | int | float):
        yield f"{head} {json.dumps(value)}\n"
    elif not value:
        yield f"{head} {'{}' if isinstance(value, Mapping) else '[]'}\n"
    else:
        yield f"{head}\n"
        yield from _mapping(value, indent + "  ") if isinstance(value, Mapping) else _sequence(value, indent + "  ")


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# Begins with a letter or slash, or is a version; no colon before a space or at the end, no # after a space.
_PLAIN = re.compile(r"(?:[A-Za-z/](?:[A-Za-z0-9/._@+=,%~$()-]|:(?=[^ ])| (?=[^ #:]))*|[0-9]+\.[0-9]+\.[0-9]+)(?<! )")
_BLOCK = re.compile(r"(?=[^ \t\n])(?:(?=[^\n]*[^ \t\n])[^\n]*\n|\n)*[^\n]*[^ \t\n][^\n]*\n?")
_SPECIAL_IN_ASCII = re.compile(r"[^\t\n -~]")


def _special(text: str) -> re.Pattern[str]:
    """Return what must be escaped in the text, or has no place in a block."""
    return _SPECIAL_IN_ASCII if text.isascii() else _special_in_unicode()


@cache
def _special_in_unicode() -> re.Pattern[str]:
    # Compiled where it is needed: it takes longer than dumping a document.
    return re.compile("[^\t\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffd]|[\u2028\u2029]")


def _text(text: str, indent: str) -> str:
    """The text as it stands after a key: plain, a literal block, in double quotes, or as !!binary."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if "\n" in text and not _special(text).search(text) and _BLOCK.fullmatch(text):
        body = f"\n{indent}".join(text.removesuffix("\n").split("\n")).replace(f"\n{indent}\n", "\n\n")
        return f"{'|' if text.endswith(chr(10)) else '|-'}\n{indent}{body}"
    if any("\udc80" <= char <= "\udcff" for char in text):
        return f'!!binary "{base64.b64encode(bytes_of(text)).decode("ascii")}"'
    return _quoted(text)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _special(quoted).sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
