"""The internet: a namespace behind each device that leads there, which has every address that is tried."""

from collections.abc import Callable, Iterable, Sequence

from netwright.lab.cabling import CARD, Cables, outsides
from netwright.lab.doors import Door, open_doors
from netwright.lab.namespaces import Namespaces
from netwright.verify.network_model.assumed import FOREIGN_IP, INTERNET
from netwright.verify.values.addresses import NOWHERE, format_ip, format_range, network_of
from netwright.verify.values.wiring import Wiring

_GATEWAY = "192.88.99.254"
_LAST_METRIC = 0xFFFFFFFF


def add_internet(
    spaces: Namespaces,
    cables: Cables,
    wiring: Wiring,
    tune: Callable[[str, str], object],
    ips: Iterable[int],
    *,
    doors: Sequence[Door] = (),
) -> None:
    """The internet behind every device that leads there; `tune` applies a node's parameters to a card that comes later.

    Its answers to private addresses are lost, as a provider's are, but for those of the network between the two.
    """
    addresses = [f"address add {format_ip(ip)}/32 dev {CARD}" for ip in ips]
    nears = {}
    for number, (space, way_out) in enumerate(outsides(wiring).items()):
        own = [(one.ip, one.length) for one in wiring.addresses
               if (one.node, one.interface) == (way_out.node, way_out.interface)]  # fmt: skip
        if way_out.interface is None or way_out.gateway is None:
            near, far = format_ip(FOREIGN_IP + number), f"{_GATEWAY}/32"
            cables.connect(spaces, (way_out.node, INTERNET), (space, CARD))
            tune(way_out.node, INTERNET)
            up = [f"link set {INTERNET} up", f"address add {near}/32 dev {INTERNET}"]
            way = f"route append default via {_GATEWAY} dev {INTERNET} onlink metric {_LAST_METRIC}"
            spaces.ip(way_out.node, [*up, way])
        else:
            near = format_ip(own[0][0]) if own else _GATEWAY
            far = f"{format_ip(way_out.gateway)}/{own[0][1] if own else 32}"
        lines = [f"link set {CARD} up", f"address add {far} dev {CARD}", *addresses]
        spaces.ip(space, [*lines, f"route add default via {near} dev {CARD} onlink"])
        spaces.run(space, ["nft", "-f", "-"], _rules(own))
        nears[space] = near
    open_doors(spaces, cables, wiring, doors, nears)


def _rules(known: Iterable[tuple[int, int]]) -> str:
    near = "".join(f"\t\tip daddr {network_of(*one)} accept\n" for one in known)
    nowhere = ", ".join(format_range(*one) for one in NOWHERE)
    return (
        "table ip outside {\n\tchain output {\n\t\ttype filter hook output priority filter;\n"
        f"{near}\t\tct direction reply ip daddr {{ {nowhere} }} drop\n\t}}\n}}\n"
    )
