"""Routes and policy rules, as the user wrote them."""

from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Any, Literal

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model.traffic import End
from netwright.text.source import TopologyPath

LOCAL_TABLE = 255
"""Where the kernel has its own addresses, and every network service puts routes of type local that name no table."""

RouteType = Literal["unicast", "blackhole", "unreachable", "prohibit", "throw", "local"]


class NextHop(Struct, frozen=True, kw_only=True):
    """A next hop as the user wrote it: a node's name, or an address (then `ip` is set)."""

    text: str
    ip: IPAddress | None


class RouteAttributes(Struct, frozen=True, kw_only=True):
    """Properties of a route that go from the topology to the files as they are, by their key; the defaults are those of
    a route that does not set them."""

    metric: int | None = None
    onlink: bool = False
    table: int | None = None
    source: IPAddress | None = None
    mtu: int | None = None
    type: RouteType = "unicast"

    def attributes(self) -> dict[str, Any]:
        """Return all attributes by name, to make another route with them."""
        return dict(zip(ROUTE_ATTRIBUTES, _values_of(self), strict=True))

    def has_attributes(self) -> bool:
        """Return whether any attribute is set."""
        return bool(_values_of(self) != _DEFAULTS)

    def stated_attributes(self, *, besides: Collection[str] = ()) -> Iterator[str]:
        """Yield the names of the attributes that are set, in the order above, without those `besides`."""
        for name, value, default in zip(ROUTE_ATTRIBUTES, _values_of(self), _DEFAULTS, strict=True):
            if value != default and name not in besides:
                yield name


ROUTE_ATTRIBUTES = RouteAttributes.__struct_fields__
_values_of = attrgetter(*ROUTE_ATTRIBUTES)
_DEFAULTS = _values_of(RouteAttributes())


class Route(RouteAttributes, frozen=True, kw_only=True):
    """A static route as the user wrote it, the default route among them.

    Of a route with several next hops each is a route with a `weight`, whose `cause` is that of the next hop.
    """

    to: End
    via: NextHop | None = None
    dev: str | None = None
    weight: int | None = None
    cause: TopologyPath

    @property
    def whole(self) -> TopologyPath:
        """The path of the whole route, of which this may be one next hop."""
        return self.cause if self.weight is None else self.cause[:-2]


class PolicyRule(Struct, frozen=True, kw_only=True):
    """A routing policy rule; absent source, destination, incoming interface or mark means any. Of the mark the
    bits of `mask` are compared, without one all."""

    priority: int
    source: IPNetwork | None
    destination: IPNetwork | None
    ingress: str | None
    mark: int | None
    mask: int | None
    table: int
    cause: TopologyPath


class RoutingStyle(Struct, frozen=True, kw_only=True):
    """Form in which the routes that flows need are written."""

    style: Literal["explicit", "minimal"]
    summarize: bool
    cause: TopologyPath
