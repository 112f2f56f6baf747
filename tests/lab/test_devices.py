"""The lab on a kernel that has bonds, VLANs, dummies and WireGuard: one network with all, tried in the emulator.

Daemons apply its files in one trial, ip in the other; pods of another network meet by flannel's WireGuard. What each
prints is left in the shared folder.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.running import PROJECT, disagreements
from tests.netwright import netwright
from tests.once import once
from tests.proving.test_flannel_wireguard import TOPOLOGY as FLANNEL
from tests.rigs.emulator import PREPARE, emulate

SCRIPT = """\
for apply in auto ip; do
    status=0
    {command} --apply $apply --format json > $apply.json 2> $apply.err || status=$?
    echo "$status" > $apply.status
done
status=0
cd flannel && {command} --format json > ../flannel.json 2> ../flannel.err || status=$?
echo "$status" > ../flannel.status
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results of the one boot, which the first of pytest's processes does for all of them."""
    return once(tmp_path_factory, "lab-devices", _boot)


def _boot(folder: Path) -> None:
    shutil.copy(Path(__file__).with_name("devices.yaml"), folder / "topology.yaml")
    assert netwright("generate", cwd=folder).status == 0
    (folder / "flannel").mkdir()
    (folder / "flannel/topology.yaml").write_text(FLANNEL)
    assert netwright("generate", cwd=folder / "flannel").status == 0
    command = f"PYTHONPATH={PROJECT / 'gen'} {sys.executable} -m netwright lab"
    print(emulate(PREPARE + SCRIPT.replace("{command}", command), folder, seconds=1500))


def _document(folder: Path, apply: str) -> dict[str, Any]:
    text = (folder / f"{apply}.json").read_text()
    assert text, (folder / f"{apply}.err").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.parametrize("apply", ["auto", "ip"])
def test_the_kernel_does_as_verify_says_with_every_device(apply: str, folder: Path) -> None:
    document = _document(folder, apply)

    flows = {flow["name"]: (flow["tried"] > 0, flow["fine"]) for flow in document["flows"]}
    assert disagreements(document) == []
    assert flows == dict.fromkeys(("volumes", "tagged", "anycast", "tunnel", "leased", "closed"), (True, True))
    assert (folder / f"{apply}.status").read_text() == "0\n"


def test_daemons_make_the_devices_and_a_server_leases_the_address(folder: Path) -> None:
    remarks = _document(folder, "auto")["remarks"]

    who = "systemd-networkd: worker, vm1, site, behind; NetworkManager: core, kvm; ip: edge"
    assert f"Network files were applied by {who}." in remarks
    assert "Addresses were leased by dnsmasq: those that the topology reserves." in remarks
    assert [line for line in remarks if "never ends" in line] == []


def test_the_port_of_a_bridge_that_leads_nowhere_is_named(folder: Path) -> None:
    remarks = _document(folder, "ip")["remarks"]

    assert "kvm: br0 leads to lan by eno3, and not by eno4, eno5: that would be a circle" in remarks
    assert "kvm: br0 leads to storage by eno4, and not by eno5: that would be a circle" in remarks


def test_pods_meet_by_flannels_wireguard(folder: Path) -> None:
    document = _document(folder, "flannel")

    flows = {flow["name"]: (flow["tried"] > 0, flow["fine"]) for flow in document["flows"]}
    assert disagreements(document) == []
    assert flows == dict.fromkeys(("pods", "nodes"), (True, True))
    assert (folder / "flannel.status").read_text() == "0\n"
