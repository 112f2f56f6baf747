"""Units that stand in a circle, as the real systemd finds them, and as verify does."""

import subprocess
from pathlib import Path

import pytest

from netwright.verify.reading.running.unit_order import find_circle

CIRCLES = (
    "Before=systemd-networkd.service|After=network-online.target|Wants=network-online.target",
    "Before=systemd-networkd.service|After=network.target",
    "Before=systemd-networkd.service|After=multi-user.target",
    "Before=sysinit.target|Wants=sysinit.target",
    "Before=systemd-sysctl.service",
    "Before=local-fs.target",
    "Before=basic.target",
)
ORDERS = (
    "Before=network-pre.target|Wants=network-pre.target",
    "Before=systemd-networkd.service",
    "Before=network-online.target|After=systemd-networkd.service",
    "DefaultDependencies=no|Before=systemd-sysctl.service",
    "DefaultDependencies=no|Before=sysinit.target|After=local-fs.target",
    "After=multi-user.target",
)


def _values(order: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in order.split("|") if line.startswith(f"{key}=")]


@pytest.mark.parametrize("order", CIRCLES + ORDERS)
def test_a_circle_is_found_where_systemd_finds_one(order: str, tmp_path: Path) -> None:
    wants = tmp_path / "multi-user.target.wants"
    wants.mkdir()
    text = "[Unit]\n" + order.replace("|", "\n") + "\n[Service]\nType=oneshot\nExecStart=/bin/true\n"
    (tmp_path / "x.service").write_text(text)
    (wants / "x.service").symlink_to("../x.service")
    (wants / "systemd-networkd.service").symlink_to("/usr/lib/systemd/system/systemd-networkd.service")

    ran = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", "--man=no", "multi-user.target", "x.service"],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    found = find_circle(
        "x.service", _values(order, "Before"), _values(order, "After"), _values(order, "DefaultDependencies")
    )

    assert ("cycle" in ran.stderr) is (order in CIRCLES)
    assert (found is not None) is (order in CIRCLES)


def test_a_circle_is_told_with_both_units() -> None:
    found = find_circle("x.service", ["systemd-networkd.service"], ["network-online.target"], [])

    assert found == (
        "it is to start before systemd-networkd.service and after network-online.target, which comes later: systemd "
        "breaks the circle and leaves out the start of one unit in it, the network's maybe"
    )
