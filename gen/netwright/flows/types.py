"""Needs of flows on each node: facts, each with the flows that need it."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model import Traffic
from netwright.text.source import TopologyPath

Hook = Literal["prerouting", "input", "forward", "output"]
HOOKS: Final[tuple[Hook, ...]] = get_args(Hook)
Networks = tuple[IPNetwork, ...]
FlowNames = dict[str, None]
"""Names of flows in the order in which they came, each once."""
VXLAN = (Traffic(protocol="udp", ports=(8472, 8472)),)
"""The port of flannel's VXLAN on Linux (flannel, Documentation/backends.md)."""
FLANNEL_WIREGUARD = (Traffic(protocol="udp", ports=(51820, 51820)),)
"""The port of flannel's WireGuard, from which it sends as well (flannel, pkg/backend/wireguard)."""


def is_tunnel(traffic: tuple[Traffic, ...]) -> bool:
    """Return whether this is what carries flannel's packets between nodes, not what a flow allows."""
    return traffic is VXLAN or traffic is FLANNEL_WIREGUARD


class Party(Struct, frozen=True, kw_only=True):
    """Machines on one network that send or receive alike.

    `prefix` is what others route to, None for the internet; `owner` is the node that a pod network is routed to, None
    where the prefix is on the network itself. `addresses` are what packet filters see; `outside` means all but those.
    `choices` are the networks of machines that have several, where only their name tells which is meant. `learned_by`
    is the router that learns routes to the addresses, which may be on no network.
    """

    nodes: tuple[str, ...]
    network: str
    prefix: IPNetwork | None
    owner: str | None
    addresses: Networks
    outside: bool = False
    pods: bool = False
    choices: tuple[str, ...] = ()
    learned_by: str | None = None


class RouteNeed(Struct, frozen=True, kw_only=True):
    """A route; no gateway means that the destination is on the interface's own segment, no table the main one."""

    destination: IPNetwork
    gateway: IPAddress | None
    onlink: bool
    interface: str
    blackhole: bool = False
    table: int | None = None

    def __hash__(self) -> int:
        """Hash of what mostly differs, without the hash of netaddr's objects: a router has as many routes as nodes."""
        return hash((self.destination.value, self.interface))


class RuleNeed(Struct, frozen=True, kw_only=True):
    """Packets with one of the node's own addresses as source look into a table of their own first."""

    source: IPAddress
    table: int
    priority: int
    interface: str


class FilterNeed(Struct, frozen=True, kw_only=True):
    """Traffic that a node must let through (or refuse) at a hook; `outside` turns the addresses into all but those.

    It leaves by `egress` if there is one, or by none of the interfaces `besides`. `translated`: a port forward has led
    it on here. `opened`: its destinations and ports are those for which the connection was opened, whatever they were
    translated to since. `answers`: what answers such traffic, of which the node may not have seen the question.
    """

    hook: Hook
    accept: bool
    egress: str | None
    besides: tuple[str, ...]
    sources: Networks
    sources_outside: bool
    destinations: Networks
    destinations_outside: bool
    traffic: tuple[Traffic, ...]
    translated: bool = False
    opened: bool = False
    answers: bool = False


class ExemptionNeed(Struct, frozen=True, kw_only=True):
    """Traffic that must keep its source address."""

    sources: Networks
    destinations: Networks


class MasqueradeNeed(Struct, frozen=True, kw_only=True):
    """Packets to the internet that must leave with the node's own address: by `egress`, or by none of `besides`.

    Of a device that netwright does not configure neither is known.
    """

    egress: str | None
    besides: tuple[str, ...]
    sources: Networks
    exceptions: Networks


class ForwardNeed(Struct, frozen=True, kw_only=True):
    """A stated port forward, by its name; `hidden`: the target sees the router's address."""

    name: str
    hidden: bool


Need = ForwardNeed | RouteNeed | RuleNeed | FilterNeed | ExemptionNeed | MasqueradeNeed


AskedService = Literal["dns", "ntp"]
"""What nodes ask of servers that the topology states for them, by the key that does."""


class ServerNeed(Struct, frozen=True, kw_only=True):
    """Questions to a server that pass a node or come to it, from a network on which `askers` have that server.

    With `outside` the server is anywhere but in `servers`: DNS has its address. What leaves for the internet here
    leaves by `hides_by`, or by none of `hides_besides`.
    """

    service: AskedService
    hook: Hook
    sources: Networks
    askers: Networks
    servers: Networks
    outside: bool
    hides_by: str | None
    hides_besides: tuple[str, ...]
    cause: TopologyPath


class NodeNeeds(Struct, frozen=True, kw_only=True):
    """Everything that flows need of one node, each need with the names of its flows; forwarding likewise. No flow asks
    for `servers`."""

    needs: Mapping[Need, tuple[str, ...]]
    forwarding: tuple[str, ...]
    servers: tuple[ServerNeed, ...] = ()


NO_NEEDS = NodeNeeds(needs={}, forwarding=())
