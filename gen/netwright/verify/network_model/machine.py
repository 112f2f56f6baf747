"""One machine as its kernel stands after boot: interfaces, routes, parameters, rules."""

from collections.abc import Mapping

from msgspec import Struct, field

from netwright.verify.network_model.assumed import (
    INTERNET,
)
from netwright.verify.network_model.chains import Firewall
from netwright.verify.network_model.device_faults import DeviceFault
from netwright.verify.network_model.fib import Fib, Hop
from netwright.verify.network_model.parameters import (
    Parameters,
)
from netwright.verify.network_model.route_install import RefusedRoute
from netwright.verify.network_model.tunnels import Tunnel
from netwright.verify.values.addresses import AddressNumber, Prefix, is_public
from netwright.verify.values.facts import Address, Mtu, Unknown
from netwright.verify.values.startup import Window
from netwright.verify.values.wiring import Exit


class Machine(Struct, frozen=True, kw_only=True, eq=False):
    """A machine: `addresses` by interface in the order in which they are added, `pods` its own pod networks.

    `mtus` by interface lacks those of which no file of ours decides: an unmanaged device's that its sheet leaves out.
    `faults` are those of its devices, by interface, `gaps` the members that a bond lacks and can do without, `bridges`
    those that its files make.
    `forwarder` is a program that turns forwarding on as it starts, whatever sysctl.d sets, None where there is none;
    `programs` those that have rules of their own, firewalld and Docker; `window` a time in which packets pass without
    the rules of the machine's files; `firewalld` is what firewalld loads by its files, in nft's words; `tunnels` are
    its ends of WireGuard tunnels, by interface.
    """

    name: str
    addresses: dict[str, tuple[Address, ...]]
    fib: Fib
    parameters: Parameters
    firewall: Firewall
    pods: tuple[Prefix, ...]
    refusals: tuple[RefusedRoute, ...]
    unknown: tuple[Unknown, ...]
    bridge_nf: bool
    mtus: Mapping[str, Mtu]
    faults: Mapping[str, DeviceFault] = field(default_factory=dict)
    gaps: tuple[Unknown, ...] = ()
    bridges: tuple[str, ...] = ()
    forwarder: str | None = None
    programs: tuple[str, ...] = ()
    window: Window | None = None
    firewalld: str = ""
    exit: Exit | None = None
    tunnels: Mapping[str, Tunnel] = field(default_factory=dict)

    def leads_out(self, hop: Hop) -> bool:
        """Return whether what takes the hop is on its way to the internet, behind everything that is known."""
        if self.exit is None:
            return False
        if self.exit.interface is None:
            return hop.interface == INTERNET
        return hop.interface == self.exit.interface and hop.gateway == self.exit.gateway

    def is_known_outside(self, ip: int) -> bool:
        """Return whether machines on the way to the internet know an address of ours: it is a public one, or one
        of the network by which the machine leads there."""
        own = self.addresses.get(self.exit.interface, ()) if self.exit and self.exit.interface is not None else ()
        return is_public(ip) or any(ip in _network(address) for address in own)

    def owns(self, ip: int) -> bool:
        """Return whether the IP is one of the machine's own."""
        hop = self.fib.find_local(ip)
        return hop is not None and hop.kind == "local"

    def address_for(self, interface: str, target: int) -> AddressNumber | None:
        """The address that the kernel takes as its own towards a target: the first of the interface whose network
        holds the target, else the interface's first, else another interface's."""
        own = self.addresses.get(interface, ())
        for address in own:
            if target in _network(address):
                return address.ip
        others = [address for addresses in self.addresses.values() for address in addresses]
        return (own or others)[0].ip if own or others else None


def _network(address: Address) -> Prefix:
    return Prefix(first=address.ip & (0xFFFFFFFF << (32 - address.length)), length=address.length)
