"""Bridges that show packets that pass them to their host's ip rules, by bridge-nf-call-iptables."""

from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Box, Route
from tests.verify.rules.boxes import (
    CLIENT,
    FORWARD,
    NAT,
    OK,
    SHARED_CLIENT,
    SHARED_ROUTER,
    SHARED_SERVER,
    STATEFUL,
    RuleCase,
    case,
    nft,
    router,
)

_NEIGHBOUR_IP, _SERVICE = "10.1.0.20", "10.9.0.1"
_NEIGHBOUR = Box(
    name="neighbour",
    cards={"e0": ("s1", (f"{_NEIGHBOUR_IP}/24",))},
    routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
)
_NEAR_SERVER = replace(SHARED_SERVER, routes=(Route(to="10.1.0.0/24", dev="e0"),))
_MASQUERADE = [NAT, "ip saddr 10.1.0.0/24 masquerade"]


def _bridge(box: Box, rules: str, *sysctls: str) -> Box:
    """The box as the bridge of its first segment."""
    return replace(
        box,
        bridges=("s1",),
        nft=rules,
        sysctls=("net.ipv4.ip_forward = 1", "net.bridge.bridge-nf-call-iptables = 1", *sysctls),
    )


def _translation(to: str, *, instead_of: str = _SERVICE) -> list[str]:
    return ["type nat hook prerouting priority dstnat;", f"ip daddr {instead_of} dnat ip to {to}"]


BRIDGING: Mapping[str, RuleCase] = {
    "bridge_nf_sees_both_directions": case(OK, SHARED_CLIENT, _bridge(SHARED_ROUTER, STATEFUL), SHARED_SERVER),
    "bridge_nf_filters_what_is_bridged": case(
        Outcome.FILTERED, SHARED_CLIENT, _bridge(SHARED_ROUTER, nft([FORWARD, "drop"])), SHARED_SERVER, source=None
    ),
    "bridge_nf_routes_what_it_translates_out_of_the_segment": case(
        OK,
        _bridge(router(), nft(_translation("10.2.0.10", instead_of=_NEIGHBOUR_IP))),
        _NEIGHBOUR,
        pair=(CLIENT, _NEIGHBOUR_IP),
        over="tcp",
    ),
    "bridge_nf_takes_in_what_it_translates_to_itself": case(
        OK,
        _bridge(router(), nft(_translation("10.2.0.1", instead_of=_NEIGHBOUR_IP))),
        _NEIGHBOUR,
        pair=(CLIENT, _NEIGHBOUR_IP),
    ),
    "bridge_nf_bridges_what_it_translates_within_the_segment": case(
        OK,
        _bridge(router(), nft(_translation(_NEIGHBOUR_IP), _MASQUERADE)),
        _NEIGHBOUR,
        source="10.1.0.1",
        over="tcp",
        pair=(CLIENT, _SERVICE),
    ),
    "bridge_nf_forwards_what_it_translates_within_the_segment": case(
        Outcome.FILTERED,
        _bridge(router(), nft(_translation(_NEIGHBOUR_IP), [FORWARD, 'iifname "n0" oifname "n0" drop'])),
        _NEIGHBOUR,
        source=None,
        pair=(CLIENT, _SERVICE),
    ),
    "bridge_nf_translates_only_where_it_forwards": case(
        Outcome.FORWARDING_OFF,
        _bridge(router(), nft(_translation(_NEIGHBOUR_IP)), "net.ipv4.conf.n0.forwarding = 0"),
        _NEIGHBOUR,
        source=None,
        pair=(CLIENT, _SERVICE),
    ),
    "a_bridge_turns_nothing_back_to_its_sender": case(
        Outcome.LOOP,
        _bridge(router(), nft(_translation(CLIENT), _MASQUERADE)),
        source=None,
        pair=(CLIENT, _SERVICE),
    ),
    "a_bridge_turns_back_nothing_that_it_would_have_bridged": case(
        Outcome.LOOP,
        _bridge(router(), nft(_translation(CLIENT, instead_of=_NEIGHBOUR_IP), _MASQUERADE)),
        _NEIGHBOUR,
        source=None,
        pair=(CLIENT, _NEIGHBOUR_IP),
    ),
    "without_bridge_nf_a_router_turns_back_to_the_sender": case(
        OK,
        replace(router(), bridges=("s1",), nft=nft(_translation(CLIENT), _MASQUERADE)),
        source="10.1.0.1",
        pair=(CLIENT, _SERVICE),
        over="tcp",
    ),
    "without_bridge_nf_nothing_that_is_bridged_is_filtered": case(
        OK, SHARED_CLIENT, replace(SHARED_ROUTER, bridges=("s1",), nft=nft([FORWARD, "drop"])), _NEAR_SERVER
    ),
    "a_host_of_a_bridge_routes_back_what_it_does_not_translate": case(
        Outcome.FORWARDING_OFF,
        replace(_bridge(router(), STATEFUL), routes=(Route(to="10.2.0.10/32", via=CLIENT, dev="n0"),)),
        source=None,
    ),
}
