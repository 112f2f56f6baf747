"""Judgement: everything `netwright verify` found, whatever it was asked for, in the form that formats print."""

from collections.abc import Iterator

from msgspec import Struct

from netwright.compare.change import Comparison
from netwright.compare.drift import Drift
from netwright.matrix.matrix import Matrix
from netwright.repair.repair import Search
from netwright.text.report import Severity
from netwright.text.source import Source
from netwright.verify import Finding, FlowResult, Verification


class Judgement(Struct, frozen=True, kw_only=True):
    """A verification of `out`, whose flows stand in `topology`, and what else was asked for.

    `drift` is how `out` differs from what the topology would generate now. `lists_assumptions` asks for
    the assumptions one by one, also where all is proved.
    """

    verification: Verification
    out: str
    topology: Source
    drift: Drift | None = None
    search: Search | None = None
    comparison: Comparison | None = None
    matrix: Matrix | None = None
    lists_assumptions: bool = False

    def failures(self, result: FlowResult) -> Iterator[Finding]:
        """Return why a flow fails."""
        for finding in self.verification.findings:
            if finding.severity is Severity.ERROR and result.flow.name in finding.flows:
                yield finding
