"""Proof of a network from its files: `verify(out, wiring, flows, assumptions)`.

Nothing here knows the topology: files are read as the machines read them, and what they cannot say comes as Wiring.
"""

from gen.verify.addresses import Prefix, Range, Ranges, parse_ip, parse_prefix
from gen.verify.findings import Example, Finding
from gen.verify.printing import render_json, render_text
from gen.verify.proof import FlowResult, Verification, verify
from gen.verify.trace import Decision, Outcome
from gen.verify.wiring import (
    AssignedAddress,
    Assumptions,
    Exit,
    Flow,
    HeldAddress,
    PodNetwork,
    Port,
    Segment,
    Traffic,
    Wiring,
)

__all__ = [
    "AssignedAddress",
    "Assumptions",
    "Decision",
    "Example",
    "Exit",
    "Finding",
    "Flow",
    "FlowResult",
    "HeldAddress",
    "Outcome",
    "PodNetwork",
    "Port",
    "Prefix",
    "Range",
    "Ranges",
    "Segment",
    "Traffic",
    "Verification",
    "Wiring",
    "parse_ip",
    "parse_prefix",
    "render_json",
    "render_text",
    "verify",
]
