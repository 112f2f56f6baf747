"""Networks with bonds, VLANs, bridges, dummies, WireGuard and leases, and damage to the files that make them.

They need a kernel that has all of these: `python -m tests.soak --emulated` boots one.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.soak.damage import Damage, save

DEVICES_FROM = 3_000_000
"""Seeds from here on make such networks."""

Document = dict[str, Any]

_HOSTS = (
    {"os": "flatcar"},
    {"os": "flatcar"},
    {"os": "rocky10", "firewalld": "masked"},
    {"os": "rocky9", "network_config": "keyfile", "firewalld": "masked"},
)
_MODES = ("active-backup", "802.3ad", "balance-xor")
_NUMBERS = {"lan": 1, "kube": 2, "storage": 3, "mesh": 8}


def throw_devices(dice: Random) -> Document:
    """A topology: a router that has a card or a bond for all networks, and some hosts. Not each is free of errors."""
    networks: Document = {
        "lan": {"cidr": "10.17.1.0/24", "router": "core"},
        "kube": {"cidr": "10.17.2.0/24", "router": "core", "vlan": 310},
        "storage": {"cidr": "10.17.3.0/24", "vlan": 320},
    }
    kinds = ["plain", *dice.choices(("trunk", "bonded", "bridged", "plain"), k=dice.randint(1, 2))]
    nodes: Document = {
        "core": dice.choice(_HOSTS) | {"forward": True, "interfaces": _stack(dice, 1, dice.choice(("trunk", "bonded")))}
    }
    for number, kind in enumerate(kinds, start=1):
        nodes[f"host{number}"] = dice.choice(_HOSTS) | {"interfaces": _stack(dice, 100 + number, kind)}
    if dice.random() < 0.6:
        _add_mesh(dice, networks, nodes)
    if dice.random() < 0.4:
        _add_guests(networks, nodes)
    if dice.random() < 0.3:
        networks["anycast"] = {"cidr": "10.17.9.1/32"}
        nodes["host1"]["interfaces"]["dummy0"] = {"dummy": {}, "network": "anycast", "address": "10.17.9.1"}
    ends = [*networks, *nodes]
    flows = {
        f"flow{number}": {"from": start, "to": end, "allow": dice.choice((["icmp", "tcp/8080"], ["udp/53"], "any"))}
        for number in range(1, dice.randint(2, 4))
        for start, end in [dice.sample(ends, 2)]
    }
    return {
        "version": 1,
        "name": "devices",
        "defaults": {"default_route": "none"},
        "networks": networks,
        "nodes": nodes,
        "flows": flows,
    }


def _at(network: str, last: int) -> Document:
    return {"network": network, "address": f"10.17.{_NUMBERS[network]}.{last}"}


def _stack(dice: Random, last: int, kind: str) -> Document:
    """The interfaces of a node: a card on the LAN, or cards and what is on them."""
    if kind == "plain":
        return {"eth0": _at("lan", last)}
    if kind == "bridged":
        return {"eth0": {}, "br0": {"bridge": {"members": ["eth0"], "stp": False}, **_at("lan", last)}}
    vlans = ["kube", "storage"] if dice.random() < 0.5 else ["kube"]
    if kind == "trunk":
        below, links = "eth0", {"eth0": _at("lan", last) if last == 1 or dice.random() < 0.5 else {}}
    else:
        bond = {"bond": {"members": ["eth0", "eth1"], "mode": dice.choice(_MODES)}}
        below, links = (
            "bond0",
            {"eth0": {}, "eth1": {}, "bond0": bond | (_at("lan", last) if last == 1 or dice.random() < 0.5 else {})},
        )
    tags = {"kube": 310, "storage": 320}
    return links | {f"{below}.{tags[name]}": {"vlan": {"on": below}, **_at(name, last)} for name in vlans}


def _add_mesh(dice: Random, networks: Document, nodes: Document) -> None:
    networks["mesh"] = {"cidr": "10.17.8.0/24", "wireguard": {}}
    ends = ["core", *dice.sample([name for name in nodes if name != "core"], dice.randint(1, len(nodes) - 1))]
    for number, name in enumerate(ends, start=1):
        key = base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()
        tunnel: Document = {"public_key": key} | ({"keepalive": 5} if dice.random() < 0.3 else {})
        nodes[name]["interfaces"]["wg0"] = {"wireguard": tunnel, **_at("mesh", number)}


def _add_guests(networks: Document, nodes: Document) -> None:
    """A KVM host with a guest that leases its address."""
    networks["guests"] = {
        "cidr": "10.17.50.0/24",
        "router": "kvm",
        "libvirt": {"bridge": "virbr5", "forward": "open", "dhcp": {}},
    }
    nodes["kvm"] = _HOSTS[3] | {
        "forward": True,
        "interfaces": {"eth0": _at("lan", 40), "virbr5": {"network": "guests", "address": "10.17.50.1"}},
    }
    nodes["guest"] = _HOSTS[0] | {
        "interfaces": {
            "eth0": {"dhcp": True, "network": "guests", "mac": "52:54:00:00:50:11", "address": "10.17.50.11"}
        }
    }


_FILES = ("rootfs/etc/systemd/network/**/*.net*", "rootfs/etc/NetworkManager/**/*.nmconnection")
_LINE = re.compile(
    r"^(Id|Kind|Mode|VLAN|Bond|Bridge|AllowedIPs|Endpoint|PublicKey|ListenPort|PrivateKeyFile|PersistentKeepalive|MIIMon|"
    r"parent|master|controller|mode|allowed-ips|endpoint|listen-port|persistent-keepalive|id(?==[0-9]+$))=(.*)\n",
    re.MULTILINE,
)
_VALUES = {
    "Id": ("310", "320", "999"),
    "id": ("310", "320", "999"),
    "AllowedIPs": ("10.17.8.0/24", "10.17.8.2/32", "10.17.8.9/32", "10.17.2.0/24"),
    "allowed-ips": ("10.17.8.0/24;", "10.17.8.2/32;", "10.17.8.9/32;"),
    "Endpoint": ("10.17.1.1:51820", "10.17.1.1:51821", "10.17.1.77:51820", "10.17.8.1:51820"),
    "endpoint": ("10.17.1.1:51820", "10.17.1.1:51821", "10.17.1.77:51820"),
    "ListenPort": ("51820", "51821"),
    "listen-port": ("51820", "51821"),
    "Mode": _MODES,
    "mode": _MODES,
    "PersistentKeepalive": ("5", "0"),
}
"""What a hand writes in the place of a value; where there is none here, the value of another line."""


def _spoil_device(dice: Random, folder: Path) -> str | None:
    """A line that makes a device, a member or a peer is dropped, or says something else."""
    files = sorted(path for pattern in _FILES for path in folder.glob(pattern))
    found = [(path, text, line) for path in files for text in [path.read_text()] for line in _LINE.finditer(text)]
    if not found:
        return None
    path, text, line = dice.choice(found)
    others = [other[2] for _, _, other in found if other[1] == line[1] and other[2] != line[2]]
    values = [one for one in _VALUES.get(line[1], others) if one != line[2]]
    changed = f"{line[1]}={dice.choice(values)}\n" if values and dice.random() < 0.7 else ""
    save(folder, path, text[: line.start()] + changed + text[line.end() :])
    return f"{path.name}: {line[0].strip()} becomes {changed.strip() or 'nothing'}"


DEVICES: Sequence[Damage] = (_spoil_device,)
