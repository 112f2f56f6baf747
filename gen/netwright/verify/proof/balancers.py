"""Check that haproxy.cfg, where it is delivered, listens at addresses of its node and leads to those of others, as the
topology has it."""

from collections.abc import Iterable, Iterator

from netwright.verify.network_model.network import Network
from netwright.verify.proof.findings import Findings
from netwright.verify.reading.formats.haproxy import Balancer, Listener
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault
from netwright.verify.values.wiring import HeldAddress, Served

_LOOPBACK = 127
_NONLOCAL = "it starts before the address is there, which net.ipv4.ip_nonlocal_bind=1 allows only"


def check_balancers(network: Network, held: Iterable[HeldAddress], findings: Findings) -> None:
    """Adds what distinguishes the delivered balancers from the topology and its addresses."""
    holders: dict[int, dict[str, None]] = {}
    for one in held:
        holders.setdefault(one.ip, {})[one.node] = None
    for node, balancer in network.balancers.items():
        for cause, origin in _faults(network, node, balancer, holders):
            findings.add(Fault.WRONG_BACKEND, cause, node, origin=origin)
    for served in network.wiring.served:
        if not served.servers:
            continue
        cause = f"no file has HAProxy answer at {format_ip(served.ip)}:{served.port}, as the topology has it"
        for node in holders.get(served.ip, {}):
            told = network.balancers.get(node)
            if told is None or not _serves(told, served):
                findings.add(Fault.WRONG_BACKEND, cause, node)


def _faults(
    network: Network, node: str, balancer: Balancer, holders: dict[int, dict[str, None]]
) -> Iterator[tuple[str, Origin]]:
    """Yield what HAProxy does on a node that no client gets an answer from."""
    served_here = (one for one in network.wiring.served if one.servers and node in holders.get(one.ip, {}))
    wanted = {(one.ip, one.port): one for one in served_here}
    for listener, servers in balancer.leads():
        ip = listener.ip
        if ip is not None and (reason := _unheard(network, node, ip, holders)) is not None:
            yield f"HAProxy listens at {format_ip(ip)}: {reason}", listener.origin
        for server in servers:
            if server.ip >> 24 != _LOOPBACK and network.place_of(server.ip) is None:
                yield f"HAProxy leads to {format_ip(server.ip)} as {server.name}, and no node has it", server.origin
        served = wanted.get((ip, listener.ports[0])) if ip is not None else None
        if served is not None:
            found = frozenset((one.ip, one.port or served.port) for one in servers)
            yield from _differences(served, found, listener)


def _differences(served: Served, found: frozenset[tuple[int, int]], listener: Listener) -> Iterator[tuple[str, Origin]]:
    where = f"{format_ip(served.ip)}:{served.port}"
    for what, several in (("does not lead", served.servers - found), ("also leads", found - served.servers)):
        for ip, port in sorted(several):
            yield f"HAProxy {what} from {where} to {format_ip(ip)}:{port}, unlike the topology", listener.origin


def _unheard(network: Network, node: str, ip: int, holders: dict[int, dict[str, None]]) -> str | None:
    """Return why HAProxy can't listen at an address, None if it can."""
    if ip >> 24 == _LOOPBACK or (ip not in holders and network.machines[node].owns(ip)):
        return None
    if node not in holders.get(ip, {}):
        return f"{node} neither has the address nor is one of its holders"
    return _NONLOCAL if node not in network.nonlocal_binds else None


def _serves(balancer: Balancer, served: Served) -> bool:
    return any(
        listener.ip in (None, served.ip) and listener.ports[0] <= served.port <= listener.ports[1]
        for proxy in balancer.proxies
        for listener in proxy.listeners
    )
