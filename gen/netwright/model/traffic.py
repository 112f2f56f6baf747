"""Flows: source, destination and traffic."""

from msgspec import Struct
from netaddr import IPNetwork

from netwright.model.setting import Setting
from netwright.text.source import TopologyPath


class End(Struct, frozen=True, kw_only=True):
    """Source or destination as the user wrote it: a name, or an address or network (then `network` is set)."""

    text: str
    network: IPNetwork | None
    cause: TopologyPath


class Traffic(Struct, frozen=True, kw_only=True):
    """A protocol and, for tcp, udp and sctp, a range of destination ports; any protocol if it is None."""

    protocol: str | None
    ports: tuple[int, int] | None


class Flow(Struct, frozen=True, kw_only=True):
    """Traffic that must work in both directions, or must not."""

    name: str
    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    traffic: tuple[Traffic, ...]
    allow: bool
    nat_never: bool
    via: tuple[Setting[str], ...]
    cause: TopologyPath
