"""Networks that the topology calls isolated: what is routed into one, or out of it, is found with the machine."""

from types import MappingProxyType

import pytest
from msgspec.structs import replace

from netwright.verify.network_model.building import build_network
from netwright.verify.proof.proof import Verification, verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.values.addresses import parse_prefix
from netwright.verify.values.wiring import Exit
from tests.verify.kernel.world import Box, World, delivery_of, model_of
from tests.verify.rules.boxes import FORWARD, SHARED_ROUTER, SHARED_SERVER, SYSCTL, client, nft, router, server

INTO = "lets packets into back (10.2.0.0/24), which is isolated, from "
OUT_OF = "lets packets out of back (10.2.0.0/24), which is isolated, to "
OTHER_CARDS = {"n0": ("s1", ("10.1.0.2/24",)), "n1": ("s2", ("10.2.0.2/24",))}
FORWARDS, KEEPS = "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0"


def _verify(*boxes: Box, exits: tuple[str, ...] = (), pods: str = "", docker: str = "") -> Verification:
    """Return what is found where back, the server's network, is isolated."""
    model = model_of(World(boxes=boxes, pairs=()), {"10.42.1.0/24": pods} if pods else {})
    back = parse_prefix("10.2.0.0/24")
    assert back is not None
    wiring = replace(
        model.wiring,
        isolated=MappingProxyType({"back": back}),
        exits=tuple(Exit(node=name) for name in exits),
        docker=frozenset(filter(None, [docker])),
    )
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    return verify_network(build_network(configurations, wiring, model.assumptions), ())


def _found(verification: Verification) -> list[tuple[tuple[str, ...], str]]:
    return [(one.nodes, one.cause) for one in verification.findings if one.kind == "NOT_ISOLATED"]


def test_a_network_without_a_router_is_closed() -> None:
    assert _found(_verify(client(), server())) == []


def test_machines_on_both_networks_that_pass_nothing_on_are_on_the_network() -> None:
    both = router(sysctls=(KEEPS,))

    assert _found(_verify(both, replace(both, name="other", cards=OTHER_CARDS), server())) == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param((), [INTO + "10.1.0.0/24", OUT_OF + "10.1.0.0/24"], id="everything"),
        pytest.param(("ip saddr 10.2.0.0/24 drop",), [INTO + "10.1.0.0/24"], id="what-comes-in"),
        pytest.param(("ip saddr 10.1.0.0/24 drop",), [OUT_OF + "10.1.0.0/24"], id="what-goes-out"),
        pytest.param(
            ("udp dport 53 ip saddr 10.2.0.0/24 accept", "drop"), [OUT_OF + "10.1.0.0/24"], id="one-port-alone"
        ),
        pytest.param(("drop",), [], id="nothing"),
    ],
)
def test_what_a_router_passes_on_is_found_there(rules: tuple[str, ...], expected: list[str]) -> None:
    # The input chain keeps its own address on the network from the client, whatever it forwards.
    closed = ["type filter hook input priority filter;", "ip daddr 10.2.0.1 iifname n0 drop"]
    ruleset = nft([f"{FORWARD} policy accept;", *rules], closed)

    verification = _verify(client(), router(nft=ruleset), server())

    assert _found(verification) == [(("router",), cause) for cause in expected]
    assert verification.proved is not bool(expected)


def test_an_address_on_the_network_that_answers_elsewhere_is_found() -> None:
    assert _found(_verify(client(), router(sysctls=(KEEPS,)), server())) == [(("router",), INTO + "10.1.0.0/24")]


def test_a_machine_that_leads_to_the_internet_is_found() -> None:
    verification = _verify(router(), server(), exits=("router",))

    assert _found(verification) == [(("router",), OUT_OF + "the internet")]


def test_pods_of_a_machine_on_the_network_are_elsewhere() -> None:
    peer = server(name="peer", cards={"e0": ("s2", ("10.2.0.11/24",))}, routes=())

    verification = _verify(server(sysctls=(FORWARDS,), routes=()), peer, pods="server")

    assert _found(verification) == [(("server",), INTO + "pods")]


def test_a_machine_on_which_a_program_turns_forwarding_on_is_found() -> None:
    # The input chain keeps its own address on the network from the client.
    closed = nft(["type filter hook input priority filter;", "ip daddr 10.2.0.1 iifname n0 drop"])
    still = router(nft=closed, sysctls=(KEEPS,))

    assert _found(_verify(client(), still, server())) == []
    assert _found(_verify(client(), still, server(), docker="router")) == [
        (("router",), INTO + "10.1.0.0/24"),
        (("router",), OUT_OF + "10.1.0.0/24"),
    ]


def test_a_redirect_leads_into_the_network() -> None:
    dropping = replace(SHARED_ROUTER, nft=nft([FORWARD, "drop"], ["type filter hook input priority filter;", "drop"]))
    sends_back = "net.ipv4.conf.n0.send_redirects = "

    def found(sends: int) -> list[str]:
        asked = replace(
            dropping, sysctls=(*dropping.sysctls, f"{sends_back}{sends}", f"{SYSCTL}all.send_redirects = 0")
        )
        return [cause for _, cause in _found(_verify(client(), asked, SHARED_SERVER))]

    assert found(0) == []
    assert INTO + "10.1.0.0/24" in found(1)


def test_one_of_many_ports_opens_the_network() -> None:
    closed = ["type filter hook input priority filter;", "ip daddr 10.2.0.1 iifname n0 drop"]
    others = [f"ip saddr 10.9.0.9 tcp dport {port} accept" for port in range(1000, 1200)]
    one = "ip saddr 10.1.0.10 udp dport 53 accept"

    def found(*rules: str) -> list[str]:
        ruleset = nft([f"{FORWARD} policy drop;", *rules], closed)
        return [cause for _, cause in _found(_verify(client(), router(nft=ruleset), server()))]

    assert found(*others) == []
    assert found(*others, one) == [INTO + "10.1.0.0/24"]


def test_the_way_of_one_packet_is_shown() -> None:
    (finding, _) = [one for one in _verify(client(), router(), server()).findings if one.kind == "NOT_ISOLATED"]

    assert finding.example is not None
    assert (finding.example.traffic, finding.example.source) == ("icmp", "10.1.0.10")
    assert [decision.node for decision in finding.example.there] == ["client", "router"]
