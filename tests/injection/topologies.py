"""One topology for each target, whose node `box` has every field that the target can have, at every level."""

from copy import deepcopy
from typing import Any

from netwright.files.resources import resource_text
from tests.tunnels import KEY1

TARGETS: dict[str, dict[str, Any]] = {
    "flatcar": {"os": "flatcar"},
    "rocky-ifcfg": {"os": "rocky9", "network_config": "ifcfg"},
    "rocky-keyfile": {"os": "rocky10", "network_config": "keyfile"},
    "libvirt-host": {"os": "rocky9", "network_config": "keyfile"},
    "unmanaged": {"os": "unmanaged"},
    "port-forward": {"os": "rocky10", "network_config": "keyfile"},
    "firewalld": {"os": "rocky10"},
}
SNIPPETS = {
    "flatcar": ("butane", "variant: flatcar\nversion: 1.0.0\n"),
    "rocky-ifcfg": ("cloud_init", "packages: [vim]\n"),
    "rocky-keyfile": ("cloud_init", "packages: [vim]\n"),
    "libvirt-host": ("cloud_init", "packages: [vim]\n"),
}


MANAGED_ONLY = ("policy_rules", "firewall", "masquerade", "nat_exempt", "ip_masq_agent", "trust")
_LIBVIRT = {
    "bridge": "virbr-guests",
    "name": "guests_net",
    "domain": "guests.example",
    "dns": True,
    "dns_hosts": {"registry.guests.example": "10.17.5.5"},
    "dhcp": {"range": ["10.17.5.100", "10.17.5.200"]},
}
_HOPS = [{"via": f"10.17.3.{host}", "dev": "eth0"} for host in (1, 2)]  # of one card: that of several is told by name
_ORDER = [{"via": "10.17.3.1", "dev": "eth0"}, {"via": "10.17.4.7", "dev": "eth1"}]
DEFAULT_ROUTES: dict[str, Any] = {"flatcar": {"next_hops": _HOPS}, "rocky-keyfile": {"prefer": _ORDER}}
_LINKS = {
    "eno2": {},
    "eno3": {},
    "eno4": {},
    "bond0": {"bond": {"members": ["eno2"], "primary": "eno2"}},
    "br0": {"bridge": {"members": ["eno3"], "vlan_filtering": True, "ports": {"eno3": {"tagged": [5]}}}},
    "vlan5": {"vlan": {"on": "eno4", "id": 5}},
    "wg0": {
        "wireguard": {
            "public_key": KEY1,
            "private_key_file": "/etc/wireguard/box.key",
            "endpoint": "vpn.example.net:51822",
            "port": 51821,
            "keepalive": 30,
        },
        "network": "mesh",
        "address": "10.17.8.1",
    },
}


def project_files(target: str) -> dict[str, str]:
    """The files that the topology of a target names, by path."""
    if target in ("port-forward", "firewalld"):
        return {}
    if target not in SNIPPETS:
        return {"overrides/common/header.j2": resource_text("templates", "common/header.j2")}
    return {f"snippets/level{level}.yaml": SNIPPETS[target][1] for level in (1, 2, 3)}


