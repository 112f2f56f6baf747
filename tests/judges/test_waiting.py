"""What the real daemons wait for when a machine starts whose second card has no cable."""

import contextlib
import time
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from netwright.files.artifact import NodeFile
from netwright.lab.machine import Daemon, LabMachine, ProgramFailedError, boot
from netwright.lab.networkd import networkd
from netwright.lab.networkmanager import networkmanager
from tests.judges.cases import case
from tests.rigs.wires import Nic, wire

Start = Callable[[LabMachine, Sequence[NodeFile]], contextlib.AbstractContextManager[Daemon]]
SECONDS = 12
NETWORKD = ("/lib/systemd/systemd-networkd-wait-online", f"--timeout={SECONDS}")
NETWORKMANAGER = ("nm-online", "--wait-for-startup", f"--timeout={SECONDS}", "--quiet")


def wait(start: Start, files: Sequence[NodeFile], macs: Sequence[str], command: Sequence[str]) -> tuple[bool, float]:
    """Return whether the machine's network is up in time without the second card's cable, and the seconds it took."""
    with boot("node", "switch") as (node, switch), contextlib.ExitStack() as daemons:
        for number, mac in enumerate(macs):
            wire(node, Nic(name=f"eth{number}", mac=mac), switch, Nic(name=f"port{number}"))
        switch.run("ip", "link", "set", "port1", "down")
        daemons.enter_context(start(node, files))
        began = time.monotonic()
        with contextlib.suppress(ProgramFailedError):
            node.run(*command)
            return True, time.monotonic() - began
        return False, time.monotonic() - began


@pytest.mark.parametrize("optional", [True, False])
def test_networkd_waits_for_a_cable_unless_the_card_is_optional(optional: bool) -> None:
    golden = case("default-routes")
    files = [
        file if optional else replace(file, content=file.content.replace(b"RequiredForOnline=no\n", b""))
        for file in golden.files("node1")
    ]

    is_up, _ = wait(networkd, files, ("52:54:00:00:01:0b", "52:54:00:00:03:0b"), NETWORKD)

    assert is_up is optional


def test_networkmanager_waits_some_seconds_for_a_cable_and_is_up_without() -> None:
    files = case("default-routes").files("node3")

    is_up, seconds = wait(networkmanager, files, ("52:54:00:00:01:0d", "52:54:00:00:03:0d"), NETWORKMANAGER)

    assert is_up
    assert 4 < seconds < SECONDS
