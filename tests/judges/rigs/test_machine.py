"""Machines keep to themselves."""

import pytest

from netwright.files.artifact import NodeFile
from netwright.lab.machine import boot


def test_a_machine_writes_nothing_outside_its_own_directories() -> None:
    with boot("node") as (machine,), pytest.raises(ValueError, match="is not in a private directory"):
        machine.install([NodeFile(path="/usr/local/etc/netwright", content=b"")])
