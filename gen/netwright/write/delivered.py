"""Contents inside an Ignition config, in plain text: so that a diff shows what changes in them."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

_SOURCE = re.compile(r'(\s*)"source": "data:([^",]*),([^"]*)"(,?)')
_LARGEST = 16 * 1024 * 1024
_GZIP = b"\x1f\x8b"


def decode_sources(lines: Sequence[str]) -> list[str]:
    """The lines of a config, each `data:` source of text written out below its line, a bar before each of its lines."""
    return [shown for line in lines for shown in _decode_line(line)]


def _decode_line(line: str) -> Iterator[str]:
    found = _SOURCE.fullmatch(line)
    text = _decode(found[2], found[3]) if found is not None else None
    if found is None or text is None:
        yield line
        return
    yield f'{found[1]}"source": "data:"{found[4]}'
    for content in text.split("\n"):
        yield f"{found[1]}| {content}"


def _decode(kind: str, payload: str) -> str | None:
    """The text of a data URL, compressed or not, None where it is none."""
    try:
        content = base64.b64decode(payload, validate=True) if kind.endswith(";base64") else unquote_to_bytes(payload)
        if content.startswith(_GZIP):
            unpacker = zlib.decompressobj(wbits=31)
            content = unpacker.decompress(content, _LARGEST)
            if not unpacker.eof:
                return None
        text = content.decode("utf-8")
    except (binascii.Error, zlib.error, ValueError):
        return None
    return None if "\0" in text else text
