"""Addresses that are nowhere on the internet (IANA's special-purpose registries), told by name."""

from netaddr import IPNetwork

_PREFIXES = (
    ("reserved", "0.0.0.0/8"),
    ("private", "10.0.0.0/8"),
    ("shared (RFC 6598)", "100.64.0.0/10"),
    ("loopback", "127.0.0.0/8"),
    ("link-local", "169.254.0.0/16"),
    ("private", "172.16.0.0/12"),
    ("reserved", "192.0.0.0/24"),
    ("private", "192.168.0.0/16"),
    ("reserved", "198.18.0.0/15"),
    ("multicast", "224.0.0.0/4"),
    ("reserved", "240.0.0.0/4"),
)
"""The ranges for documentation are not among them: in examples they stand for public ones."""

_NETWORKS = tuple((kind, IPNetwork(prefix)) for kind, prefix in _PREFIXES)


def special_kind(network: IPNetwork) -> str | None:
    """Return the kind of a network's addresses if none of them is on the internet; None if one may be."""
    return next((kind for kind, special in _NETWORKS if network in special), None)
