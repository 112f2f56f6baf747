"""Input of verify from a topology: the wiring that no file contains, and the flows to prove."""

from netwright.verify_input.wiring import assume, state_flows, wire

__all__ = ["assume", "state_flows", "wire"]
