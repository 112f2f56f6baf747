"""Port forwards in files that differ from what the topology has of them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from netwright.production.production import Production
from netwright.text.report import Severity
from netwright.verify import Verification, verify
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import open_production
from tests.flows.proofs import prove_production, unproved
from tests.lab.running import replace_delivered

GOLDEN = Path(__file__).parents[1] / "golden"
Edit = tuple[str, str, str]
"""A node, a text of its files, and another."""


Network = Callable[..., Verification]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Verifies a golden network after edits of delivered files, or of a sheet; its files are made once."""
    with ExitStack() as opened:
        made: dict[str, tuple[Production, Path]] = {}

        def edit(case: str, *edits: Edit) -> Verification:
            if case not in made:
                production = opened.enter_context(closing(open_production(GOLDEN / case / "topology.yaml")))
                made[case] = production, tmp_path_factory.mktemp(case) / "out"
                assert unproved(prove_production(*made[case])) == []
            production, whole = made[case]
            out = tmp_path_factory.mktemp("edited") / "out"
            shutil.copytree(whole, out)
            for node, old, new in edits:
                _replace(out, node, old, new)
            resolved = production.resolved
            return verify(out, wire(resolved), state_flows(resolved), assume(resolved))

        yield edit


def _replace(out: Path, node: str, old: str, new: str) -> None:
    sheet = out / node / "handoff.md"
    if not sheet.exists():
        replace_delivered(out, node, old, new)
        return
    assert old in sheet.read_text()
    sheet.write_text(sheet.read_text().replace(old, new))


def failures(found: Verification) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The kind, the nodes and the flows of each error."""
    return [(one.kind, one.nodes, one.flows) for one in found.findings if one.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("edit", "kinds", "node", "flow"),
    [
        pytest.param(
            ("edge", "dnat ip to 10.2.0.12:2525", "accept"), {"FILTERED"}, "edge", "mail", id="not-translated"
        ),
        pytest.param(("inner", "dnat ip to 10.2.0.12:22", "accept"), {"NOT_FORWARDED"}, "inner", "shell", id="kept"),
        pytest.param(
            ("edge", "dnat ip to 10.2.0.12:2525", "dnat ip to 10.2.0.12:2526"),
            {"FILTERED"},
            "edge",
            "mail",
            id="another-port",
        ),
        pytest.param(
            ("inner", "dnat ip to 10.2.0.12:22", "dnat ip to 10.2.0.12:23"),
            {"FILTERED"},
            "inner",
            "shell",
            id="another-port-of-the-target",
        ),
        pytest.param(
            (
                "edge",
                'iifname "wan0" ip daddr 203.0.113.2 tcp dport 25',
                'iifname "lan0" ip daddr 203.0.113.2 tcp dport 25',
            ),
            {"FILTERED"},
            "edge",
            "mail",
            id="another-card",
        ),
        pytest.param(
            ("edge", "tcp dport 2525 ct status dnat accept", "tcp dport 25 ct status dnat accept"),
            {"FILTERED"},
            "edge",
            "mail",
            id="accepted-as-it-was-asked",
        ),
        pytest.param(
            ("edge", "tcp dport { 80, 443 } ct status dnat masquerade", "tcp dport 80 ct status dnat masquerade"),
            {"CT_INVALID", "NAT_APPLIED"},
            "client",
            "web-inside",
            id="hairpin-without-the-routers-address",
        ),
        pytest.param(
            ("lb2", "ip saddr 192.168.0.1 ip daddr", "ip saddr 192.168.0.2 ip daddr"),
            {"FILTERED"},
            "lb2",
            "games",
            id="the-replaced-source-is-not-let-in",
        ),
    ],
)
def test_a_forward_that_does_not_lead_there_fails(
    edit: Edit, kinds: set[str], node: str, flow: str, edited: Network
) -> None:
    found = failures(edited("port-forwards", edit))

    assert {kind for kind, _, _ in found} == kinds
    assert {one for _, _, flows in found for one in flows} == {flow}
    assert node in {one for _, nodes, _ in found for one in nodes}


def test_a_flow_is_asked_at_the_routers_address(edited: Network) -> None:
    found = edited("port-forwards", ("inner", "dnat ip to 10.2.0.12:22", "accept"))

    (finding,) = (one for one in found.findings if one.kind == "NOT_FORWARDED")
    assert finding.cause == (
        "packets that a port forward is to lead on to tcp/22 of mail (10.2.0.12) arrive as tcp SYN "
        "192.168.0.50:40000 -> 192.168.0.40:2222"
    )


_WEB = 'tcp dport 443 dnat ip to 192.168.0.31:8443 comment "web"\n'
_STRICT = """    \tchain passing {
    \t\ttype filter hook forward priority filter; policy accept;
    \t\tiifname != "lan0" ct state new ct status dnat accept
    \t\tiifname != "lan0" ct state new drop
    \t}
