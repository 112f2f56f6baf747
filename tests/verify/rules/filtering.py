"""The forwarding flag, filter chains and connection tracking."""

from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Route
from tests.verify.rules.boxes import (
    FORWARD,
    OK,
    SHARED_CLIENT,
    SHARED_ROUTER,
    SHARED_SERVER,
    STATEFUL,
    THERE,
    RuleCase,
    case,
    client,
    nft,
    router,
    server,
)

FORWARDING: Mapping[str, RuleCase] = {
    "the_flag_of_the_ingress_card_counts": case(Outcome.FORWARDING_OFF, router("n0.forwarding = 0"), source=None),
    "the_flag_counts_on_the_way_back": case(Outcome.FORWARDING_OFF, router("n1.forwarding = 0")),
    "a_change_of_ip_forward_resets_all_cards": case(
        OK, router(sysctls=("net.ipv4.conf.n0.forwarding = 0", "net.ipv4.ip_forward = 1"))
    ),
}

FILTER: Mapping[str, RuleCase] = {
    "a_drop_in_a_later_table_holds": case(
        Outcome.FILTERED,
        router(nft=nft([FORWARD, "accept"], ["type filter hook forward priority 10;", f"{THERE} drop"])),
        source=None,
    ),
    "an_earlier_drop_is_final": case(
        Outcome.FILTERED,
        router(nft=nft([FORWARD, "accept"], ["type filter hook forward priority -10;", f"{THERE} drop"])),
        source=None,
    ),
    "goto_ends_in_the_policy": case(
        Outcome.FILTERED, router(nft=nft([f"{FORWARD} policy drop;", "goto c1", "accept"], ["counter"])), source=None
    ),
    "a_jump_comes_back": case(OK, router(nft=nft([f"{FORWARD} policy drop;", "jump c1", "accept"], ["return"]))),
    "accept_in_a_jumped_chain_ends_the_base_chain": case(OK, router(nft=nft([FORWARD, "jump c1", "drop"], ["accept"]))),
    "the_policy_drops": case(Outcome.FILTERED, router(nft=nft([f"{FORWARD} policy drop;"])), source=None),
    "a_chain_told_of_twice_keeps_its_policy": case(
        Outcome.FILTERED, router(nft=nft([f"{FORWARD} policy drop;"]) + nft([FORWARD])), source=None
    ),
    "an_answer_of_tcp_alone_rejects_tcp_alone": case(OK, router(nft=nft([FORWARD, "reject with tcp reset"]))),
    "an_answer_of_ipv6_alone_rejects_no_ipv4": case(OK, router(nft=nft([FORWARD, "reject with icmpv6 type no-route"]))),
    "input_is_filtered": case(
        Outcome.FILTERED,
        server(nft=nft(["type filter hook input priority filter;", "meta l4proto icmp drop"])),
        source=None,
    ),
    "a_connection_that_begins_is_told_by_its_flags": case(
        Outcome.FILTERED, router(nft=nft([FORWARD, "tcp flags & (syn | ack) == syn drop"])), over="tcp", source=None
    ),
    "an_answer_begins_no_connection": case(
        OK,
        router(
            nft=nft(
                [
                    f"{FORWARD} policy drop;",
                    f"{THERE} accept",
                    "tcp sport 8080 tcp flags & (syn | ack) != syn accept",
                ]
            )
        ),
        over="tcp",
    ),
    "replies_are_established": case(OK, router(nft=STATEFUL), over="tcp"),
    "a_drop_before_tracking_is_no_matter_of_state": case(
        Outcome.FILTERED,
        router(
            nft=nft([FORWARD, "ct state new accept"], ["type filter hook prerouting priority raw;", f"{THERE} drop"])
        ),
        source=None,
    ),
    "a_udp_port_is_told_from_a_tcp_port": case(
        OK,
        router(nft=nft([f"{FORWARD} policy drop;", "ct state established accept", "udp dport 8080 accept"])),
        over="udp",
    ),
    "a_tcp_port_is_told_from_a_udp_port": case(
        Outcome.FILTERED,
        router(nft=nft([f"{FORWARD} policy drop;", "ct state established accept", "tcp dport 8080 accept"])),
        over="udp",
        source=None,
    ),
    "udp_answers_are_established": case(OK, router(nft=STATEFUL), over="udp"),
    "half_a_flow_is_invalid": case(
        Outcome.CT_INVALID, SHARED_CLIENT, replace(SHARED_ROUTER, nft=STATEFUL), SHARED_SERVER
    ),
    "half_a_flow_is_invalid_for_tcp": case(
        Outcome.CT_INVALID,
        SHARED_CLIENT,
        replace(SHARED_ROUTER, nft=nft([FORWARD, "ct state invalid drop"])),
        SHARED_SERVER,
        over="tcp",
    ),
    "an_ack_without_its_answer_is_invalid": case(
        Outcome.CT_INVALID,
        client(cards={"e0": ("s1", ("10.1.0.10/24",))}),
        replace(SHARED_ROUTER, nft=nft([FORWARD, "ct state invalid drop"])),
        server(cards={"e0": ("s1", ("10.2.0.10/24",))}, routes=(Route(to="10.1.0.0/24", dev="e0"),)),
        over="tcp",
    ),
    "an_empty_name_differs_from_every_name": case(
        Outcome.FILTERED,
        client(nft=nft(["type filter hook output priority filter;", 'iifname != "e9" drop'])),
        source=None,
    ),
}
