"""Random topologies that ask for nothing impossible: what generate writes for them has to prove."""

from random import Random
from typing import Any

Document = dict[str, Any]

_HOSTS = ({"os": "flatcar"}, {"os": "rocky10", "firewalld": "masked"}, {"os": "rocky9", "firewalld": "masked"})
_TRAFFIC = (["icmp", "tcp/8080"], ["udp/53"], ["tcp/443"], "any")


def throw(dice: Random) -> Document:
    """A topology: networks behind one router or two, a way to the internet or none, hosts, and a cluster or none."""
    networks: Document = {f"n{number}": {"cidr": f"10.17.{number}.0/24"} for number in range(1, dice.randint(2, 3) + 1)}
    nodes: Document = {}
    chained = len(networks) == 3 and dice.random() < 0.5
    _add_router(nodes, networks, "r1", [*networks][:2] if chained else [*networks], dice)
    if chained:
        _add_router(nodes, networks, "r2", ["n2", "n3"], dice)
        nodes["r2"]["default_route"] = {"via": "r1"}
    outside = _add_way_out(dice, networks, nodes)
    kubernetes = _add_cluster(dice, nodes) if dice.random() < 0.6 else None
    for number in range(1, dice.randint(1, 3) + 1):
        nodes[f"host{number}"] = _host(dice, f"n{dice.randint(1, len(networks))}", 100 + number)
    inner = [name for name in networks if name != "wan"]
    ends = [
        *inner,
        *(name for name in nodes if name.startswith(("host", "kube"))),
        *(["pods"] * 2 if kubernetes else []),
    ]
    return {
        "version": 1,
        "name": "sound",
        "dns": dice.sample(["10.17.1.101", "10.17.2.53", "9.9.9.9", "8.8.8.8"], dice.randint(0, 3)),
        "networks": networks,
        **({"kubernetes": kubernetes} if kubernetes else {}),
        "nodes": nodes,
        "flows": _flows(dice, ends, outside=outside),
        "routing": {"style": dice.choice(("explicit", "minimal"))},
    }


def _add_router(nodes: Document, networks: Document, name: str, joined: list[str], dice: Random) -> None:
    last = name.removeprefix("r")
    nodes[name] = dice.choice(_HOSTS) | {
        "forward": True,
        "interfaces": {
            f"eth{number}": {
                "network": network,
                "address": f"10.17.{network.removeprefix('n')}.{last}",
                "mac": f"52:54:00:00:0{last}:0{number}",
            }
            for number, network in enumerate(joined)
        },
    }
    for network in joined:
        networks[network].setdefault("router", name)
    if dice.random() < 0.3:
        nodes[name]["firewall"] = {"input": {"policy": "drop"}}


def _add_way_out(dice: Random, networks: Document, nodes: Document) -> bool:
    """A device of others on the first network, the router itself, with an uplink of its own or one that is not
    described, or nothing."""
    kind = dice.choice(("others", "uplink", "undescribed", "none"))
    router = nodes["r1"]
    if kind == "others":
        nodes["box"] = {"os": "unmanaged", "internet": True, "interfaces": {
            "lan": {"network": "n1", "address": "10.17.1.254"}}}  # fmt: skip
        networks["n1"]["router"] = "box"
        router["default_route"] = {"via": "box"}
    elif kind == "uplink":
        networks["wan"] = {"cidr": dice.choice(("203.0.113.0/24", "192.168.7.0/24"))}
        wan = networks["wan"]["cidr"].removesuffix(".0/24")
        router["interfaces"]["eth9"] = {"network": "wan", "address": f"{wan}.2", "mac": "52:54:00:00:01:09"}
        router |= {"internet": True, "default_route": {"via": f"{wan}.1"}}
        nodes["r1"] = router
    elif kind == "undescribed":
        router["internet"] = True
    if kind == "none":
        router["default_route"] = "none"
    return kind != "none"


def _add_cluster(dice: Random, nodes: Document) -> Document:
    for number in range(1, dice.randint(1, 3) + 1):
        nodes[f"kube{number}"] = _host(dice, "n2", 20 + number) | {
            "kubernetes": "server" if number == 1 else "agent",
            "pod_cidr": f"10.42.{number}.0/24",
        }
    return {"pods": {"cidr": "10.42.0.0/16"}, "cni": {"backend": dice.choice(("vxlan", "host-gw"))}}


def _host(dice: Random, network: str, last: int) -> Document:
    address = f"10.17.{network.removeprefix('n')}.{last}"
    host: Document = dice.choice(_HOSTS) | {"interfaces": {"eth0": {"network": network, "address": address}}}
    if dice.random() < 0.4:
        host["firewall"] = {"input": {"policy": "drop"}}
    return host


def _flows(dice: Random, ends: list[str], *, outside: bool) -> Document:
    """Flows between the ends and to the internet, and one port that nothing else speaks of and that is refused."""
    flows: Document = {}
    for number in range(1, dice.randint(1, 4) + 1):
        start = dice.choice(ends)
        end = dice.choice([one for one in ends if one != start] + ["internet"] * (2 * outside))
        flow: Document = {"from": start, "to": end, "allow": dice.choice(_TRAFFIC)}
        if "internet" not in end and not start.startswith(("pods", "kube", "n2")) and dice.random() < 0.4:
            flow["nat"] = "never"
        flows[f"flow{number}"] = flow
    return flows
