"""Reads Ignition configs back, as the machine would."""

import base64
import gzip
import json
import urllib.parse
from typing import Any


def decoded(config: str) -> Any:
    """The config with every data URL replaced by the bytes in it, however they were encoded or compressed."""
    return _decoded(json.loads(config))


def contents(resource: dict[str, Any]) -> bytes:
    """The bytes of a resource whose source is a data URL."""
    head, _, data = resource["source"].removeprefix("data:").partition(",")
    found = base64.b64decode(data) if head.endswith(";base64") else urllib.parse.unquote_to_bytes(data)
    return gzip.decompress(found) if resource.get("compression") == "gzip" else found


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("source", "")).startswith("data:"):
        value = {**value, "source": contents(value), "compression": ""}
    return {key: _decoded(below) for key, below in value.items()}
