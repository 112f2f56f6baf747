"""Findings between machines although no flow asks: loops, black holes, leaks, connections seen by half."""

import pytest
from msgspec.structs import replace

from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import Verification, verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.values.wiring import Backend, Exit, Flow, Traffic
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of
from tests.verify.rules.boxes import SHARED_CLIENT, SHARED_ROUTER, SHARED_SERVER, STATEFUL, client, router, server

PING = (Traffic(protocol="icmp"),)
ASIDE = Box(
    name="aside",
    cards={"e0": ("s1", ("10.1.0.20/24",))},
    routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
    sysctls=("net.ipv4.ip_forward = 1",),
)
FAR = Box(name="far", cards={"e0": ("s3", ("10.3.0.9/24",))})


ROUTED = client(routes=(Route(to="10.42.0.0/16", via="10.1.0.1", dev="e0"),))


def _verify(*boxes: Box, flows: tuple[Flow, ...] = ()) -> Verification:
    return verify_network(model_of(World(boxes=boxes, pairs=())), flows)


def _found(verification: Verification) -> set[tuple[str, tuple[str, ...]]]:
    kinds = {"ROUTING_LOOP", "BLACK_HOLE", "POD_LEAK", "HALF_SEEN"}
    return {(one.kind, one.nodes) for one in verification.findings if one.kind in kinds}


def test_nothing_is_said_of_a_network_in_which_everybody_reaches_everybody() -> None:
    assert _found(_verify(client(), router(), server())) == set()


def test_routers_that_send_to_each_other_are_a_loop() -> None:
    there = Route(to="10.3.0.0/24", via="10.1.0.20", dev="n0")

    verification = _verify(client(), router(routes=(there,)), ASIDE, FAR)

    (finding,) = [one for one in verification.findings if one.kind == "ROUTING_LOOP"]
    assert finding.cause == "packets for 10.3.0.0/24 go round in circles"
    assert set(finding.nodes) <= {"router", "aside"}


def test_a_router_without_a_route_is_a_black_hole() -> None:
    verification = _verify(client(), router(), server(), FAR)

    (finding,) = [one for one in verification.findings if one.kind == "BLACK_HOLE"]
    assert (finding.nodes, finding.cause) == (
        ("router",),
        "others send it packets for 10.3.0.0/24, which end here: no route",
    )


def test_a_host_that_others_take_for_a_router_is_a_black_hole() -> None:
    lost = client(routes=(Route(to="10.2.0.0/24", via="10.1.0.20", dev="e0"),))

    verification = _verify(lost, router(), server(), replace(ASIDE, sysctls=()))

    assert ("BLACK_HOLE", ("aside",)) in _found(verification)


@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "prohibit"])
def test_what_a_route_rejects_is_meant_to_end_there(kind: str) -> None:
    rejecting = router(routes=(Route(to="10.3.0.0/24", kind=kind),))

    assert _found(_verify(client(), rejecting, server(), FAR)) == set()


def test_a_sender_without_a_route_is_no_black_hole() -> None:
    assert _found(_verify(client(routes=()), router(), server(routes=()))) == set()


def test_a_stateful_router_that_sees_one_direction_is_found() -> None:
    verification = _verify(SHARED_CLIENT, replace(SHARED_ROUTER, nft=STATEFUL), SHARED_SERVER)

    assert _found(verification) == {("HALF_SEEN", ("router",))}


def _with_internet(owned: str | None, sender: Box | None = None, cni: Backend = "none") -> Network:
    """Pods behind the server, and a router that leads to the internet and may know the way to them."""
    routes = (Route(to=owned, via="10.2.0.10", dev="n1"),) if owned else ()
    boxes = (sender or client(), router(routes=routes), server(sysctls=("net.ipv4.ip_forward = 1",)))
    model = model_of(World(boxes=boxes, pairs=()), {"10.42.1.0/24": "server"})
    pods = None if cni == "none" else model.wiring.pods
    wiring = replace(model.wiring, exits=(Exit(node="router"),), pods=pods)
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    return build_network(configurations, wiring, replace(model.assumptions, cni=cni))


_ASSUMED = "no packet for pods comes to router: the cluster hides the addresses of its pods from them"


