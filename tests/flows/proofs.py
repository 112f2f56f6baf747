"""Verify's findings on the files that generate writes, without a command line between."""

from pathlib import Path

from netwright.production.production import Production, prepare
from netwright.text.report import Severity, render_text
from netwright.verify import Verification, verify
from netwright.verify_input.wiring import assume, state_flows, wire
from netwright.write.layout import lay_out


def prove(topology: str, folder: Path) -> Verification:
    """The verification of what a topology without errors becomes."""
    path = folder / "topology.yaml"
    path.write_text(topology, encoding="utf-8")
    production, report = prepare(str(path))
    assert production is not None, render_text(report)
    try:
        return prove_production(production, folder / "out")
    finally:
        production.close()


def prove_production(production: Production, out: Path) -> Verification:
    """The verification of a production, written below `out`."""
    for node in production.nodes:
        for path, wanted in lay_out(production.build(node)).items():
            (out / node / path).parent.mkdir(parents=True, exist_ok=True)
            (out / node / path).write_bytes(wanted.content)
    resolved = production.resolved
    return verify(out, wire(resolved), state_flows(resolved), assume(resolved))


def unproved(verification: Verification) -> list[str]:
    """The flows that do not hold, and the errors, in words; empty if everything is proved."""
    failed = [f"{result.flow.name}: {result.failed} of {result.pairs}" for result in verification.flows
              if not result.proved]  # fmt: skip
    return failed + [f"{one.kind} {one.nodes} {one.cause}" for one in verification.findings
                     if one.severity is Severity.ERROR]  # fmt: skip
