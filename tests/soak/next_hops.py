"""Routes with several next hops in random topologies, one of which may lead nowhere."""

from random import Random
from typing import Any

_ABLE = frozenset({"flatcar", "rocky10"})


def add_next_hops(document: dict[str, Any]) -> None:
    """Give one host in some topologies two next hops for a network; by dice of their own, so that the rest stays."""
    dice = Random(repr(document["nodes"]))
    networks, nodes = document["networks"], document["nodes"]
    hosts = [name for name, node in nodes.items() if node["os"] in _ABLE and _home(node) in networks]
    if not hosts or dice.random() < 0.7:
        return
    name = dice.choice(hosts)
    home = _home(nodes[name])
    near = [other for other, node in nodes.items() if other != name and _is_on(node, home)]
    far = [network for network in networks if network != home]
    if len(near) < 2 or not far:
        return
    hops = [{"via": hop, "weight": dice.choice((1, 1, 256))} for hop in dice.sample(near, 2)]
    nodes[name].setdefault("routes", []).append({"to": dice.choice(far), "next_hops": hops})


def _home(node: dict[str, Any]) -> str | None:
    """The network of a node's only card."""
    cards = [*node["interfaces"].values()]
    return cards[0].get("network") if len(cards) == 1 else None


def _is_on(node: dict[str, Any], network: str | None) -> bool:
    cards = node["interfaces"].values()
    return any(card.get("network") == network or network in card.get("networks", ()) for card in cards)
