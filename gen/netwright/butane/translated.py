"""Objects of an Ignition config that know their place in the Butane document."""

from typing import Any

from netwright.text.source import TopologyPath


class Translated(dict[str, Any]):
    """An object of the config; `place` is the path of what it comes from in the document, once that is known."""

    __slots__ = ("place",)

    place: TopologyPath
