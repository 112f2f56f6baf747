"""Inputs of any size of one kind each, for what must grow no faster than they do."""

import math
from collections.abc import Callable, Mapping

from msgspec import Struct

_BUTANE = "variant: flatcar\nversion: 1.0.0\n"
_HEAD = "version: 1\nname: growth\nnetworks:\n"
_LAN = "  lan: {cidr: 10.1.0.0/16, router: router}\n"
_ROUTER = (
    "nodes:\n  router: {os: unmanaged, forward: true, internet: true, "
    "interfaces: {lan0: {network: lan, address: 10.1.0.1}}}\n"
)


def _address(number: int, *, first: int = 10) -> str:
    return f"{first}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def write_findings(count: int) -> str:
    """A Butane document with so many wrong paths."""
    return _BUTANE + "storage:\n  files:\n" + "".join(f"    - path: wrong/{number}\n" for number in range(count))


def write_unit(count: int) -> str:
    """A Butane document with a unit of so many lines."""
    lines = "".join(f"        Environment=NAME{number}=value\n" for number in range(count))
    return f"{_BUTANE}systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Service]\n{lines}"


def write_interfaces(count: int) -> str:
    """A node with so many interfaces, each on a network of its own, and a flow through it."""
    networks = [f"  n{number}: {{cidr: {_address(number << 4, first=11)}/28}}\n" for number in range(count)]
    interfaces = [
        f"      e{number}: {{network: n{number}, address: {_address((number << 4) + 1, first=11)}, "
        f"mac: {':'.join(f'{byte:02x}' for byte in (2 << 40 | number).to_bytes(6))}}}\n"
        for number in range(count)
    ]
    node = "  hub:\n    os: flatcar\n    forward: true\n    default_route: none\n    interfaces:\n"
    flows = "flows:\n  first: {from: [n0], to: [n1], allow: [icmp]}\n"
    return "".join((_HEAD, *networks, "nodes:\n", node, *interfaces, flows))


def write_flows(count: int) -> str:
    """So many flows between all nodes of a small network, and a rule of every packet filter for each of them."""
    settings = "os: flatcar, firewall: {input: {policy: drop}}"
    nodes = [
        f"  node{number}: {{{settings}, interfaces: {{eth0: {{network: lan, address: 10.1.1.{number}}}}}}}\n"
        for number in range(1, 9)
    ]
    flows = [f"  flow{number}: {{from: [lan], to: [lan], allow: [tcp/{number + 1}]}}\n" for number in range(count)]
    return "".join((_HEAD, _LAN, _ROUTER, *nodes, "flows:\n", *flows))


def write_routes(count: int) -> str:
    """A node with so many routes, and a flow."""
    routes = [f"      - {{to: {_address(number << 4, first=11)}/28, via: 10.1.0.1}}\n" for number in range(count)]
    node = "  node1:\n    os: flatcar\n    interfaces: {eth0: {network: lan, address: 10.1.1.1}}\n    routes:\n"
    other = "  node2: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.1.2}}}\n"
    flows = "flows:\n  pair: {from: [node1], to: [node2], allow: [icmp]}\n"
    return "".join((_HEAD, _LAN, _ROUTER, node, *routes, other, flows))


def write_routes_with_flows(count: int) -> str:
    """A node that states so many routes, and a flow by each of them."""
    networks = [f"{_address(number << 4, first=11)}/28" for number in range(count)]
    routes = [f"      - {{to: {network}, via: 10.1.0.1}}\n" for network in networks]
    node = "  node1:\n    os: flatcar\n    interfaces: {eth0: {network: lan, address: 10.1.1.1}}\n    routes:\n"
    flows = [
        f"  flow{number}: {{from: [node1], to: [{_address((number << 4) + 1, first=11)}], allow: [tcp/80]}}\n"
        for number in range(count)
    ]
    return "".join((_HEAD, _LAN, _ROUTER, node, *routes, "flows:\n", *flows))


