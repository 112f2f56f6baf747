"""VLANs, bonds and WireGuard tunnels as a machine's kernel has them, beside the topology's."""

from netwright.verify.network_model.tunnels import Tunnel
from netwright.verify.values.facts import Kind
from netwright.verify.values.live import LiveLink, LiveTunnel
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import AssignedLink

_DIGITS = 8


def fault_of_device(
    link: LiveLink, stated: AssignedLink, planned: Tunnel | None, found: LiveTunnel | None
) -> tuple[Outcome, str] | None:
    """Return what a device has other than the topology gives it, and its files give its peers; None where that is
    nothing, or nothing that a record shows."""
    name = stated.name
    if stated.kind is Kind.VLAN and link.parent is not None and link.parent != stated.below[0]:
        return Outcome.WRONG_DEVICE, f"{name} is on {link.parent}, in the topology it is on {stated.below[0]}"
    if stated.kind is Kind.VLAN and link.tag is not None and link.tag != stated.tag:
        return Outcome.VLAN_MISMATCH, f"{name} has the number {link.tag}, in the topology {stated.tag}"
    if stated.kind is Kind.BOND and stated.mode is not None and link.mode not in (None, stated.mode.value):
        return Outcome.WRONG_DEVICE, f"{name} has the mode {link.mode}, in the topology {stated.mode}"
    if stated.tunnel is not None and found is not None:
        fault = _fault_of_tunnel(stated, planned, found)
        return (Outcome.WRONG_DEVICE, fault) if fault is not None else None
    return None


def _fault_of_tunnel(stated: AssignedLink, planned: Tunnel | None, found: LiveTunnel) -> str | None:
    if stated.tunnel is not None and found.key != stated.tunnel.key:
        return f"{stated.name} has the public key {_short(found.key)}, in the topology {_short(stated.tunnel.key)}"
    for peer in planned.peers if planned is not None else ():
        if peer.key is None:
            continue
        there, wanted = found.peers.get(peer.key.value), frozenset(one.value for one in peer.allowed)
        if there is None:
            return f"{stated.name} has not got its peer {_short(peer.key.value)}"
        if there != wanted:
            said = (", ".join(sorted(map(str, some))) or "nothing" for some in (there, wanted))
            return f"{stated.name} allows its peer {_short(peer.key.value)} {' and not '.join(said)}"
    return None


def _short(key: str) -> str:
    return f"{key[:_DIGITS]}..."
