"""The kernel parameters of a node."""

from collections import Counter
from collections.abc import Iterator

from netwright.flows import NodeNeeds
from netwright.model import Node
from netwright.plan.filter_types import FilterChain, Ruleset
from netwright.plan.from_flows import flow_path
from netwright.plan.types import Sysctl
from netwright.plan.virtual_addresses import balances
from netwright.text.natural import natural_key
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import IP_FORWARD, interface_key, kernel_parameters

NONLOCAL_BIND = ("net", "ipv4", "ip_nonlocal_bind")
"""With it HAProxy listens at a virtual address that another node holds."""


def plan_sysctls(
    resolved: ResolvedTopology, node: Node, needs: NodeNeeds, ruleset: Ruleset | None
) -> tuple[Sysctl, ...]:
    """The node's parameters, net.ipv4.ip_forward first, then in natural order.

    ip_forward leads because its change from 0 to 1 resets forwarding and accept_redirects of every interface.
    """
    parameters = kernel_parameters(node)
    planned = [
        Sysctl(
            key=parameter.key,
            value=parameter.value,
            cause=parameter.cause,
            flows=needs.forwarding if parameter.key == IP_FORWARD else (),
        )
        for parameter in parameters.values()
    ]
    if needs.forwarding and IP_FORWARD not in parameters:
        cause = flow_path(needs.forwarding)
        planned.append(Sysctl(key=IP_FORWARD, value="1", cause=cause, flows=needs.forwarding))
    balanced = balances(resolved, node)
    if balanced is not None and NONLOCAL_BIND not in parameters:
        planned.append(Sysctl(key=NONLOCAL_BIND, value="1", cause=balanced.cause))
    planned += (one for one in _of_plugin(resolved, node) if one.key not in parameters)
    planned += (one for one in _without_redirects(resolved, node, ruleset) if one.key not in parameters)
    return tuple(sorted(planned, key=_order))


def _of_plugin(resolved: ResolvedTopology, node: Node) -> Iterator[Sysctl]:
    """Parameters by which Cilium's interfaces filter nothing by the reverse path, whatever the system's own sysctl.d
    has for all of them: its agent writes the same (tools/sysctlfix), and the larger of `all` and the interface
    counts."""
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or kubernetes.plugin != "cilium" or node.role is None:
        return
    for name in ("all", *(("cilium_*", "lxc*") if node.system.sysctl_globs else ())):
        yield Sysctl(key=interface_key(name, "rp_filter"), value="0", cause=("kubernetes", "cni", "plugin"))


def _without_redirects(resolved: ResolvedTopology, node: Node, ruleset: Ruleset | None) -> Iterator[Sysctl]:
    """No redirects by interfaces at which packets that the node filters turn round: those that carry several networks.

    A redirect leaves before the filter sees the packet, and the sender's second one passes the node by. Of `all` and
    the interface either makes the node send them.
    """
    filtering = next((chain for chain in (ruleset.chains if ruleset else ()) if _refuses_forwarding(chain)), None)
    if filtering is None:
        return
    segments = Counter(network.segment for network in resolved.topology.networks)
    turning = [one for one in node.interfaces if segments[resolved.segment_of(one) or ""] > 1]
    for name in ("all", *(interface.name for interface in turning)) if turning else ():
        yield Sysctl(key=interface_key(name, "send_redirects"), value="0", cause=filtering.cause)


def _refuses_forwarding(chain: FilterChain) -> bool:
    return chain.hook == "forward" and (chain.policy == "drop" or any(not rule.accept for rule in chain.rules))


def _order(sysctl: Sysctl) -> tuple[object, ...]:
    return sysctl.key != IP_FORWARD, tuple(natural_key(word) for word in sysctl.key)
