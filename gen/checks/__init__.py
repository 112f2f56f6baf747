"""What is wrong with a topology beyond the schema: one rule a function, each (Fabric) -> Iterator[Diagnostic]."""

from collections.abc import Callable, Iterator

from gen.fabric import Fabric, weave
from gen.model import Topology
from gen.report import Diagnostic

Check = Callable[[Fabric], Iterator[Diagnostic]]

CHECKS: tuple[Check, ...] = ()


def check(topology: Topology) -> tuple[Diagnostic, ...]:
    """Everything that the checks find, each finding once."""
    fabric = weave(topology)
    return tuple(dict.fromkeys(diagnostic for rule in CHECKS for diagnostic in rule(fabric)))
