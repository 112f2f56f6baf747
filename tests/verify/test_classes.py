"""Classes of traffic between two addresses: only ports are told apart of which a rule for such packets speaks."""

from random import Random

import pytest

from netwright.verify.forwarding.conversation import converse, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network
from netwright.verify.proof.classes import Cuts
from netwright.verify.proof.proof import verify_networks
from netwright.verify.values.packets import TCP
from netwright.verify.values.wiring import Flow, Traffic
from tests.verify.kernel.world import World, ip_number, model_of
from tests.verify.reference import ranges
from tests.verify.rules.boxes import client, router, server

ENDS = ("10.1.0.10", "10.1.0.1", "10.2.0.1", "10.2.0.10")
PLACES = (*ENDS, "10.1.0.0/24", "10.2.0.0/24", "10.0.0.0/8", "!= 10.1.0.0/24", "{ 10.1.0.10, 10.2.0.10 }")
LARGEST = 12
TCP_TRAFFIC = (Traffic(protocol="tcp"),)


def _rule(random: Random, kinds: tuple[str, ...]) -> str:
    ends = [f"ip {side} {random.choice(PLACES)}" for side in ("saddr", "daddr") if random.random() < 0.6]
    first = random.randint(1, LARGEST)
    ports = f"tcp {random.choice(['dport', 'dport', 'sport'])} {first}-{random.randint(first, LARGEST)}"
    return " ".join([*ends, *([ports] if random.random() < 0.8 else []), random.choice(kinds)])


def _network(seed: int, *, translating: bool) -> Network:
    random = Random(seed)
    rules = [_rule(random, ("accept", "accept", "accept", "drop", "jump more")) for _ in range(8)]
    table = ["chain more {", *(_rule(random, ("accept", "drop", "return")) for _ in range(3)), "}"]
    table += ["chain f { type filter hook forward priority 0; policy drop;", "ct state established accept", *rules, "}"]
    if translating:
        kinds = {"postrouting": ("masquerade", "snat ip to 10.2.0.1"), "prerouting": ("dnat ip to 10.2.0.10",)}
        for hook, words in kinds.items():
            nat = [_rule(random, words) for _ in range(2)]
            table += [f"chain {hook} {{ type nat hook {hook} priority 0;", *nat, "}"]
    nft = "\n".join(["table inet filter {", *table, "}"])
    return model_of(World(boxes=(client(), router(nft=nft), server()), pairs=()))


@pytest.mark.parametrize("translating", [False, True], ids=["filtered", "translated"])
@pytest.mark.parametrize("seed", range(40))
def test_all_ports_of_a_class_end_alike(seed: int, translating: bool) -> None:
    network = _network(seed, translating=translating)
    cuts = Cuts(network)

    for one, other in ((ENDS[0], ENDS[3]), (ENDS[3], ENDS[0]), (ENDS[0], ENDS[2])):
        classes = cuts.traffic_between(ip_number(one), ip_number(other), TCP_TRAFFIC)
        for traffic in classes:
            ports = [port for first, last in traffic.ports for port in range(first, min(last, LARGEST) + 1)]
            assert len({_end(network, one, other, port) for port in ports}) <= 1, traffic
        assert sum(last - first + 1 for traffic in classes for first, last in traffic.ports) == 65536


def _end(network: Network, source: str, destination: str, port: int) -> tuple[object, ...]:
    packet = first_packet(TCP, ip_number(source), ip_number(destination), port)
    place = network.place_of(ip_number(source))
    assert place is not None
    result = converse(Walker(network, Memory()), packet, place, nat_allowed=True)
    return result.outcome, result.back, result.end.machine.name, result.seen_source


@pytest.mark.parametrize("seed", range(12))
def test_flows_have_the_same_results_with_all_classes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = _network(seed, translating=bool(seed % 2))
    flows = [
        Flow(
            name=one,
            sources=ranges(f"{one}/32"),
            destinations=ranges(f"{other}/32"),
            traffic=TCP_TRAFFIC,
            must_arrive=wanted,
        )
        for one, other in ((ENDS[0], ENDS[3]), (ENDS[3], ENDS[0]))
        for wanted in (True, False)
    ]
    with_all = verify_networks((network,), flows)

    monkeypatch.setattr("netwright.verify.proof.classes._FEW_CLASSES", 0)
    with_few = verify_networks((network,), flows)

    assert [one.proved for one in with_few.flows] == [one.proved for one in with_all.flows]
    assert {(one.kind, one.nodes) for one in with_few.findings} == {(one.kind, one.nodes) for one in with_all.findings}


def test_ports_of_which_rules_for_others_speak_are_one_class() -> None:
    rules = [f"ip saddr 10.1.0.{number} tcp dport {number} accept" for number in range(11, 99)]
    nft = "\n".join(["table inet t {", "chain f { type filter hook forward priority 0;", *rules, "}", "}"])
    network = model_of(World(boxes=(client(), router(nft=nft), server()), pairs=()))
    cuts = Cuts(network)

    assert len(cuts.traffic(TCP_TRAFFIC)) == 89
    assert len(cuts.traffic_between(ip_number(ENDS[0]), ip_number(ENDS[3]), TCP_TRAFFIC)) == 1
    choice = cuts.choice((Traffic(protocol="tcp"), Traffic(protocol="udp")))
    sources, destinations = (cuts.addresses(ranges(f"{ip}/32")) for ip in (ENDS[0], ENDS[3]))
    assert choice is not None
    assert len(choice(sources[0], destinations[0])) == 2
    assert cuts.choice(TCP_TRAFFIC) is None
