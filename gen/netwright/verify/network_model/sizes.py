"""The MTU of each interface of a machine, as the kernel makes it of those in files."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from netwright.verify.network_model.assumed import OVERLAYS, PODS
from netwright.verify.network_model.device_faults import Devices
from netwright.verify.values.facts import Kind, Link, Mtu
from netwright.verify.values.wiring import Assumptions, Backend, PodNetwork

VXLAN_OCTETS = 50
"""Growth of a packet in a VXLAN tunnel: Ethernet 14, VXLAN 8, UDP 8, IPv4 20 (RFC 7348)."""
FLANNEL_WIREGUARD_OCTETS = 80
"""Octets that flannel's WireGuard leaves free, as for IPv6 (flannel, pkg/backend/wireguard/wireguard_network.go)."""
WIREGUARD_OCTETS = 60
"""Growth of a packet in a WireGuard tunnel: header and tag 32, UDP 8, IPv4 20 (Linux, drivers/net/wireguard)."""
_FLANNELS: Mapping[Backend, int] = {"vxlan": VXLAN_OCTETS, "wireguard-native": FLANNEL_WIREGUARD_OCTETS}
_USUAL_MTU = 1500
"""MTU of a card or bridge for which no file sets another (Linux, ETH_DATA_LEN)."""
_SETTERS = frozenset({"networkd", "NetworkManager", "libvirt", "docker"})


def interface_mtus(
    links: Sequence[tuple[str, Link]], devices: Devices, pods: Sequence[PodNetwork], assumptions: Assumptions
) -> dict[str, Mtu]:
    """Return the MTU of each interface whose files decide it, by its name.

    Pods and the tunnel have that of flannel's card, less what the tunnel adds (flannel, pkg/backend/vxlan/vxlan.go).
    """
    mtus: dict[str, Mtu] = {}
    for name, link in links:
        if link.mtu is not None:
            mtus[name] = link.mtu
        elif link.manager in _SETTERS:
            mtus.setdefault(name, Mtu(octets=_USUAL_MTU, origin=link.origin))
    if devices.kinds:
        stated = frozenset(name for name, link in links if link.mtu is not None)
        mtus |= _Carried(devices, mtus, stated).all()
    card = mtus.get(pods[0].interface) if pods else None
    if card is not None:
        mtus[PODS] = Mtu(octets=card.octets - _FLANNELS.get(assumptions.cni, 0), origin=card.origin)
        if (overlay := OVERLAYS.get(assumptions.cni)) is not None:
            mtus[overlay] = mtus[PODS]
    return mtus


class _Carried(Struct, frozen=True):
    """The MTUs of devices, by those of what carries them; `stated` are the links whose files set one.

    Seen with networkd 252 and NetworkManager 1.42 on Linux 6.1: a VLAN without one of its own gets its parent's, a
    larger one is refused, and a bond gives its own to members that join, whatever theirs was; one whose file sets it
    smaller may have that again. A bridge without one has the smallest of its ports' (Linux 6.18), and sends nothing
    that is too long for a port.
    """

    devices: Devices
    mtus: Mapping[str, Mtu]
    stated: frozenset[str]

    def all(self) -> dict[str, Mtu]:
        """Return those of all devices that have one, by their names."""
        found = ((name, self._settle(name, frozenset())) for name in self.devices.kinds)
        return {name: mtu for name, mtu in found if mtu is not None}

    def _settle(self, name: str, above: frozenset[str]) -> Mtu | None:
        """Return a link's; `above` are the devices whose frames it carries, of which it is none."""
        kind, own = self.devices.kinds.get(name), self.mtus.get(name)
        if kind is None or own is None or name in above:
            return own
        lower = [one for one in self.devices.below[name] if kind is not Kind.BOND or one in self.stated]
        carriers = [*filter(None, (self._settle(one, above | {name}) for one in lower))]
        follows = bool(carriers) and kind is not Kind.BOND and name not in self.stated
        return min(carriers if follows else [own, *carriers], key=lambda mtu: mtu.octets)
