"""What the holders of a virtual address tell each other, so that one of them has it at a time."""

from collections.abc import Iterator, Sequence

from netaddr import IPAddress, IPNetwork

from netwright.flows.filters import VRRP_GROUP
from netwright.model import Node
from netwright.plan.covering import is_accepted
from netwright.plan.types import FilterRule
from netwright.topology.resolved import Fabric, host, outermost


def heartbeat_rules(fabric: Fabric, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The rule by which a holder hears the VRRP of the others, sent to its group or to the holder's own address.

    Where other rules accept all of it already, there is none.
    """
    api = fabric.topology.kubernetes.api if fabric.topology.kubernetes is not None else None
    if api is None or node.name not in (holder.value for holder in api.holders):
        return
    peers = [fabric.nodes[holder.value] for holder in api.holders if holder.value != node.name]
    senders = outermost(ip for peer in peers for ip in _beside(fabric, peer, api.vip))
    rule = FilterRule(
        ingress=None,
        egress=None,
        sources=senders,
        destinations=outermost([*_beside(fabric, node, api.vip), VRRP_GROUP]),
        protocol="vrrp",
        ports=(),
        accept=True,
        comment=None,
        cause=("kubernetes", "api", "holders"),
    )
    if senders and not is_accepted(rule, others):
        yield rule


def _beside(fabric: Fabric, node: Node, vip: IPAddress) -> tuple[IPNetwork, ...]:
    """The node's addresses on the interface that the virtual address is put on."""
    interface = fabric.connected_interface(node, vip)
    return tuple(host(attachment.ip) for attachment in interface.attachments) if interface is not None else ()
