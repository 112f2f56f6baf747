"""Flows -> needs: what must be on each node so that the topology's flows work, or are refused."""

from netwright.flows.derive import Derivation, derive
from netwright.flows.types import NO_NEEDS, NodeNeeds

__all__ = ["NO_NEEDS", "Derivation", "NodeNeeds", "derive"]
