"""Pools: addresses that any of several nodes answers for, and the routes to them that a router learns."""

from collections.abc import Sequence

from msgspec.structs import replace

from netwright.verify.forwarding.conversation import Result, converse, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Way
from netwright.verify.proof.proof import build_networks
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import TCP
from netwright.verify.values.wiring import Assumptions, HeldAddress, LearnedRoute, Wiring
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, client, router

POOLED = "10.9.9.1"
REFUSING = """table inet mine {
	chain c {
		type filter hook input priority filter;
		tcp dport 8080 drop
	}
}
"""


def _node(name: str, ip: str, nft: str = "") -> Box:
    home = (Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0"),)
    return Box(name=name, cards={"e0": ("s2", (f"{ip}/24",))}, routes=home, nft=nft)


def _held(node: str, gateway: str | None = None, ip: str = POOLED) -> HeldAddress:
    learned = LearnedRoute(router="router", interface="n1", gateway=ip_number(gateway)) if gateway is not None else None
    return HeldAddress(ip=ip_number(ip), node=node, interface="e0", pool="pool", learned=learned)


def _network(held: Sequence[HeldAddress], *nodes: Box, pods: bool = False) -> Network:
    boxes = (client(), router(), *(nodes or (_node("one", "10.2.0.11"), _node("two", "10.2.0.12"))))
    model = model_of(World(boxes=boxes, pairs=()), {"10.42.1.0/24": "one"} if pods else {})
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    return build_network(configurations, replace(model.wiring, held=tuple(held)), model.assumptions)


def _ask(network: Network, target: str = POOLED) -> Result:
    place = network.place_of(ip_number(CLIENT))
    assert place is not None
    packet = first_packet(TCP, ip_number(CLIENT), ip_number(target), 8080)
    return converse(Walker(network, Memory()), packet, place, nat_allowed=False)


def test_a_learned_route_leads_to_the_node_whose_turn_it_is() -> None:
    for node, gateway in (("one", "10.2.0.11"), ("two", "10.2.0.12")):
        result = _ask(_network([_held(node, gateway)]))

        assert (result.outcome, result.receiver) == (Outcome.ACCEPTED, node)


def test_a_router_that_learns_nothing_has_no_route() -> None:
    result = _ask(_network([_held("one")]))

    assert (result.outcome, result.end.machine.name) == (Outcome.NO_ROUTE, "router")


def test_an_address_on_the_nodes_network_is_found_by_arp() -> None:
    for node in ("one", "two"):
        result = _ask(_network([_held(node, ip="10.2.0.200")]), "10.2.0.200")

        assert (result.outcome, result.receiver) == (Outcome.ACCEPTED, node)


def test_addresses_of_a_pool_are_never_the_internets() -> None:
    network = _network([_held("one", "10.2.0.11", ip="198.51.100.7")])

    assert not any(first <= ip_number("198.51.100.7") <= last for first, last in network.outside())


def test_addresses_of_a_pool_have_their_turns_together() -> None:
    held = tuple(
        HeldAddress(ip=AddressNumber(ip), node=node, interface="e0", pool="pool")
        for node in ("one", "two")
        for ip in range(4)
    )

    networks = build_networks((), Wiring(nodes=(), segments=(), held=held), Assumptions())

    assert [{one.node for one in network.wiring.held} for network in networks] == [{"one"}, {"two"}]
    assert all([one.ip for one in network.wiring.held] == [0, 1, 2, 3] for network in networks)


def test_what_only_an_input_chain_refuses_may_be_a_services_at_any_port() -> None:
    for pods, outcome in ((True, Outcome.UNKNOWN), (False, Outcome.FILTERED)):
        network = _network([_held("one", "10.2.0.11")], _node("one", "10.2.0.11", nft=REFUSING), pods=pods)
        walker = Walker(network, Memory(), unwanted=True)
        packet = first_packet(TCP, ip_number(CLIENT), ip_number(POOLED), 8080)

        end = walker.send(packet, "machine", network.machines["client"], Way())

        assert end.outcome is outcome
