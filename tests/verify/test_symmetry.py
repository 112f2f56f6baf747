"""Machines that stand for each other: what tells two apart, and that grouping changes no result."""

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from netwright.verify.forwarding.conversation import Result, converse, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network
from netwright.verify.proof.cases import Case, CaseBook
from netwright.verify.proof.classes import Cuts, judged
from netwright.verify.proof.proof import verify_networks
from netwright.verify.proof.symmetry import find_symmetry, no_twins
from netwright.verify.values.wiring import Backend, Exit, Flow, Traffic
from tests.verify.kernel.damage import DAMAGES, nft_table
from tests.verify.kernel.world import Box, Route, Rule, World, model_of
from tests.verify.reference import prefix, ranges

NODES = ("n1", "n2", "n3", "n4", "n5")
OWNERS = {f"10.42.{number}.0/24": name for number, name in enumerate(NODES, start=1)}
FORWARDING = "net.ipv4.ip_forward = 1"
Boxes = dict[str, Box]


def _cluster() -> Boxes:
    """Two load balancers, a router, five nodes with pods: all but the router are equivalent to another."""
    away = Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0")
    home = Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0")
    boxes = [
        Box(
            name="router",
            cards={"n0": ("s1", ("10.1.0.1/24",)), "n1": ("s2", ("10.2.0.1/24",))},
            routes=tuple(Route(to=to, via=f"10.2.0.1{name[1]}", dev="n1") for to, name in OWNERS.items()),
            sysctls=(FORWARDING,),
        ),
        *(Box(name=f"lb{n}", cards={"e0": ("s1", (f"10.1.0.1{n}/24",))}, routes=(away,)) for n in (1, 2)),
        *(
            Box(name=name, cards={"e0": ("s2", (f"10.2.0.1{name[1]}/24",))}, routes=(home,), sysctls=(FORWARDING,))
            for name in NODES
        ),
    ]
    return {box.name: box for box in boxes}


def _model(boxes: Boxes, owners: dict[str, str] | None = None, cni: Backend = "vxlan") -> Network:
    return model_of(World(boxes=tuple(boxes.values()), pairs=()), OWNERS if owners is None else owners, cni)


def _classes(network: Network) -> set[frozenset[str]]:
    numbers = find_symmetry(network).classes
    return {frozenset(name for name in numbers if numbers[name] == number) for number in numbers.values()}


@pytest.mark.parametrize("cni", ["vxlan", "host-gw", "none"])
def test_nodes_that_differ_in_their_addresses_alone_are_twins(cni: Backend) -> None:
    assert _classes(_model(_cluster(), cni=cni)) == {frozenset({"router"}), frozenset({"lb1", "lb2"}), frozenset(NODES)}


def _with(name: str, **changes: object) -> Callable[[Boxes], Network]:
    def change(boxes: Boxes) -> Network:
        return _model(boxes | {name: replace(boxes[name], **changes)})

    return change


def _chain(*rules: str, hook: str = "type filter hook forward priority 0") -> str:
    return nft_table("t", (hook, *rules))


def _both(first: str, second: str) -> Callable[[Boxes], Network]:
    """Rules at n2 that differ from those of all other nodes in one word."""

    def change(boxes: Boxes) -> Network:
        ruled = {name: replace(boxes[name], nft=second if name == "n2" else first) for name in NODES}
        return _model(boxes | ruled)

    return change


def _altered(alter: Callable[[Network], None]) -> Callable[[Boxes], Network]:
    def change(boxes: Boxes) -> Network:
        network = _model(boxes)
        alter(network)
        return network

    return change


def _tunnel_by_another_card(boxes: Boxes) -> Network:
    network = _model(boxes)
    pods = tuple(replace(pod, interface="e1") if pod.node == "n2" else pod for pod in network.pod_networks)
    return replace(network, pod_networks=pods)


def _routes(*routes: Route, instead_of: str = "") -> Callable[[Boxes], Network]:
    def change(boxes: Boxes) -> Network:
        kept = tuple(route for route in boxes["router"].routes if route.to != instead_of)
        return _model(boxes | {"router": replace(boxes["router"], routes=(*kept, *routes))})

    return change


