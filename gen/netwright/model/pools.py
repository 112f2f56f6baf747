"""Pools of addresses that any of several nodes answers for."""

from msgspec import Struct
from netaddr import IPAddress

from netwright.model.setting import Setting
from netwright.text.source import TopologyPath


class Pool(Struct, frozen=True, kw_only=True):
    """Addresses, from the first to the last, for which one of the nodes and groups `by` answers at a time: by ARP in
    their network, or with routes that the router `at` learns."""

    name: str
    first: IPAddress
    last: IPAddress
    is_routed: bool
    by: tuple[Setting[str], ...]
    at: Setting[str] | None
    cause: TopologyPath

    def __contains__(self, ip: IPAddress) -> bool:
        return bool(self.first <= ip <= self.last)
