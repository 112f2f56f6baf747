"""Pools in files that differ from what the topology needs of them."""

from contextlib import closing
from pathlib import Path

import pytest

from netwright.text.report import Severity
from netwright.verify import Verification, verify
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import open_production
from tests.flows.proofs import prove_production, unproved
from tests.lab.running import replace_delivered

TOPOLOGY = Path(__file__).parents[1] / "golden/pools/topology.yaml"


def edited(out: Path, node: str, old: str, new: str) -> Verification:
    with closing(open_production(TOPOLOGY)) as production:
        assert unproved(prove_production(production, out)) == []
        replace_delivered(out, node, old, new)
        resolved = production.resolved
        return verify(out, wire(resolved), state_flows(resolved), assume(resolved))


@pytest.mark.parametrize(
    ("node", "edit", "expected"),
    [
        pytest.param(
            "b2", ("tcp dport 443 accept", "tcp dport 444 accept"), ("FILTERED", ("learned",)), id="one-that-refuses"
        ),
        pytest.param(
            "inner",
            ("ip daddr 10.9.9.0/31 tcp dport 443 accept", "ip daddr 10.9.9.0 tcp dport 443 accept"),
            ("FILTERED", ("learned",)),
            id="one-address-less",
        ),
        pytest.param(
            "w2", ("tcp dport 22 drop", "tcp dport 23 drop"), ("ACCEPTED", ("no-shell",)), id="one-that-lets-in"
        ),
        pytest.param(
            "w1",
            ("hook prerouting priority mangle", "hook input priority filter"),
            ("UNKNOWN", ("no-shell",)),
            id="refused-behind-the-service",
        ),
    ],
)
def test_every_node_that_may_answer_counts(
    node: str, edit: tuple[str, str], expected: tuple[str, tuple[str, ...]], tmp_path: Path
) -> None:
    found = edited(tmp_path, node, *edit)

    assert [(one.kind, one.flows) for one in found.findings if one.severity is Severity.ERROR] == [expected]


def test_who_answers_and_what_a_router_learns_is_assumed(tmp_path: Path) -> None:
    with closing(open_production(TOPOLOGY)) as production:
        found = prove_production(production, tmp_path)

    judged = "and what comes there is judged to that node"
    assert [one for one in found.assumptions if "BGP" in one or "answers for" in one] == [
        f"one of w1, w2 at a time answers for 192.168.0.200-192.168.0.202 (ingress), {judged}",
        f"one of b1, b2 at a time answers for 10.9.9.0/31 (learned), {judged}",
        "inner learns routes to 10.9.9.0/31 by BGP, and from no one else",
    ]