def test_no_packet_for_pods_comes_to_a_router_from_which_flannel_hides_them() -> None:
    verification = verify_network(_with_internet(None, cni="vxlan"), ())

    assert _found(verification) == set()
    assert _ASSUMED in verification.assumptions


@pytest.mark.parametrize(
    ("sender", "owned", "cni"),
    [
        pytest.param(None, None, "none", id="no-masquerade"),
        pytest.param(ROUTED, None, "vxlan", id="routed-to"),
        pytest.param(None, "10.42.1.0/25", "vxlan", id="half-of-the-pods-are-known"),
    ],
)
def test_pods_that_a_router_may_hear_of_leak(sender: Box | None, owned: str | None, cni: Backend) -> None:
    verification = verify_network(_with_internet(owned, sender, cni), ())

    assert _found(verification) == {("POD_LEAK", ("router",))}
    assert _ASSUMED not in verification.assumptions


def test_a_router_hears_of_pods_as_well_where_few_ports_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.verify.proof.classes._FEW_CLASSES", 0)

    found = [_found(verify_network(_with_internet(owned, cni="vxlan"), ())) for owned in (None, "10.42.1.0/25")]

    assert found == [set(), {("POD_LEAK", ("router",))}]


def test_pods_whose_network_is_routed_to_the_internet_leak() -> None:
    verification = verify_network(_with_internet(None), ())

    (finding,) = [one for one in verification.findings if one.kind == "POD_LEAK"]
    assert (finding.nodes, finding.cause) == (
        ("router",),
        "packets for pods (10.42.1.0/24) leave for the internet; route them to their nodes, or blackhole pods",
    )


def test_pods_whose_network_is_routed_to_their_node_do_not_leak() -> None:
    assert _found(verify_network(_with_internet("10.42.1.0/24"), ())) == set()


def test_of_many_pod_networks_alike_the_first_is_named() -> None:
    nodes = {f"node{number}": f"10.2.0.{number}" for number in range(11, 16)}
    boxes = [
        server(name=name, cards={"e0": ("s2", (f"{ip}/24",))}, sysctls=("net.ipv4.ip_forward = 1",))
        for name, ip in nodes.items()
    ]
    pods = {f"10.42.{number}.0/24": name for number, name in enumerate(nodes)}

    verification = verify_network(model_of(World(boxes=(client(), router(), *boxes), pairs=()), pods), ())

    (finding,) = [one for one in verification.findings if one.kind == "BLACK_HOLE"]
    assert finding.cause == "others send it packets for 10.42.0.0/24 and others like them, which end here: no route"


def test_what_refutes_a_flow_is_not_said_again() -> None:
    def one(ip: str) -> tuple[tuple[int, int]]:
        return ((ip_number(ip), ip_number(ip)),)

    flow = Flow(name="far", sources=one("10.1.0.10"), destinations=one("10.3.0.9"), traffic=PING)

    verification = _verify(client(), router(), server(), FAR, flows=(flow,))

    assert [(one.kind, one.nodes) for one in verification.findings] == [("NO_ROUTE", ("router",))]


def test_what_refutes_a_flow_hides_nothing_of_another_network() -> None:
    more = replace(FAR, name="more", cards={"e0": ("s4", ("10.4.0.9/24",))})
    ends = (((ip_number("10.1.0.10"),) * 2,), ((ip_number("10.3.0.9"),) * 2,))
    flow = Flow(name="far", sources=ends[0], destinations=ends[1], traffic=PING)

    verification = _verify(client(), router(), server(), FAR, more, flows=(flow,))

    causes = [one.cause for one in verification.findings if one.kind == "BLACK_HOLE"]
    assert causes == ["others send it packets for 10.4.0.0/24, which end here: no route"]


def test_of_very_many_places_each_is_tried_with_some_others_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _verify(client(), router(), server(), FAR)

    monkeypatch.setattr("netwright.verify.proof.crossings.MOST_PAIRS", 12)
    sampled = _verify(client(), router(), server(), FAR)

    said = "loops, black holes and leaks that no flow meets were sought between 10,000 pairs of places, not all"
    assert (said in sampled.assumptions, said in whole.assumptions) == (True, False)
    assert _found(sampled) == _found(whole)
