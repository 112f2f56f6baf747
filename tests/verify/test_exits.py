"""Ways to the internet: by which interface a packet leaves, whose answers find back, and where others come in."""

from collections.abc import Sequence

from msgspec.structs import replace

from netwright.verify.forwarding.conversation import Result, converse, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.assumed import FOREIGN_IP
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import Verification, verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import TCP
from netwright.verify.values.wiring import Exit, Flow, Traffic
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of

HOST, PUBLIC = "10.1.0.10", "8.8.8.8"
PROVIDER = ip_number("192.168.1.1")
FORWARDING = ("net.ipv4.ip_forward = 1",)
CLIENT = Box(
    name="host", cards={"e0": ("s1", (f"{HOST}/24",))}, routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),)
)
NAT = """table ip mine {
	chain out {
		type nat hook postrouting priority srcnat;
		oifname "WAY" masquerade
	}
}
"""
DROPPING = """table ip mine {
	chain passing {
		type filter hook forward priority filter; policy drop;
	}
}
"""


def _edge(*, name: str = "edge", ip: str = "10.1.0.1", via: str | None = "192.168.1.1", nft: str = "") -> Box:
    cards = {"n0": ("s1", (f"{ip}/24",))} | ({"n1": ("wan", ("192.168.1.2/24",))} if via else {})
    routes = (Route(to="0.0.0.0/0", via=via, dev="n1"),) if via else ()
    return Box(name=name, cards=cards, routes=routes, sysctls=FORWARDING, nft=nft)


DESCRIBED = Exit(node="edge", interface="n1", gateway=PROVIDER)
UNDESCRIBED = Exit(node="edge")


def _network(boxes: Sequence[Box], *exits: Exit, sheets: bool = False) -> Network:
    model = model_of(World(boxes=tuple(boxes), pairs=()))
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    if sheets:
        configurations = [replace(one, managed=one.node == "host") for one in configurations]
    return build_network(configurations, replace(model.wiring, exits=exits), model.assumptions)


def _ask(network: Network, target: str = PUBLIC) -> Result:
    place = network.place_of(ip_number(HOST))
    assert place is not None
    packet = first_packet(TCP, ip_number(HOST), ip_number(target), 443)
    return converse(Walker(network, Memory()), packet, place, nat_allowed=True)


def test_what_a_machine_translates_finds_back_by_its_uplink() -> None:
    network = _network([CLIENT, _edge(nft=NAT.replace("WAY", "n1"))], DESCRIBED)

    result = _ask(network)

    assert (result.outcome, result.seen_source) == (Outcome.ACCEPTED, ip_number("192.168.1.2"))


def test_answers_from_the_internet_come_in_by_the_uplink() -> None:
    chain = DROPPING.replace("policy drop;", 'policy drop;\n\t\tiifname { "n0", "n1" } accept')
    network = _network([CLIENT, _edge(nft=NAT.replace("WAY", "n1") + chain.replace("mine", "filter"))], DESCRIBED)

    assert _ask(network).outcome is Outcome.ACCEPTED


def test_no_translation_is_assumed_at_a_machine_that_has_files() -> None:
    for box, way_out in ((_edge(), DESCRIBED), (_edge(via=None), UNDESCRIBED)):
        result = _ask(_network([CLIENT, box], way_out))

        assert (result.outcome, result.back) == (Outcome.NO_ROUTE, True)


def test_a_machine_translates_by_an_uplink_that_is_not_described() -> None:
    network = _network([CLIENT, _edge(via=None, nft=NAT.replace("WAY", "internet"))], UNDESCRIBED)

    assert _ask(network).outcome is Outcome.ACCEPTED


def test_translation_is_assumed_where_a_hand_off_sheet_asks_for_it() -> None:
    network = _network([CLIENT, _edge(via=None)], UNDESCRIBED, sheets=True)

    assert _ask(network).outcome is Outcome.ACCEPTED


def test_the_provider_knows_public_addresses() -> None:
    home = (Route(to="0.0.0.0/0", via="198.51.100.1", dev="e0"),)
    public = Box(name="host", cards={"e0": ("s1", ("198.51.100.10/24",))}, routes=home)
    boxes = (
        public,
        replace(_edge(), cards={"n0": ("s1", ("10.1.0.1/24", "198.51.100.1/24")), "n1": ("wan", ("192.168.1.2/24",))}),
    )
    network = _network(boxes, DESCRIBED)
    place = network.place_of(ip_number("198.51.100.10"))
    assert place is not None

    packet = first_packet(TCP, ip_number("198.51.100.10"), ip_number(PUBLIC), 443)

    assert converse(Walker(network, Memory()), packet, place, nat_allowed=False).outcome is Outcome.ACCEPTED


def test_a_default_route_to_another_next_hop_is_no_way_to_the_internet() -> None:
    result = _ask(_network([CLIENT, _edge(via="192.168.1.7", nft=NAT.replace("WAY", "n1"))], DESCRIBED))

    assert result.outcome is Outcome.ARP_UNANSWERED


def test_private_packets_leave_by_the_uplink_and_are_lost() -> None:
    result = _ask(_network([CLIENT, _edge(nft=NAT.replace("WAY", "n1"))], DESCRIBED), "10.9.9.9")

    assert (result.outcome, result.end.leaves) == (Outcome.NO_ROUTE, True)


def test_a_provider_is_no_dead_next_hop() -> None:
    boxes = [CLIENT, _edge()]

    assert "DEAD_NEXT_HOP" not in {one.kind for one in verify_network(_network(boxes, DESCRIBED), ()).findings}
    assert "DEAD_NEXT_HOP" in {one.kind for one in verify_network(_network(boxes), ()).findings}


def _from_outside(*boxes: Box) -> Verification:
    exits = (Exit(node="edge"), Exit(node="other"))
    kept = Flow(
        name="kept-out",
        sources=(),
        destinations=((ip_number(HOST), ip_number(HOST)),),
        traffic=(Traffic(protocol="tcp"),),
        must_arrive=False,
        from_internet=True,
    )
    return verify_network(_network((CLIENT, *boxes), *exits), (kept,))


def test_packets_from_the_internet_come_in_by_every_machine_that_leads_there() -> None:
    closed, also = _edge(via=None, nft=DROPPING), _edge(name="other", ip="10.1.0.2", via=None, nft=DROPPING)

    assert _from_outside(closed, also).proved
    assert not _from_outside(closed, replace(also, nft="")).proved
    assert not _from_outside(replace(closed, nft=""), also).proved


def test_each_way_to_the_internet_has_an_address_of_its_own() -> None:
    boxes = [CLIENT, _edge(via=None), _edge(name="other", ip="10.1.0.2", via=None)]
    network = _network(boxes, Exit(node="edge"), Exit(node="other"))

    own = {machine.addresses["internet"][0].ip for machine in network.machines.values() if machine.exit is not None}

    assert len(own) == 2


def test_what_is_for_an_exits_own_address_comes_in_there() -> None:
    other = replace(_edge(name="other", ip="10.1.0.2", via=None), cards={"n0": ("s1", ("10.1.0.2/24",))})
    network = _network([CLIENT, other, _edge()], Exit(node="other"), DESCRIBED)
    place = network.place_of(ip_number(PUBLIC))
    assert place is not None

    assert [one.name for one in network.entrances(place, ip_number("192.168.1.2"))] == ["edge"]
    assert [one.name for one in network.entrances(place, FOREIGN_IP)] == ["other"]
    assert [one.name for one in network.entrances(place, ip_number(HOST))] == ["other", "edge"]
