"""The kernel parameters of a node."""

from collections.abc import Iterator

from gen.model import Node, RpFilter
from gen.natural import natural_key
from gen.plan.types import Sysctl
from gen.source import TopologyPath

IP_FORWARD = ("net", "ipv4", "ip_forward")
RP_FILTER_VALUES: dict[RpFilter, str] = {"off": "0", "strict": "1", "loose": "2"}
"""net.ipv4.conf.*.rp_filter (kernel, Documentation/networking/ip-sysctl.rst)."""


def plan_sysctls(node: Node) -> tuple[Sysctl, ...]:
    """The node's parameters, net.ipv4.ip_forward first, then in natural order.

    ip_forward leads because its change from 0 to 1 resets forwarding and accept_redirects of every interface. A key
    that `sysctl` names wins over the same key from another setting; the checks report where they disagree.
    """
    planned = {sysctl.key: sysctl for sysctl in derived_sysctls(node)}
    for said in (*node.sysctls, *(sysctl for interface in node.interfaces for sysctl in interface.sysctls)):
        planned[said.key] = Sysctl(key=said.key, value=said.value, cause=said.cause)
    return tuple(sorted(planned.values(), key=_order))


def _order(sysctl: Sysctl) -> tuple[object, ...]:
    return sysctl.key != IP_FORWARD, tuple(natural_key(word) for word in sysctl.key)


def derived_sysctls(node: Node) -> Iterator[Sysctl]:
    """The parameters that follow from forward, kubernetes, rp_filter and proxy_arp."""
    forwarding = node_forwarding(node)
    if forwarding is not None:
        forwards, cause = forwarding
        yield Sysctl(key=IP_FORWARD, value=_flag(forwards), cause=cause)
    if node.rp_filter is not None:
        value = RP_FILTER_VALUES[node.rp_filter.value]
        yield Sysctl(key=interface_key("all", "rp_filter"), value=value, cause=node.rp_filter.cause)
        yield Sysctl(key=interface_key("default", "rp_filter"), value=value, cause=node.rp_filter.cause)
    for interface in node.interfaces:
        if interface.rp_filter is not None:
            value = RP_FILTER_VALUES[interface.rp_filter.value]
            yield Sysctl(key=interface_key(interface.name, "rp_filter"), value=value, cause=interface.rp_filter.cause)
        if interface.proxy_arp is not None:
            value = _flag(interface.proxy_arp.value)
            yield Sysctl(key=interface_key(interface.name, "proxy_arp"), value=value, cause=interface.proxy_arp.cause)


def node_forwarding(node: Node) -> tuple[bool, TopologyPath] | None:
    """Whether the node forwards packets, and why; None if nothing is said. Kubernetes nodes do by default."""
    if node.forward is not None:
        return node.forward.value, node.forward.cause
    return (True, node.role.cause) if node.role is not None else None


def interface_key(interface: str, word: str) -> tuple[str, ...]:
    """The key of a parameter of an interface (or of all, default)."""
    return ("net", "ipv4", "conf", interface, word)


def _flag(value: bool) -> str:
    return "1" if value else "0"
