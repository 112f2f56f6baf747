"""Addresses and networks of a topology as the proof has them."""

from netaddr import IPAddress, IPNetwork

from netwright import verify
from netwright.verify.values.addresses import AddressNumber


def prefix_of(network: IPNetwork) -> verify.Prefix:
    """Return the network as a prefix of the proof's."""
    return verify.Prefix(first=network.first, length=network.prefixlen)


def number_of(ip: IPAddress) -> AddressNumber:
    """Return the address as a number."""
    return AddressNumber(int(ip))
