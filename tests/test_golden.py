"""Whole results of topologies: tests/golden/CASE/topology.yaml, its out/, and stderr.txt if there are warnings.

`make golden` writes out/ and stderr.txt of every case anew; read the difference before committing it. The reference
network at the root of the project is a case as well, and so is each of examples/.
"""

from pathlib import Path

import pytest
from msgspec import Struct

from netwright.butane import transpile
from netwright.production.production import prepare
from netwright.text.report import Report, render_text
from netwright.text.source import Source
from netwright.write import generate
from tests.trees import Tree, describe_differences, read_tree

PROJECT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
SHOWN = (PROJECT, *sorted(path.parent for path in (PROJECT / "examples").glob("*/topology.yaml")))
"""Networks that people are shown, with nothing beside them that only tests read."""
CASES = (*SHOWN, *sorted(path.parent for path in GOLDEN.glob("*/topology.yaml")))


def name_case(case: Path) -> str:
    """The case as pytest shows it."""
    return "reference" if case == PROJECT else case.name


def name_stderr(case: Path) -> Path:
    """Return the file of a case's warnings."""
    return GOLDEN / f"{name_case(case)}.stderr.txt" if case in SHOWN else case / "stderr.txt"


class Generated(Struct, frozen=True, kw_only=True):
    """Result of generate, and the warnings that it printed."""

    tree: Tree
    stderr: str


def generate_case(out: Path) -> Generated:
    """Return what generate makes of topology.yaml in the current directory."""
    production, report = prepare("topology.yaml")
    if production is not None:
        outcome = generate(out, production.nodes, production.build, fingerprint=production.fingerprint, force=True)
        production.close()
        report += outcome.report
    if report.errors:
        pytest.fail(render_text(report), pytrace=False)
    return Generated(tree=read_tree(out), stderr=render_text(report))


def update_case(case: Path, stderr: str) -> None:
    """Write what the case expects anew; files that generate no longer makes go."""
    generate_case(case / "out")
    if stderr:
        name_stderr(case).write_text(stderr, encoding="utf-8")
    else:
        name_stderr(case).unlink(missing_ok=True)


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_generates_the_committed_tree_and_warnings(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(case)
    stderr_file = name_stderr(case)

    generated = generate_case(tmp_path / "out")
    if request.config.getoption("--update"):
        update_case(case, generated.stderr)

    differences = describe_differences(read_tree(case / "out"), generated.tree)
    if differences:
        pytest.fail(f"out/ is not what generate writes now; make golden rewrites it:\n{differences}", pytrace=False)
    assert generated.stderr == (stderr_file.read_text(encoding="utf-8") if stderr_file.exists() else "")


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_butane_compiles_to_the_ignition_beside_it(case: Path) -> None:
    nodes = sorted((case / "out").glob("*/*.bu"))

    for butane in nodes:
        source = Source(name=butane.name, text=butane.read_text(encoding="utf-8"))
        compiled = transpile(source, files_dir=butane.parent / "rootfs", pretty=True)

        assert compiled.report == Report(), f"{butane}:\n{render_text(compiled.report)}"
        assert compiled.ignition == butane.with_suffix(".ign").read_text(encoding="utf-8")


def test_every_flatcar_node_has_butane_and_ignition() -> None:
    butane = {path.with_suffix("") for case in CASES for path in (case / "out").glob("*/*.bu")}
    ignition = {path.with_suffix("") for case in CASES for path in (case / "out").glob("*/*.ign")}

    assert butane == ignition
    assert butane
