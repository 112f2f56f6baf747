"""Values with the place that sets them."""

from typing import Generic, TypeVar

from msgspec import Struct

from netwright.text.source import TopologyPath

T_co = TypeVar("T_co", covariant=True)


class Setting(Struct, Generic[T_co], frozen=True, kw_only=True):
    """A value and the place in the topology that it comes from (a default, a network, a group or the node)."""

    value: T_co
    cause: TopologyPath
