"""Routes and policy rules, as the user wrote them."""

from dataclasses import dataclass
from typing import Literal

from netaddr import IPAddress, IPNetwork

from netwright.model.traffic import End
from netwright.text.source import TopologyPath

RouteType = Literal["unicast", "blackhole", "unreachable", "prohibit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NextHop:
    """A next hop as the user wrote it: a node's name, or an address (then `ip` is set)."""

    text: str
    ip: IPAddress | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A static route as the user wrote it."""

    to: End
    via: NextHop | None
    dev: str | None
    metric: int | None
    onlink: bool
    table: int | None
    source: IPAddress | None
    mtu: int | None
    type: RouteType
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRule:
    """A routing policy rule; absent source or destination means any."""

    priority: int
    source: IPNetwork | None
    destination: IPNetwork | None
    table: int
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultRoute:
    """A default route as the user wrote it; no next hop means none is wanted."""

    via: NextHop | None
    metric: int | None
    dev: str | None
    onlink: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """Form in which the routes that flows need are written."""

    style: Literal["explicit", "minimal"]
    summarize: bool
    cause: TopologyPath
