"""Commands at boot that change what the files say."""

import json
from pathlib import Path

import pytest
import yaml

from gen.verify.commands import changes_network
from gen.verify.configuration import read_configuration
from gen.verify.delivery import read_delivery

UNIT = "[Service]\nType=oneshot\nExecStart=/usr/sbin/nft -f /etc/nftables/netwright.nft\n"
LOADER = {"name": "netwright-nftables.service", "enabled": True, "contents": UNIT}
RULES = {"path": "/etc/nftables/netwright.nft", "contents": {"source": "data:,table%20inet%20netwright%20%7B%0A%7D%0A"}}


@pytest.mark.parametrize(
    "command",
    [
        "ip route add 10.0.0.0/8 via 10.1.0.1",
        "/usr/sbin/ip -4 rule add from 10.0.0.0/8 table 100",
        "sh -c 'sleep 1; ip link set eth0 down'",
        "test -f /x && iptables -P FORWARD DROP",
        "sudo sysctl -w net.ipv4.ip_forward=0",
        "nmcli connection modify eth0 ipv4.gateway 10.1.0.1",
        "nft add rule inet t c drop",
        "nft -f /srv/rules.nft",
        "systemctl mask systemd-networkd.service",
        "systemctl disable --now netwright-nftables",
    ],
)
def test_a_command_that_changes_the_network_is_known(command: str) -> None:
    assert changes_network(command)


@pytest.mark.parametrize(
    "command",
    [
        "ip route show",
        "ip -br addr",
        "dnf install -y iptables nftables",
        "echo route add",
        "systemctl mask --now firewalld.service",
        "systemctl enable --now netwright-nftables.service",
        "systemctl restart systemd-sysctl.service",
        "nmcli connection up eth0",
        "nft -f /etc/nftables/netwright.nft",
        "/usr/bin/k3s server",
        "",
    ],
)
def test_a_command_that_changes_nothing_is_left_alone(command: str) -> None:
    assert not changes_network(command)


def _reasons(out: Path) -> list[str]:
    return [str(unknown) for unknown in read_configuration(read_delivery(out, "n")).unknown]


def _ignite(out: Path, *units: dict[str, object], links: tuple[dict[str, str], ...] = ()) -> list[str]:
    storage = {"files": [RULES], "links": links}
    document = {"ignition": {"version": "3.3.0"}, "storage": storage, "systemd": {"units": [LOADER, *units]}}
    (out / "n").mkdir()
    (out / "n/n.ign").write_text(json.dumps(document))
    return _reasons(out)


def _seed(out: Path, **user_data: object) -> list[str]:
    (out / "n/cloud-init").mkdir(parents=True)
    (out / "n/cloud-init/user-data").write_text("#cloud-config\n" + yaml.safe_dump(user_data))
    (out / "n/cloud-init/network-config").write_text("network:\n  config: disabled\n")
    return _reasons(out)


def test_the_unit_that_loads_our_rules_is_known(tmp_path: Path) -> None:
    assert _ignite(tmp_path) == []


def test_a_unit_that_adds_a_route_is_named_with_its_line(tmp_path: Path) -> None:
    unit = {
        "name": "x.service",
        "enabled": True,
        "contents": "[Service]\nExecStart=-/sbin/ip route add 10.0.0.0/8 dev eth0\n",
    }

    (reason,) = _ignite(tmp_path, unit)

    assert reason.startswith("n/n.ign:/etc/systemd/system/x.service:2: a command that changes the network")


def test_a_unit_that_nothing_starts_does_nothing(tmp_path: Path) -> None:
    assert _ignite(tmp_path, {"name": "x.service", "contents": "[Service]\nExecStart=/sbin/ip route flush\n"}) == []


def test_a_drop_in_of_the_unit_that_loads_our_rules_is_named(tmp_path: Path) -> None:
    dropin = {"name": "10-x.conf", "contents": "[Service]\nExecStart=\n"}

    (reason,) = _ignite(tmp_path, {"name": "netwright-nftables.service", "dropins": [dropin]})

    assert reason.endswith("a drop-in that changes how netwright-nftables.service applies files")


@pytest.mark.parametrize("way", ["mask", "link"])
def test_a_masked_networkd_is_named(tmp_path: Path, way: str) -> None:
    unit = "systemd-networkd.service"
    units = ({"name": unit, "mask": True},) if way == "mask" else ()
    links = ({"path": f"/etc/systemd/system/{unit}", "target": "/dev/null"},) if way == "link" else ()

    (reason,) = _ignite(tmp_path, *units, links=links)

    assert reason.endswith("systemctl mask systemd-networkd.service")


def test_a_masked_unit_of_others_is_nothing(tmp_path: Path) -> None:
    assert _ignite(tmp_path, {"name": "update-engine.service", "mask": True}) == []


def test_rules_that_are_loaded_and_not_delivered_are_named(tmp_path: Path) -> None:
    unit = {
        "name": "x.service",
        "enabled": True,
        "contents": "[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables/x.nft\n",
    }

    assert _ignite(tmp_path, unit) == ["/etc/nftables/x.nft: a unit loads it, but nothing delivers it"]


@pytest.mark.parametrize("key", ["runcmd", "bootcmd"])
@pytest.mark.parametrize(
    "command", ["ip route add 10.0.0.0/8 dev eth0", ["ip", "route", "flush"]], ids=["text", "list"]
)
def test_a_command_of_cloud_init_is_named(tmp_path: Path, key: str, command: object) -> None:
    (reason,) = _seed(tmp_path, **{key: [command]})

    assert reason.startswith("n/cloud-init/user-data:1: a command that changes the network")


def test_a_network_of_cloud_inits_own_is_named(tmp_path: Path) -> None:
    assert _seed(tmp_path, runcmd=["nmcli connection up eth0"]) == []
    (tmp_path / "n/cloud-init/network-config").write_text("version: 2\nethernets: {eth0: {dhcp4: true}}\n")

    (reason,) = _reasons(tmp_path)

    assert reason.startswith("n/cloud-init/network-config: cloud-init writes a network of its own by it")
