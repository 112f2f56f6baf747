"""Interfaces that the topology does not name because other software makes them."""

import re
from collections.abc import Iterable

_FOREIGN = re.compile(
    r"(cni|flannel|kube|cali|cilium|lxc|docker|br-|podman|veth|virbr|vnet|vxlan|geneve|tun|tap|wg|tailscale|ppp|bond|team)"
)


def is_made_by_others(interface: str, own: Iterable[str]) -> bool:
    """Return whether an interface's name is one that a CNI, a container engine, libvirt or a tunnel gives.

    Where the node's own interfaces in the topology have names of that kind, all of the kind are taken to be there.
    """
    kind = _FOREIGN.match(interface)
    return kind is not None and not any(name.startswith(kind[0]) for name in own)
