"""The lab on a kernel that has bonds, VLANs, dummies and WireGuard: one network with all, tried in the emulator.

Daemons apply its files; ip applies those of examples/bare-metal, which runs as it is shown; pods of a third network
meet by flannel's WireGuard. What each prints is left in the shared folder.
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
try() {
    status=0
    (cd $1 && {command} --apply $2 --format json > ../$1.json 2> ../$1.err) || status=$?
    echo "$status" > $1.status
}
try devices auto
try flannel auto
try bare-metal ip
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results of the one boot, which the first of pytest's processes does for all of them."""
    return once(tmp_path_factory, "lab-devices", _boot)


def _boot(folder: Path) -> None:
    for name, text in (("devices", Path(__file__).with_name("devices.yaml").read_text()), ("flannel", FLANNEL)):
        (folder / name).mkdir()
        (folder / name / "topology.yaml").write_text(text)
        assert netwright("generate", cwd=folder / name).status == 0
    shutil.copytree(PROJECT / "examples/bare-metal", folder / "bare-metal")
    command = f"PYTHONPATH={PROJECT / 'gen'} {sys.executable} -m netwright lab"
    print(emulate(PREPARE + SCRIPT.replace("{command}", command), folder, seconds=1500))


def _document(folder: Path, network: str) -> dict[str, Any]:
    text = (folder / f"{network}.json").read_text()
    assert text, (folder / f"{network}.err").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.parametrize(
    ("network", "flows"),
    [
        ("devices", {"volumes", "tagged", "anycast", "tunnel", "leased", "closed"}),
        ("flannel", {"pods", "nodes"}),
        ("bare-metal", {"administration", "api", "closed", "copies", "images", "ingress", "out", "volumes"}),
    ],
)
def test_the_kernel_does_as_verify_says_with_every_device(network: str, flows: set[str], folder: Path) -> None:
    document = _document(folder, network)

    found = {flow["name"]: (flow["tried"] > 0, flow["fine"]) for flow in document["flows"]}
    assert disagreements(document) == []
    assert found == dict.fromkeys(flows, (True, True))
    assert (folder / f"{network}.status").read_text() == "0\n"


def test_daemons_make_the_devices_and_a_server_leases_the_address(folder: Path) -> None:
    remarks = _document(folder, "devices")["remarks"]

    who = "systemd-networkd: worker, vm1, site, behind; NetworkManager: core, kvm; ip: edge"
    assert f"Network files were applied by {who}." in remarks
    assert "Addresses were leased by dnsmasq: those that the topology reserves." in remarks
    assert [line for line in remarks if "never ends" in line] == []


def test_the_port_of_a_bridge_that_leads_nowhere_is_named(folder: Path) -> None:
    remarks = _document(folder, "devices")["remarks"]

    assert "kvm: br0 leads to lan by eno3, and not by eno4, eno5: that would be a circle" in remarks
    assert "kvm: br0 leads to storage by eno4, and not by eno5: that would be a circle" in remarks
