"""Containers on Docker's bridge: a namespace behind it that answers at every port that Docker publishes."""

from collections.abc import Callable, Iterable, Iterator

from netwright.lab.cabling import CARD, Cables
from netwright.lab.namespaces import Namespaces
from netwright.verify.network_model.network import Network, Place
from netwright.verify.network_model.programs import CONTAINER, DOCKER, DOCKER_NETWORK
from netwright.verify.values.wiring import Wiring

_OWN, _LENGTH = DOCKER_NETWORK.replace(".0/", ".1/"), DOCKER_NETWORK.partition("/")[2]
_PORT = "veth.docker"


def containers_of(node: str) -> str:
    """The name of the namespace of a node's containers; names of nodes have no dot."""
    return f"{node}.containers"


def rooms_of(wiring: Wiring) -> dict[str, str]:
    """The namespaces of containers, each with its node."""
    return {containers_of(node): node for node in wiring.containers}


def add_docker_bridge(
    spaces: Namespaces, cables: Cables, wiring: Wiring, node: str, tune: Callable[[str], object]
) -> None:
    """Docker's bridge on a node, and what is behind it; `tune` applies the node's parameters to an interface."""
    spaces.ip(node, [f"link add name {DOCKER} type bridge forward_delay 0", f"link set {DOCKER} up"])
    spaces.ip(node, [f"address add {_OWN} dev {DOCKER}"])
    tune(DOCKER)
    if node in wiring.containers:
        inside = containers_of(node)
        cables.connect(spaces, (node, _PORT), (inside, CARD))
        spaces.ip(node, [f"link set {_PORT} master {DOCKER} up"])
        own = f"address add {CONTAINER}/{_LENGTH} dev {CARD}"
        spaces.ip(inside, [f"link set {CARD} up", own, f"route add default via {_OWN.partition('/')[0]}"])


def inner_port(network: Network, home: Place | None, protocol: int, port: int) -> int | None:
    """The port of the container that answers for a port of its machine, None if none does."""
    return network.inner_port(home.machine.name, protocol, port) if home and home.kind == "machine" else None


def remarks(nodes: Iterable[str]) -> Iterator[str]:
    """Return what of containers is not tried."""
    for node in sorted(nodes):
        yield f"{node}: Docker's bridge and rules are played; its containers answer, and begin nothing"
