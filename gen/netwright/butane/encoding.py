"""The bytes of Ignition: data URLs and JSON, exactly as Butane writes them."""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")


def text_of(contents: bytes) -> str:
    """The contents as text; bytes that are not UTF-8 become lone surrogates, so that nothing is lost."""
    return contents.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes that `text_of` was given."""
    return text.encode("utf-8", "surrogateescape")


def decode_base64(text: str) -> bytes | None:
    """The bytes that the text encodes, None if it does not; line breaks in it mean nothing, as in Go."""
    joined = text.replace("\n", "").replace("\r", "")
    # Python's own check passes over superfluous padding.
    return base64.b64decode(joined) if _BASE64.fullmatch(joined) else None


_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@lru_cache(maxsize=4096)
def data_url(contents: str) -> str:
    """The contents as a data URL, percent-encoded, or in base64 where that is strictly shorter.

    Butane tries gzip too and takes the shortest. The bytes of gzip depend on the compiler that Butane was built with,
    so they can't be a stable output and are never chosen here.
    """
    escaped = _percent_encoded(contents)
    size = len(contents) if contents.isascii() else len(bytes_of(contents))
    if len(";base64,") + (size + 2) // 3 * 4 < len(",") + len(escaped):
        return "data:;base64," + base64.b64encode(bytes_of(contents)).decode("ascii")
    return "data:," + escaped


def percent_url(contents: str) -> str:
    """The contents as a data URL, percent-encoded."""
    return "data:," + _percent_encoded(contents)


def _percent_encoded(contents: str) -> str:
    if not contents.isascii():
        return "".join(_PERCENT[byte] for byte in bytes_of(contents))
    # A replace for each character that occurs is a fifth of the cost of looking at every character.
    occurring = set(contents) - _UNRESERVED
    if "%" in occurring:
        contents = contents.replace("%", "%25")
        occurring.discard("%")
    for char in occurring:
        contents = contents.replace(char, _PERCENT[ord(char)])
    return contents


_PERCENT = tuple(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in range(256))


def dump_ignition(ignition: Mapping[str, Any], *, pretty: bool = False) -> str:
    """The config as JSON with one final newline: compact, or indented by two spaces.

    As Go's encoder does, `<`, `>`, `&` and the line separators are escaped, other characters beyond ASCII are not, and
    a byte that was not UTF-8 becomes the replacement character.
    """
    if pretty:
        text = json.dumps(ignition, ensure_ascii=False, indent=2)
    else:
        text = json.dumps(ignition, ensure_ascii=False, separators=(",", ":"))
    for char, escape in _HTML_ESCAPES:
        if char in text:
            text = text.replace(char, escape)
    if "\\b" in text or "\\f" in text:
        text = _SHORT_ESCAPE.sub(lambda found: _LONG_ESCAPES.get(found[0], found[0]), text)
    if not text.isascii():
        text = _UNICODE_ESCAPE.sub(_escape_unicode, text)
    return text + "\n"


_HTML_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
_SHORT_ESCAPE = re.compile(r"\\.")
_LONG_ESCAPES = {"\\b": "\\u0008", "\\f": "\\u000c"}
_UNICODE_ESCAPE = re.compile("[\u2028\u2029\ud800-\udfff]")


def _escape_unicode(found: re.Match[str]) -> str:
    char = found[0]
    return f"\\u{ord(char):04x}" if char in "\u2028\u2029" else "\\ufffd"
