"""`-` is standard input wherever a file is read, and for `init` standard output."""

import subprocess
from pathlib import Path

import pytest

from tests.netwright import TOPOLOGY, command, environment, netwright

COMMANDS = {
    "validate": ("validate", "-"),
    "generate": ("generate", "-"),
    "check": ("check", "-"),
    "diff": ("diff", "-"),
    "plan": ("plan", "-"),
    "verify": ("verify", "-"),
    "graph": ("graph", "-"),
    "secrets": ("secrets", "-"),
    "explain": ("explain", "-t", "-", "out/lb1/rootfs/etc/hostname:1"),
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_topology_comes_from_standard_input(project: Path, arguments: tuple[str, ...]) -> None:
    named = netwright(*("topology.yaml" if word == "-" else word for word in arguments), cwd=project)
    (project / "topology.yaml").unlink()

    run = netwright(*arguments, cwd=project, stdin=TOPOLOGY.encode())

    assert (run.status, run.stderr) == (named.status, named.stderr)
    assert run.stdout == named.stdout.replace("topology.yaml:", "<stdin>:")


def test_snippets_of_a_topology_from_standard_input_are_in_the_current_directory(project: Path) -> None:
    (project / "snippets").mkdir()
    (project / "snippets/keys.yaml").write_text("#cloud-config\nssh_pwauth: false\n")
    text = TOPOLOGY.replace("lb1: {os: rocky10,", "lb1: {os: rocky10, cloud_init: [snippets/keys.yaml],")

    run = netwright("generate", "-", cwd=project, stdin=text.encode())

    assert run.status == 0
    assert "ssh_pwauth: false" in (project / "out/lb1/cloud-init/user-data").read_text()


def test_findings_in_standard_input_are_quoted_with_their_place(tmp_path: Path) -> None:
    run = netwright("validate", "-", cwd=tmp_path, stdin=TOPOLOGY.replace("10.1.0.2", "10.2.0.2").encode())

    assert run.status == 2
    assert run.stderr.startswith("<stdin>:7:")
    assert "lb1: {os: rocky10" in run.stderr


def test_closed_standard_input_is_said(tmp_path: Path) -> None:
    finished = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command("validate", "-")],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (finished.returncode, finished.stderr) == (
        2,
        "<stdin>: error: can't be read: standard input is closed [file_is_readable]\n",
    )


def test_a_file_called_like_it_is_named_by_its_directory(tmp_path: Path) -> None:
    (tmp_path / "-").write_text(TOPOLOGY)

    run = netwright("validate", "./-", cwd=tmp_path)

    assert (run.status, run.stdout) == (0, "./-: 3 nodes, 0 warnings\n")


def test_a_cluster_is_held_against_the_topology_from_standard_input(project: Path) -> None:
    text = (
        '{"items": [{"metadata": {"name": "%s"}, "status": {"addresses": '
        '[{"type": "InternalIP", "address": "10.1.0.3"}]}}]}'
    )

    known, unknown = (
        netwright("validate", "--against", "-", cwd=project, stdin=(text % name).encode())
        for name in ("master1", "master9")
    )

    assert (known.status, known.stderr) == (0, "")
    assert "the cluster has a node master9" in unknown.stderr


@pytest.mark.parametrize(
    "arguments",
    [("validate", "-", "--against", "-"), ("init", "x.yaml", "--from-kubectl", "-", "--from-libvirt", "-")],
    ids=["validate", "init"],
)
def test_standard_input_stands_for_one_file_only(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run = netwright(*arguments, cwd=tmp_path, stdin=TOPOLOGY.encode())

    assert run.status == 2
    assert "- is standard input, which can stand for one file only" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_starter_goes_to_standard_output(tmp_path: Path) -> None:
    starter = netwright("init", "-", cwd=tmp_path)
    run = netwright("validate", "-", cwd=tmp_path, stdin=starter.stdout.encode())

    assert (starter.status, starter.stderr) == (0, "")
    assert (run.status, run.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
