"""Result of a reader, in few words."""

from netwright.verify.values.addresses import format_ip
from netwright.verify.values.facts import Reading, Route


def show(route: Route) -> str:
    """The route in one line, with the line that it stands in."""
    gateway = f" via {format_ip(route.gateway)}" if route.gateway else ""
    onlink = " onlink" if route.onlink else ""
    share = f" weight {route.weight}" if route.weight is not None else ""
    hops = "".join(
        f" nexthop {format_ip(hop.gateway)} dev {hop.interface} weight {hop.weight}" for hop in route.next_hops
    )
    tail = f"metric {route.metric} table {route.table}{share}{hops} @{route.origin.line}"
    return f"{route.kind} {route.to}{gateway}{onlink} {tail}"


def unknown(reading: Reading) -> list[tuple[int, str]]:
    """Line and text of everything that is not known."""
    return [(line.origin.line, line.text) for line in reading.unknown]
