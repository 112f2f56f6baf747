"""WireGuard on a kernel that has it: networkd, NetworkManager and wg-quick make the planned tunnels, and they work.

Two sites and a device with a hand-off sheet, a router between them, and a computer behind each site. The keys are made
for the test.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from netwright.lab import networkmanager
from netwright.plan.types import Link, NodePlan
from netwright.production.production import prepare
from netwright.text.report import render_text
from tests.once import once
from tests.rigs.emulator import emulate
from tests.tunnels import two_sites

SCRIPT = Path(__file__).parent.parent / "rigs" / "tunnels.sh"
NODES = {"site1": "networkd", "site2": "networkmanager", "hand": "sheet"}
FLOWS = {
    "there": "{from: pc1, to: pc2, allow: [icmp]}",
    "back": "{from: pc2, to: pc1, allow: [icmp]}",
    "hand": "{from: hand@mesh, to: pc1, allow: [icmp]}",
}
SWITCH = "switch"
CABLES = f"""\
netns add isp
netns add site1
netns add site2
netns add hand
netns add pc1
netns add pc2
netns add {SWITCH}
link add eth0 netns pc1 type veth peer name eth0 netns site1
link add eth0 netns pc2 type veth peer name eth0 netns site2
link add eth1 netns site1 type veth peer name eth0 netns isp
link add switch netns {SWITCH} up type bridge
link add eth1 netns site2 type veth peer name port1 netns {SWITCH}
link add wan netns hand type veth peer name port2 netns {SWITCH}
link add eth1 netns isp type veth peer name port3 netns {SWITCH}
"""
HOSTS = {
    SWITCH: [f"link set dev port{number} up master switch" for number in (1, 2, 3)],
    "isp": [
        *("link set dev eth0 up", "link set dev eth1 up"),
        *("address add 10.90.1.1/24 dev eth0", "address add 10.90.2.1/24 dev eth1"),
    ],
    "pc1": [
        *("link set dev eth0 up", "address add 10.1.0.5/24 dev eth0", "route add default via 10.1.0.1"),
    ],
    "pc2": [
        *("link set dev eth0 up", "address add 10.2.0.5/24 dev eth0", "route add default via 10.2.0.1"),
    ],
}
LARGEST = 1420 - 28
"""Bytes of a ping that fills the tunnel's largest packet."""
PINGS = [
    f"pc1 10.2.0.5 -M do -s {LARGEST}",
    f"pc2 10.1.0.5 -M do -s {LARGEST}",
    f"hand 10.1.0.5 -M do -s {LARGEST}",
]


class Outcome(Struct, frozen=True, kw_only=True):
    """Plans of the nodes, and the folder with what the machines answered."""

    plans: dict[str, NodePlan]
    folder: Path

    def tunnel(self, node: str) -> Link:
        return next(link for link in self.plans[node].links if link.tunnel is not None)

    def text(self, name: str) -> str:
        return (self.folder / "results" / name).read_text()

    def rows(self, name: str) -> Any:
        return json.loads(self.text(name))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """The result of the one boot, which the first of pytest's processes does for all of them."""
    folder = once(tmp_path_factory, "tunnels", _boot)
    production, report = prepare(str(folder / "topology.yaml"))
    assert production is not None, render_text(report)
    with contextlib.closing(production):
        yield Outcome(plans={node: production.plan(node) for node in NODES}, folder=folder)


