"""Files of a seed beside user-data, as cloud-init's NoCloud reads them (DataSourceNoCloud.py, 22.4)."""

import re
from typing import Any

import yaml
from msgspec import Struct

from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep


class Meta(Struct, frozen=True, kw_only=True):
    """What meta-data says: `early` if the seed is applied before the network; `fault` why nothing of it is applied."""

    early: bool = False
    fault: str | None = None


def read_meta_data(content: bytes | None) -> Meta:
    """Return what meta-data says of the seed, None if there is no such file."""
    if content is None:
        return Meta(fault="without meta-data cloud-init takes no seed, and writes nothing of user-data")
    document = _read(content)
    mode = document.get("dsmode") if isinstance(document, dict) else None
    if mode == "disabled":
        return Meta(fault="with `dsmode: disabled` cloud-init takes no seed")
    if isinstance(document, dict) and "seedfrom" in document:
        return Meta(fault=f"cloud-init takes user-data from {document['seedfrom']} instead (seedfrom)")
    return Meta(early=mode == "local")


def is_disabled(network_config: bytes) -> bool:
    """Return whether the seed's network-config leaves the network alone."""
    return _read(network_config) in ({"network": {"config": "disabled"}}, {"config": "disabled"})


def is_empty(vendor_data: bytes) -> bool:
    """Return whether vendor-data brings nothing: no line but comments and an empty mapping."""
    return all(line.strip() in (b"", b"{}", b"---") or line.startswith(b"#") for line in vendor_data.split(b"\n"))


def _read(content: bytes) -> Any:
    """Return the document, None for what cloud-init takes for an empty one: it warns, and goes on."""
    if _PLAIN.fullmatch(content) is not None:
        return {"network": {"config": "disabled"}}
    text = content.decode(errors="replace")
    try:
        return None if is_deep(text) else yaml.load(text, Loader=LOADER)  # noqa: S506
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None


_PLAIN = re.compile(rb"network:\n  config: disabled\n?")
