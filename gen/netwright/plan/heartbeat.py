"""Heartbeats among the holders of a virtual address, so that one of them has it at a time."""

from collections.abc import Iterator, Sequence

from netaddr import IPAddress, IPNetwork

from netwright.flows.filters import VRRP_GROUP
from netwright.model import Node
from netwright.plan.covering import is_accepted
from netwright.plan.filter_types import FilterRule
from netwright.topology.resolved import ResolvedTopology, host, outermost


def heartbeat_rules(resolved: ResolvedTopology, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The rules by which a holder of virtual addresses hears the VRRP of the others, sent to its group or to the
    holder's own address.

    Where other rules accept all of it already, there is none.
    """
    known = [*others]
    for virtual in resolved.topology.virtual_addresses:
        if not virtual.is_held_by(node.name):
            continue
        peers = [resolved.nodes[holder.value] for holder in virtual.holders if holder.value != node.name]
        senders = outermost(ip for peer in peers for ip in _beside(resolved, peer, virtual.ip.value))
        rule = FilterRule(
            ingress=None,
            egress=None,
            sources=senders,
            destinations=outermost([*_beside(resolved, node, virtual.ip.value), VRRP_GROUP]),
            protocol="vrrp",
            ports=(),
            accept=True,
            comment=None,
            cause=(*virtual.cause, "holders"),
        )
        if senders and not is_accepted(rule, known):
            known.append(rule)
            yield rule


def _beside(resolved: ResolvedTopology, node: Node, vip: IPAddress) -> tuple[IPNetwork, ...]:
    """The node's addresses on the interface that the virtual address is put on."""
    interface = resolved.connected_interface(node, vip)
    return tuple(host(attachment.ip) for attachment in interface.attachments) if interface is not None else ()
