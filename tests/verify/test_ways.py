"""Rules that the kernel alone does not show: flannel's overlay, redirects, time to live, and what unknown lines do."""

from collections.abc import Mapping

import pytest
from msgspec.structs import force_setattr, replace

from netwright.verify.forwarding.conversation import Result, converse, first_packet
from netwright.verify.forwarding.large_packets import find_loss
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.device_faults import Devices
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.sizes import interface_mtus
from netwright.verify.network_model.trace import Way
from netwright.verify.proof.proof import verify_network
from netwright.verify.values.addresses import contains, format_ip
from netwright.verify.values.facts import Link, Mtu, Origin
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import TCP, UDP
from netwright.verify.values.wiring import AssignedAddress, Assumptions, Backend, Exit, Flow, Traffic
from tests.verify.kernel.world import Box, Route, Rule, World, ip_number, model_of

LB, POD1, POD2 = "10.1.0.10", "10.42.1.7", "10.42.2.7"
OWNERS = {"10.42.1.0/24": "node1", "10.42.2.0/24": "node2"}
FORWARDING = ("net.ipv4.ip_forward = 1",)


def _boxes(pod_routes: Mapping[str, str]) -> dict[str, Box]:
    """A load balancer, a router with the given routes to pods, two nodes behind it."""
    routes = tuple(Route(to=to, via=via, dev="n1") for to, via in pod_routes.items())
    home = Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0")
    boxes = (
        Box(name="lb", cards={"e0": ("s1", (f"{LB}/24",))}, routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),)),
        Box(
            name="router",
            cards={"n0": ("s1", ("10.1.0.1/24",)), "n1": ("s2", ("10.2.0.1/24",))},
            routes=routes,
            sysctls=FORWARDING,
        ),
        Box(name="node1", cards={"e0": ("s2", ("10.2.0.11/24",))}, routes=(home,), sysctls=FORWARDING),
        Box(name="node2", cards={"e0": ("s2", ("10.2.0.12/24",))}, routes=(home,), sysctls=FORWARDING),
    )
    return {box.name: box for box in boxes}


TRUE_ROUTES = {"10.42.1.0/24": "10.2.0.11", "10.42.2.0/24": "10.2.0.12"}


def _network(boxes: Mapping[str, Box], cni: Backend = "vxlan") -> Network:
    return model_of(World(boxes=tuple(boxes.values()), pairs=()), OWNERS, cni)


def _talk(network: Network, source: str, destination: str, *, nat_allowed: bool = False) -> Result:
    place = network.place_of(ip_number(source))
    assert place is not None
    packet = first_packet(TCP, ip_number(source), ip_number(destination), 8080)
    return converse(Walker(network, Memory()), packet, place, nat_allowed=nat_allowed)


def _seen(result: Result) -> tuple[Outcome, str | None, str | None]:
    return result.outcome, result.receiver, format_ip(result.seen_source) if result.seen_source is not None else None


def test_the_owner_hands_packets_to_its_pods_unchanged() -> None:
    assert _seen(_talk(_network(_boxes(TRUE_ROUTES)), LB, POD2)) == (Outcome.ACCEPTED, "node2", LB)


def test_a_node_that_does_not_own_the_pods_hides_the_source() -> None:
    network = _network(_boxes({"10.42.0.0/16": "10.2.0.11"}))

    assert _seen(_talk(network, LB, POD2)) == (Outcome.WRONG_NODE, "node2", "10.42.1.0")
    assert _seen(_talk(network, LB, POD2, nat_allowed=True)) == (Outcome.ACCEPTED, "node2", "10.42.1.0")


def test_pods_see_each_other_unchanged() -> None:
    assert _seen(_talk(_network(_boxes({})), POD1, POD2)) == (Outcome.ACCEPTED, "node2", POD1)


def test_what_a_pod_starts_leaves_with_its_nodes_address() -> None:
    assert _seen(_talk(_network(_boxes({})), POD1, LB)) == (Outcome.NAT_APPLIED, "lb", "10.2.0.11")


def test_a_tunnel_needs_a_way_between_its_nodes() -> None:
    boxes = _boxes({})
    closed = "table ip t {\n\tchain c {\n\t\ttype filter hook input priority 0;\n\t\tudp dport 8472 drop\n\t}\n}\n"
    network = _network(boxes | {"node2": replace(boxes["node2"], nft=closed)})

    assert _talk(network, POD1, POD2).outcome is Outcome.FILTERED


