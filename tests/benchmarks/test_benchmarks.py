"""Checks that the benchmarks run; no test measures how fast anything is."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.topology import LEAST_NODES


def test_a_small_network_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--nodes", str(LEAST_NODES), "--repeats", "1", "--directory", str(tmp_path)])

    figures = json.loads(capsys.readouterr().out)["figures"]
    assert status == 0
    assert [figure["work"] for figure in figures] == [
        "`netwright --version`",
        "`netwright --help`",
        "generate 13 nodes from scratch",
        "generate 8 nodes from scratch",
        "the same, memory of the largest process",
        "`check` 8 nodes",
        "`check` 8 nodes of a fresh clone",
        "generate 8 nodes, one of them changed",
        "generate 8 nodes, nothing changed",
        "`verify` 8 nodes",
        "generate 8 nodes with bonds and VLANs",
        "`verify` 8 nodes with bonds and VLANs",
        "findings of `butane`, 20 to 80",
        "lines of a unit in `butane`, 400 to 1,600",
        "interfaces of a node in `verify`, 20 to 80",
        "flows between all nodes in `verify`, 4 to 16",
        "routes of a node in `verify`, 20 to 80",
        "stated routes of a node, each with a flow, in `verify`, 4 to 16",
        "networks of a router in `verify`, 2 to 8",
        "flows of pairs in `verify`, of a port or of anything, 4 to 16",
        "nodes that are too many, in `validate`, 400 to 1,600",
        "`status --ssh` of 7 machines",
    ]
    assert all(figure["value"] > 0 for figure in figures)
    assert list(tmp_path.iterdir()) == []


def test_fewer_nodes_than_the_shape_has_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--nodes", "3"])

    assert status == 2
    assert "needs 8 nodes at least" in capsys.readouterr().err
