"""Flows -> needs: what must be on each node so that what the topology says works, or doesn't."""

from netwright.flows.derive import Derivation, derive
from netwright.flows.types import NO_NEEDS, NodeNeeds

__all__ = ["NO_NEEDS", "Derivation", "NodeNeeds", "derive"]
