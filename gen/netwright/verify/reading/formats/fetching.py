"""Fetching by Ignition: contents in data URLs and elsewhere, and errors that stop it (Ignition spec 3, "resource")."""

import binascii
import gzip
import hashlib
import io
import re
import zlib
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

_SCHEMES = ("data:", "http://", "https://", "tftp://", "s3://", "arn:", "gs://")
_HASH = re.compile(r"sha512-[0-9a-f]{128}|sha256-[0-9a-f]{64}")
_LARGEST = 64 * 1024 * 1024


def decode_data_url(url: str) -> bytes | None:
    """The bytes of a data URL, percent-encoded or base64; None for another URL."""
    if not url.startswith("data:"):
        return None
    head, comma, body = url[5:].partition(",")
    if not comma:
        return None
    if head.endswith(";base64"):
        try:
            return b64decode(body, validate=True)
        except binascii.Error:
            return None
    return unquote_to_bytes(body)


def decode_contents(resource: Mapping[str, Any]) -> bytes | None:
    """Return the bytes of a resource that is carried in the config, unpacked; none are empty. None for what is fetched,
    or can't be unpacked."""
    content = decode_data_url(resource.get("source") or "data:,")
    return _decompress(content) if content is not None and resource.get("compression") else content


def find_fetch_fault(resource: Mapping[str, Any]) -> str | None:
    """The reason why a resource can't be fetched, or does not match its hash; None if nothing speaks against it."""
    url, compression = resource.get("source"), resource.get("compression")
    wanted = (resource.get("verification") or {}).get("hash")
    if wanted is not None and _HASH.fullmatch(wanted) is None:
        return f"verification.hash is none of sha512 or sha256: {wanted}"
    if not url:
        return None
    if not url.startswith(_SCHEMES):
        return f"it fetches nothing by {url.partition(':')[0]}:"
    content = decode_data_url(url)
    if content is None:
        return "its data: URL can't be decoded" if url.startswith("data:") else None
    if compression == "gzip":
        content = _decompress(content)
    return _compare(content, wanted) if content is not None else "its contents are no gzip"


def _decompress(content: bytes) -> bytes | None:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(_LARGEST)
    except (OSError, EOFError, zlib.error):
        return None


def _compare(content: bytes, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    kind, _, digest = wanted.partition("-")
    found = hashlib.new(kind, content).hexdigest()
    return (
        f"verification.hash is {kind}-{digest[:12]}..., its contents have {found[:12]}..." if found != digest else None
    )
