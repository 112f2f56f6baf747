"""One small world for each rule of forwarding: what must come of one conversation in it.

Every world is judged by the model, and by the kernel where the kernel can show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gen.verify.trace import Outcome
from tests.verify.kernel.world import Box, Route, Rule, World

CLIENT, SERVER = "10.1.0.10", "10.2.0.10"
_SYSCTL = "net.ipv4.conf."


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleCase:
    """A world, who talks to whom, and what must come of it; `source` is what the receiver sees."""

    world: World
    outcome: Outcome
    source: str | None = CLIENT
    tcp: bool = False
    pair: tuple[str, str] = (CLIENT, SERVER)

    def __post_init__(self) -> None:
        """The pair is the world's first."""
        assert self.world.pairs[0] == self.pair


def _client(**changes: object) -> Box:
    box = Box(
        name="client",
        cards={"e0": ("s1", ("10.1.0.10/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
    )
    return replace(box, **changes)  # type: ignore[arg-type]


def _server(**changes: object) -> Box:
    box = Box(
        name="server",
        cards={"e0": ("s2", ("10.2.0.10/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0"),),
    )
    return replace(box, **changes)  # type: ignore[arg-type]


def _router(*sysctls: str, **changes: object) -> Box:
    box = Box(
        name="router",
        cards={"n0": ("s1", ("10.1.0.1/24",)), "n1": ("s2", ("10.2.0.1/24",))},
        sysctls=("net.ipv4.ip_forward = 1", *(_SYSCTL + line for line in sysctls)),
    )
    return replace(box, **changes)  # type: ignore[arg-type]


def _case(
    outcome: Outcome,
    *boxes: Box,
    source: str | None = CLIENT,
    tcp: bool = False,
    pair: tuple[str, str] = (CLIENT, SERVER),
) -> RuleCase:
    named = {box.name: box for box in (_client(), _router(), _server())} | {box.name: box for box in boxes}
    world = World(boxes=tuple(named.values()), pairs=(pair,))
    return RuleCase(world=world, outcome=outcome, source=source, tcp=tcp, pair=pair)


def _nft(*chains: Sequence[str]) -> str:
    # Chains that others jump to stand behind the base chain here, and before it in the file.
    text = "table inet rules {\n"
    for number, lines in reversed([*enumerate(chains)]):
        text += f"\tchain c{number} {{\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n"
    return text + "}\n"


_FORWARD = "type filter hook forward priority filter;"
_NAT = "type nat hook postrouting priority srcnat;"
_OK = Outcome.ACCEPTED
_THERE = "ip daddr 10.2.0.10"
# A second host of the client's segment, which would be a wrong next hop.
_STRANGER = Box(name="stranger", cards={"e0": ("s1", ("10.1.0.77/24",))})
# Two networks on one segment: the client reaches the server directly, the server answers by the router.
_SHARED_ROUTER = Box(
    name="router", cards={"n0": ("s1", ("10.1.0.1/24", "10.2.0.1/24"))}, sysctls=("net.ipv4.ip_forward = 1",)
)
_SHARED_SERVER = _server(cards={"e0": ("s1", ("10.2.0.10/24",))})
_SHARED_CLIENT = _client(routes=(Route(to="10.2.0.0/24", dev="e0"),))
_STATEFUL = _nft([f"{_FORWARD} policy drop;", "ct state established,related accept", f"{_THERE} accept"])

ROUTING: Mapping[str, RuleCase] = {
    "works": _case(_OK),
    "works_tcp": _case(_OK, tcp=True),
    "default_in_earlier_table_beats_network_in_main": _case(
        Outcome.FORWARDING_OFF,
        _STRANGER,
        _client(
            routes=(
                Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0"),
                Route(to="0.0.0.0/0", via="10.1.0.77", dev="e0", table=100),
            ),
            rules=(Rule(priority=100, table=100),),
        ),
        source=None,
    ),
    "longest_prefix_wins": _case(
        _OK,
        _STRANGER,
        _client(
            routes=(
                Route(to="10.2.0.0/16", via="10.1.0.77", dev="e0"),
                Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0", metric=9),
            )
        ),
    ),
    "lowest_metric_wins": _case(
        _OK,
        _STRANGER,
        _client(
            routes=(
                Route(to="10.2.0.0/24", via="10.1.0.77", dev="e0", metric=9),
                Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0", metric=5),
            )
        ),
    ),
    "throw_goes_on": _case(
        _OK,
        _client(
            routes=(Route(to="10.2.0.0/24", kind="throw", table=100), Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0")),
            rules=(Rule(priority=100, table=100),),
        ),
    ),
    "unreachable_stops": _case(
        Outcome.UNREACHABLE_ROUTE,
        _client(
            routes=(
                Route(to="10.2.0.0/24", kind="unreachable", table=100),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),
            ),
            rules=(Rule(priority=100, table=100),),
        ),
        source=None,
    ),
    "suppressed_default_is_skipped": _case(
        _OK,
        _STRANGER,
        _client(
            routes=(
                Route(to="0.0.0.0/0", via="10.1.0.77", dev="e0"),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0", table=100),
            ),
            rules=(Rule(priority=90, table=254, suppress=0), Rule(priority=100, table=100)),
        ),
    ),
    "no_route": _case(Outcome.NO_ROUTE, _client(routes=()), source=None),
    "gateway_on_another_card_is_refused": _case(
        Outcome.NO_ROUTE,
        _router(routes=(Route(to="10.9.0.0/24", via="10.2.0.10", dev="n0"),)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "gateway_behind_a_gateway_is_refused": _case(
        Outcome.NO_ROUTE,
        _router(
            routes=(
                Route(to="10.7.0.0/24", via="10.2.0.10", dev="n1"),
                Route(to="10.9.0.0/24", via="10.7.0.1", dev="n1"),
            )
        ),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "onlink_takes_any_gateway": _case(
        _OK, _client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),))
    ),
    "own_gateway_asks_for_the_target": _case(
        _OK, _client(routes=(Route(to="10.2.0.0/24", via="10.1.0.10", dev="e0"),)), _router("n0.proxy_arp = 1")
    ),
    "own_gateway_of_another_card_is_refused": _case(
        Outcome.NO_ROUTE,
        _router(routes=(Route(to="10.9.0.0/24", via="10.1.0.1", dev="n1"),)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "own_gateway_onlink_is_refused": _case(
        Outcome.NO_ROUTE,
        _router(routes=(Route(to="10.9.0.0/24", via="10.1.0.1", dev="n1", onlink=True),)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "loop": _case(
        Outcome.LOOP,
        _client(),
        _router(routes=(Route(to="10.9.0.0/24", via="10.2.0.10", dev="n1"),)),
        _server(sysctls=("net.ipv4.ip_forward = 1",)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
}

_AWAY = Route(to="10.1.0.10/32", dev="n1")
# Asks by ARP with its first address, so that what is dropped is the packet.
_TWO_ADDRESSES = _server(
    cards={"e0": ("s2", ("10.2.0.10/24", "10.9.0.7/32"))}, sysctls=("net.ipv4.conf.e0.arp_announce = 2",)
)
REVERSE_PATH: Mapping[str, RuleCase] = {
    "strict_drops_what_comes_by_another_way": _case(
        Outcome.RPF_DROP,
        _TWO_ADDRESSES,
        _router("n1.rp_filter = 1", routes=(Route(to="10.9.0.0/24", dev="n0"),)),
        source=None,
        pair=("10.9.0.7", CLIENT),
    ),
    "all_counts_for_every_card": _case(
        Outcome.RPF_DROP,
        _TWO_ADDRESSES,
        _router("all.rp_filter = 1", routes=(Route(to="10.9.0.0/24", dev="n0"),)),
        source=None,
        pair=("10.9.0.7", CLIENT),
    ),
    "loose_takes_any_route": _case(
        Outcome.ARP_UNANSWERED,
        _TWO_ADDRESSES,
        _router("n1.rp_filter = 2", routes=(Route(to="10.9.0.0/24", dev="n0"),)),
        source="10.9.0.7",
        pair=("10.9.0.7", CLIENT),
    ),
    "loose_drops_without_a_route": _case(
        Outcome.RPF_DROP, _TWO_ADDRESSES, _router("n1.rp_filter = 2"), source=None, pair=("10.9.0.7", CLIENT)
    ),
    "loose_drops_what_a_blackhole_takes": _case(
        Outcome.RPF_DROP,
        _TWO_ADDRESSES,
        _router("n1.rp_filter = 2", routes=(Route(to="10.9.0.0/24", kind="blackhole"),)),
        source=None,
        pair=("10.9.0.7", CLIENT),
    ),
    "a_source_of_its_own_is_dropped": _case(
        Outcome.RPF_DROP, _server(cards={"e0": ("s2", ("10.2.0.10/24", "10.1.0.10/32"))}), source=None
    ),
    "accept_local_takes_a_source_of_its_own": _case(
        Outcome.NAT_APPLIED,
        _server(cards={"e0": ("s2", ("10.2.0.10/24", "10.1.0.10/32"))}, sysctls=("net.ipv4.conf.e0.accept_local = 1",)),
    ),
    "arp_is_silenced_too": _case(Outcome.ARP_UNANSWERED, _router("n0.rp_filter = 1", routes=(_AWAY,)), source=None),
}

_TO_SERVER_DIRECTLY = _client(routes=(Route(to="10.2.0.0/24", dev="e0"),))
ARP: Mapping[str, RuleCase] = {
    "nobody_answers_from_another_segment": _case(
        Outcome.ARP_UNANSWERED,
        _client(routes=(Route(to="10.2.0.0/24", via="10.2.0.10", dev="e0", onlink=True),)),
        source=None,
    ),
    "a_proxy_answers": _case(_OK, _TO_SERVER_DIRECTLY, _router("n0.proxy_arp = 1")),
    "a_proxy_answers_by_all": _case(_OK, _TO_SERVER_DIRECTLY, _router("all.proxy_arp = 1")),
    "a_proxy_must_forward": _case(
        Outcome.ARP_UNANSWERED, _TO_SERVER_DIRECTLY, _router("n0.proxy_arp = 1", "n0.forwarding = 0"), source=None
    ),
    "a_proxy_needs_a_route": _case(
        Outcome.ARP_UNANSWERED,
        _client(routes=(Route(to="0.0.0.0/0", dev="e0"),)),
        _router("n0.proxy_arp = 1"),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "a_proxy_is_silent_for_its_own_side": _case(
        _OK, _router("n0.proxy_arp = 1"), _STRANGER, pair=(CLIENT, "10.1.0.77")
    ),
    "a_private_vlan_proxy_answers_for_its_own_side": _case(
        Outcome.ARP_UNANSWERED, _router("n0.proxy_arp_pvlan = 1"), source=None, pair=(CLIENT, "10.1.0.99")
    ),
    "a_proxy_is_silent_within_one_medium": _case(
        Outcome.ARP_UNANSWERED,
        _TO_SERVER_DIRECTLY,
        _router("n0.proxy_arp = 1", "n0.medium_id = 3", "n1.medium_id = 3"),
        source=None,
    ),
    "a_proxy_needs_a_sender_that_passes": _case(
        Outcome.ARP_UNANSWERED,
        _TO_SERVER_DIRECTLY,
        _router("n0.proxy_arp = 1", "n0.rp_filter = 1", routes=(_AWAY,)),
        source=None,
    ),
    "behind_a_proxy_a_wrong_gateway_is_invisible": _case(
        _OK,
        _client(routes=(Route(to="10.2.0.0/24", via="10.2.0.99", dev="e0", onlink=True),)),
        _router("n0.proxy_arp = 1"),
    ),
    "own_addresses_are_answered_on_any_card": _case(
        _OK,
        _client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        _router("n0.proxy_arp = 0"),
    ),
    "arp_ignore_stops_that": _case(
        Outcome.ARP_UNANSWERED,
        _client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        _router("all.arp_ignore = 1"),
        source=None,
    ),
    "two_responders_are_nondeterministic": _case(
        Outcome.UNKNOWN,
        _TO_SERVER_DIRECTLY,
        _router("n0.proxy_arp = 1"),
        Box(name="other", cards={"e0": ("s1", ("10.2.0.10/32",))}),
        source=None,
    ),
    "arp_announce_hides_another_cards_address": _case(
        _OK,
        _client(
            cards={"e0": ("s1", ("10.1.0.10/24",)), "e1": ("s3", ("10.3.0.10/24",))},
            sysctls=("net.ipv4.conf.all.arp_announce = 2",),
        ),
        _router("n0.rp_filter = 1"),
    ),
    "arp_asks_with_the_packets_source": _case(
        Outcome.ARP_UNANSWERED,
        _client(cards={"e0": ("s1", ("10.1.0.10/24",)), "e1": ("s3", ("10.3.0.10/24",))}),
        _router("n0.rp_filter = 1"),
        source=None,
        pair=("10.3.0.10", SERVER),
    ),
}

FORWARDING: Mapping[str, RuleCase] = {
    "the_flag_of_the_ingress_card_counts": _case(Outcome.FORWARDING_OFF, _router("n0.forwarding = 0"), source=None),
    "the_flag_counts_on_the_way_back": _case(Outcome.FORWARDING_OFF, _router("n1.forwarding = 0")),
    "a_change_of_ip_forward_resets_all_cards": _case(
        _OK, _router(sysctls=("net.ipv4.conf.n0.forwarding = 0", "net.ipv4.ip_forward = 1"))
    ),
}

FILTER: Mapping[str, RuleCase] = {
    "a_drop_in_a_later_table_holds": _case(
        Outcome.FILTERED,
        _router(nft=_nft([_FORWARD, "accept"], ["type filter hook forward priority 10;", f"{_THERE} drop"])),
        source=None,
    ),
    "an_earlier_drop_is_final": _case(
        Outcome.FILTERED,
        _router(nft=_nft([_FORWARD, "accept"], ["type filter hook forward priority -10;", f"{_THERE} drop"])),
        source=None,
    ),
    "goto_ends_in_the_policy": _case(
        Outcome.FILTERED, _router(nft=_nft([f"{_FORWARD} policy drop;", "goto c1", "accept"], ["counter"])), source=None
    ),
    "a_jump_comes_back": _case(_OK, _router(nft=_nft([f"{_FORWARD} policy drop;", "jump c1", "accept"], ["return"]))),
    "accept_in_a_jumped_chain_ends_the_base_chain": _case(
        _OK, _router(nft=_nft([_FORWARD, "jump c1", "drop"], ["accept"]))
    ),
    "the_policy_drops": _case(Outcome.FILTERED, _router(nft=_nft([f"{_FORWARD} policy drop;"])), source=None),
    "input_is_filtered": _case(
        Outcome.FILTERED,
        _server(nft=_nft(["type filter hook input priority filter;", "meta l4proto icmp drop"])),
        source=None,
    ),
    "replies_are_established": _case(_OK, _router(nft=_STATEFUL), tcp=True),
    "half_a_flow_is_invalid": _case(
        Outcome.CT_INVALID, _SHARED_CLIENT, replace(_SHARED_ROUTER, nft=_STATEFUL), _SHARED_SERVER
    ),
    "half_a_flow_is_invalid_for_tcp": _case(
        Outcome.CT_INVALID,
        _SHARED_CLIENT,
        replace(_SHARED_ROUTER, nft=_nft([_FORWARD, "ct state invalid drop"])),
        _SHARED_SERVER,
        tcp=True,
    ),
    "an_ack_without_its_answer_is_invalid": _case(
        Outcome.CT_INVALID,
        _client(cards={"e0": ("s1", ("10.1.0.10/24",))}),
        replace(_SHARED_ROUTER, nft=_nft([_FORWARD, "ct state invalid drop"])),
        _server(cards={"e0": ("s1", ("10.2.0.10/24",))}, routes=(Route(to="10.1.0.0/24", dev="e0"),)),
        tcp=True,
    ),
    "bridge_nf_sees_both_directions": _case(
        _OK,
        _SHARED_CLIENT,
        replace(
            _SHARED_ROUTER,
            bridges=("s1",),
            nft=_STATEFUL,
            sysctls=("net.ipv4.ip_forward = 1", "net.bridge.bridge-nf-call-iptables = 1"),
        ),
        _SHARED_SERVER,
    ),
    "bridge_nf_filters_what_is_bridged": _case(
        Outcome.FILTERED,
        _SHARED_CLIENT,
        replace(
            _SHARED_ROUTER,
            bridges=("s1",),
            nft=_nft([_FORWARD, "drop"]),
            sysctls=("net.ipv4.ip_forward = 1", "net.bridge.bridge-nf-call-iptables = 1"),
        ),
        _SHARED_SERVER,
        source=None,
    ),
    "an_empty_name_differs_from_every_name": _case(
        Outcome.FILTERED,
        _client(nft=_nft(["type filter hook output priority filter;", 'iifname != "e9" drop'])),
        source=None,
    ),
}

_MASQUERADE = [_NAT, 'oifname "n1" masquerade']
_EARLIER = "type nat hook postrouting priority 90;"
TRANSLATION: Mapping[str, RuleCase] = {
    "masquerade_hides_the_source": _case(_OK, _router(nft=_nft(_MASQUERADE)), source="10.2.0.1", tcp=True),
    "masquerade_never_fires_for_answers": _case(_OK, _router(nft=_nft([_NAT, 'oifname "n0" masquerade']))),
    "nat_chains_see_only_first_packets": _case(
        _OK, _router(nft=_nft([_NAT, 'oifname "n0" drop', 'oifname "n1" masquerade'])), source="10.2.0.1", tcp=True
    ),
    "nat_chains_sleep_without_tracking": _case(_OK, _router(nft=_nft([_NAT, f"{_THERE} drop"]))),
    "nat_chains_wake_with_tracking": _case(
        Outcome.FILTERED, _router(nft=_nft([_NAT, f"{_THERE} drop"], [_FORWARD, "ct state new accept"])), source=None
    ),
    "an_earlier_accept_exempts_nothing": _case(
        _OK, _router(nft=_nft([_EARLIER, f"{_THERE} accept"], _MASQUERADE)), source="10.2.0.1"
    ),
    "an_accept_in_the_chain_exempts": _case(_OK, _router(nft=_nft([_NAT, f"{_THERE} accept", "masquerade"]))),
    "a_null_translation_exempts": _case(
        _OK, _router(nft=_nft([_EARLIER, f"{_THERE} snat ip to ip saddr"], _MASQUERADE))
    ),
    "a_null_map_exempts": _case(
        _OK, _router(nft=_nft([_EARLIER, "snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.1.0.0/16 }"], _MASQUERADE))
    ),
    "a_map_without_the_address_exempts_nothing": _case(
        _OK,
        _router(nft=_nft([_EARLIER, "snat ip prefix to ip saddr map { 10.8.0.0/16 : 10.8.0.0/16 }"], _MASQUERADE)),
        source="10.2.0.1",
    ),
    "notrack_exempts": _case(
        _OK, _router(nft=_nft(["type filter hook prerouting priority raw;", "notrack"], _MASQUERADE))
    ),
    "untracked_is_a_state_of_its_own": _case(
        Outcome.FILTERED,
        _router(
            nft=_nft(
                ["type filter hook prerouting priority raw;", "notrack"],
                [f"{_FORWARD} policy drop;", "ct state new,established,related,invalid accept"],
            )
        ),
        source=None,
    ),
    "destination_nat_comes_before_routing": _case(
        _OK,
        _router(nft=_nft(["type nat hook prerouting priority dstnat;", "ip daddr 10.9.0.1 dnat ip to 10.2.0.10"])),
        pair=(CLIENT, "10.9.0.1"),
    ),
    "snat_to_an_address": _case(_OK, _router(nft=_nft([_NAT, "snat ip to 10.2.0.1"])), source="10.2.0.1"),
}

CASES: Mapping[str, RuleCase] = {**ROUTING, **REVERSE_PATH, **ARP, **FORWARDING, **FILTER, **TRANSLATION}
