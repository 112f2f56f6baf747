"""Machines that boot show what files alone do not: one network, a damage at each of its nodes, booted once for all."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.lab.running import PROJECT, command
from tests.once import once, room_to_boot

TOPOLOGY = """\
version: 1
name: damaged
networks:
  lan: {cidr: 10.7.0.0/24}
groups:
  flatcars: {os: flatcar, firewall: {input: {rules: []}}}
nodes:
  asker: {os: unmanaged, interfaces: {eth0: {network: lan, address: 10.7.0.2}}}
  healthy: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.11}}}
  mistyped: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.12}}}
  refused: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.13}}}
  unstarted: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.14}}}
  udev: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.15}}}
  timed: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.16}}}
  cron: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: lan, address: 10.7.0.17}}}
  command: {os: rocky8, interfaces: {eth0: {network: lan, address: 10.7.0.18}}}
  tuned: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: lan, address: 10.7.0.25}}}
  walled:
    os: rocky10
    firewalld: managed
    firewall: {input: {policy: drop}}
    interfaces: {eth0: {network: lan, address: 10.7.0.19}}
  lb1: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: lan, address: 10.7.0.21}}}
  lb2: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: lan, address: 10.7.0.22}}}
  idle1: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: lan, address: 10.7.0.23}}}
  idle2: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: lan, address: 10.7.0.24}}}
virtual_addresses:
  idle: {address: 10.7.0.34, holders: [idle1, idle2], vrrp: {id: 4}}
  moved: {address: 10.7.0.31, holders: [lb1, lb2], vrrp: {id: 1}}
  answered: {address: 10.7.0.32, holders: [lb1, lb2], vrrp: {id: 2}, serves: {http: {port: 80}}}
  balanced:
    address: 10.7.0.33
    holders: [lb1, lb2]
    vrrp: {id: 3}
    serves: {api: {port: 6443, backends: [healthy]}}
flows:
  to-moved: {from: [asker], to: [moved], allow: [icmp]}
  to-answered: {from: [asker], to: [answered], allow: [tcp/80]}
  to-balanced: {from: [asker], to: [balanced], allow: [tcp/6443]}
  api: {from: [lb1, lb2], to: [healthy], allow: [tcp/6443]}
  to-healthy: {from: [asker], to: [healthy], allow: [icmp, tcp/8080]}
  not-to-healthy: {from: [asker], to: [healthy], deny: [udp/53]}
  to-walled: {from: [asker], to: [walled], allow: [tcp/8080]}
  not-to-walled: {from: [asker], to: [walled], deny: [udp/53]}
  to-mistyped: {from: [asker], to: [mistyped], allow: [icmp]}
  not-to-refused: {from: [asker], to: [refused], deny: [udp/53]}
  not-to-unstarted: {from: [asker], to: [unstarted], deny: [udp/53]}
  to-udev: {from: [asker], to: [udev], allow: [icmp]}
  to-timed: {from: [asker], to: [timed], allow: [icmp]}
  to-cron: {from: [asker], to: [cron], allow: [icmp]}
  to-command: {from: [asker], to: [command], allow: [icmp]}
  to-tuned: {from: [asker], to: [tuned], allow: [icmp]}
