"""Random topologies of the kinds that people have: a KVM host or a router between subnets, hosts, a cluster."""

from random import Random
from typing import Any

from tests.soak.next_hops import add_next_hops

Document = dict[str, Any]

_HOSTS = (
    {"os": "flatcar"},
    {"os": "rocky8"},
    {"os": "rocky9", "firewalld": "masked"},
    {"os": "rocky9", "network_config": "keyfile", "firewalld": "masked"},
    {"os": "rocky10", "firewalld": "masked"},
    {"os": "almalinux9", "firewalld": "masked"},
)
_ROUTERS = tuple(host | {"firewalld": "masked"} if host["os"] != "flatcar" else host for host in _HOSTS)


def throw(dice: Random) -> Document:
    """A topology. Not each is free of errors: who wants a network throws again."""
    count = dice.randint(2, 4)
    networks: Document = {f"n{number}": {"cidr": f"10.17.{number}.0/24"} for number in range(1, count + 1)}
    nodes: Document = {}
    if dice.random() < 0.5:
        _add_kvm_host(dice, networks, nodes)
    else:
        _add_routers(dice, networks, nodes)
    if dice.random() < 0.6:
        _add_internet(dice, networks, nodes)
    kubernetes = _add_cluster(dice, networks, nodes) if dice.random() < 0.7 else None
    for number in range(1, dice.randint(1, 3) + 1):
        nodes[f"host{number}"] = _host(dice, networks, 100 + number)
    for name, node in nodes.items():
        _tune(dice, node, name)
    document: Document = {
        "version": 1,
        "name": "soak",
        "networks": networks,
        **({"kubernetes": kubernetes} if kubernetes else {}),
        "nodes": nodes,
        "flows": _flows(dice, networks, nodes, with_pods=kubernetes is not None),
        "routing": {"style": dice.choice(("explicit", "minimal")), "summarize": dice.random() < 0.2},
    }
    add_next_hops(document)
    return document


def _add_kvm_host(dice: Random, networks: Document, nodes: Document) -> None:
    """The first network is the LAN, the others are libvirt's."""
    first, *inner = networks
    interfaces = {"eth0": {"network": first, "address": "10.17.1.40"}}
    for name in inner:
        mode = dice.choice(("open", "open", "open", "route", "nat", "isolated"))
        networks[name] |= {"router": "kvm", "libvirt": {"bridge": f"virbr-{name}", "forward": mode}}
        interfaces[f"virbr-{name}"] = {"network": name, "address": networks[name]["cidr"].replace(".0/24", ".1")}
    nodes["kvm"] = {
        "os": dice.choice(("rocky9", "rocky10")),
        "network_config": "keyfile",
        "firewalld": "masked",
        "forward": True,
        "interfaces": interfaces,
    }


def _add_routers(dice: Random, networks: Document, nodes: Document) -> None:
    """A chain of routers, or one for all; sometimes two networks share a segment."""
    names = [*networks]
    if len(names) > 2 and dice.random() < 0.3:
        for name in names[-2:]:
            networks[name]["segment"] = "shared"
    joints = [names] if dice.random() < 0.5 else [names[at : at + 2] for at in range(len(names) - 1)]
    for number, joined in enumerate(joints, start=1):
        cards: Document = {}
        for name in joined:
            address = networks[name]["cidr"].replace(".0/24", f".{number}")
            segment = networks[name].get("segment", name)
            card = next((one for one in cards.values() if one["segment"] == segment), None)
            if card is None:
                cards[f"eth{len(cards)}"] = {"segment": segment, "networks": {name: address}}
            else:
                card["networks"][name] = address
            networks[name].setdefault("router", f"router{number}")
        nodes[f"router{number}"] = dice.choice(_ROUTERS) | {
            "forward": True,
            "interfaces": {card: {"networks": one["networks"]} for card, one in cards.items()},
        }


def _add_internet(dice: Random, networks: Document, nodes: Document) -> None:
    name = next(iter(networks))
    networks[name].setdefault("router", "gateway")
    nodes["gateway"] = {
        "os": "unmanaged",
        "internet": True,
        "forward": True,
        "interfaces": {"lan0": {"network": name, "address": "10.17.1.254"}},
    }
    first = nodes.get("kvm") or nodes["router1"]
    if dice.random() < 0.9:
        first["default_route"] = {"via": "gateway"}


