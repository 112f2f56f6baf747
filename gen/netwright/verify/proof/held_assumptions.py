"""Assumptions about virtual addresses: what puts them on their holders, what a split does, and what answers there."""

from collections.abc import Collection, Iterator, Sequence

from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.verify.network_model.network import Network
from netwright.verify.values.addresses import format_ip, format_range
from netwright.verify.values.wiring import HeldAddress

_NAMED = 20


def state_holders(network: Network, held: Sequence[HeldAddress]) -> Iterator[str]:
    """What puts virtual addresses on their holders: keepalived, whose files tell, or a program that is not known."""
    told = {(node, one.ip) for node, instances in network.vrrp.items() for vrrp in instances for one in vrrp.addresses}
    known = [one.node for one in held if (one.node, one.ip) in told]
    if known:
        names = list_some(sorted({*known}, key=natural_key), _NAMED)
        yield f"keepalived is installed and runs on {names}"
        yield from _splits(held, told)
    if network.balancers:
        names = list_some(sorted(network.balancers, key=natural_key), _NAMED)
        yield f"HAProxy is installed and runs on {names}"
    unknown = [f"{format_ip(one.ip)} on {one.node}" for one in held if (one.node, one.ip) not in told and not one.pool]
    if unknown:
        yield f"programs put virtual addresses on their holders, one at a time: {list_some(unknown, _NAMED)}"
    yield from _pools(held)
    yield from _answering(network)


def _splits(held: Sequence[HeldAddress], told: Collection[tuple[str, int]]) -> Iterator[str]:
    """What is not proved of holders that do not hear each other."""
    holders: dict[int, list[str]] = {}
    for one in held:
        if (one.node, one.ip) in told:
            holders.setdefault(one.ip, []).append(one.node)
    several = [f"{format_ip(ip)} on {' and '.join(nodes)}" for ip, nodes in holders.items() if len(nodes) > 1]
    if several:
        yield (
            f"holders hear each other ({list_some(several, _NAMED)}): while they do not, each has the address, a "
            "neighbour sends to the one that answered its ARP last, and connections through another break"
        )


def _answering(network: Network) -> Iterator[str]:
    """What answers at virtual addresses where no file has HAProxy do it."""
    ports: dict[str, list[str]] = {}
    for one in network.wiring.answered:
        ports.setdefault(" and ".join(one.nodes), []).append(f"{format_ip(one.ip)}:{one.port}")
    for nodes, places in ports.items():
        yield f"a program of its own answers on {nodes} at {list_some(places, _NAMED)}"


def _pools(held: Sequence[HeldAddress]) -> Iterator[str]:
    """Assumptions about pools: who answers for them, and what routers learn of it."""
    for name in dict.fromkeys(one.pool for one in held if one.pool is not None):
        pool = [one for one in held if one.pool == name]
        nodes = list_some([*dict.fromkeys(one.node for one in pool)], _NAMED)
        addresses = format_range(min(one.ip for one in pool), max(one.ip for one in pool))
        yield f"one of {nodes} at a time answers for {addresses} ({name}), and what comes there is judged to that node"
        for router in dict.fromkeys(one.learned.router for one in pool if one.learned is not None):
            yield f"{router} learns routes to {addresses} by BGP, and from no one else"