def _boot(folder: Path) -> None:
    keys = {node: _wg("genkey") for node in NODES}
    public = {node: _wg("pubkey", key) for node, key in keys.items()}
    topology = two_sites(FLOWS, public).replace(public["site1"] + '"', public["site1"] + '", keepalive: 30')
    (folder / "topology.yaml").write_text(topology)
    production, report = prepare(str(folder / "topology.yaml"))
    assert production is not None, render_text(report)
    with contextlib.closing(production):
        for node, service in NODES.items():
            tree = production.build(node)
            place = folder / "machines" / node
            place.mkdir(parents=True)
            (place / "service").write_text(f"{service}\n")
            (place / "key").write_text(f"{keys[node]}\n")
            for file in tree.files:
                _write(place / "rootfs" / file.path[1:], file.content.decode())
            if service == "networkmanager":
                _write(place / "rootfs" / networkmanager.CONFIG_PATH[1:], networkmanager.CONFIG.decode())
                _write(place / "rootfs" / networkmanager.BUS_CONFIG_PATH[1:], networkmanager.BUS_CONFIG.decode())
            if service == "sheet":
                sheet = next(one.content.decode() for one in tree.artifacts if one.path == "handoff.md")
                _write_sheet(place, sheet)
        rules = next(file for file in production.build("isp").files if file.path == "/etc/nftables/netwright.nft")
        (folder / "isp.nft").write_bytes(rules.content)
    hosts = [f"netns exec {host} /usr/sbin/ip {line}" for host, lines in HOSTS.items() for line in lines]
    (folder / "cables").write_text(CABLES + "".join(f"{line}\n" for line in hosts))
    (folder / "pings").write_text("".join(f"{line}\n" for line in PINGS))
    print(emulate(SCRIPT.read_text(), folder, seconds=600))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _write_sheet(place: Path, sheet: str) -> None:
    """What a person takes from the sheet: the lines of wg-quick, and the commands for routes, as they stand."""
    sections = dict(part.split("\n", 1) for part in sheet.split("\n## ")[1:])
    lines = {
        title: [line.removeprefix("    ") for line in text.split("\n") if line.startswith("    ")]
        for title, text in sections.items()
    }
    (place / "wg0.conf").write_text("\n".join(lines["WireGuard wg0"]) + "\n")
    (place / "routes").write_text("\n".join(lines["Routes"][1:]) + "\n")
    first = ["ip address add 10.90.2.9/24 dev wan", "ip link set dev wan up", lines["Routes"][0]]
    (place / "addresses").write_text("\n".join(first) + "\n")


def _wg(*words: str) -> str:
    done = subprocess.run(["wg", words[0]], input="".join(words[1:]), capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("node", NODES)
def test_wireguard_is_told_what_is_planned(node: str, outcome: Outcome) -> None:
    planned = outcome.tunnel(node).tunnel
    assert planned is not None

    own, *peers = (line.split("\t") for line in outcome.text(f"{node}.dump").splitlines())

    assert (own[1], own[2], own[3]) == (planned.public_key, str(planned.port), "off")
    assert {peer[0]: ({*peer[3].split(",")}, peer[2], peer[7].replace("off", "0")) for peer in peers} == {
        peer.public_key: ({*map(str, peer.allowed)}, peer.endpoint, str(peer.keepalive)) for peer in planned.peers
    }


@pytest.mark.parametrize("node", NODES)
def test_the_kernel_has_the_planned_link(node: str, outcome: Outcome) -> None:
    planned = outcome.tunnel(node)

    (link,) = outcome.rows(f"{node}.link")

    addresses = [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["family"] == "inet"]
    assert (link["linkinfo"]["info_kind"], link["mtu"]) == ("wireguard", planned.mtu)
    assert addresses == [f"{one.ip}/{one.prefix}" for one in planned.addresses]


@pytest.mark.parametrize("node", NODES)
def test_routes_by_the_tunnel_are_the_planned_ones_and_no_rules_are_added(node: str, outcome: Outcome) -> None:
    planned = outcome.tunnel(node)

    routes = [one for one in outcome.rows(f"{node}.routes") if one.get("protocol") != "kernel"]

    assert {(one["dst"], one["gateway"]) for one in routes} == {
        (str(one.destination), str(one.gateway)) for one in planned.routes
    }
    assert [one["priority"] for one in outcome.rows(f"{node}.rules")] == [0, 32766, 32767]


def test_networkmanager_takes_the_profile_with_the_key(outcome: Outcome) -> None:
    assert "wg0:/run/NetworkManager/system-connections/wg0.nmconnection" in outcome.text("site2.profiles").split("\n")


def test_largest_packets_of_flows_pass_the_tunnel(outcome: Outcome) -> None:
    answered = [line.split() for line in outcome.text("pings").splitlines()]

    assert answered == [[*ping.split()[:2], "0"] for ping in PINGS]


def test_a_source_that_is_not_the_senders_is_dropped(outcome: Outcome) -> None:
    before, after = map(int, outcome.text("errors").split())

    assert after >= before + 2


def test_what_no_peer_has_is_refused(outcome: Outcome) -> None:
    assert "Required key not available" in outcome.text("stranger")