def _rewired(**changes: object) -> Callable[[Boxes], Network]:
    def change(boxes: Boxes) -> Network:
        network = _model(boxes)
        return replace(network, wiring=replace(network.wiring, **changes))

    return change


HOME = Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0")
SINGLED_OUT: dict[str, Callable[[Boxes], Network]] = {
    "a kernel parameter": _with("n2", sysctls=(FORWARDING, "net.ipv4.conf.e0.rp_filter = 1")),
    "no forwarding": _with("n2", sysctls=()),
    "how connections are picked up": _with("n2", sysctls=(FORWARDING, "net.netfilter.nf_conntrack_tcp_loose = 0")),
    "a further route": _with("n2", routes=(HOME, Route(to="10.9.0.0/16", via="10.2.0.1", dev="e0"))),
    "another gateway": _with("n2", routes=(replace(HOME, via="10.2.0.11"),)),
    "a metric": _with("n2", routes=(replace(HOME, metric=5),)),
    "a rejecting route": _with("n2", routes=(HOME, Route(to="10.9.0.0/16", kind="unreachable"))),
    "a policy rule": _with("n2", rules=(Rule(priority=100, table=100, source="10.42.0.0/16"),)),
    "another table": _with("n2", routes=(HOME, Route(to="10.9.0.0/16", dev="e0", table=100))),
    "a shorter prefix": _with("n2", cards={"e0": ("s2", ("10.2.0.12/16",))}),
    "a further address": _with("n2", cards={"e0": ("s2", ("10.2.0.12/24", "10.2.0.92/24"))}),
    "another segment": _with("n2", cards={"e0": ("s1", ("10.2.0.12/24",))}),
    "a further card": _with("n2", cards={"e0": ("s2", ("10.2.0.12/24",)), "e1": ("s1", ("10.1.0.92/24",))}),
    "a bridge of its own": _with("n2", cards={"e0": ("s2", ("10.2.0.12/24",))}, bridges=("s2",)),
    "an unknown line": _with("n2", sysctls=(FORWARDING, "net.ipv4.conf.e0.arp_filter = 1")),
    "a rule": _with("n2", nft=_chain("drop")),
    "a policy": _both(_chain(), _chain(hook="type filter hook forward priority 0; policy drop")),
    "a priority": _both(_chain("drop"), _chain("drop", hook="type filter hook forward priority 10")),
    "a state": _both(_chain("ct state new drop"), _chain("ct state invalid drop")),
    "a port": _both(_chain("tcp dport 80 drop"), _chain("tcp dport 81 drop")),
    "a network in a rule": _both(_chain("ip saddr 10.1.0.0/24 drop"), _chain("ip saddr 10.1.0.0/25 drop")),
    "a translation": _both(
        _chain("masquerade", hook="type nat hook postrouting priority 100"),
        _chain("snat ip to 10.9.9.9", hook="type nat hook postrouting priority 100"),
    ),
    "a rule elsewhere for its address": _with("router", nft=_chain("ip saddr { 10.2.0.12, 10.2.0.99 } drop")),
    "a rule elsewhere for some of its pods": _with("router", nft=_chain("ip daddr 10.42.2.64/26 drop")),
    "a translation elsewhere to its address": _with(
        "router", nft=_chain("tcp dport 80 dnat ip to 10.2.0.12", hook="type nat hook prerouting priority -100")
    ),
    "a translation elsewhere of its pods": _with(
        "router",
        nft=_chain(
            "snat ip prefix to ip saddr map { 10.42.2.0/23 : 10.43.2.0/23 }",
            hook="type nat hook postrouting priority 1",
        ),
    ),
    "a policy rule elsewhere for its address": _with("router", rules=(Rule(priority=9, table=9, to="10.2.0.12/32"),)),
    "a route elsewhere to its pods, by another node": _routes(
        Route(to="10.42.2.0/24", via="10.2.0.13", dev="n1"), instead_of="10.42.2.0/24"
    ),
    "no route elsewhere to its pods": _routes(instead_of="10.42.2.0/24"),
    "a route elsewhere to its address": _routes(Route(to="10.2.0.12/32", dev="n0")),
    "a route elsewhere to others' pods by it": _routes(
        Route(to="10.42.3.0/24", via="10.2.0.12", dev="n1"), instead_of="10.42.3.0/24"
    ),
    "a shorter route elsewhere to its pods": _routes(
        Route(to="10.42.2.0/25", via="10.2.0.12", dev="n1"), instead_of="10.42.2.0/24"
    ),
    "a network elsewhere that holds it": _routes(Route(to="10.2.0.12/31", dev="n0")),
    "a route elsewhere to some of its pods": _routes(Route(to="10.42.2.128/25", dev="n0")),
    "a route elsewhere by it": _routes(Route(to="10.9.0.0/16", via="10.2.0.12", dev="n1")),
    "fewer pods": lambda boxes: _model(
        boxes, {to.replace("10.42.2.0/24", "10.42.2.0/25"): name for to, name in OWNERS.items()}
    ),
    "no pods": lambda boxes: _model(boxes, {to: name for to, name in OWNERS.items() if name != "n2"}),
    "two pod networks": lambda boxes: _model(boxes, OWNERS | {"10.42.9.0/24": "n2"}),
    "no overlay": _altered(lambda network: setattr(network.machines["n2"].fib, "overlay", None)),
    "an overlay by another card": _altered(
        lambda network: setattr(network.machines["n2"].fib, "overlay_interface", "e1")
    ),
    "a tunnel by another card": _tunnel_by_another_card,
    "a way to the internet": _rewired(exits=(Exit(node="n2"),)),
    "service addresses among its pods": _rewired(services=prefix("10.42.2.128/25")),
}