def test_a_tunnel_that_ends_at_another_node_of_that_address_is_unknown() -> None:
    boxes = _boxes({})
    both = {"e0": ("s2", ("10.2.0.11/24", "10.2.0.12/32"))}
    network = _network(boxes | {"node1": replace(boxes["node1"], cards=both)})

    assert _talk(network, POD1, POD2).outcome is Outcome.UNKNOWN


def test_a_tunnel_that_is_translated_is_unknown() -> None:
    boxes = _boxes({})
    boxes["node2"] = replace(
        boxes["node2"],
        cards={"e0": ("s1", ("10.1.0.12/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
    )
    nat = "table ip t {\n\tchain c {\n\t\ttype nat hook postrouting priority 100;\n\t\toifname n0 masquerade\n\t}\n}\n"
    boxes["router"] = replace(boxes["router"], nft=nat)

    result = _talk(_network(boxes), POD1, POD2)

    assert (result.outcome, result.end.cause) == (
        Outcome.UNKNOWN,
        "the VXLAN tunnel to node2 is translated on its way, which spoils checksums",
    )


def test_a_pod_that_gets_no_answer_by_arp_sends_nothing() -> None:
    boxes = _boxes({})
    strict = (*FORWARDING, "net.ipv4.conf.default.rp_filter = 1")
    prohibited = (Rule(priority=90, table=77, to="10.42.1.0/24"),)
    nowhere = (Route(to="10.42.1.0/24", kind="prohibit", table=77),)
    boxes["node1"] = replace(boxes["node1"], sysctls=strict, rules=prohibited, routes=nowhere)

    result = _talk(_network(boxes), POD1, LB)

    assert (result.outcome, result.end.machine.name) == (Outcome.RPF_DROP, "node1")


def test_host_gw_routes_by_the_owners_address() -> None:
    result = _talk(_network(_boxes({}), "host-gw"), POD1, POD2)

    assert _seen(result) == (Outcome.ACCEPTED, "node2", POD1)
    assert "via 10.2.0.12 dev e0" in result.decisions[0][0].text


def test_host_gw_has_no_route_across_segments() -> None:
    boxes = _boxes({})
    elsewhere = replace(
        boxes["node2"],
        cards={"e0": ("s1", ("10.1.0.12/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
    )
    result = _talk(_network(boxes | {"node2": elsewhere}, "host-gw"), POD1, POD2)

    assert result.outcome is not Outcome.ACCEPTED
    assert "via 10.2.0.1 dev e0" in result.decisions[0][0].text


def test_flannels_wireguard_has_one_route_for_all_pods() -> None:
    result = _talk(_network(_boxes({}), "wireguard-native"), POD1, POD2)

    assert _seen(result) == (Outcome.ACCEPTED, "node2", POD1)
    assert "10.42.0.0/16 dev flannel-wg" in result.decisions[0][0].text


def test_flannels_wireguard_has_no_peer_for_pods_of_nobody() -> None:
    result = _talk(_network(_boxes({}), "wireguard-native"), POD1, "10.42.9.9")

    assert (result.outcome, result.end.cause) == (
        Outcome.NO_PEER,
        "no peer on flannel-wg has 10.42.9.9 among its addresses",
    )


_OTHER_SOURCE = "table ip t {\n\tchain c {\n\t\ttype nat hook postrouting priority 90;\n\t\tsnat to 10.2.0.11\n\t}\n}\n"


@pytest.mark.parametrize(
    ("nft", "seen"),
    [
        pytest.param("", (Outcome.ACCEPTED, "node2", "10.42.1.0"), id="flannel's masquerade"),
        pytest.param(_OTHER_SOURCE, (Outcome.SOURCE_NOT_ALLOWED, None, None), id="another address"),
    ],
)
def test_a_peer_of_flannels_takes_what_the_owners_pods_send(
    nft: str, seen: tuple[Outcome, str | None, str | None]
) -> None:
    """A load balancer's packets come by a node that does not own the pods."""
    boxes = _boxes({"10.42.0.0/16": "10.2.0.11"})
    boxes["node1"] = replace(boxes["node1"], nft=nft)

    assert _seen(_talk(_network(boxes, "wireguard-native"), LB, POD2, nat_allowed=True)) == seen


def test_the_time_to_live_ends_before_forward() -> None:
    network = _network(_boxes({}))
    place = network.place_of(ip_number(LB))
    assert place is not None
    packet = first_packet(TCP, ip_number(LB), ip_number("10.2.0.11"), 8080)

    end = Walker(network, Memory()).send(packet, place.kind, place.machine, Way(ttl=1))

    assert (end.outcome, end.machine.name, end.cause) == (Outcome.LOOP, "router", "its time to live ends")


def _detour(*sysctls: str) -> Result:
    """A load balancer that sends to a neighbour by the router."""
    boxes = _boxes({})
    boxes["router"] = replace(boxes["router"], sysctls=(*FORWARDING, *sysctls))
    boxes["other"] = Box(
        name="other", cards={"e0": ("s1", ("10.1.0.20/24",))}, routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),)
    )
    boxes["lb"] = replace(boxes["lb"], routes=(Route(to="10.1.0.20/32", via="10.1.0.1", dev="e0"),))
    return _talk(_network(boxes), LB, "10.1.0.20")


def test_a_router_that_sends_back_by_the_same_card_sends_redirects() -> None:
    assert _detour().there.redirects == ["router"]


def test_no_redirects_where_they_are_switched_off() -> None:
    off = (f"net.ipv4.conf.{name}.send_redirects = 0" for name in ("all", "n0"))

    assert _detour(*off).there.redirects == []


def _filtered(rule: str, boxes: dict[str, Box] | None = None) -> Network:
    boxes = boxes or _boxes(TRUE_ROUTES)
    text = f"table ip t {{\n\tchain c {{\n\t\ttype filter hook forward priority 0;\n\t\t{rule}\n\t}}\n}}\n"
    return _network(boxes | {"router": replace(boxes["router"], nft=text)})


def test_a_rule_that_is_not_known_makes_the_verdict_unknown() -> None:
    result = _talk(_filtered("meta mark 1 drop"), LB, POD1)

    assert result.outcome is Outcome.UNKNOWN
    assert str(result.end.origin) == "router/etc/nftables/box.nft:4"


def test_an_unknown_translation_makes_the_verdict_unknown() -> None:
    nft = (
        "table ip t {\n\tchain c {\n\t\ttype nat hook postrouting priority 100\n\t\tmasquerade to :1024-2048\n\t}\n}\n"
    )
    boxes = _boxes(TRUE_ROUTES)
    network = _network(boxes | {"router": replace(boxes["router"], nft=nft)})

    assert _talk(network, LB, POD1).outcome is Outcome.UNKNOWN


def test_a_rule_whose_known_part_does_not_match_is_passed_over() -> None:
    assert _talk(_filtered("ip saddr 10.9.0.0/16 meta mark 1 drop"), LB, POD1).outcome is Outcome.ACCEPTED


def test_a_rule_that_tells_client_ports_apart_makes_the_verdict_unknown() -> None:
    assert _talk(_filtered("tcp sport 30000-50000 drop"), LB, POD1).outcome is Outcome.UNKNOWN
    assert _talk(_filtered("tcp sport 50000-50010 drop"), LB, POD1).outcome is Outcome.UNKNOWN


def test_a_rule_for_ports_that_no_client_has_is_passed_over() -> None:
    assert _talk(_filtered("tcp sport 1-1023 drop"), LB, POD1).outcome is Outcome.ACCEPTED


def test_a_rule_for_all_client_ports_is_certain() -> None:
    assert _talk(_filtered("tcp sport 1024-65535 accept"), LB, POD1).outcome is Outcome.ACCEPTED


def test_a_line_that_is_not_known_makes_the_verdict_unknown() -> None:
    boxes = _boxes(TRUE_ROUTES)
    strange = replace(boxes["router"], sysctls=(*FORWARDING, "net.ipv4.conf.n0.arp_filter = 1"))

    assert _talk(_network(boxes | {"router": strange}), LB, POD1).outcome is Outcome.UNKNOWN


def _flow(*, must_arrive: bool, nat_allowed: bool = True) -> Flow:
    return Flow(
        name="flow",
        sources=((ip_number(LB), ip_number(LB)),),
        destinations=((ip_number("10.42.1.0"), ip_number("10.42.1.255")),),
        traffic=(Traffic(protocol="tcp", ports=(1, 1000)),),
        must_arrive=must_arrive,
        nat_allowed=nat_allowed,
    )


def test_an_unknown_verdict_refutes_flows_of_either_kind() -> None:
    network = _filtered("meta mark 1 drop")

    results = verify_network(network, [_flow(must_arrive=True), _flow(must_arrive=False)]).flows

    assert [result.proved for result in results] == [False, False]


def test_forwarding_that_k3s_turns_on_keeps_nothing_out() -> None:
    boxes = _boxes(TRUE_ROUTES)
    network = _network(boxes | {"node1": replace(boxes["node1"], sysctls=())})

    verification = verify_network(network, [_flow(must_arrive=False)])

    why = "K3s turns forwarding on as it starts; refuse it by a rule"
    assert [(one.kind, one.nodes, one.cause) for one in verification.findings if one.flows] == [
        (Outcome.UNKNOWN, ("node1",), f"the denied flow flow may arrive: {why}")
    ]


def test_translation_refutes_a_flow_that_allows_none() -> None:
    boxes = _boxes(TRUE_ROUTES)
    nat = "table ip t {\n\tchain c {\n\t\ttype nat hook postrouting priority 100;\n\t\tmasquerade\n\t}\n}\n"
    network = _network(boxes | {"router": replace(boxes["router"], nft=nat)})

    results = verify_network(
        network, [_flow(must_arrive=True, nat_allowed=False), _flow(must_arrive=True, nat_allowed=True)]
    ).flows

    assert [result.proved for result in results] == [False, True]


def test_ports_are_split_where_rules_tell_them_apart() -> None:
    verification = verify_network(_filtered("tcp dport { 22, 80-90 } drop"), [_flow(must_arrive=True)])

    (result,) = verification.flows
    assert (result.classes, result.pairs, result.failed) == (2, 2 * 253, 253)
    assert verification.findings[0].example is not None
    assert verification.findings[0].example.traffic == "tcp/22,80-90"


def test_addresses_are_split_where_rules_tell_them_apart() -> None:
    verification = verify_network(_filtered("ip daddr 10.42.1.64/26 drop"), [_flow(must_arrive=True)])

    assert (verification.flows[0].classes, verification.flows[0].failed) == (3, 64)


def test_a_shadowed_rule_a_dead_next_hop_and_a_refused_route_are_found_without_flows() -> None:
    boxes = _boxes(TRUE_ROUTES)
    routes = (
        Route(to="10.8.0.0/16", via="10.1.0.99", dev="n0"),
        Route(to="10.9.0.0/16", via="10.7.0.1", dev="n0"),
    )
    boxes["router"] = replace(boxes["router"], routes=routes)

    verification = verify_network(_filtered("tcp dport 1-99 drop\n\t\ttcp dport 80 accept", boxes), [])

    kinds = {finding.kind for finding in verification.findings}
    assert {"SHADOWED_RULE", "DEAD_NEXT_HOP", "REFUSED_ROUTE"} <= kinds


def test_one_cause_on_many_nodes_is_one_finding() -> None:
    boxes = _boxes(TRUE_ROUTES)
    lost = {name: replace(boxes[name], routes=()) for name in ("node1", "node2")}
    network = _network(boxes | lost)
    flow = replace(_flow(must_arrive=True), destinations=((ip_number("10.42.0.0"), ip_number("10.42.255.255")),))

    findings = verify_network(network, [flow]).findings

    lacks = [finding for finding in findings if finding.kind == Outcome.NO_ROUTE]
    assert [(finding.nodes, finding.cause) for finding in lacks] == [
        (("node1", "node2"), "no route for 10.1.0.0/24 (on the way back)")
    ]


def test_service_addresses_are_unknown() -> None:
    network = _network(_boxes(TRUE_ROUTES))
    services = replace(network.wiring, services=network.wiring.pods)
    flow = replace(_flow(must_arrive=True), destinations=((ip_number("10.42.7.1"), ip_number("10.42.7.1")),))

    verification = verify_network(replace(network, wiring=services), [flow])

    assert [finding.kind for finding in verification.findings if finding.flows] == [Outcome.UNKNOWN]


def test_an_address_that_nobody_has_fails_a_flow_meant_for_it_alone() -> None:
    network = _network(_boxes(TRUE_ROUTES))
    alone = replace(_flow(must_arrive=True), destinations=((ip_number("10.2.0.99"), ip_number("10.2.0.99")),))
    among_others = replace(alone, destinations=((ip_number("10.2.0.0"), ip_number("10.2.0.255")),))

    verification = verify_network(network, [alone, among_others])

    assert [result.proved for result in verification.flows] == [False, True]
    assert verification.flows[1].unjudged == 253


def test_addresses_that_a_translation_leads_into_different_rules_are_told_apart() -> None:
    boxes = _boxes({})
    away = "snat ip prefix to ip saddr map { 10.42.1.0/24 : 10.99.1.0/24 }"
    nat = f"table ip t {{\n\tchain c {{\n\t\ttype nat hook postrouting priority 100;\n\t\t{away}\n\t}}\n}}\n"
    drop = "type filter hook forward priority 0;\n\t\tip saddr 10.99.1.7 drop"
    network = _network(
        boxes
        | {
            "node1": replace(boxes["node1"], nft=nat),
            "router": replace(
                boxes["router"],
                nft=f"table ip t {{\n\tchain c {{\n\t\t{drop}\n\t}}\n}}\n",
                routes=(Route(to="10.99.1.0/24", via="10.2.0.11", dev="n1"),),
            ),
        },
        "none",
    )
    pods, lb = (ip_number("10.42.1.2"), ip_number("10.42.1.254")), ip_number(LB)
    flow = Flow(name="f", sources=(pods,), destinations=((lb, lb),), traffic=(Traffic(protocol="icmp"),))

    (result,) = verify_network(network, [flow]).flows

    assert (result.pairs, result.failed) == (253, 1)


def _assigned(*changes: tuple[str, str, str, int], routes: Mapping[str, str] = TRUE_ROUTES) -> Network:
    """The network of the boxes beside a topology that gives them their addresses, except some."""
    boxes = _boxes(routes)
    given = {
        (box.name, card): (text.partition("/")[0], int(text.partition("/")[2]))
        for box in boxes.values()
        for card, (_, texts) in box.cards.items()
        for text in texts
    }
    given |= {(node, card): (ip, length) for node, card, ip, length in changes}
    addresses = tuple(
        AssignedAddress(node=node, interface=card, ip=ip_number(ip), length=length)
        for (node, card), (ip, length) in given.items()
    )
    return model_of(World(boxes=tuple(boxes.values()), pairs=()), OWNERS, addresses=addresses)


def test_a_machine_with_its_own_address_proves_flows() -> None:
    results = verify_network(_assigned(), [_flow(must_arrive=True)])

    assert results.proved


def test_a_machine_without_its_address_proves_no_flow_of_either_kind() -> None:
    source = ip_number("10.1.0.99")

    for must_arrive in (True, False):
        routes = TRUE_ROUTES if must_arrive else {}
        network = _assigned(("lb", "e0", "10.1.0.99", 24), routes=routes)
        (result,) = verify_network(
            network, [replace(_flow(must_arrive=must_arrive), sources=((source, source),))]
        ).flows
        assert result.failed == result.pairs > 0


def test_an_address_with_another_prefix_length_is_none_of_the_machines() -> None:
    network = _assigned(("lb", "e0", LB, 25))

    assert not verify_network(network, [_flow(must_arrive=True)]).flows[0].proved


def test_a_fault_that_no_flow_meets_leaves_the_whole_unproved() -> None:
    verification = verify_network(_assigned(("node2", "e0", "10.2.0.99", 24)), [_flow(must_arrive=True)])

    assert verification.all_flows_hold
    assert not verification.proved


def test_what_is_private_is_nowhere_on_the_internet() -> None:
    network = _network(_boxes(TRUE_ROUTES))
    connected = build_network(
        (), replace(network.wiring, exits=(Exit(node="router"),), nodes=(), segments=()), network.assumptions
    )

    nowhere = (
        "0.1.2.3 10.9.9.9 100.64.0.1 127.0.0.2 169.254.169.254 172.31.0.1 192.0.0.8 192.168.7.7 198.19.0.1 224.0.0.18"
    )
    public = "8.8.8.8 100.128.0.1 172.32.0.1 192.0.2.1 198.51.100.1 203.0.113.9 192.0.1.1 198.20.0.1 11.0.0.1"
    outside = connected.outside()
    assert not [ip for ip in (*nowhere.split(), "255.255.255.255") if contains(outside, ip_number(ip))]
    assert not [ip for ip in public.split() if not contains(outside, ip_number(ip))]


def _loss(
    network: Network, source: str, destination: str, mtus: Mapping[tuple[str, str], int], protocol: int = TCP
) -> str | None:
    """The machine at which large packets end; every card not in `mtus` takes 1500 octets."""
    nowhere = Origin(file="", line=0)
    for name, machine in network.machines.items():
        sizes = {interface: mtus.get((name, interface), 1500) for interface in machine.addresses}
        held = dict(machine.mtus)
        held.update({interface: Mtu(octets=octets, origin=nowhere) for interface, octets in sizes.items()})
        force_setattr(machine, "mtus", held)
    packet = first_packet(protocol, ip_number(source), ip_number(destination), 8080)
    loss = find_loss(network, Memory(), _talk(network, source, destination), packet)
    return loss.machine.name if loss is not None else None


def test_a_card_drops_what_is_longer_than_its_own_mtu() -> None:
    network = _network(_boxes(TRUE_ROUTES))

    assert _loss(network, LB, "10.2.0.11", {("router", "n0"): 1400}) == "router"
    assert _loss(network, LB, "10.2.0.11", {}) is None


def test_a_sender_is_told_of_a_smaller_card_behind_a_router() -> None:
    network = _network(_boxes(TRUE_ROUTES))
    narrow = {("router", "n1"): 1400, ("node1", "e0"): 1400}

    assert _loss(network, LB, "10.2.0.11", narrow, UDP) is None


def test_tcp_sends_what_the_smaller_end_takes() -> None:
    network = _network(_boxes(TRUE_ROUTES))

    assert _loss(network, LB, "10.2.0.11", {("node1", "e0"): 1400}) is None


def test_a_tunnel_adds_to_each_packet() -> None:
    network = _network(_boxes({"10.42.1.0/24": "10.2.0.11"}))
    pods = {(node, interface): 1450 for node in ("node1", "node2") for interface in ("cni0", "flannel.1")}

    assert _loss(network, POD1, POD2, pods) is None
    assert _loss(network, POD1, POD2, pods | {("node2", "e0"): 1499}) == "node2"


def test_pods_and_their_tunnel_take_less_than_the_card() -> None:
    origin = Origin(file="", line=0)
    links = [("e0", Link(manager="hand", origin=origin, name="e0", mtu=Mtu(octets=9000, origin=origin)))]
    pods = replace(_network(_boxes(TRUE_ROUTES)).pod_networks[0], interface="e0")

    def octets(cni: Backend) -> dict[str, int]:
        return {
            name: mtu.octets for name, mtu in interface_mtus(links, Devices(), [pods], Assumptions(cni=cni)).items()
        }

    assert octets("vxlan") == {"e0": 9000, "cni0": 8950, "flannel.1": 8950}
    assert octets("wireguard-native") == {"e0": 9000, "cni0": 8920, "flannel-wg": 8920}
    assert octets("host-gw") == {"e0": 9000, "cni0": 9000}


def _on_two_networks() -> Network:
    """The network of the boxes, node1 with a second card on a network that no router leads to."""
    boxes = _boxes(TRUE_ROUTES)
    cards = {"e0": ("s2", ("10.2.0.11/24",)), "e1": ("s3", ("10.3.0.11/24",))}
    boxes["node1"] = replace(boxes["node1"], cards=cards)
    addresses = tuple(
        AssignedAddress(node=box.name, interface=card, ip=ip_number(text.partition("/")[0]), length=24)
        for box in boxes.values()
        for card, (_, texts) in box.cards.items()
        for text in texts
    )
    world = World(boxes=tuple(boxes.values()), pairs=())
    return model_of(world, OWNERS, addresses=addresses, routers=("router",))


_BOTH = tuple((ip_number(ip), ip_number(ip)) for ip in ("10.2.0.11", "10.3.0.11"))


def test_a_name_means_the_address_that_is_the_fewest_routers_away() -> None:
    flow = replace(_flow(must_arrive=True), destinations=_BOTH, named_destinations=_BOTH)

    (result,) = verify_network(_on_two_networks(), [flow]).flows

    assert (result.proved, result.pairs) == (True, 1)


def test_a_name_sends_from_the_address_that_its_kernel_takes() -> None:
    lb = ((ip_number(LB), ip_number(LB)),)
    flow = replace(_flow(must_arrive=True), sources=_BOTH, named_sources=_BOTH, destinations=lb)

    (result,) = verify_network(_on_two_networks(), [flow]).flows

    assert (result.proved, result.pairs) == (True, 1)


def test_what_is_denied_is_denied_from_and_to_every_address() -> None:
    """Each pair twice: ports that a Service may have are a class of their own."""
    flow = replace(_flow(must_arrive=False), destinations=_BOTH)

    (result,) = verify_network(_on_two_networks(), [flow]).flows

    assert (result.pairs, result.failed) == (4, 2)
