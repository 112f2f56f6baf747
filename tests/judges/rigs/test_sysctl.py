"""The rig of systemd-sysctl sees what the kernel holds afterwards."""

from pathlib import Path

import pytest

from netwright.files.artifact import NodeFile
from tests.rigs import sysctl
from tests.rigs.wires import Nic

SYSCTL_KEYS = ("net/ipv4/ip_forward", "net/ipv4/conf/eth0.100/rp_filter")


def test_sysctl_sets_the_card_with_a_dot_in_its_name() -> None:
    written = NodeFile(
        path="/etc/sysctl.d/90-netwright.conf",
        content=b"net.ipv4.ip_forward = 1\nnet/ipv4/conf/eth0.100/rp_filter = 2\n",
    )

    applied = sysctl.apply_sysctl([written], SYSCTL_KEYS, nics=[Nic(name="eth0.100")])

    assert applied.values == {"net/ipv4/ip_forward": "1", "net/ipv4/conf/eth0.100/rp_filter": "2"}
    assert applied.complaints == ()


def test_sysctl_complains_of_the_dotted_form_of_such_a_name() -> None:
    written = NodeFile(path="/etc/sysctl.d/90-netwright.conf", content=b"net.ipv4.conf.eth0.100.rp_filter = 2\n")

    applied = sysctl.apply_sysctl([written], SYSCTL_KEYS, nics=[Nic(name="eth0.100")])

    assert applied.values["net/ipv4/conf/eth0.100/rp_filter"] != "2"
    assert applied.complaints != ()


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param("90-netwright.conf", "0", id="90"), pytest.param("99-zz-netwright.conf", "1", id="zz")],
)
def test_sysctl_reads_directories_in_the_order_of_file_names(name: str, value: str) -> None:
    ours = NodeFile(path=f"/etc/sysctl.d/{name}", content=b"net.ipv4.ip_forward = 1\n")
    others = NodeFile(path="/etc/sysctl.conf", content=b"net.ipv4.ip_forward = 0\n")

    applied = sysctl.apply_sysctl([ours, others], SYSCTL_KEYS, links={"/etc/sysctl.d/99-sysctl.conf": "../sysctl.conf"})

    assert applied.values["net/ipv4/ip_forward"] == value


def test_sysctl_never_touches_settings_of_the_whole_computer() -> None:
    written = NodeFile(path="/etc/sysctl.d/90-netwright.conf", content=b"vm.swappiness = 7\nvm.laptop_mode = 5\n")
    swappiness, laptop_mode = Path("/proc/sys/vm/swappiness"), Path("/proc/sys/vm/laptop_mode")
    before = swappiness.read_text(), laptop_mode.read_text()

    applied = sysctl.apply_sysctl([written], ["vm/swappiness"])

    assert applied.values == {"vm/swappiness": "7"}
    assert (swappiness.read_text(), laptop_mode.read_text()) == before
