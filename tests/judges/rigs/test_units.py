"""The rig of systemd-analyze sees what its exit code hides."""

import pytest

from netwright.files.artifact import NodeFile
from tests.rigs import units

UNIT = """\
[Unit]
Description=Packet filter
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/nftables/netwright.nft

[Install]
WantedBy=multi-user.target
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(UNIT, "", id="right"),
        pytest.param(UNIT.replace("Type=", "Typ="), "Unknown key 'Typ'", id="unknown key"),
        pytest.param(UNIT.replace("/usr/sbin/nft", "/usr/sbin/nftables"), "is not executable", id="no such program"),
    ],
)
def test_systemd_reads_a_unit(text: str, complaint: str) -> None:
    unit = NodeFile(path="/etc/systemd/system/netwright-nftables.service", content=text.encode())

    complaints = units.unit_complaints([unit], "netwright-nftables.service")

    assert complaint in complaints
    assert bool(complaint) == bool(complaints)
