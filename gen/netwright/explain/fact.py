"""A fact of a plan."""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from netwright.plan.types import NodePlan
from netwright.text.source import TopologyPath

Removal = Callable[[NodePlan], NodePlan]


class FactKind(Enum):
    """Outcome without the fact: `{flows}` are those that it serves, `{node}` is where it stands."""

    ROUTE = "packets of {flows}, or their replies, do not find their way on from {node}"
    BLACKHOLE = "packets of {flows} for addresses that no node owns wander on by {node}'s default route"
    FORWARD_ACCEPT = "{node} drops packets of {flows}"
    INPUT_ACCEPT = "{node} does not take in packets of {flows}"
    REFUSAL = "{node} lets through what {flows} forbids"
    CHAIN = "{node} lets through what no flow needs, or stops replies of {flows}"
    EXEMPTION = "receivers of {flows} see {node}'s address instead of the sender's"
    FORWARDED = "{node} leads packets of {flows} on to no one"
    REPLACEMENT = "answers to {flows} pass {node} by, from an address that was not asked"
    MASQUERADE = "replies of {flows} from the internet can't return"
    PARAMETER = "{node} does not pass on packets of {flows}"
    OTHER = "{flows} may break at {node}"


class Fact(Struct, frozen=True, kw_only=True):
    """One fact of a plan: what it is in words, the topology path that caused it, the flows that it serves.

    `without` is the plan with that one thing taken away (or, where it can't be, given another value). A `whole` fact is
    one that others are part of: an interface with its addresses, a table with its chains.
    """

    title: str
    cause: TopologyPath
    flows: tuple[str, ...]
    without: Removal
    kind: FactKind = FactKind.OTHER
    whole: bool = False
