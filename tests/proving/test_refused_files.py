"""Files that the real programs refuse or read too late: no flow is proved by them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from netwright.commands.main import netwright
from tests.soak.damage import deliver

TOPOLOGY = """\
version: 1
name: lab
networks:
  front: {cidr: 10.17.3.0/24, router: gateway}
  cluster: {cidr: 10.17.4.0/24, router: gateway}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
nodes:
  gateway:
    os: rocky10
    firewalld: masked
    interfaces:
      eth0: {network: front, address: 10.17.3.1, mac: "52:54:00:17:03:01"}
      eth1: {network: cluster, address: 10.17.4.1, mac: "52:54:00:17:04:01"}
  lb1: {os: rocky10, firewalld: masked, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  lb2: {os: rocky9, network_config: keyfile, firewalld: masked,
        interfaces: {eth0: {network: front, address: 10.17.3.13}}}
  worker1: {os: flatcar, kubernetes: agent, pod_cidr: 10.42.6.0/24,
            interfaces: {eth0: {network: cluster, address: 10.17.4.24, mac: "52:54:00:17:04:24"}}}
  worker2: {os: rocky9, network_config: keyfile, firewalld: masked, kubernetes: agent, pod_cidr: 10.42.7.0/24,
            interfaces: {eth0: {network: cluster, address: 10.17.4.25}}}
flows:
  to-pods: {from: [lb1, lb2], to: [pods], allow: [tcp/8080], nat: never}
  not-ssh: {from: [lb2], to: [worker1, worker2], deny: [tcp/22]}
"""
RULES = "/etc/nftables/netwright.nft"
UNIT = "/etc/systemd/system/netwright-nftables.service"
KEYFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"
NETWORK = "/etc/systemd/network/10-eth0.network"
CONF = "/etc/NetworkManager/conf.d/10-netwright-cni.conf"
SYSCTL = "/etc/sysctl.d/99-zz-netwright.conf"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The topology and its OUT."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    done = CliRunner().invoke(netwright, ["generate", str(folder / "topology.yaml"), "-o", str(folder / "out")])
    assert done.exit_code == 0, done.output
    return folder


def _verify(folder: Path) -> tuple[dict[str, bool], set[str]]:
    command = ["verify", str(folder / "topology.yaml"), "-o", str(folder / "out"), "--format", "json"]
    answer = json.loads(CliRunner().invoke(netwright, command).stdout)
    return {flow["name"]: flow["proved"] for flow in answer["flows"]}, {one["kind"] for one in answer["findings"]}


def _replaced(node: str, path: str, before: str, after: str) -> Callable[[Path], None]:
    def change(out: Path) -> None:
        text = (out / node / "rootfs" / path.lstrip("/")).read_text()
        assert before in text
        deliver(out / node, path, text.replace(before, after))

    return change


def _in_carrier(node: str, carrier: str, before: str, after: str) -> Callable[[Path], None]:
    def change(out: Path) -> None:
        file = out / node / carrier
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    return change


STATE = "ct state established"
DAMAGE: dict[str, tuple[Callable[[Path], None], dict[str, bool]]] = {
    "a typo in a rule that no packet meets": (
        _replaced("gateway", RULES, STATE, f"ip daddr 10.99.9.9 tcp dport 9999 acept\n\t\t{STATE}"),
        {"not-ssh": False},
    ),
    "a missing brace": (_replaced("gateway", RULES, "\t}\n}\n", "\t}\n"), {"not-ssh": False}),
    "line ends of Windows": (_replaced("gateway", RULES, "\n", "\r\n"), {"not-ssh": False}),
    "a profile without a method": (_replaced("lb1", KEYFILE, "method=manual\n", ""), {"to-pods": False}),
    "a profile that the image's may beat": (
        _replaced("lb2", KEYFILE, "autoconnect-priority=200\n", ""),
        {"to-pods": False},
    ),
    "a profile that others may read": (
        _in_carrier("lb1", "cloud-init/user-data", 'permissions: "0600"', 'permissions: "0644"'),
        {"to-pods": False},
    ),
    "a profile of another user": (
        _in_carrier("lb1", "cloud-init/user-data", "owner: root:root", "owner: rocky:rocky"),
        {"to-pods": False},
    ),
    "a card that NetworkManager leaves alone": (
        _replaced("worker2", CONF, "interface-name:veth*", "interface-name:eth*"),
        {"to-pods": False},
    ),
    "a network that cloud-init configures": (
        lambda out: (out / "lb1/cloud-init/network-config").unlink(),
        {"to-pods": False},
    ),
    "a fetch that fails": (
        _in_carrier("worker1", "worker1.ign", '"source": "data:,worker1', '"source": "gopher:,worker1'),
        {"to-pods": False},
    ),
    "a seed that comes after the network": (
        _in_carrier("gateway", "cloud-init/meta-data", "dsmode: local\n", ""),
        {"not-ssh": False, "to-pods": True},
    ),
    "rules that bootcmd does not load": (
        _in_carrier("gateway", "cloud-init/user-data", f"  - nft -f {RULES}\n", ""),
        {"not-ssh": False, "to-pods": True},
    ),
    "a unit that starts with the network": (
        _replaced("gateway", UNIT, "Before=network-pre.target\n", ""),
        {"not-ssh": False, "to-pods": True},
    ),
    "a comment": (_replaced("gateway", RULES, STATE, f"# by hand\n\t\t{STATE}"), {"not-ssh": True, "to-pods": True}),
    "a key that NetworkManager knows": (
        _replaced("lb1", KEYFILE, "method=manual\n", "method=manual\nmay-fail=false\nignore-auto-dns=true\n"),
        {"to-pods": True},
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_no_flow_is_proved_by_what_a_machine_refuses(name: str, generated: Path, tmp_path: Path) -> None:
    damage, wanted = DAMAGE[name]
    folder = Path(shutil.copytree(generated, tmp_path / "copy"))
    damage(folder / "out")

    proved, kinds = _verify(folder)

    assert {flow: proved[flow] for flow in wanted} == wanted
    assert ("LATE_RULES" in kinds) is (wanted == {"not-ssh": False, "to-pods": True})


def test_all_is_proved_by_what_was_generated(generated: Path) -> None:
    assert _verify(generated)[0] == {"to-pods": True, "not-ssh": True}