def build_topology(target: str) -> dict[str, Any]:
    """The topology; settings stand in the defaults, in a group and at the node, and differ by a number. Port forwards
    need a second node, for which they would be wrong."""
    if target == "port-forward":
        return _forwarding_topology()
    if target == "firewalld":
        return _managed_topology()
    networks: dict[str, Any] = {
        "front": {"cidr": "10.17.3.0/24", "segment": "rack", **_network_settings(4)},
        "side": {"cidr": "10.17.6.0/24", "segment": "rack"},
        "back": {"cidr": "10.17.4.0/24", "router": "box"},
    }
    interfaces: dict[str, Any] = {
        "eth0": {
            "networks": {"front": "10.17.3.12", "side": ["10.17.6.12"]},
            "dns": ["10.17.3.53"],
            "sysctl": {"log_martians": "0"},
        },
        "eth1": {"network": "back", "address": "10.17.4.1", "mac": "52:54:00:12:34:56"},
    }
    if target in ("flatcar", "rocky-keyfile"):
        interfaces |= deepcopy(_LINKS)
        networks["mesh"] = {"cidr": "10.17.8.0/24", "wireguard": {"port": 51820, "keepalive": 25}}
        interfaces["ens9"] = {"match": {"driver": "igb", "path": "pci-0000:02:*", "name": "ens*"}}
        interfaces["ens8"] = {"match": {"mac": "52:54:00:12:34:58"}}
    if target == "libvirt-host":
        networks["guests"] = {"cidr": "10.17.5.0/24", "router": "box", "libvirt": deepcopy(_LIBVIRT)}
        interfaces["virbr-guests"] = {"network": "guests", "address": "10.17.5.1"}
    if target in DEFAULT_ROUTES:
        networks["front"]["routes"].append({"to": "10.94.4.0/24", "next_hops": deepcopy(_HOPS)})
    has_balancers = target.startswith("rocky")
    return {
        "version": 1,
        "name": "kube-lab",
        "domain": "root.example",
        "dns": ["10.17.3.54"],
        "ntp": ["root.ntp.example"],
        "hosts": True,
        **({"templates": "overrides"} if target == "unmanaged" else {}),
        "defaults": _settings(target, 1),
        "networks": networks,
        "kubernetes": {
            "pods": {"cidr": "10.42.0.0/16"},
            "services": {"cidr": "10.43.0.0/16"},
            "cni": {"plugin": "other", "ports": ["tcp/4240"]} if target == "unmanaged" else {"interface": "eth1"},
            "api": {"vip": "10.17.4.10", "port": 443, "holders": ["box"], **(_balanced(51) if has_balancers else {})},
        },
        "virtual_addresses": {
            "web": {"address": "10.17.4.11", "holders": ["box"], **(_balanced(52) if has_balancers else {})}
        },
        "groups": {"team": _settings(target, 2)},
        "nodes": {
            "box": {
                **TARGETS[target],
                **_settings(target, 3),
                "groups": ["team"],
                "kubernetes": "agent",
                "hostname": "box.hosts.example",
                "pod_cidr": "10.42.1.0/24",
                "interfaces": interfaces,
            }
        },
        "flows": _flows(target),
    }


def _forwarding_topology() -> dict[str, Any]:
    forward = {"port": ["tcp/2222"], "to": "peer@back", "to_port": 22, "address": "10.17.3.1"}
    return {
        "version": 1,
        "name": "kube-lab",
        "defaults": {},
        "groups": {},
        "networks": {"front": {"cidr": "10.17.3.0/24"}, "back": {"cidr": "10.17.4.0/24", "router": "box"}},
        "nodes": {
            "box": {
                **TARGETS["port-forward"],
                "firewalld": "masked",
                "forward": True,
                "interfaces": {
                    "eth0": {"network": "front", "address": "10.17.3.1", "mac": "52:54:00:12:34:55"},
                    "eth1": {"network": "back", "address": "10.17.4.1", "mac": "52:54:00:12:34:56"},
                },
            },
            "guest": {"os": "unmanaged", "interfaces": {"eth0": {"network": "front", "address": "10.17.3.20"}}},
            "peer": {"os": "unmanaged", "interfaces": {"eth0": {"network": "back", "address": "10.17.4.20"}}},
        },
        "pools": {"vips": {"addresses": "10.9.9.0/30", "announced_by": "bgp", "at": "box", "by": ["peer"]}},
        "forwards": {"ssh": {"at": "box", "from": ["guest"], **forward, "source": "replaced", "hairpin": False}},
        "flows": {"ssh": {"from": "front", "to": "peer", "allow": ["tcp/22"]}},
    }


