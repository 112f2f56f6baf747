"""Routes, tables, policy rules and gateways."""

from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Route, Rule
from tests.verify.rules.boxes import CLIENT, OK, SERVER, STRANGER, RuleCase, case, client, nft, router, server

_LOCAL = Route(to="10.9.0.0/24", kind="local", dev="e0", table=255)
ROUTING: Mapping[str, RuleCase] = {
    "works": case(OK),
    "works_tcp": case(OK, over="tcp"),
    "default_in_earlier_table_beats_network_in_main": case(
        Outcome.FORWARDING_OFF,
        STRANGER,
        client(
            routes=(
                Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0"),
                Route(to="0.0.0.0/0", via="10.1.0.77", dev="e0", table=100),
            ),
            rules=(Rule(priority=100, table=100),),
        ),
        source=None,
    ),
    "longest_prefix_wins": case(
        OK,
        STRANGER,
        client(
            routes=(
                Route(to="10.2.0.0/16", via="10.1.0.77", dev="e0"),
                Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0", metric=9),
            )
        ),
    ),
    "lowest_metric_wins": case(
        OK,
        STRANGER,
        client(
            routes=(
                Route(to="10.2.0.0/24", via="10.1.0.77", dev="e0", metric=9),
                Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0", metric=5),
            )
        ),
    ),
    "throw_goes_on": case(
        OK,
        client(
            routes=(Route(to="10.2.0.0/24", kind="throw", table=100), Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0")),
            rules=(Rule(priority=100, table=100),),
        ),
    ),
    "a_rule_by_mark_is_for_others": case(
        OK,
        client(
            routes=(
                Route(to="10.2.0.0/24", kind="unreachable", table=100),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),
            ),
            rules=(Rule(priority=100, table=100, mark="0x10/0xff"),),
        ),
    ),
    "what_becomes_of_a_packet_that_a_rule_marks_is_unknown": case(
        Outcome.UNKNOWN,
        client(
            routes=(
                Route(to="10.2.0.0/24", kind="unreachable", table=100),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),
            ),
            rules=(Rule(priority=100, table=100, mark="0x10/0xff"),),
            nft=nft(["type route hook output priority mangle;", "meta mark set 0x10"]),
        ),
        source=None,
    ),
    "a_mark_outside_of_its_mask_is_none": case(
        Outcome.UNREACHABLE_ROUTE,
        client(
            routes=(
                Route(to="10.2.0.0/24", kind="unreachable", table=100),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),
            ),
            rules=(Rule(priority=100, table=100, mark="0x100/0xff"),),
        ),
        source=None,
    ),
    "unreachable_stops": case(
        Outcome.UNREACHABLE_ROUTE,
        client(
            routes=(
                Route(to="10.2.0.0/24", kind="unreachable", table=100),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),
            ),
            rules=(Rule(priority=100, table=100),),
        ),
        source=None,
    ),
    "suppressed_default_is_skipped": case(
        OK,
        STRANGER,
        client(
            routes=(
                Route(to="0.0.0.0/0", via="10.1.0.77", dev="e0"),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0", table=100),
            ),
            rules=(Rule(priority=90, table=254, suppress=0), Rule(priority=100, table=100)),
        ),
    ),
    "a_rejecting_default_is_not_suppressed": case(
        Outcome.UNREACHABLE_ROUTE,
        client(
            routes=(
                Route(to="0.0.0.0/0", kind="unreachable"),
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0", table=100),
            ),
            rules=(Rule(priority=90, table=254, suppress=0), Rule(priority=100, table=100)),
        ),
        source=None,
    ),
    "a_rule_of_mains_priority_comes_after_main": case(
        OK,
        client(
            routes=(
                Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),
                Route(to="0.0.0.0/0", kind="blackhole", table=100),
            ),
            rules=(Rule(priority=32766, table=100),),
        ),
    ),
    "the_default_table_is_asked_last": case(
        OK, client(routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0", table=253),))
    ),
    "a_route_with_a_source_of_nobodys_is_refused": case(
        Outcome.NO_ROUTE,
        client(routes=(Route(to="10.2.0.0/24", via="10.1.0.1", dev="e0", src="10.66.0.1"),)),
        source=None,
    ),
    "the_first_address_of_a_network_depends_on_the_kernel": case(
        Outcome.UNKNOWN,
        server(cards={"e0": ("s2", ("10.2.0.0/24",))}),
        source=None,
        pair=(CLIENT, "10.2.0.0"),
    ),
    "no_route": case(Outcome.NO_ROUTE, client(routes=()), source=None),
    "gateway_on_another_card_is_refused": case(
        Outcome.NO_ROUTE,
        router(routes=(Route(to="10.9.0.0/24", via="10.2.0.10", dev="n0"),)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "gateway_behind_a_gateway_is_refused": case(
        Outcome.NO_ROUTE,
        router(
            routes=(
                Route(to="10.7.0.0/24", via="10.2.0.10", dev="n1"),
                Route(to="10.9.0.0/24", via="10.7.0.1", dev="n1"),
            )
        ),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "onlink_takes_any_gateway": case(
        OK, client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),))
    ),
    "own_gateway_asks_for_the_target": case(
        OK, client(routes=(Route(to="10.2.0.0/24", via="10.1.0.10", dev="e0"),)), router("n0.proxy_arp = 1")
    ),
    "own_gateway_of_another_card_is_refused": case(
        Outcome.NO_ROUTE,
        router(routes=(Route(to="10.9.0.0/24", via="10.1.0.1", dev="n1"),)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "own_gateway_onlink_is_refused": case(
        Outcome.NO_ROUTE,
        router(routes=(Route(to="10.9.0.0/24", via="10.1.0.1", dev="n1", onlink=True),)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "loop": case(
        Outcome.LOOP,
        client(),
        router(routes=(Route(to="10.9.0.0/24", via="10.2.0.10", dev="n1"),)),
        server(sysctls=("net.ipv4.ip_forward = 1",)),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "a_local_route_takes_in_a_whole_network": case(
        OK,
        router(routes=(Route(to="10.9.0.0/24", via="10.2.0.10", dev="n1"),)),
        server(routes=(*server().routes, _LOCAL)),
        pair=(CLIENT, "10.9.0.7"),
    ),
    "what_a_local_route_takes_in_is_answered_for_by_arp": case(
        OK,
        router(routes=(Route(to="10.9.0.0/24", dev="n1"),)),
        server(routes=(*server().routes, _LOCAL)),
        pair=(CLIENT, "10.9.0.7"),
    ),
    "what_a_local_route_in_another_table_takes_in_is_for_transparent_proxies": case(
        Outcome.UNKNOWN,
        router(routes=(Route(to="10.9.0.0/24", via="10.2.0.10", dev="n1"),)),
        server(routes=(*server().routes, replace(_LOCAL, table=100)), rules=(Rule(priority=100, table=100),)),
        source=None,
        pair=(CLIENT, "10.9.0.7"),
    ),
    "a_source_of_a_local_route_is_its_own": case(
        Outcome.RPF_DROP,
        client(cards={"e0": ("s1", ("10.1.0.10/24", "10.9.0.7/32"))}, sysctls=("net.ipv4.conf.e0.arp_announce = 2",)),
        router(routes=(replace(_LOCAL, dev="n1"),)),
        source=None,
        pair=("10.9.0.7", SERVER),
    ),
}
