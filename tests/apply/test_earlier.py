"""What machines have, laid out as OUT is: the same files make no difference, other ones make theirs."""

import json
from pathlib import Path

import pytest

from netwright.apply.earlier import HeldFile, lay_out_earlier
from netwright.apply.planning import _path_of
from netwright.rollout.consequences import Host
from netwright.rollout.machines import plan_machine
from netwright.rollout.values import MachinePlan
from tests.netwright import PROJECT

OUT = PROJECT / "out"
SYSCTLS = {"kvm": "/etc/sysctl.d/99-zz-netwright.conf", "master1": "/etc/sysctl.d/90-netwright.conf"}
UNIT = "/etc/systemd/system/netwright-nftables.service"


def _files(node: str) -> dict[str, HeldFile | None]:
    """The files of OUT as a machine would have them."""
    listed = json.loads((OUT / node / "manifest.json").read_text())["files"]
    return {
        one["path"]: HeldFile(
            content=(OUT / node / "rootfs" / one["path"][1:]).read_bytes(),
            mode=one["mode"].removeprefix("0"),
            owner=one["owner"],
        )
        for one in listed
    }


def _plan(folder: Path, node: str, held: dict[str, HeldFile | None]) -> MachinePlan | None:
    lay_out_earlier(OUT, folder, [node], {node: held})
    return plan_machine(folder, OUT, node, Host())


@pytest.mark.parametrize("node", ["kvm", "lb1", "master1", "worker1", "haproxy1"])
def test_a_machine_with_the_files_of_out_changes_nothing(tmp_path: Path, node: str) -> None:
    held = _files(node)

    assert len(held) > 2
    assert _plan(tmp_path, node, held) is None


@pytest.mark.parametrize("node", SYSCTLS)
def test_a_file_that_differs_is_the_only_change(tmp_path: Path, node: str) -> None:
    other = HeldFile(content=b"net.ipv4.ip_forward = 0\n", mode="644", owner="root:root")
    plan = _plan(tmp_path, node, _files(node) | {SYSCTLS[node]: other})

    assert plan is not None
    assert [(one.file.sign, one.file.path) for one in plan.files] == [("~", SYSCTLS[node])]
    assert [command.text for command in plan.commands] == ["systemctl restart systemd-sysctl.service"]


@pytest.mark.parametrize("node", SYSCTLS)
def test_what_is_missing_comes_and_what_is_more_goes(tmp_path: Path, node: str) -> None:
    more = "/etc/systemd/system/more.service"
    text = b"[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    held = _files(node) | {UNIT: None, more: HeldFile(content=text, mode="644", owner="root:root")}
    plan = _plan(tmp_path, node, held)

    assert plan is not None
    assert {(one.file.sign, one.file.path) for one in plan.files} == {("+", UNIT), ("-", more)}
    assert [command.text for command in plan.commands] == [
        "systemctl disable --now more.service",
        "systemctl daemon-reload",
        "systemctl enable --now netwright-nftables.service",
    ]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
    ],
)
def test_a_parameter_is_found_by_either_form_of_its_key(key: str, path: str) -> None:
    assert _path_of(key) == f"/proc/sys/{path}"