def _managed_topology() -> dict[str, Any]:
    """Rules that stand in zones, policies and sets of firewalld."""
    masquerade = {"from": "10.98.1.0/24", "out": "eth1", "except": ["10.97.1.0/24", "10.95.1.0/24"]}
    return {
        "version": 1,
        "name": "kube-lab",
        "networks": {"front": {"cidr": "10.17.3.0/24"}, "back": {"cidr": "10.17.4.0/24", "router": "box"}},
        "nodes": {
            "box": {
                **TARGETS["firewalld"],
                "firewalld": "managed",
                "forward": True,
                "firewall": _firewall(1),
                "masquerade": [masquerade],
                "interfaces": {
                    "eth0": {"network": "front", "address": "10.17.3.1", "mac": "52:54:00:12:34:55"},
                    "eth1": {"network": "back", "address": "10.17.4.1", "mac": "52:54:00:12:34:56"},
                },
            },
        },
    }


def _balanced(number: int) -> dict[str, Any]:
    """What moves a virtual address and serves it."""
    service = {"port": 443, "to_port": 8443, "backends": ["box"]}
    return {"vrrp": {"id": number, "interval": 2, "multicast": True}, "serves": {f"service{number}": service}}


def _flows(target: str) -> dict[str, Any]:
    flows: dict[str, Any] = {"web": {"from": "front", "to": "back", "allow": ["tcp/8080"], "via": ["box"]}}
    if target != "unmanaged":
        flows["closed"] = {"from": "back", "to": "front", "deny": ["udp/53"]}
    return flows


def _settings(target: str, level: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "default_route": DEFAULT_ROUTES.get(target, {"via": "10.17.3.1", "dev": "eth0"}),
        "dns": [f"10.17.3.{50 + level}"],
        "domain": f"level{level}.example",
        "ntp": [f"level{level}.ntp.example", "10.17.3.53"],
        "hosts": True,
        "docker": {"publish": [f"tcp/{8000 + level}:{9000 + level}"]},
        "sysctl": {f"net.ipv4.neigh.default.gc_thresh{level}": f"{1024 * level}"},
        "routes": [
            {"to": f"10.99.{level}.0/24", "via": "10.17.3.1", "dev": "eth0", "source": "10.17.3.12", "table": 100}
        ],
        "policy_rules": [
            {
                "priority": 100 + level,
                "from": f"10.17.{100 + level}.0/24",
                "to": f"10.18.{level}.0/24",
                "in": "eth1",
                "mark": 16 + level,
                "mask": 255,
                "table": 100,
            }
        ],
        "firewall": _firewall(level),
        "masquerade": _masquerade(level),
        "nat_exempt": [{"from": "front", "to": f"10.96.{level}.0/24"}],
        "trust": [f"/opt/level{level}.sh"],
        "ip_masq_agent": {"non_masquerade_cidrs": [f"10.95.{level}.0/24"]},
    }
    if target in DEFAULT_ROUTES:
        settings["routes"] += [{"to": f"10.94.{level}.0/24", "next_hops": deepcopy(_HOPS)}]
    if target in SNIPPETS:
        settings[SNIPPETS[target][0]] = [f"snippets/level{level}.yaml"]
    if target == "unmanaged":
        return {key: value for key, value in settings.items() if key not in MANAGED_ONLY}
    return settings


def _network_settings(level: int) -> dict[str, Any]:
    return {
        "dns": [f"10.17.3.{50 + level}"],
        "routes": [{"to": f"10.99.{level}.0/24", "via": "10.17.3.1", "dev": "eth0", "source": "10.17.3.12"}],
        "sysctl": {"net.core.somaxconn": "4096"},
        "firewall": _firewall(level),
        "masquerade": _masquerade(level),
        "nat_exempt": [{"from": "front", "to": f"10.96.{level}.0/24"}],
    }


def _firewall(level: int) -> dict[str, Any]:
    rules = [
        {"from": f"10.98.{level}.0/24", "in": "eth0", "allow": ["tcp/22"], "comment": f"level {level} may"},
        {"from": f"10.98.{level + 10}.0/24", "deny": ["udp/53"], "comment": f"level {level} may not"},
    ]
    forward = [{**rule, "to": "back", "out": "eth1"} for rule in rules]
    return {
        "input": {"rules": [{**rule, "to": "front"} for rule in rules]},
        "forward": {"rules": forward},
    }


def _masquerade(level: int) -> list[dict[str, Any]]:
    return [{"from": f"10.98.{level}.0/24", "out": "eth1", "except": f"10.97.{level}.0/24"}]
