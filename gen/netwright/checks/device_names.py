"""Devices that a network interface's name tells: those that a program has to make, in no slot of any machine."""

import re
from collections.abc import Mapping

_KINDS: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "bridge": r"br[0-9]+|br[-_].+|bridge[0-9]*|virbr.*|vmbr[0-9]+|xenbr[0-9]+|ovs-.+|ovsbr[0-9]+",
        "bond": r"bond[0-9]*",
        "team": r"team[0-9]+",
        "VXLAN": r"vxlan.*|flannel.*|geneve.*",
        "VLAN": r".+\.[0-9]{1,4}|vlan[0-9]+",
        "WireGuard tunnel": r"wg[0-9]*|wg-.+",
        "dummy device": r"dummy[0-9]*",
        "tunnel": r"(tun|tap|gre|gretap|ipip|sit|tunl|erspan|ip6tnl|ipsec|xfrm|vti|ppp)[0-9]+|tailscale[0-9]+|zt.+",
        "virtual Ethernet pair": r"veth.*",
        "MACVLAN or IPVLAN": r"macv(lan|tap).*|ipv(lan|tap).*",
        "VRF": r"vrf.*",
        "container network": r"cni[0-9]+|cali.+|cilium_.+|lxc.+|docker[0-9]+|docker_.+|podman[0-9]+|kube-.+",
    }.items()
}
"""The names that the kernel, systemd, libvirt, Docker and the usual CNIs give such devices; the first that fits
counts, since flannel.1 is no VLAN. A network card is called by its slot (eno1, ens3, enp1s0, eth0, see
systemd.net-naming-scheme) or as its owner chose."""


def device_kind(name: str) -> str | None:
    """Return what kind of made device an interface's name stands for, None if it is a network card by its name."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(name)), None)
