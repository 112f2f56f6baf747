"""Files with names and time servers that differ from what the topology has of them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from netwright.production.production import Production
from netwright.text.report import Severity
from netwright.verify import Finding, verify
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import open_production
from tests.flows.proofs import prove_production
from tests.lab.running import replace_delivered

GOLDEN = Path(__file__).parents[1] / "golden"
OURS = "10.0.0.11 balancer.other.example balancer lb"
Network = Callable[..., tuple[Finding, ...]]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Finds the errors of a golden network after an edit of a node's delivered files; its files are made once."""
    with ExitStack() as opened:
        made: dict[str, tuple[Production, Path]] = {}

        def edit(case: str, *edits: tuple[str, str, str]) -> tuple[Finding, ...]:
            if case not in made:
                production = opened.enter_context(closing(open_production(GOLDEN / case / "topology.yaml")))
                made[case] = production, tmp_path_factory.mktemp(case) / "out"
                assert _errors(prove_production(*made[case]).findings) == ()
            production, whole = made[case]
            out = tmp_path_factory.mktemp("edited") / "out"
            shutil.copytree(whole, out)
            for node, old, new in edits:
                replace_delivered(out, node, old, new)
            resolved = production.resolved
            return _errors(verify(out, wire(resolved), state_flows(resolved), assume(resolved)).findings)

        yield edit


def _errors(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(one for one in found if one.severity is Severity.ERROR)


@pytest.mark.parametrize(
    ("edit", "cause", "place"),
    [
        pytest.param(
            ("worker", OURS, OURS.replace("10.0.0.11", "10.0.0.99")),
            "balancer.other.example, balancer, lb are 10.0.0.99 in /etc/hosts, and 10.0.0.11 by the topology",
            "/etc/hosts:6",
            id="an-address-that-is-no-nodes",
        ),
        pytest.param(
            ("lb", "10.0.0.12 quiet.", "10.0.0.21 quiet."),
            "quiet.lab.example, quiet are 10.0.0.21 in /etc/hosts, and 10.0.0.12 by the topology",
            "/etc/netwright/hosts:7",
            id="the-address-of-another-node",
        ),
        pytest.param(
            ("worker", "::1 localhost\n", "::1 localhost\n10.9.0.11 LB # of old\n"),
            "lb is 10.9.0.11 in /etc/hosts, and 10.0.0.11 by the topology",
            "/etc/hosts:4",
            id="another-line-with-the-name",
        ),
        pytest.param(
            ("worker", f"{OURS}\n", f"# {OURS}\n"),
            "/etc/hosts lacks balancer.other.example, balancer, lb, which the topology has",
            None,
            id="a-line-less",
        ),
        pytest.param(
            ("disks", "10.0.0.100 web", "010.0.0.100 web"),
            "/etc/hosts lacks web.lab.example, web, which the topology has",
            None,
            id="an-address-that-is-none",
        ),
    ],
)
def test_a_name_that_stands_for_another_address_is_found(
    edit: tuple[str, str, str], cause: str, place: str | None, edited: Network
) -> None:
    found = edited("hosts", edit)

    assert [(one.kind, one.cause, one.nodes) for one in found] == [("WRONG_NAME", cause, (edit[0],))]
    assert [str(one).partition(":")[2] for one in found[0].origins] == ([place] if place is not None else [])


def test_names_of_ones_own_are_no_findings(edited: Network) -> None:
    more = "10.0.0.100 web.lab.example web\n10.0.0.200 printer\nfe80::1 lb\n"

    assert edited("hosts", ("worker", "10.0.0.100 web.lab.example web\n", more)) == ()


UNLIKE = "for the time, unlike the topology; leave it out, or name it in ntp"
DOES_NOT = "does not ask {} for the time, as the topology has it"


@pytest.mark.parametrize(
    ("edit", "causes"),
    [
        pytest.param(
            ("worker", "NTP=10.1.0.11 10.2.0.1", "NTP=10.1.0.12 10.2.0.1"),
            {
                f"systemd-timesyncd {DOES_NOT.format('10.1.0.11')}",
                f"systemd-timesyncd asks 10.1.0.12 {UNLIKE}",
            },
            id="another-server-of-timesyncd",
        ),
        pytest.param(
            ("worker", "0.pool.ntp.org\n", "0.pool.ntp.org\nNTP=\nNTP=10.1.0.11 10.2.0.1\n"),
            {f"systemd-timesyncd {DOES_NOT.format('0.pool.ntp.org')}"},
            id="an-empty-line-takes-away",
        ),
        pytest.param(
            ("worker", "[Time]", "[Network]"),
            {f"systemd-timesyncd {DOES_NOT.format(server)}" for server in ("10.1.0.11", "10.2.0.1", "0.pool.ntp.org")},
            id="another-section",
        ),
        pytest.param(
            ("gw", "server 192.0.2.123 iburst", "! server 192.0.2.123 iburst"),
            {f"chrony {DOES_NOT.format('192.0.2.123')}"},
            id="a-server-of-chrony-less",
        ),
        pytest.param(
            ("ntp1", "server 10.1.0.1 iburst", "peer 10.1.0.2"),
            {
                f"chrony {DOES_NOT.format('10.1.0.1')}",
                f"chrony asks 10.1.0.2 {UNLIKE}",
            },
            id="another-server-of-chrony",
        ),
        pytest.param(
            ("ntp1", "include /etc/chrony.d/*.conf", "include /etc/chrony/*.conf"),
            {
                f"chrony {DOES_NOT.format('10.1.0.1')}",
                "chrony does not answer 10.2.0.21 (worker), whose time server it is: no allow holds it",
            },
            id="a-file-that-nothing-includes",
        ),
    ],
)
def test_a_time_server_that_is_another_is_found(edit: tuple[str, str, str], causes: set[str], edited: Network) -> None:
    found = edited("time-servers", edit)

    assert {one.cause for one in found} == causes
    assert {one.nodes for one in found} == {(edit[0],)}
    assert {one.kind for one in found} - {"TIME_REFUSED"} == {"WRONG_TIME_SERVER"}


def test_a_further_server_is_found_in_the_whole_of_our_files(edited: Network) -> None:
    included = ("gw", "include /etc/chrony.d/*.conf", "confdir /etc/none /etc/chrony.d")
    asked = ("gw", "rtcsync", "Server 10.1.0.77")

    (found,) = edited("time-servers", included, asked)

    assert (found.kind, found.nodes) == ("WRONG_TIME_SERVER", ("gw",))
    assert found.cause.startswith("chrony asks 10.1.0.77 for the time")


def test_a_server_that_does_not_answer_those_whom_the_topology_sends_is_found(edited: Network) -> None:
    (found,) = edited("time-servers", ("ntp1", "allow 10.2.0.21", "allow 10.2.0.22"))

    assert (found.kind, found.nodes) == ("TIME_REFUSED", ("ntp1",))
    assert found.cause == "chrony does not answer 10.2.0.21 (worker), whose time server it is: no allow holds it"