@pytest.mark.parametrize("difference", SINGLED_OUT)
def test_anything_that_tells_a_node_apart_makes_it_no_twin(difference: str) -> None:
    classes = find_symmetry(SINGLED_OUT[difference](_cluster())).classes

    assert classes["n2"] != classes["n1"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (_chain("drop"), _chain("drop", hook="type filter hook input priority 0")),
        (nft_table("t", ("drop",)), nft_table("t", ("ct state new drop",))),
    ],
    ids=["hook", "tracking"],
)
def test_rules_that_work_elsewhere_make_no_twin(first: str, second: str) -> None:
    boxes = _cluster()
    for name, rules in (("lb1", first), ("lb2", second)):
        boxes[name] = replace(boxes[name], nft=rules)

    assert {frozenset({"lb1"}), frozenset({"lb2"})} <= _classes(_model(boxes))


def test_filtered_bridges_make_no_twin() -> None:
    # Not of Kubernetes' nodes: K3s filters the bridges of each.
    boxes = _cluster()
    boxes["lb2"] = replace(boxes["lb2"], sysctls=("net.bridge.bridge-nf-call-iptables = 1",))

    assert {frozenset({"lb1"}), frozenset({"lb2"})} <= _classes(_model(boxes))


@pytest.mark.parametrize("address", ["10.1.0.11/24", "10.1.0.255/24"], ids=["shared", "broadcast"])
def test_an_address_of_others_makes_no_twin(address: str) -> None:
    boxes = _cluster()
    boxes["lb2"] = replace(boxes["lb2"], cards={"e0": ("s1", (address,))})

    assert {frozenset({"lb1"}), frozenset({"lb2"})} <= _classes(_model(boxes))


def test_who_shares_an_address_has_no_twin() -> None:
    boxes = _cluster()
    shared = replace(boxes["lb1"], cards={"e0": ("s1", ("10.1.0.11/24",))})
    boxes |= {name: replace(shared, name=name) for name in ("lb1", "lb2", "lb3")}

    assert {frozenset({"lb1"}), frozenset({"lb2"}), frozenset({"lb3"})} <= _classes(_model(boxes))


