"""A denied flow is not proved while the machine comes up without its rules."""

from collections.abc import Sequence

import pytest

from netwright.verify.reading.startup import Seed, find_window
from netwright.verify.values.startup import Window

RULES = "/etc/nftables/netwright.nft"
UNIT = """[Unit]
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
ExecStart=/usr/sbin/nft -f /etc/nftables/netwright.nft

[Install]
WantedBy=multi-user.target
"""
NAME = "netwright-nftables.service"
WRITES, LOADS = "cloud-init single --name write_files", f"nft -f {RULES}"


def _window(unit: str = UNIT, *, early: bool = True, bootcmd: Sequence[str] = (WRITES, LOADS)) -> str | None:
    seed = Seed(shown="n/cloud-init/user-data", early=early, bootcmd=tuple(bootcmd))
    return _cause(find_window(RULES, [(NAME, f"n/{NAME}", unit)], seed))


def _cause(window: Window | None) -> str | None:
    return window.cause.partition(",")[0] if window is not None else None


@pytest.mark.parametrize(
    "bootcmd",
    [
        (WRITES, LOADS),
        ("cloud-init single -n cc_write_files", f"/usr/sbin/nft -f {RULES}"),
        ("echo up", WRITES, "systemctl restart systemd-sysctl.service", f"systemctl start {NAME}"),
        (WRITES, f"systemctl enable --now {NAME}"),
    ],
)
def test_rules_that_the_first_stage_loads_come_before_the_network(bootcmd: Sequence[str]) -> None:
    assert _window(bootcmd=bootcmd) is None


@pytest.mark.parametrize(
    "bootcmd", [(), (LOADS,), (LOADS, WRITES), (WRITES,), (WRITES, "nft -f /etc/nftables/other.nft"), (WRITES, "nft")]
)
def test_rules_that_it_does_not_load_come_late_on_the_first_boot(bootcmd: Sequence[str]) -> None:
    assert _window(bootcmd=bootcmd) == "on the first boot"


def test_without_a_local_seed_the_network_comes_first_on_enterprise_linux() -> None:
    assert _window(early=False) == "on the first boot"


@pytest.mark.parametrize("line", ["Wants=network-pre.target\n", "Before=network-pre.target\n"])
def test_a_unit_without_its_place_comes_late_on_every_boot(line: str) -> None:
    unit = UNIT.replace(line, "")

    assert _window(unit) == "on every boot"
    assert _cause(find_window(RULES, [(NAME, f"n/{NAME}", unit)], None)) == "on every boot"


def test_flatcar_has_its_files_before_it_starts() -> None:
    assert find_window(RULES, [(NAME, f"n/{NAME}", UNIT)], None) is None
