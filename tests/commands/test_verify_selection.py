"""`netwright verify --flow`: some flows only, and what is said of a name that none has."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from netwright.text.report import Severity
from netwright.verify import Fault, Finding, FindingKind, Outcome, Verification, render_text
from tests.netwright import command, environment, netwright, on_terminal
from tests.proving.small import TOPOLOGY, change


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network with two refuted flows, generated."""
    folder = tmp_path_factory.mktemp("project")
    closed = "    firewall: {forward: {policy: drop, rules: [{from: front, deny: any}]}}\n"
    topology = change(TOPOLOGY, ("    firewall: {forward: {policy: drop}}\n", closed))
    (folder / "topology.yaml").write_text(topology)
    assert netwright("generate", "-q", cwd=folder).status == 0
    return folder


def test_only_the_named_flows_are_proved(project: Path) -> None:
    run = netwright("verify", "--flow", "ssh", "--flow", "closed", "--format", "json", cwd=project)

    document = json.loads(run.stdout)
    assert run.status == 0
    assert [flow["name"] for flow in document["flows"]] == ["ssh", "closed"]


def test_repairs_of_the_named_flow_alone_are_searched(project: Path) -> None:
    run = netwright("verify", "--flow", "out", "--format", "json", cwd=project)

    document = json.loads(run.stdout)
    assert run.status == 1
    assert document["repairs"]
    assert all("out" in repair["repairs"] for repair in document["repairs"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--flow", "sssh"], 'there is no flow sssh; did you mean "ssh"?'),
        (["explain", "--flow", "sssh"], 'there is no flow sssh; did you mean "ssh"?'),
        (["graph", "--flow", "sssh"], 'there is no flow sssh; did you mean "ssh"?'),
        (["verify", "--flow", "zzzzzzz"], "there is no flow zzzzzzz; the known ones are to-pods, ssh, out, closed"),
    ],
)
def test_every_command_has_the_same_words_for_a_flow_that_is_not_there(
    project: Path, arguments: Sequence[str], message: str
) -> None:
    run = netwright(*arguments, cwd=project)

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(f"topology.yaml:38:3: error: flows: {message} [flow_is_known]\n")


def test_quiet_says_nothing(project: Path) -> None:
    run = netwright("verify", "--quiet", cwd=project)

    assert (run.status, run.stdout, run.stderr) == (1, "", "")


def test_a_terminal_gets_colours_and_nothing_else_does(project: Path) -> None:
    shown = on_terminal(*command("verify", "--no-repair"), cwd=project)
    plain = on_terminal(*command("verify", "--no-repair"), cwd=project, env=environment(NO_COLOR="1"))
    piped = netwright("verify", "--no-repair", cwd=project)

    assert "\nout: \x1b[31mfailed\x1b[0m for " in shown.stdout
    assert "\nssh: \x1b[32mproved\x1b[0m: arrives" in shown.stdout
    assert plain.stdout.split() == piped.stdout.split(), "a terminal breaks lines, and that is all"
    assert "\x1b" not in piped.stdout


def finding(kind: FindingKind, *flows: str) -> Finding:
    return Finding(severity=Severity.ERROR, kind=kind, cause="a cause", nodes=("n",), flows=flows, pairs=len(flows))


def test_faults_that_no_flow_met_come_first_and_are_counted_apart() -> None:
    findings = (finding(Outcome.FILTERED, "f"), finding(Fault.DUPLICATE_ADDRESS))
    verification = Verification(flows=(), findings=findings, unknown=(), assumptions=())

    text = render_text(verification)

    assert text.startswith(
        "error: DUPLICATE_ADDRESS: n: a cause\n\nerror: FILTERED: n: a cause\n  affects f (1 address pair)\n"
    )
    assert text.endswith("1 cause of failure, 1 fault that no flow met, 0 warnings\n")
