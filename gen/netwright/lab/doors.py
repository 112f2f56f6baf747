"""Doors of the lab's internet: endpoints of WireGuard that only the topology knows, such as a router's public name.

What comes to a door goes on to the node behind it, as by the port forwarding of its router. So that others reach it,
the internets behind all nodes that lead there are one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.boot import set_parameter
from netwright.lab.cabling import Cables, outsides
from netwright.lab.namespaces import Namespaces
from netwright.verify.values.addresses import format_ip, parse_ip
from netwright.verify.values.wiring import Wiring

_HUB, _SPOKE = "192.88.99.252", "192.88.99.253"
_SOMEWHERE = "198.51.100.1"
_MOST_HOPS = 16


class Door(Struct, frozen=True, kw_only=True):
    """An endpoint in the internet, and the node whose tunnel is behind it."""

    ip: int
    port: int
    node: str


class _Way(Struct, frozen=True, kw_only=True):
    """Where a door is: the internet of the node's way out, and the node's address there."""

    door: Door
    space: str
    inner: str


def open_doors(
    spaces: Namespaces, cables: Cables, wiring: Wiring, doors: Iterable[Door], near: Mapping[str, str]
) -> None:
    """Opens the doors; `near` is the address that the lab's internet sees, by its namespace."""
    ways = [way for door in doors if (way := _find_way(spaces, wiring, door)) is not None]
    if not ways:
        return
    hub, *others = near
    for number, space in enumerate(others):
        port = f"spoke{number}"
        cables.connect(spaces, (hub, port), (space, "hub"))
        mine = [format_ip(way.door.ip) for way in ways if way.space == space]
        theirs = [format_ip(way.door.ip) for way in ways if way.space != space]
        there, here = [near[space], *mine], [*(near[one] for one in near if one != space), *theirs]
        spaces.ip(hub, [*_reach(port, _HUB, _SPOKE, there)], force=True)
        spaces.ip(space, [*_reach("hub", _SPOKE, _HUB, here)], force=True)
    for space in near:
        set_parameter(spaces, space, "ipv4/ip_forward", "1")
        spaces.run(space, ["nft", "-f", "-"], _rules(ways, space))


def _reach(interface: str, own: str, gateway: str, targets: Sequence[str]) -> Iterator[str]:
    yield f"link set {interface} up"
    yield f"address add {own}/32 dev {interface}"
    yield from (f"route add {target}/32 via {gateway} dev {interface} onlink" for target in targets)


def _find_way(spaces: Namespaces, wiring: Wiring, door: Door) -> _Way | None:
    """Follows the kernels' routes from the node to where it leads out."""
    owners = {one.ip: one.node for one in wiring.addresses}
    exits = {way_out.node: space for space, way_out in outsides(wiring).items()}
    node, inner = door.node, None
    for _ in range(_MOST_HOPS):
        shown = json.loads(spaces.attempt_output(node, ["ip", "-json", "route", "get", _SOMEWHERE]) or "[]")
        if not shown:
            return None
        inner = inner or shown[0].get("prefsrc")
        if node in exits:
            return _Way(door=door, space=exits[node], inner=inner) if inner else None
        gateway = parse_ip(shown[0].get("gateway", ""))
        following = owners.get(gateway) if gateway is not None else None
        if following is None:
            return None
        node = following
    return None


def _rules(ways: Sequence[_Way], space: str) -> str:
    doors = ", ".join(sorted({format_ip(way.door.ip) for way in ways}))
    lines = "".join(
        f"\t\tip daddr {format_ip(way.door.ip)} udp dport {way.door.port} dnat to {way.inner}\n"
        for way in ways
        if way.space == space
    )
    return (
        f"table ip doors {{\n\tchain prerouting {{\n\t\ttype nat hook prerouting priority dstnat;\n{lines}\t}}\n"
        "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n"
        f"\t\tip daddr {{ {doors} }} accept\n\t\tip saddr {{ {doors} }} accept\n\t\tct status dnat accept\n\t}}\n}}\n"
    )
