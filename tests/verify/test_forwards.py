"""Port forwards: at which address a flow is asked, and what else leads to the receiver of a denied one."""

from collections.abc import Sequence
from itertools import count

import pytest
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.network_model.building import build_network
from netwright.verify.proof.proof import Verification, verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.values.addresses import Ranges
from netwright.verify.values.packets import TCP
from netwright.verify.values.wiring import Exit, Flow, Forward, Traffic
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of

SERVER, CLIENT, OUTER = "10.1.0.10", "10.1.0.77", "203.0.113.2"
PORTS = "tcp dport 443 dnat ip to 10.1.0.10:8443"
HIDING = ["type nat hook postrouting priority srcnat;", 'oifname "n0" ct status dnat masquerade']


def _table(*chains: Sequence[str]) -> str:
    numbers = count()
    bodies = ("".join(f"\t\t{line}\n" for line in lines) for lines in chains)
    return "table inet mine {\n" + "".join(f"\tchain c{next(numbers)} {{\n{body}\t}}\n" for body in bodies) + "}\n"


def _lead_on(*rules: str) -> list[str]:
    return ["type nat hook prerouting priority dstnat - 10;", *rules]


def _host(name: str, ip: str) -> Box:
    return Box(
        name=name, cards={"e0": ("s1", (f"{ip}/24",))}, routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),)
    )


def _forward(**changes: object) -> Forward:
    forward = Forward(
        name="web",
        node="edge",
        ip=ip_number(OUTER),
        protocol=TCP,
        ports=(443, 443),
        target=ip_number(SERVER),
        to_port=8443,
        from_internet=True,
    )
    return replace(forward, **changes)


def _ranges(*ips: str) -> Ranges:
    return tuple((ip_number(ip), ip_number(ip)) for ip in sorted(ips, key=ip_number))


def _flow(*, port: int = 8443, allow: bool = True, source: str | None = None) -> Flow:
    return Flow(
        name="web",
        sources=_ranges(source) if source is not None else (),
        destinations=_ranges(SERVER),
        traffic=(Traffic(protocol="tcp", ports=(port, port)),),
        must_arrive=allow,
        from_internet=source is None,
    )


def _judge(flow: Flow, *forwards: Forward, nft: str, on_server: str = "") -> Verification:
    edge = Box(
        name="edge",
        cards={"n0": ("s1", ("10.1.0.1/24",)), "n1": ("wan", (f"{OUTER}/29",))},
        routes=(Route(to="0.0.0.0/0", via="203.0.113.1", dev="n1"),),
        sysctls=("net.ipv4.ip_forward = 1",),
        nft=nft,
    )
    boxes = (replace(_host("server", SERVER), nft=on_server), _host("client", CLIENT), edge)
    model = model_of(World(boxes=boxes, pairs=()))
    way_out = Exit(node="edge", interface="n1", gateway=ip_number("203.0.113.1"))
    wiring = replace(model.wiring, exits=(way_out,), forwards=forwards)
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    return verify_network(build_network(configurations, wiring, model.assumptions), [flow])


def _errors(found: Verification) -> list[str]:
    return [one.kind for one in found.findings if one.severity is Severity.ERROR]


def test_a_flow_from_the_internet_is_asked_at_the_routers_address() -> None:
    assert _errors(_judge(_flow(), _forward(), nft=_table(_lead_on(PORTS)))) == []


def test_without_a_forward_no_file_tells_how_the_internet_gets_there() -> None:
    assert _errors(_judge(_flow(), nft=_table(_lead_on(PORTS)))) == ["UNKNOWN"]


def test_a_router_that_keeps_the_packets_forwards_nothing() -> None:
    assert _errors(_judge(_flow(), _forward(), nft="")) == ["NOT_FORWARDED"]


def test_packets_at_another_port_of_the_target_are_not_what_was_asked_for() -> None:
    nft = _table(_lead_on(PORTS.replace(":8443", ":8444")))

    assert _errors(_judge(_flow(), _forward(), nft=nft)) == ["NOT_FORWARDED"]


def test_other_ports_of_the_target_have_no_forward() -> None:
    assert _errors(_judge(_flow(port=8080), _forward(), nft=_table(_lead_on(PORTS)))) == ["UNKNOWN"]


def test_a_range_of_ports_keeps_their_order() -> None:
    nft = _table(_lead_on("tcp dport 500-510 dnat ip to 10.1.0.10"))

    for port, kinds in ((500, []), (510, []), (511, ["UNKNOWN"])):
        assert _errors(_judge(_flow(port=port), _forward(ports=(500, 510), to_port=500), nft=nft)) == kinds


def test_what_has_its_forward_from_inside_is_asked_nowhere_else() -> None:
    nft = _table(_lead_on(PORTS), HIDING, ["type filter hook input priority filter;"])
    forward = _forward(from_internet=False, sources=_ranges(CLIENT))

    assert _errors(_judge(_flow(source=CLIENT), forward, nft=nft)) == []
    assert _errors(_judge(_flow(source=CLIENT), forward, nft="")) == ["NOT_FORWARDED"]


