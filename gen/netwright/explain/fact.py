"""A fact of a plan."""

from collections.abc import Callable
from dataclasses import dataclass

from netwright.plan.types import NodePlan
from netwright.text.source import TopologyPath

Change = Callable[[NodePlan], NodePlan]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing that a plan says: what it is in words, the topology path that caused it, the flows that it serves.

    `without` is the plan with that one thing taken away (or, where it can't be, given another value). A `whole` fact is
    one that others are part of: an interface with its addresses, a table with its chains.
    """

    title: str
    cause: TopologyPath
    flows: tuple[str, ...]
    without: Change
    whole: bool = False
