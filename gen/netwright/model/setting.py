"""Values with the place that sets them."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from netwright.text.source import TopologyPath

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting(Generic[T_co]):
    """A value and the place in the topology that it comes from (a default, a network, a group or the node)."""

    value: T_co
    cause: TopologyPath
