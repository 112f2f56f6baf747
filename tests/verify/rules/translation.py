"""Network address translation."""

from collections.abc import Mapping

from netwright.verify.values.outcome import Outcome
from tests.verify.rules.boxes import CLIENT, FORWARD, NAT, OK, THERE, RuleCase, case, nft, router, server

_MASQUERADE = [NAT, 'oifname "n1" masquerade']
_SAME_PRIORITY = "type filter hook postrouting priority srcnat;"
_EARLIER = "type nat hook postrouting priority 90;"
TRANSLATION: Mapping[str, RuleCase] = {
    "masquerade_hides_the_source": case(OK, router(nft=nft(_MASQUERADE)), source="10.2.0.1", over="tcp"),
    "masquerade_never_fires_for_answers": case(OK, router(nft=nft([NAT, 'oifname "n0" masquerade']))),
    "nat_chains_see_only_first_packets": case(
        OK, router(nft=nft([NAT, 'oifname "n0" drop', 'oifname "n1" masquerade'])), source="10.2.0.1", over="tcp"
    ),
    "nat_chains_sleep_without_tracking": case(OK, router(nft=nft([NAT, f"{THERE} drop"]))),
    "nat_chains_wake_with_tracking": case(
        Outcome.FILTERED, router(nft=nft([NAT, f"{THERE} drop"], [FORWARD, "ct state new accept"])), source=None
    ),
    "an_earlier_accept_exempts_nothing": case(
        OK, router(nft=nft([_EARLIER, f"{THERE} accept"], _MASQUERADE)), source="10.2.0.1"
    ),
    "an_accept_in_the_chain_exempts": case(OK, router(nft=nft([NAT, f"{THERE} accept", "masquerade"]))),
    "a_null_translation_exempts": case(OK, router(nft=nft([_EARLIER, f"{THERE} snat ip to ip saddr"], _MASQUERADE))),
    "a_null_map_exempts": case(
        OK, router(nft=nft([_EARLIER, "snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.1.0.0/16 }"], _MASQUERADE))
    ),
    "a_map_without_the_address_exempts_nothing": case(
        OK,
        router(nft=nft([_EARLIER, "snat ip prefix to ip saddr map { 10.8.0.0/16 : 10.8.0.0/16 }"], _MASQUERADE)),
        source="10.2.0.1",
    ),
    "notrack_exempts": case(OK, router(nft=nft(["type filter hook prerouting priority raw;", "notrack"], _MASQUERADE))),
    "untracked_is_a_state_of_its_own": case(
        Outcome.FILTERED,
        router(
            nft=nft(
                ["type filter hook prerouting priority raw;", "notrack"],
                [f"{FORWARD} policy drop;", "ct state new,established,related,invalid accept"],
            )
        ),
        source=None,
    ),
    "destination_nat_comes_before_routing": case(
        OK,
        router(nft=nft(["type nat hook prerouting priority dstnat;", "ip daddr 10.9.0.1 dnat ip to 10.2.0.10"])),
        pair=(CLIENT, "10.9.0.1"),
    ),
    "of_chains_of_one_priority_the_one_made_last_translates": case(
        OK,
        router(
            nft=nft([NAT, "ip saddr 10.99.0.0/24 accept"], name="first")
            + nft([NAT, "snat ip to 10.7.7.7"], name="second")
            + "table inet first {\n\tchain late {\n\t\t"
            + NAT
            + "\n\t\tsnat ip to 10.2.0.1\n\t}\n}\n"
        ),
        source="10.2.0.1",
    ),
    "a_filter_of_nats_priority_made_before_it_runs_after_it": case(
        Outcome.FILTERED, router(nft=nft(_MASQUERADE, [_SAME_PRIORITY, "ip saddr 10.2.0.1 drop"])), source=None
    ),
    "a_filter_of_nats_priority_made_after_it_runs_before_it": case(
        OK, router(nft=nft([_SAME_PRIORITY, "ip saddr 10.2.0.1 drop"], _MASQUERADE)), source="10.2.0.1"
    ),
    "input_is_translated_before_later_chains": case(
        OK,
        server(
            nft=nft(
                ["type nat hook input priority 100;", "snat ip to 10.9.0.1"],
                ["type filter hook input priority 200;", "ip saddr 10.9.0.1 accept", "drop"],
            )
        ),
        source="10.9.0.1",
    ),
    "snat_to_an_address": case(OK, router(nft=nft([NAT, "snat ip to 10.2.0.1"])), source="10.2.0.1"),
}
