"""Docker's settings of a valid document."""

from collections.abc import Mapping
from typing import Any

from netwright.model import Docker, Published, Setting
from netwright.parse.values import Values
from netwright.text.source import TopologyPath


def parse_docker(stated: bool | Mapping[str, Any], path: TopologyPath, values: Values) -> Docker:
    """Docker as a node has it: whether it runs, or what its containers do."""
    if isinstance(stated, bool):
        return Docker(runs=stated)
    return Docker(
        runs=True,
        network=stated.get("network", "bridge"),
        publish=tuple(
            Setting(value=_published(text, (*path, "publish", number), values), cause=(*path, "publish", number))
            for number, text in enumerate(stated.get("publish", ()))
        ),
    )


def _published(text: str, path: TopologyPath, values: Values) -> Published:
    """What a word such as tcp/80, tcp/8080:80 or udp/5000-5010 publishes."""
    outer, _, inner = text.partition(":")
    (traffic,) = values.traffic(outer, path)
    if inner:
        values.traffic(f"{traffic.protocol}/{inner}", path)
    return Published(
        protocol=traffic.protocol or "",
        ports=traffic.ports or (0, 0),
        to_port=int(inner) if inner else None,
    )