"""

FIRST, LATER, AGAIN = "first boot", "timers and jobs", "second boot"
BLOCK = "ip route add blackhole 10.7.0.2/32"

Document = dict[str, Any]


def _in_ignition(change: Callable[[Document], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / f"{folder.name}.ign"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    return damage


def _text(source: str) -> str:
    """The text of a data URL."""
    head, _, body = source.partition(",")
    return base64.b64decode(body).decode() if head.endswith("base64") else unquote(body)


def _data(text: str) -> str:
    return "data:," + "".join(f"%{byte:02x}" for byte in text.encode())


def _add_file(document: Document, path: str, text: str) -> None:
    document["storage"]["files"].append({"path": path, "mode": 0o644, "contents": {"source": _data(text)}})


def _mistype(document: Document) -> None:
    for file in document["storage"]["files"]:
        file["contents"]["source"] = _data(_text(file["contents"]["source"]).replace("10.7.0.12", "10.7.0.112"))


def _add_typo(document: Document) -> None:
    """A word that nft does not know, in a rule that no packet meets."""
    file = next(file for file in document["storage"]["files"] if file["path"].endswith(".nft"))
    typo = "table inet other {\n chain c {\n udp dport 9 dropp\n }\n}\n"
    file["contents"]["source"] = _data(_text(file["contents"]["source"]) + typo)


def _leave_uninstalled(document: Document) -> None:
    for unit in document["systemd"]["units"]:
        unit["contents"] = unit["contents"].split("[Install]")[0]


def _add_udev_rule(document: Document) -> None:
    _add_file(document, "/etc/udev/rules.d/90-block.rules", f'ACTION=="add", RUN+="/sbin/{BLOCK}"\n')


def _add_timer(document: Document) -> None:
    timer = "[Timer]\nOnBootSec=1d\n\n[Install]\nWantedBy=timers.target\n"
    service = f"[Service]\nType=oneshot\nExecStart=/sbin/{BLOCK}\n"
    document.setdefault("systemd", {}).setdefault("units", []).extend(
        [{"name": "block.timer", "enabled": True, "contents": timer}, {"name": "block.service", "contents": service}]
    )


def _add_cron_job(folder: Path) -> None:
    """A job that waits for the night."""
    path = folder / "cloud-init/user-data"
    job = f"  - path: /etc/cron.d/block\n    content: |\n      0 3 * * * root /sbin/{BLOCK}\n"
    path.write_text(path.read_text().replace("write_files:\n", f"write_files:\n{job}"))


def _add_command(folder: Path) -> None:
    """A command of the first boot alone."""
    path = folder / "cloud-init/user-data"
    path.write_text(path.read_text().replace("runcmd:\n", f"runcmd:\n  - {BLOCK}\n"))


def _add_parameter(folder: Path) -> None:
    """A parameter that systemd-sysctl finds from the second boot on: cloud-init writes after it."""
    path = folder / "cloud-init/user-data"
    parameter = "  - path: /etc/sysctl.d/99-zzz.conf\n    content: net.ipv4.conf.all.arp_ignore = 8\n"
    path.write_text(path.read_text().replace("write_files:\n", f"write_files:\n{parameter}"))


def _leave_keepalived_disabled(folder: Path) -> None:
    path = folder / "cloud-init/user-data"
    path.write_text(path.read_text().replace("  - systemctl enable --now keepalived.service\n", ""))


DAMAGES = {
    "idle1": _leave_keepalived_disabled,
    "idle2": _leave_keepalived_disabled,
    "mistyped": _in_ignition(_mistype),
    "refused": _in_ignition(_add_typo),
    "unstarted": _in_ignition(_leave_uninstalled),
    "udev": _in_ignition(_add_udev_rule),
    "timed": _in_ignition(_add_timer),
    "cron": _add_cron_job,
    "command": _add_command,
    "tuned": _add_parameter,
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """Return the command's JSON document on the damaged network."""
    with room_to_boot(tmp_path_factory, alone=True):
        folder = once(tmp_path_factory, "booted", _boot)
    found: Document = json.loads((folder / "document.json").read_text())
    return found


