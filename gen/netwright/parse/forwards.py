"""Port forwards of a valid document."""

from collections.abc import Iterator, Mapping
from typing import Any

from netwright.model import PortForward, Setting
from netwright.parse.values import Values, read_ip
from netwright.text.source import TopologyPath


def parse_forwards(document: Mapping[str, Any], values: Values) -> Iterator[PortForward]:
    """Yield the port forwards in the order of the file."""
    for name, stated in document.get("forwards", {}).items():
        yield _forward(name, stated, ("forwards", name), values)


def _forward(name: str, stated: Mapping[str, Any], path: TopologyPath, values: Values) -> PortForward:
    address = stated.get("address")
    return PortForward(
        name=name,
        at=Setting(value=stated["at"], cause=(*path, "at")),
        sources=values.ends(stated["from"], (*path, "from")),
        ports=values.traffic(stated["port"], (*path, "port")),
        to=values.end(stated["to"], (*path, "to")),
        to_port=stated.get("to_port"),
        address=Setting(value=read_ip(address), cause=(*path, "address")) if address is not None else None,
        is_replaced=stated.get("source") == "replaced",
        hairpin=stated.get("hairpin", False),
        cause=path,
    )
