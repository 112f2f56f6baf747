"""Virtual addresses of a node, as planned: who holds them, and which services stand behind."""

from msgspec import Struct
from netaddr import IPAddress

from netwright.text.source import TopologyPath


class PlannedService(Struct, frozen=True, kw_only=True):
    """A TCP port of a virtual address; HAProxy leads from it to the `servers`, by name, if there are any."""

    name: str
    port: int
    to_port: int
    servers: tuple[tuple[str, IPAddress], ...]
    cause: TopologyPath


class PlannedVrrp(Struct, frozen=True, kw_only=True):
    """An instance of keepalived: the node's own address on the interface and those of the other holders, to which it
    speaks unless that is the group. Of two holders the one of higher priority takes an address that none has."""

    id: int
    interface: str
    source: IPAddress
    peers: tuple[IPAddress, ...]
    priority: int
    multicast: bool
    interval: int
    cause: TopologyPath


class PlannedVirtualAddress(Struct, frozen=True, kw_only=True):
    """A virtual address that the node may hold. `health_port`, of lo, tells if HAProxy's services have backends."""

    name: str
    ip: IPAddress
    prefix: int
    vrrp: PlannedVrrp | None
    services: tuple[PlannedService, ...]
    health_port: int
    cause: TopologyPath

    @property
    def balanced(self) -> tuple[PlannedService, ...]:
        """The services that HAProxy offers."""
        return tuple(service for service in self.services if service.servers)

    @property
    def answered(self) -> tuple[PlannedService, ...]:
        """The services that another program offers."""
        return tuple(service for service in self.services if not service.servers)