def _boot(folder: Path) -> None:
    topology, out = folder / "topology.yaml", folder / "out"
    topology.write_text(TOPOLOGY)
    generate = [*command()[:-1], "generate", "-q", str(topology), "-o", str(out)]
    subprocess.run(generate, cwd=PROJECT, check=True)
    for node, damage in DAMAGES.items():
        before = {path: path.read_bytes() for path in (out / node).rglob("*") if path.is_file()}
        damage(out / node)
        assert any(path.read_bytes() != content for path, content in before.items()), node
    done = subprocess.run(
        command("--boot", "--format", "json", str(topology), "-o", str(out)),
        cwd=PROJECT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (folder / "document.json").write_text(done.stdout)


def _flow(document: Document, name: str) -> Document:
    found: Document = next(flow for flow in document["flows"] if flow["name"] == name)
    return found


def _failing(flow: Document) -> set[str]:
    """The rounds in which something is not as wanted."""
    assert all(one["tried"] for one in flow["rounds"])
    return {one["name"] for one in flow["rounds"] if one["wanted"] < one["tried"]}


@pytest.mark.parametrize("name", ["to-healthy", "not-to-healthy", "to-walled", "not-to-walled"])
def test_undamaged_machine_does_what_verify_proves(document: Document, name: str) -> None:
    flow = _flow(document, name)

    assert (flow["proved"], flow["holds"], flow["agreed"]) == (True, True, True)
    assert [one["name"] for one in flow["rounds"]] == [FIRST, LATER, AGAIN]


@pytest.mark.parametrize(
    ("name", "rounds"),
    [
        ("to-mistyped", {FIRST, LATER, AGAIN}),
        ("not-to-refused", {FIRST, LATER, AGAIN}),
        ("not-to-unstarted", {FIRST, LATER, AGAIN}),
        ("to-timed", {LATER}),
        ("to-cron", {LATER}),
        ("to-command", {FIRST, LATER}),
        ("to-tuned", {AGAIN}),
    ],
)
def test_damage_fails_where_it_works(document: Document, name: str, rounds: set[str]) -> None:
    assert _failing(_flow(document, name)) == rounds


@pytest.mark.parametrize("name", ["to-command", "to-tuned"])
def test_each_boot_is_held_against_what_verify_says_of_it(document: Document, name: str) -> None:
    flow = _flow(document, name)

    assert (flow["proved"], flow["holds"], flow["agreed"]) == (False, False, True)


@pytest.mark.parametrize("flow", [name for name in TOPOLOGY.split() if name.startswith(("to-", "not-to-"))])
def test_no_proof_of_what_fails_is_agreed_to(document: Document, flow: str) -> None:
    found = _flow(document, flow.removesuffix(":"))

    assert found["holds"] or not found["proved"] or not found["agreed"]


@pytest.mark.parametrize("name", ["to-moved", "to-answered", "to-balanced"])
def test_virtual_address_is_somewhere(document: Document, name: str) -> None:
    flow = _flow(document, name)

    assert (flow["proved"], flow["holds"], flow["agreed"]) == (True, True, True)


def test_an_address_moves_when_keepalived_ends_at_its_holder(document: Document) -> None:
    moves = {move["address"]: move for move in document["moves"]}

    idle = moves.pop("10.7.0.34")
    assert (idle["from"], idle["to"], idle["works"]) == (None, [], False)
    assert [*moves] == ["10.7.0.31", "10.7.0.32", "10.7.0.33"]
    assert [move for move in moves.values() if not move["works"]] == []
    assert all({move["from"], *move["to"]} == {"lb1", "lb2"} for move in moves.values())
    asked = {ip: (move["port"], move["asker"], move["seconds"] is not None) for ip, move in moves.items()}
    assert asked == {
        "10.7.0.31": (None, None, False),
        "10.7.0.32": (80, "asker", True),
        "10.7.0.33": (6443, "asker", True),
    }


def test_an_address_is_put_at_its_holders_where_keepalived_asks_a_service(document: Document) -> None:
    said = "keepalived and HAProxy are stopped on lb1, lb2 while flows are tried: what they ask does not run here"

    assert f"{said}; their addresses are put at each holder in turn" in document["remarks"]
    assert not [line for line in document["remarks"] if line.startswith("lb")]


def test_udev_rule_is_listed_as_without_effect(document: Document) -> None:
    assert _flow(document, "to-udev")["holds"]
    expected = "udev: /etc/udev/rules.d/90-block.rules does nothing here: udev does not run in a container"
    assert expected in document["remarks"]


def test_unit_that_fails_is_named(document: Document) -> None:
    assert "refused: systemd could not start netwright-nftables.service" in document["remarks"]


def test_what_was_done_ahead_of_its_time_is_said(document: Document) -> None:
    said = next(line for line in document["remarks"] if line.startswith("Done after the first boot"))

    assert "timed block.timer" in said
    assert "cron /etc/cron.d/block:1" in said
