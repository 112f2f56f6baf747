"""Status of machines that boot from what is generated: as reviewed at first, then with each kind of drift."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from netwright.lab.booted.machine import BootedMachine
from tests.live.booted import booted_machines, record_of
from tests.netwright import TOPOLOGY, netwright
from tests.once import cache_of_booted, room_to_boot

WALLED = TOPOLOGY.replace("address: 10.1.0.3}}}", "address: 10.1.0.3}}, firewall: {input: {policy: drop}}}").replace(
    "address: 10.1.0.2}}}", "address: 10.1.0.2}}, firewall: {input: {policy: drop}}}"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Mapping[str, BootedMachine]]]:
    folder = tmp_path_factory.mktemp("status")
    (folder / "topology.yaml").write_text(WALLED)
    machines = booted_machines(folder / "topology.yaml", folder / "out")
    with cache_of_booted(tmp_path_factory), room_to_boot(tmp_path_factory), machines as running:
        yield folder, running


def _status(cluster: tuple[Path, Mapping[str, BootedMachine]], node: str) -> tuple[int, dict[str, Any]]:
    folder, machines = cluster
    (folder / "live").mkdir(exist_ok=True)
    (folder / "live" / f"{node}.facts").write_text(record_of(machines[node], folder / "out"))
    run = netwright("status", "live", "--node", node, "--format", "json", cwd=folder)
    (found,) = json.loads(run.stdout)["nodes"]
    return run.status, found


def test_below_sys_a_machine_of_enterprise_linux_may_write_to_its_own_links_alone(
    cluster: tuple[Path, Mapping[str, BootedMachine]],
) -> None:
    """NetworkManager sets there what a bridge does."""
    _, machines = cluster

    def may_write(path: str) -> bool:
        return machines["lb1"].run("sh", "-c", ': >> "$1"', "sh", path).returncode == 0

    assert may_write("/sys/class/net/eth0/tx_queue_len")
    assert not may_write("/sys/kernel/profiling")
    assert not may_write("/sys/devices/system/cpu/cpu0/uevent")


@pytest.mark.parametrize("node", ["lb1", "master1"])
def test_a_machine_that_booted_is_as_reviewed(cluster: tuple[Path, Mapping[str, BootedMachine]], node: str) -> None:
    status, found = _status(cluster, node)

    assert (status, found) == (0, found | {"differences": [], "unread": {}, "remarks": [], "problem": None})


@pytest.mark.parametrize(
    ("node", "drift", "back", "expected"),
    [
        (
            "master1",
            "ip route del default",
            "ip route add default via 10.1.0.1",
            ("routes", "missing", "the route 0.0.0.0/0 via 10.1.0.1 dev eth0"),
        ),
        (
            "lb1",
            "ip address add 10.1.0.77/24 dev eth0",
            "ip address del 10.1.0.77/24 dev eth0",
            ("addresses", "extra", "the address 10.1.0.77/24 on eth0"),
        ),
        (
            "lb1",
            "ip rule add priority 7 from 10.1.0.0/24 lookup 7",
            "ip rule del priority 7",
            ("rules", "extra", "the policy rule 7: from 10.1.0.0/24 lookup 7"),
        ),
        (
            "master1",
            "nft add rule inet netwright input tcp dport 9 accept",
            "systemctl reload netwright-nftables",
            ("nft", "extra", "`tcp dport 9 accept` in chain inet netwright input"),
        ),
        (
            "master1",
            "echo '# mine' >> /etc/systemd/network/10-eth0.network",
            "sed -i '$d' /etc/systemd/network/10-eth0.network",
            ("files", "different", "/etc/systemd/network/10-eth0.network"),
        ),
        (
            "lb1",
            "chmod 644 /etc/NetworkManager/system-connections/eth0.nmconnection",
            "chmod 600 /etc/NetworkManager/system-connections/eth0.nmconnection",
            ("files", "different", "/etc/NetworkManager/system-connections/eth0.nmconnection"),
        ),
        (
            "master1",
            "mv /etc/nftables/netwright.nft /run/n",
            "mv /run/n /etc/nftables/netwright.nft",
            ("files", "missing", "/etc/nftables/netwright.nft"),
        ),
        (
            "master1",
            "echo > /etc/systemd/network/05-mine.network",
            "rm /etc/systemd/network/05-mine.network",
            ("files", "extra", "/etc/systemd/network/05-mine.network"),
        ),
        (
            "lb1",
            "systemctl disable netwright-nftables.service",
            "systemctl enable netwright-nftables.service",
            ("units", "different", "netwright-nftables.service"),
        ),
        (
            "master1",
            r'cd /etc/nftables; echo x >> netwright.nft; ! systemctl restart netwright-nftables; sed -i "\$d" *.nft',
            "systemctl restart netwright-nftables",
            ("units", "different", "netwright-nftables.service"),
        ),
    ],
)
def test_drift_is_found(
    cluster: tuple[Path, Mapping[str, BootedMachine]], node: str, drift: str, back: str, expected: tuple[str, str, str]
) -> None:
    machine = cluster[1][node]
    assert machine.run("sh", "-c", drift).returncode == 0
    status, found = _status(cluster, node)
    assert machine.run("sh", "-c", back).returncode == 0

    assert status == 1
    assert [(one["aspect"], one["kind"], one["what"]) for one in found["differences"]][:1] == [expected]
