"""Proof of a network from its files: `verify(out, wiring, flows, assumptions)`.

Nothing here knows the topology: files are read as the machines read them, and what they do not contain comes as Wiring.
"""

from netwright.verify.network_model.trace import Decision
from netwright.verify.proof.findings import Example, Finding, FindingKind
from netwright.verify.proof.printing import render_json, render_text
from netwright.verify.proof.proof import FlowResult, Verification, verify
from netwright.verify.values.addresses import Prefix, Range, Ranges, parse_ip, parse_prefix
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.wiring import (
    AssignedAddress,
    AssignedLink,
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
    "AssignedLink",
    "Assumptions",
    "Decision",
    "Example",
    "Exit",
    "Fault",
    "Finding",
    "FindingKind",
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
