"""`--format github`: each finding is one command, at its place, and nothing of a file adds another one."""

import re
from pathlib import Path

from netwright.text.annotations import annotation
from tests.netwright import TOPOLOGY, netwright

COMMAND = re.compile(r"::(error|warning) file=[^:,\n]+,line=\d+(,col=\d+)?,title=\w+::[^\n]+")
PAYLOAD = "::error::taken"


def test_values_are_escaped_as_the_runner_reads_them() -> None:
    shown = annotation("error", file="a,b:c%", line=3, column=4, title="RULE", message="100 %\nof ::error::it")

    assert shown == "::error file=a%2Cb%3Ac%25,line=3,col=4,title=RULE::100 %25%0Aof ::error::it\n"


def test_a_finding_on_the_topology_is_at_its_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("10.1.0.3", "10.9.0.3"))

    run = netwright("validate", "--format", "github", cwd=tmp_path)

    assert (run.status, run.stderr) == (2, "")
    (command,) = run.stdout.splitlines()
    assert command.startswith("::error file=topology.yaml,line=8,col=69,title=address_is_in_its_network::nodes.master1")


def test_what_is_right_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    netwright("generate", cwd=tmp_path)

    runs = [netwright(command, "--format", "github", cwd=tmp_path) for command in ("validate", "check")]

    assert [(run.status, run.stdout) for run in runs] == [
        (0, "topology.yaml: 3 nodes, 0 warnings\n"),
        (0, "out: 3 nodes, 14 files, all as generated\n"),
    ]


def test_quiet_leaves_out_warnings(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("rocky10", "rocky9"))

    loud, quiet = (netwright("validate", "--format", "github", *more, cwd=tmp_path) for more in ((), ("--quiet",)))

    assert loud.stdout.startswith("::warning file=topology.yaml")
    assert quiet.stdout == ""


def test_texts_of_a_change_are_no_commands(tmp_path: Path) -> None:
    keys = f'"{PAYLOAD}": "x\\n{PAYLOAD}"  # {PAYLOAD}\n"##[error]x": 1\n'
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("small", f'"{PAYLOAD}"') + keys)

    for command in ("validate", "check", "verify"):
        lines = netwright(command, "--format", "github", cwd=tmp_path).stdout.splitlines()

        assert not [line for line in lines if line.lstrip().startswith("::") and not COMMAND.fullmatch(line)]
        assert not [line for line in lines if "##[" in line]