def write_router(count: int) -> str:
    """A router of so many networks, with a node on each, and a flow from every node to that of the next network."""
    networks = [
        f"  n{number}: {{cidr: {_address(number << 4, first=11)}/28, router: hub}}\n" for number in range(count)
    ]
    interfaces = [
        f"      e{number}: {{network: n{number}, address: {_address((number << 4) + 1, first=11)}}}\n"
        for number in range(count)
    ]
    nodes = [
        f"  w{number}: {{os: flatcar, interfaces: {{eth0: {{network: n{number}, "
        f"address: {_address((number << 4) + 2, first=11)}}}}}}}\n"
        for number in range(count)
    ]
    flows = [
        f"  flow{number}: {{from: [w{number}], to: [w{(number + 1) % count}], allow: [tcp/80]}}\n"
        for number in range(count)
    ]
    hub = "nodes:\n  hub:\n    os: unmanaged\n    forward: true\n    interfaces:\n"
    return "".join((_HEAD, *networks, hub, *interfaces, *nodes, "flows:\n", *flows))


def write_flows_of_pairs(count: int) -> str:
    """So many flows, each between another pair of nodes: one port in two of three, anything in the third."""
    size = math.isqrt(count) + 2
    pairs = [(one, other) for one in range(1, size + 1) for other in range(1, size + 1) if one != other][:count]
    settings = "os: flatcar, firewall: {input: {policy: drop}}"
    nodes = [
        f"  node{number}: {{{settings}, interfaces: {{eth0: {{network: lan, address: {_address(65792 + number)}}}}}}}\n"
        for number in range(1, size + 1)
    ]
    flows = [
        f"  flow{number}: {{from: [node{one}], to: [node{other}], "
        f"allow: {f'[tcp/{number + 1}]' if number % 3 else 'any'}}}\n"
        for number, (one, other) in enumerate(pairs)
    ]
    return "".join((_HEAD, _LAN, _ROUTER, *nodes, "flows:\n", *flows))


def write_nodes(count: int) -> str:
    """So many nodes, which is more than a topology may have."""
    nodes = [
        f"  node{number}: {{os: flatcar, interfaces: {{eth0: {{network: lan, address: {_address(number + 2)}}}}}}}\n"
        for number in range(count)
    ]
    return "".join((_HEAD, "  lan: {cidr: 10.0.0.0/8}\n", "nodes:\n", *nodes))


class Growth(Struct, frozen=True, kw_only=True):
    """One kind of input: how it is written, at which size, and which command is measured with it."""

    write: Callable[[int], str]
    fewer: int
    command: str
    options: tuple[str, ...] = ()
    needs_out: bool = False
    status: int = 0
    """What the command ends with beside 0: findings are what is measured."""


_PROVE = ("-q", "--no-repair")
GROWTHS: Mapping[str, Growth] = {
    "findings of `butane`": Growth(write=write_findings, fewer=2500, command="butane", status=1),
    "lines of a unit in `butane`": Growth(write=write_unit, fewer=50_000, command="butane"),
    "interfaces of a node in `verify`": Growth(
        write=write_interfaces, fewer=2500, command="verify", options=_PROVE, needs_out=True, status=1
    ),
    "flows between all nodes in `verify`": Growth(
        write=write_flows, fewer=500, command="verify", options=_PROVE, needs_out=True, status=1
    ),
    "routes of a node in `verify`": Growth(
        write=write_routes, fewer=2500, command="verify", options=_PROVE, needs_out=True
    ),
    "stated routes of a node, each with a flow, in `verify`": Growth(
        write=write_routes_with_flows, fewer=500, command="verify", options=_PROVE, needs_out=True, status=1
    ),
    "networks of a router in `verify`": Growth(
        write=write_router, fewer=250, command="verify", options=_PROVE, needs_out=True, status=1
    ),
    "flows of pairs in `verify`, of a port or of anything": Growth(
        write=write_flows_of_pairs, fewer=500, command="verify", options=_PROVE, needs_out=True, status=1
    ),
    "nodes that are too many, in `validate`": Growth(
        write=write_nodes, fewer=50_001, command="validate", options=("-q",), status=2
    ),
}
"""What must cost at most five times as much where there is four times as much of it."""
