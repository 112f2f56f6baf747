"""Whatever the generator writes, the readers know: an unknown line would leave everything behind it unproved."""

from pathlib import Path

import pytest

from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import read_delivery

GOLDENS = Path(__file__).resolve().parents[2] / "golden"
NODES = sorted((path.parent.parent.name, path.name) for path in GOLDENS.glob("*/out/*") if path.is_dir())


@pytest.mark.parametrize(("case", "node"), NODES)
def test_every_generated_line_is_known(case: str, node: str) -> None:
    configuration = read_configuration(read_delivery(GOLDENS / case / "out", node), firewalld=case == "firewalld")

    reasons = [unknown.reason for unknown in configuration.unknown]
    if configuration.firewalld is not None:
        reasons += [unknown.reason for unknown in configuration.firewalld.unknown]
    # A drop-in for a file that somebody else writes leaves that file unknown: rightly so.
    assert [reason for reason in reasons if "managed elsewhere" not in reason] == []
    assert configuration.links or configuration.networks or "dropins" in case
