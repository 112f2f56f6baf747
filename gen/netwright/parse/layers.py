"""The settings of a node, from the weakest to the strongest: defaults, its networks, its groups, its own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field

from netwright.model import Setting
from netwright.text.source import TopologyPath

T = TypeVar("T")


class Layer(Struct, frozen=True):
    """One mapping of settings and where it stands."""

    path: TopologyPath
    settings: Mapping[str, Any]


class Layers(Struct, frozen=True):
    """Layers, the weakest first."""

    layers: tuple[Layer, ...]
    ground: "Ground | None" = None
    """All layers but the strongest, where many have them in common."""

    def strongest(self, key: str, read: Callable[[Any, TopologyPath], T]) -> Setting[T] | None:
        """The value of the strongest layer that has the key."""
        if self.ground is not None and key not in self.layers[-1].settings:
            return self.ground.strongest(key, read)
        for layer in reversed(self.layers):
            if key in layer.settings:
                path = (*layer.path, key)
                return Setting(value=read(layer.settings[key], path), cause=path)
        return None

    def each(self, key: str) -> Iterator[tuple[Any, TopologyPath]]:
        """The values of all layers that have the key, the weakest first, each with its path."""
        for layer in self.layers:
            if key in layer.settings:
                yield layer.settings[key], (*layer.path, key)

    def members(self, key: str) -> Iterator[tuple[Any, TopologyPath]]:
        """The members of all layers' lists of that key, the weakest layer's first, each with its path."""
        for values, path in self.each(key):
            for number, value in enumerate(values):
                yield value, (*path, number)

    def below(self, key: str) -> "Layers":
        """The mappings under a key, as layers."""
        return Layers(tuple(Layer(path, settings) for settings, path in self.each(key)))


class Ground(Struct, frozen=True):
    """Layers that many nodes have below their own: what a key comes to in them is found out once."""

    layers: Layers
    _known: dict[str, Setting[Any] | None] = field(default_factory=dict)

    def strongest(self, key: str, read: Callable[[Any, TopologyPath], T]) -> Setting[T] | None:
        """The value of the strongest layer that has the key, which is always read alike."""
        if key not in self._known:
            self._known[key] = self.layers.strongest(key, read)
        return self._known[key]

    def under(self, own: Layer) -> Layers:
        """The layers with a stronger one."""
        return Layers((*self.layers.layers, own), self)


def plain(value: T, _path: TopologyPath) -> T:
    """The value as it stands in the document."""
    return value
