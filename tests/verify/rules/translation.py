"""Network address translation."""

from collections.abc import Mapping

from netwright.verify.values.outcome import Outcome
from tests.verify.rules.boxes import (
    CLIENT,
    FORWARD,
    NAT,
    OK,
    STRANGER,
    THERE,
    RuleCase,
    case,
    client,
    nft,
    router,
    server,
)

_MASQUERADE = [NAT, 'oifname "n1" masquerade']
_SAME_PRIORITY = "type filter hook postrouting priority srcnat;"
_INPUT = "type filter hook input priority filter;"
_LEADING = "type nat hook prerouting priority dstnat - 10;"
_TO_SERVER = [_LEADING, "fib daddr type local tcp dport 8080 dnat ip to 10.2.0.10"]
_TO_STRANGER = [_LEADING, "ip daddr 10.1.0.1 tcp dport 8080 dnat ip to 10.1.0.77"]
_DROPPING = [f"{FORWARD} policy drop;", "ct state established,related accept"]
_LED_ON = ["type nat hook prerouting priority dstnat;", "ip daddr 10.9.0.1 dnat ip to 10.2.0.10"]
_ESTABLISHED = "ct state established accept"
_OPENED = f"{FORWARD} policy drop;"
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
    "ct_original_is_the_packet_before_translation": case(
        OK,
        router(nft=nft(_LED_ON, [_OPENED, _ESTABLISHED, "ct original ip daddr 10.9.0.1 accept"])),
        pair=(CLIENT, "10.9.0.1"),
    ),
    "ct_original_is_not_the_packet_behind_translation": case(
        Outcome.FILTERED,
        router(nft=nft(_LED_ON, [_OPENED, _ESTABLISHED, "ct original ip daddr 10.2.0.10 accept"])),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "ct_original_has_ports": case(
        OK, router(nft=nft([_OPENED, _ESTABLISHED, "meta l4proto tcp ct original proto-dst 8080 accept"])), over="tcp"
    ),
    "ct_original_has_other_ports": case(
        Outcome.FILTERED,
        router(nft=nft([_OPENED, _ESTABLISHED, "meta l4proto tcp ct original proto-dst 8081-9000 accept"])),
        source=None,
        over="tcp",
    ),
    "an_answer_has_the_packet_that_it_answers": case(
        OK, router(nft=nft([_OPENED, f"ct original ip saddr {CLIENT} accept"]))
    ),
    "fib_tells_what_is_for_the_machine_itself": case(
        Outcome.FILTERED,
        router(nft=nft(["type filter hook prerouting priority raw;", "fib daddr type local drop"])),
        source=None,
        pair=(CLIENT, "10.1.0.1"),
    ),
    "fib_tells_what_is_for_others": case(
        OK, router(nft=nft(["type filter hook prerouting priority raw;", "fib daddr type local drop"]))
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
    "a_port_forward_leads_on": case(
        OK,
        router(nft=nft(_TO_SERVER, [*_DROPPING, "ip daddr 10.2.0.10 tcp dport 8080 ct status dnat accept"])),
        over="tcp",
        pair=(CLIENT, "10.1.0.1"),
    ),
    "what_nothing_has_translated_is_not_led_on": case(
        Outcome.FILTERED,
        router(nft=nft(_TO_SERVER, [*_DROPPING, "ct status dnat accept"])),
        source=None,
        over="tcp",
    ),
    "translation_to_the_same_address_is_none": case(
        Outcome.FILTERED,
        router(
            nft=nft([_LEADING, f"{THERE} dnat ip to 10.2.0.10"], [*_DROPPING, "ct status dnat accept"]),
        ),
        source=None,
        over="udp",
    ),
    "translation_to_the_same_address_and_port_is_none": case(
        OK,
        router(
            nft=nft(
                [_LEADING, f"{THERE} tcp dport 8080 dnat ip to 10.2.0.10:8080", f"{THERE} udp dport 8080 drop"],
                [_LEADING.replace("10", "5"), f"{THERE} tcp dport 8080 accept"],
                [f"{FORWARD} policy accept;", "meta l4proto tcp ct status dnat drop"],
            )
        ),
        over="tcp",
    ),
    "own_addresses_are_those_of_every_card": case(
        OK,
        router(nft=nft(_TO_SERVER, [*_DROPPING, "ct status dnat accept"], [f"{_INPUT} policy drop;"])),
        over="tcp",
        pair=(CLIENT, "10.2.0.1"),
    ),
    "what_is_for_others_is_not_for_the_machine": case(
        OK,
        router(nft=nft([_LEADING, "fib daddr type local dnat ip to 10.2.0.99", "fib daddr type != local accept"])),
        over="tcp",
    ),
    "answers_past_the_router_belong_to_no_connection": case(
        Outcome.NAT_APPLIED,
        router(nft=nft([_LEADING, "ip daddr 10.1.0.1 udp dport 8080 dnat ip to 10.1.0.77"])),
        STRANGER,
        over="udp",
        pair=(CLIENT, "10.1.0.1"),
    ),
    "a_hairpin_hides_the_source": case(
        OK,
        router(nft=nft(_TO_STRANGER, [NAT, 'oifname "n0" ip daddr 10.1.0.77 ct status dnat masquerade'])),
        STRANGER,
        source="10.1.0.1",
        over="tcp",
        pair=(CLIENT, "10.1.0.1"),
    ),
    "only_translated_packets_are_hidden": case(
        OK, router(nft=nft(_TO_SERVER, [NAT, "ct status dnat masquerade"])), over="tcp"
    ),
    "the_source_is_replaced_where_answers_go_another_way": case(
        OK,
        router(nft=nft(_TO_SERVER, [NAT, 'oifname "n1" ct status dnat masquerade'])),
        server(routes=()),
        source="10.2.0.1",
        over="tcp",
        pair=(CLIENT, "10.1.0.1"),
    ),
    "of_two_forwards_the_earlier_chain_decides": case(
        OK,
        router(
            nft=nft(["type nat hook prerouting priority dstnat;", "tcp dport 8080 dnat ip to 10.2.0.99"], name="docker")
            + nft(_TO_SERVER)
        ),
        over="tcp",
        pair=(CLIENT, "10.1.0.1"),
    ),
    "a_redirect_leads_to_the_machine_itself": case(
        OK,
        router(nft=nft([_LEADING, f"{THERE} tcp dport 8080 redirect", "udp dport 8080 redirect to :8080"])),
        over="tcp",
    ),
    "a_redirect_takes_the_first_address_of_the_card": case(
        OK,
        router(
            cards={"n0": ("s1", ("10.1.0.1/24", "10.1.0.2/24")), "n1": ("s2", ("10.2.0.1/24",))},
            nft=nft(
                [_LEADING, f"{THERE} redirect"], ["type filter hook input priority filter;", "ip daddr 10.1.0.2 drop"]
            ),
        ),
        over="udp",
    ),
    "what_a_machine_sends_is_not_led_on_in_prerouting": case(
        OK, client(nft=nft([_LEADING, "dnat ip to 10.2.0.99"])), over="tcp"
    ),
}
