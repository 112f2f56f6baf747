"""docs/plan.md shows what really comes of its topology."""

import re
from pathlib import Path

from tests.netwright import PROJECT, netwright

PAGE = (PROJECT / "docs/plan.md").read_text(encoding="utf-8")


def test_the_plan_is_as_shown(tmp_path: Path) -> None:
    (topology,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```console\n\$ netwright plan\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "topology.yaml").write_text(topology)
    netwright("generate", cwd=tmp_path)
    (tmp_path / "topology.yaml").write_text(topology.replace("via: [r1]", "via: [r2]"))

    run = netwright("plan", cwd=tmp_path)

    assert (run.status, run.stderr) == (1, "")
    assert run.stdout == shown
