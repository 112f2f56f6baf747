"""The networks of examples/ are proved as they are committed, without a finding."""

from pathlib import Path

import pytest

from tests.netwright import PROJECT, netwright

EXAMPLES = sorted(path.parent for path in (PROJECT / "examples").glob("*/topology.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_is_proved(example: Path) -> None:
    checked = netwright("check", "-q", cwd=example)
    proved = netwright("verify", "--no-repair", cwd=example)

    assert (checked.status, proved.status) == (0, 0), proved.stdout
    assert "0 causes of failure, 0 warnings" in proved.stdout