def _add_cluster(dice: Random, networks: Document, nodes: Document) -> Document:
    homes = dice.sample([*networks], 2 if dice.random() < 0.3 else 1)
    backend = dice.choice(("vxlan", "vxlan", "host-gw")) if len(homes) == 1 else "vxlan"
    first = homes[0]
    for number in range(1, dice.randint(2, 4) + 1):
        home = dice.choice(homes) if number > 1 else first
        nodes[f"kube{number}"] = dice.choice((_HOSTS[0], _HOSTS[0], _HOSTS[3])) | {
            "kubernetes": "server" if number == 1 else "agent",
            "pod_cidr": f"10.42.{number * 3}.0/24",
            "interfaces": {"eth0": _attach(networks, home, 20 + number)},
        }
    cluster: Document = {"pods": {"cidr": "10.42.0.0/16"}, "cni": {"plugin": "flannel", "backend": backend}}
    if dice.random() < 0.2:
        cluster["cni"] = {"plugin": "none"}
    if dice.random() < 0.3:
        cluster["services"] = {"cidr": "10.43.0.0/16"}
    if dice.random() < 0.3:
        cluster["api"] = {"vip": networks[first]["cidr"].replace(".0/24", ".10"), "holders": ["kube1"]}
    return cluster


def _attach(networks: Document, name: str, last: int) -> Document:
    return {"network": name, "address": networks[name]["cidr"].replace(".0/24", f".{last}")}


def _host(dice: Random, networks: Document, last: int) -> Document:
    segments = {networks[name].get("segment", name): name for name in networks}
    homes = dice.sample([*segments.values()], 2 if dice.random() < 0.2 else 1)
    host: Document = dice.choice(_HOSTS) | {
        "interfaces": {f"eth{number}": _attach(networks, name, last) for number, name in enumerate(homes)}
    }
    routers = [networks[name]["router"] for name in homes if "router" in networks[name]]
    if len(routers) > 1:
        host["default_route"] = dice.choice(("none", *({"via": router} for router in routers)))
    return host


def _tune(dice: Random, node: Document, name: str) -> None:
    """Draw what people set besides: filters by the reverse path, hardware addresses, rules of their own."""
    if node["os"] == "unmanaged":
        return
    if dice.random() < 0.3:
        node["rp_filter"] = dice.choice(("off", "loose", "strict"))
    if dice.random() < 0.15:
        card = node["interfaces"].get("eth0")
        if card is not None:
            card["mac"] = f"52:54:00:00:{dice.randrange(256):02x}:{sum(map(ord, name)) % 256:02x}"
    if node.get("forward") and dice.random() < 0.3:
        node["firewall"] = {"forward": {"policy": "drop", "stateful": dice.random() < 0.8}}
    elif dice.random() < 0.15:
        node["firewall"] = {"input": {"policy": "drop", "rules": [{"allow": ["icmp", "tcp/8080"]}]}}
    if node.get("forward") and dice.random() < 0.2:
        out = dice.choice([*node["interfaces"]])
        node["masquerade"] = [{"from": "10.17.0.0/16", "out": out}]
    if dice.random() < 0.1:
        node["proxy_arp"] = True


def _flows(dice: Random, networks: Document, nodes: Document, *, with_pods: bool) -> Document:
    ends = [*networks, *nodes, *(["pods"] * 3 if with_pods else [])]
    if "gateway" in nodes:
        ends.append("internet")
    flows: Document = {}
    for number in range(1, dice.randint(1, 4) + 1):
        start, end = dice.sample([*dict.fromkeys(ends)], 2)
        verb = "deny" if dice.random() < 0.15 else "allow"
        flow: Document = {"from": start, "to": end, verb: dice.choice((["icmp", "tcp/8080"], ["udp/53"], "any"))}
        if verb == "allow" and dice.random() < 0.5:
            flow["nat"] = "never"
        flows[f"flow{number}"] = flow
    return flows