"""


def test_a_forward_that_opens_a_denied_flow_refutes_it(edited: Network) -> None:
    more = "".join(f"    \t\t{rule} dnat ip to 192.168.0.31{port}\n"
                   for rule, port in (("udp dport 22", ""), ("tcp dport 2200-2300", ":22")))  # fmt: skip
    strict = ("router", "    \tchain destination_nat", f"{_STRICT}    \tchain destination_nat")
    open_web = ("web", "tcp dport 22 drop", "tcp dport 23 drop")

    found = edited("port-forwards-handoff", ("router", _WEB, f"{_WEB}{more}"), strict, open_web)

    assert [(one.kind, one.cause, one.flows) for one in found.findings if one.severity is Severity.ERROR] == [
        (
            "ACCEPTED",
            "the denied flow no-shell arrives by 192.88.99.1:2200, which is translated on its way",
            ("no-shell",),
        )
    ]
    assert failures(edited("port-forwards-handoff", strict, open_web)) == []


def test_a_translation_that_is_not_known_may_open_a_denied_flow(edited: Network) -> None:
    more = f"{_WEB}    \t\ttcp dport 22 limit rate 1/second dnat ip to 192.168.0.31\n"

    assert failures(edited("port-forwards-handoff", ("router", _WEB, more))) == [
        ("UNKNOWN", ("router",), ("no-shell",))
    ]


@pytest.mark.parametrize(
    ("rules", "early", "opened"),
    [
        pytest.param(
            ["tcp dport 2200-2300 dnat ip to 192.168.0.31:22"],
            "tcp dport { 2200-2249, 2251-2300 } drop",
            "192.88.99.1:2250",
            id="one-port-of-a-range",
        ),
        pytest.param(
            ["ip daddr 198.51.100.0/24 tcp dport 22 dnat ip to 192.168.0.31"],
            "ip daddr != 198.51.100.9 tcp dport 22 drop",
            "198.51.100.9:22",
            id="one-address-of-a-network",
        ),
        pytest.param(
            [f"tcp dport {2000 + number} dnat ip to 192.168.0.31:22" for number in range(40)],
            "tcp dport 2000-2038 drop",
            "192.88.99.1:2039",
            id="the-last-of-many-rules",
        ),
    ],
)
def test_whatever_a_rule_translates_is_tried(edited: Network, rules: list[str], early: str, opened: str) -> None:
    more = "".join(f"    \t\t{rule}\n" for rule in rules)
    hook = "type filter hook prerouting priority raw; policy accept;"
    chain = f"    \tchain early {{\n    \t\t{hook}\n    \t\t{early}\n    \t}}\n"
    strict = ("router", "    \tchain destination_nat", f"{_STRICT}{chain}    \tchain destination_nat")
    open_web = ("web", "tcp dport 22 drop", "tcp dport 23 drop")

    found = edited("port-forwards-handoff", ("router", _WEB, f"{_WEB}{more}"), strict, open_web)

    assert [one.cause for one in found.findings if one.severity is Severity.ERROR] == [
        f"the denied flow no-shell arrives by {opened}, which is translated on its way"
    ]


def test_a_denied_flow_is_not_proved_where_two_routers_translate_one_after_the_other(edited: Network) -> None:
    outer = f"{_WEB}    \t\ttcp dport 2200 dnat ip to 192.168.0.40:2222\n"
    policy = "type filter hook forward priority filter; policy drop;"
    own = "type nat hook prerouting priority dstnat; tcp dport 2222 dnat ip to 192.168.0.31:22"
    strict = ("router", "    \tchain destination_nat", f"{_STRICT}    \tchain destination_nat")
    open_web = ("web", "tcp dport 22 drop", "tcp dport 23 drop")
    opened = ("inner", policy, f"{policy} ct status dnat accept;")
    translated = (
        "inner",
        "table inet netwright {",
        f"table ip own {{ chain own {{ {own}; }}; }}; table inet netwright {{",
    )

    found = edited("port-forwards-handoff", ("router", _WEB, outer), strict, open_web, opened, translated)

    assert [one.cause for one in found.findings if one.severity is Severity.ERROR] == [
        "the denied flow no-shell arrives by 192.88.99.1:2200, which is translated on its way"
    ]


def test_a_target_that_is_not_known_may_open_a_denied_flow(edited: Network) -> None:
    more = f"{_WEB}    \t\ttcp dport 2200 dnat ip to 192.168.0.31-192.168.0.32:22\n"

    assert failures(edited("port-forwards-handoff", ("router", _WEB, more))) == [
        ("UNKNOWN", ("router",), ("no-shell",))
    ]
