"""The kernel parameters of a node."""

from gen.flows import NodeNeeds
from gen.model import Node
from gen.natural import natural_key
from gen.plan.from_flows import flow_path
from gen.plan.types import Sysctl
from gen.resolve import IP_FORWARD, kernel_parameters


def plan_sysctls(node: Node, needs: NodeNeeds) -> tuple[Sysctl, ...]:
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
    return tuple(sorted(planned, key=_order))


def _order(sysctl: Sysctl) -> tuple[object, ...]:
    return sysctl.key != IP_FORWARD, tuple(natural_key(word) for word in sysctl.key)
