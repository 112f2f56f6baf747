"""Assumptions about machines that were collected, and which machines were not."""

from collections.abc import Iterable, Iterator

from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.verify.network_model.assumed import OVERLAYS
from netwright.verify.network_model.network import Network
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.facts import Kind
from netwright.verify.values.live import LiveLink
from netwright.verify.values.wiring import AssignedLink

_NAMED = 20


def state_records(network: Network) -> Iterator[str]:
    """What records do not show, and whose files count in their place."""
    records = network.collected
    if not records:
        return
    yield f"nothing has changed since they were collected: {_list(records)}"
    yield "what no record shows (tc, XDP, IPsec, fixed neighbours) touches no packet of a flow"
    others = [name for name in network.machines if name not in records]
    if others:
        yield f"by OUT, not collected: {_list(others)}"
    yield from _tunnels(network)
    yield from _devices(network)
    for one in network.wiring.held:
        if one.node in records and not one.pool:
            yield f"{format_ip(one.ip)} stays on {one.node}, which has it: no other holder was tried"


def _tunnels(network: Network) -> Iterator[str]:
    """What no record shows of tunnels: flannel's forwarding entries; without `wg`, WireGuard's keys."""
    owners = [node for node in network.collected if network.machines[node].pods]
    if owners and network.assumptions.cni in OVERLAYS:
        yield f"flannel's tunnels lead each pod network to its node from {_list(owners)}"
    keyed = [
        node
        for node, record in network.collected.items()
        if network.machines[node].tunnels and record.state.tunnels is None
    ]
    if keyed:
        yield f"WireGuard's peers and keys are those of OUT on {_list(keyed)}"


def _devices(network: Network) -> Iterator[str]:
    """What no record shows of devices: the VLANs that ports of bridges carry, and numbers and modes where an older `ip`
    does not print them."""
    found = [
        f"{link.name} of {node}"
        for node, record in network.collected.items()
        for link in network.wiring.links.get(node, ())
        if link.ports or not _is_shown(link, (record.state.links or {}).get(link.name))
    ]
    if found:
        yield f"VLANs, and modes of bonds, are those of OUT: {_list(found)}"


def _is_shown(stated: AssignedLink, there: LiveLink | None) -> bool:
    if there is None or stated.kind not in (Kind.VLAN, Kind.BOND):
        return True
    return (there.tag if stated.kind is Kind.VLAN else there.mode) is not None


def _list(names: Iterable[str]) -> str:
    return list_some(sorted(names, key=natural_key), _NAMED)
