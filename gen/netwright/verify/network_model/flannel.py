"""The card that flannel takes on a node."""

from collections.abc import Iterable

from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.facts import MAIN_TABLE, Link
from netwright.verify.values.wiring import PodNetwork


def flannel_card(configuration: Configuration, links: Iterable[tuple[str, Link]], pod: PodNetwork) -> str:
    """The card by which flannel reaches other nodes: K3s's flannel-iface, the one that the topology states, that of the
    default route (flannel's GetDefaultGatewayInterface), or what the topology suggests where there is none."""
    told = configuration.k3s.get("flannel-iface")
    if told is not None and told.values:
        return told.values[0]
    if pod.stated:
        return pod.interface
    defaults = [
        (route.metric, name)
        for name, link in links
        for route in link.routes
        if route.to.length == 0 and route.table == MAIN_TABLE and route.kind == "unicast"
    ]
    return min(defaults)[1] if defaults else pod.interface
