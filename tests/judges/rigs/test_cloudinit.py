"""The rig of cloud-init sees the files of a first boot."""

from pathlib import Path

import pytest

from netwright.files.artifact import NodeFile
from tests.rigs import cloudinit

USER_DATA = """\
#cloud-config
write_files:
- path: /etc/NetworkManager/system-connections/eth0.nmconnection
  owner: root:root
  permissions: "0600"
  content: |
    [connection]
    id=eth0
runcmd:
- [systemctl, start, netwright-nftables.service]
"""
META_DATA = b"instance-id: lb1\nlocal-hostname: lb1\n"


def test_cloudinit_writes_the_bytes_with_mode_and_owner() -> None:
    applied = cloudinit.apply_cloudinit(USER_DATA.encode(), META_DATA, b"config: disabled\n")

    assert applied.complaints == ()
    assert applied.hostname == "lb1"
    assert applied.commands == "#!/bin/sh\n'systemctl' 'start' 'netwright-nftables.service'\n"
    assert applied.files[0] == NodeFile(
        path="/etc/NetworkManager/system-connections/eth0.nmconnection",
        content=b"[connection]\nid=eth0\n",
        mode=0o600,
    )


def test_cloudinit_complains_of_text_that_is_not_yaml() -> None:
    applied = cloudinit.apply_cloudinit(b"#cloud-config\nwrite_files: [\n", META_DATA, b"config: disabled\n")

    assert "Failed loading yaml blob" in applied.complaints[0]


@pytest.mark.parametrize(
    "network_config",
    [
        pytest.param(b"", id="nothing said"),
        pytest.param(b"version: 2\nethernets: {eth0: {addresses: [10.0.0.2/24]}}\n", id="a network of its own"),
    ],
)
def test_cloudinit_configures_the_network_itself_unless_told_not_to(network_config: bytes) -> None:
    applied = cloudinit.apply_cloudinit(USER_DATA.encode(), META_DATA, network_config)

    assert "/etc/systemd/network/10-cloud-init-eth0.network" in [file.path for file in applied.files]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        pytest.param(USER_DATA, True, id="right"),
        pytest.param(USER_DATA.replace("owner:", "ownr:"), False, id="unknown key"),
        pytest.param(USER_DATA.replace('"0600"', "[6]"), False, id="mode is a list"),
    ],
)
def test_cloudinit_checks_user_data(tmp_path: Path, text: str, right: bool) -> None:
    file = tmp_path / "user-data"
    file.write_text(text)

    complaints = cloudinit.schema_complaints(str(file))

    assert (complaints == "") is right
