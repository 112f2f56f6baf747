"""The kernel parameters of a node."""

from gen.model import Node
from gen.natural import natural_key
from gen.plan.types import Sysctl
from gen.resolve import IP_FORWARD, kernel_parameters


def plan_sysctls(node: Node) -> tuple[Sysctl, ...]:
    """The node's parameters, net.ipv4.ip_forward first, then in natural order.

    ip_forward leads because its change from 0 to 1 resets forwarding and accept_redirects of every interface.
    """
    planned = (
        Sysctl(key=parameter.key, value=parameter.value, cause=parameter.cause)
        for parameter in kernel_parameters(node).values()
    )
    return tuple(sorted(planned, key=_order))


def _order(sysctl: Sysctl) -> tuple[object, ...]:
    return sysctl.key != IP_FORWARD, tuple(natural_key(word) for word in sysctl.key)