def test_what_a_rule_names_together_are_twins() -> None:
    boxes = _cluster()
    boxes["router"] = replace(boxes["router"], nft=_chain("ip saddr { 10.2.0.12, 10.2.0.14 } drop"))

    assert frozenset({"n2", "n4"}) in _classes(_model(boxes))


def test_rules_of_a_node_for_its_own_addresses_are_alike() -> None:
    boxes = _cluster()
    for name in NODES:
        rule = f"ip daddr {{ 10.2.0.1{name[1]}, 10.1.0.0/24 }} ip saddr 10.42.{name[1]}.0/24 drop"
        boxes[name] = replace(boxes[name], nft=_chain(rule))

    assert frozenset(NODES) in _classes(_model(boxes))


PING_AND_WEB = (Traffic(protocol="icmp"), Traffic(protocol="tcp", ports=(8080, 8080)))
EVERYONE = ranges("10.1.0.0/24", "10.2.0.0/24", "10.42.0.0/16")
FLOWS = (
    Flow(name="all", sources=EVERYONE, destinations=EVERYONE, traffic=PING_AND_WEB),
    Flow(name="seen", sources=EVERYONE, destinations=EVERYONE, traffic=PING_AND_WEB, nat_allowed=False),
    Flow(
        name="denied",
        sources=ranges("10.42.0.0/16"),
        destinations=ranges("10.1.0.0/24"),
        traffic=(Traffic(protocol="any"),),
        must_arrive=False,
    ),
)


def _damaged(seed: int) -> Network:
    """A cluster with some damage, each to one machine or to several in the same way."""
    dice = Random(seed)
    boxes = _cluster()
    for _ in range(dice.choice((1, 1, 2, 3))):
        damage, fate = dice.choice(DAMAGES), dice.random()
        for name in dice.sample(list(boxes), dice.choice((1, 1, 2, 5))):
            boxes[name] = damage(Random(fate), boxes[name], list(boxes.values()))
    return _model(boxes, cni=dice.choice(("vxlan", "vxlan", "host-gw", "none")))


@pytest.mark.parametrize("seed", range(60))
def test_one_conversation_stands_for_those_of_all_twins(seed: int) -> None:
    network = _damaged(seed)

    assert verify_networks((network,), FLOWS) == verify_networks((network,), FLOWS, classify=no_twins)


def test_of_very_many_that_fail_every_end_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = _cluster()
    boxes["router"] = replace(boxes["router"], nft=_chain("ip daddr 10.42.0.0/16 drop"))
    flow = Flow(name="pods", sources=ranges("10.1.0.0/24"), destinations=ranges("10.42.0.0/16"), traffic=PING_AND_WEB)
    network = _model(boxes)
    whole = verify_networks((network,), [flow])

    monkeypatch.setattr("netwright.verify.proof.cases.MOST_ALIKE", 3)
    sampled = verify_networks((network,), [flow])

    assert whole.flows[0].failed == 2 * 5 * 253 * 2
    assert sampled.flows == whole.flows
    assert [(one.kind, one.nodes, one.pairs) for one in sampled.findings] == [
        (one.kind, one.nodes, one.pairs) for one in whole.findings
    ]


@pytest.mark.parametrize("seed", range(60, 90))
def test_all_cases_of_a_batch_end_alike(seed: int) -> None:
    network = _damaged(seed)
    cuts, memory = Cuts(network), Memory()
    ends = judged(cuts.addresses(EVERYONE), EVERYONE)
    book = CaseBook(find_symmetry(network), ends, ends, cuts.traffic(PING_AND_WEB))

    for batch in book.batches():
        outcomes = {
            (result.outcome, result.back, result.seen_source == case.source.first, *map(len, result.decisions))
            for case in book.cases([batch])
            for result in [_talk(network, memory, case)]
        }
        assert len(outcomes) == 1, batch


def _talk(network: Network, memory: Memory, case: Case) -> Result:
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    return converse(Walker(network, memory), packet, case.start, nat_allowed=True)