def test_what_a_forward_leads_on_is_not_for_the_router_itself() -> None:
    asked = replace(_flow(port=443), destinations=_ranges(OUTER))
    nft = _table(_lead_on(PORTS))

    assert _errors(_judge(asked, _forward(), nft=nft)) == ["FORWARDED_AWAY"]
    assert _errors(_judge(asked, _forward(), nft="")) == []
    assert _errors(_judge(asked, nft=nft)) == []
    assert _errors(_judge(replace(asked, traffic=(Traffic(protocol="tcp"),)), _forward(), nft=nft)) == []
    assert (
        _errors(_judge(replace(asked, traffic=(Traffic(protocol="tcp", ports=(22, 22)),)), _forward(), nft=nft)) == []
    )


def test_a_hairpin_is_asked_at_both_addresses() -> None:
    forward = _forward(besides=((0, 0xFFFFFFFF),))

    assert _errors(_judge(_flow(source=CLIENT), forward, nft=_table(_lead_on(PORTS), HIDING))) == []
    assert _errors(_judge(_flow(source=CLIENT), forward, nft=_table(_lead_on(PORTS)))) == ["NAT_APPLIED"]
    assert _errors(_judge(_flow(source=CLIENT), _forward(), nft=_table(_lead_on(PORTS)))) == []


def test_a_hairpin_does_not_stand_for_the_targets_own_address() -> None:
    forward = _forward(besides=((0, 0xFFFFFFFF),))
    closed = _table(["type filter hook input priority filter;", f"ip saddr {CLIENT} drop"])

    found = _judge(_flow(source=CLIENT), forward, nft=_table(_lead_on(PORTS), HIDING), on_server=closed)

    assert _errors(found) == ["FILTERED"]


def test_what_the_router_itself_sends_is_not_led_on() -> None:
    forward = _forward(besides=((0, 0xFFFFFFFF),))

    assert _errors(_judge(_flow(source="10.1.0.1"), forward, nft=_table(_lead_on(PORTS), HIDING))) == []


BLOCKED = ["type filter hook forward priority filter;", 'iifname "n1" ct state new ct status dnat accept',
           'iifname "n1" ct state new drop']  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        pytest.param("tcp dport 22 dnat ip to 10.1.0.10", ["ACCEPTED"], id="the-same-port"),
        pytest.param("tcp dport { 2200-2300 } dnat ip to 10.1.0.10:22", ["ACCEPTED"], id="another-port"),
        pytest.param("ip daddr 203.0.113.3 tcp dport 22 dnat ip to 10.1.0.10", ["ACCEPTED"], id="another-address"),
        pytest.param("tcp dport 2200 dnat ip to 10.1.0.10:23", [], id="to-another-port"),
        pytest.param("tcp dport 2200 dnat ip to 10.1.0.10", [], id="of-another-port"),
        pytest.param("ip daddr 203.0.113.2 tcp dport 22 dnat ip to 10.1.0.77", [], id="to-another-machine"),
        pytest.param("udp dport 22 dnat ip to 10.1.0.10", [], id="another-protocol"),
        pytest.param('iifname "n0" tcp dport 22 dnat ip to 10.1.0.10', [], id="from-inside"),
        pytest.param("tcp dport 22 ip ttl 7 dnat ip to 10.1.0.10", ["UNKNOWN"], id="not-known"),
    ],
)
def test_a_denied_flow_is_tried_by_every_translation_to_its_receiver(rule: str, kinds: list[str]) -> None:
    found = _judge(_flow(port=22, allow=False), nft=_table(_lead_on(rule), BLOCKED))

    assert _errors(found) == kinds


@pytest.mark.parametrize(
    ("rule", "early", "kinds"),
    [
        pytest.param(
            "tcp dport 2200-2300 dnat ip to 10.1.0.10:22",
            "tcp dport != 2250 drop",
            ["ACCEPTED"],
            id="one-port",
        ),
        pytest.param(
            "tcp dport 2200-2300 dnat ip to 10.1.0.10:22",
            "tcp dport 2200-2300 drop",
            [],
            id="no-port",
        ),
        pytest.param(
            "ip daddr 198.51.100.0/24 tcp dport 22 dnat ip to 10.1.0.10",
            "ip daddr != 198.51.100.9 drop",
            ["ACCEPTED"],
            id="one-address",
        ),
        pytest.param(
            "tcp dport 2200 dnat ip to 10.1.0.10-10.1.0.11:22",
            "tcp dport != 2200 drop",
            ["UNKNOWN"],
            id="a-target-that-is-not-known",
        ),
    ],
)
def test_whatever_a_rule_translates_is_tried(rule: str, early: str, kinds: list[str]) -> None:
    before = ["type filter hook prerouting priority raw;", f'iifname "n1" {early}']

    found = _judge(_flow(port=22, allow=False), nft=_table(before, _lead_on(rule), BLOCKED))

    assert _errors(found) == kinds
