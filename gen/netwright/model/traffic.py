"""Flows: source, destination and traffic."""

from dataclasses import dataclass

from netaddr import IPNetwork

from netwright.model.setting import Setting
from netwright.text.source import TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """Source or destination as the user wrote it: a name, or an address or network (then `network` is set)."""

    text: str
    network: IPNetwork | None
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """A protocol and, for tcp, udp and sctp, a range of destination ports; any protocol if it is None."""

    protocol: str | None
    ports: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Traffic that must work in both directions, or must not."""

    name: str
    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    traffic: tuple[Traffic, ...]
    allow: bool
    nat_never: bool
    via: tuple[Setting[str], ...]
    cause: TopologyPath
