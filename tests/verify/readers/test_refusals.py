"""Files of which nft loads nothing: the program refuses them, and the reader says so."""

import subprocess

import pytest

from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.values.nftables import Ruleset

FORWARD = "type filter hook forward priority filter; policy accept;"
POSTROUTING = "type nat hook postrouting priority srcnat; policy accept;"


def _table(*lines: str, family: str = "inet") -> str:
    return f"table {family} t {{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def _chain(*rules: str, hook: str = FORWARD, name: str = "c") -> str:
    return f"chain {name} {{\n" + "".join(f"\t\t{line}\n" for line in (hook, *rules)) + "\t}"


def _set(text: str) -> str:
    return f"set s {{\n\t\ttype ipv4_addr\n\t\t{text}\n\t}}"


# What is refused, and the nearest to it that is not.
PAIRS = {
    "absent-table": ("delete table inet t\n", "add table inet t\ndelete table inet t\n"),
    "flushed-absent": ("flush table inet t\n", "add table inet t\nflush table inet t\n"),
    "jump-to-base": (
        _table(_chain("accept"), _chain("jump c", name="d")),
        _table(_chain("accept", hook=""), _chain("jump c", name="d")),
    ),
    "jumps-in-a-circle": (
        _table("chain a {\n\t}\n\tchain b {\n\t\tjump a\n\t}\n\tchain a {\n\t\tjump b\n\t}", _chain("jump a")),
        _table("chain a {\n\t}\n\tchain b {\n\t\tjump a\n\t}", _chain("jump a")),
    ),
    "after-the-end": (_table(_chain("accept drop")), _table(_chain("accept"))),
    "counter-after-the-end": (_table(_chain("drop counter")), _table(_chain("counter drop"))),
    "log-after-the-end": (_table(_chain("drop log")), _table(_chain('log prefix "x" level warn drop'))),
    "comment-within": (_table(_chain('comment "x" accept')), _table(_chain('accept comment "a comment is x"'))),
    "both-families": (_table(_chain("ip6 saddr ::1 ip saddr 10.0.0.1 drop")), _table(_chain("ip6 saddr ::1 drop"))),
    "icmpv6-and-tcp": (
        _table(_chain("icmpv6 type echo-request tcp dport 1 drop")),
        _table(_chain("icmpv6 type { echo-request, nd-neighbor-solicit } accept")),
    ),
    "a-translation-of-ipv6": (
        _table(_chain("ip6 nexthdr tcp snat ip to 10.0.0.1", hook=POSTROUTING)),
        _table(_chain("ip6 nexthdr tcp masquerade", hook=POSTROUTING)),
    ),
    "long-name": (_table(_chain('iifname "a234567890123456" drop')), _table(_chain('iifname "a23456789012345" drop'))),
    "no-name": (_table(_chain('iifname "" drop')), _table(_chain('iifname "e" drop'))),
    "set-of-nothing": (_table(_chain("ip saddr { } drop")), _table(_chain("ip saddr { 10.0.0.1 } drop"))),
    "map-that-overlaps": (
        _table(
            _chain(
                "snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.2.0.0/16, 10.1.0.0/24 : 10.3.0.0/24 }",
                hook=POSTROUTING,
            )
        ),
        _table(_chain("snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.2.0.0/16 }", hook=POSTROUTING)),
    ),
    "map-of-no-family": (
        _table(_chain("snat to ip saddr map { 10.1.0.1 : 10.2.0.1 }", hook=POSTROUTING)),
        _table(_chain("snat ip to ip saddr map { 10.1.0.1 : 10.2.0.1 }", hook=POSTROUTING)),
    ),
    "sets-of-protocols": (
        _table(_chain("meta l4proto { tcp, udp } icmp type 8 drop")),
        _table(_chain("meta l4proto { tcp, udp } th dport 8 drop")),
    ),
    "reset-for-two": (
        _table(_chain("meta l4proto { tcp, udp } reject with tcp reset")),
        _table(_chain("tcp dport 1 reject with tcp reset")),
    ),
    "reset-for-udp": (
        _table(_chain("meta l4proto udp reject with tcp reset")),
        _table(_chain("meta l4proto tcp reject with tcp reset")),
    ),
    "answer-for-ipv6-in-ip": (
        _table(_chain("reject with icmpx type admin-prohibited"), family="ip"),
        _table(_chain("reject with icmpx type admin-prohibited")),
    ),
    "masquerade-in-filter": (_table(_chain("masquerade")), _table(_chain("masquerade", hook=POSTROUTING))),
    "dnat-in-postrouting": (
        _table(_chain("dnat ip to 10.0.0.1", hook=POSTROUTING)),
        _table(_chain("dnat ip to 10.0.0.1", hook="type nat hook prerouting priority dstnat")),
    ),
    "reject-in-postrouting": (
        _table(_chain("reject", hook="type filter hook postrouting priority filter")),
        _table(_chain("reject", hook="type filter hook prerouting priority filter")),
    ),
    "nat-in-forward": (
        _table(_chain("accept", hook="type nat hook forward priority filter")),
        _table(_chain("accept", hook="type nat hook input priority filter")),
    ),
    "nat-before-tracking": (
        _table(_chain("accept", hook="type nat hook prerouting priority raw")),
        _table(_chain("accept", hook="type nat hook prerouting priority mangle")),
    ),
    "route-in-forward": (
        _table(_chain("accept", hook="type route hook forward priority filter")),
        _table(_chain("accept", hook="type route hook output priority filter")),
    ),
    "named-priority": (
        _table(_chain("accept", hook="type filter hook forward priority srcnat")),
        _table(_chain("accept", hook="type filter hook postrouting priority srcnat")),
    ),
    "another-hook": (
        _table(_chain("accept")) + _table(_chain(hook="type filter hook input priority filter")),
        _table(_chain("accept")) + _table(_chain()),
    ),
    "policy-without-hook": (_table("chain c {\n\t\tpolicy drop\n\t}"), _table("chain c {\n\t\tdrop\n\t}")),
    "port-without-protocol": (
        _table(_chain("dnat ip to 10.0.0.1:80", hook="type nat hook prerouting priority dstnat")),
        _table(_chain("tcp dport 8080 dnat ip to 10.0.0.1:80", hook="type nat hook prerouting priority dstnat")),
    ),
    "family-of-the-address": (
        _table(_chain("snat to 10.0.0.1", hook=POSTROUTING)),
        _table(_chain("snat to 10.0.0.1", hook=POSTROUTING), family="ip"),
    ),
    "ipv6-in-ip": (_table(_chain("ip6 saddr ::1 accept"), family="ip"), _table(_chain("ip6 saddr ::1 accept"))),
    "nfproto-in-ip": (
        _table(_chain("meta nfproto ipv4 accept"), family="ip"),
        _table(_chain("meta nfproto ipv4 drop")),
    ),
    "two-protocols": (_table(_chain("tcp dport 1 udp dport 1 drop")), _table(_chain("tcp dport 1 tcp sport 1 drop"))),
    "absent-interface": (_table(_chain('iif "virbr9" accept')), _table(_chain('iif "lo" accept'))),
    "any-name": (_table(_chain('iifname "*" accept')), _table(_chain('iifname "e*" accept'))),
    "set-of-networks": (
        _table(_set("elements = { 10.0.0.0/8 }")),
        _table(_set("flags interval; elements = { 10.0.0.0/8 }")),
    ),
    "set-that-overlaps": (
        _table(_set("flags interval; elements = { 10.0.0.0/8, 10.1.0.0/16 }")),
        _table(_set("flags interval; auto-merge; elements = { 10.0.0.0/8, 10.1.0.0/16 }")),
    ),
    "two-blocks-on-a-line": (_table("chain a { accept; } chain b { accept; }"), _table("chain a { accept; }")),
}


def _is_taken(text: str) -> bool:
    done = subprocess.run(
        ["unshare", "--net", "nft", "-f", "-"], input=text, text=True, capture_output=True, check=False
    )
    return done.returncode == 0


def _is_known(text: str) -> bool:
    ruleset = Ruleset()
    read_nft("f", text, ruleset)
    return not ruleset.unknown


@pytest.mark.parametrize("name", PAIRS)
def test_nft_refuses_what_the_reader_names_and_nothing_beside(name: str) -> None:
    refused, taken = PAIRS[name]

    assert (_is_taken(refused), _is_taken(taken)) == (False, True)
    assert (_is_known(refused), _is_known(taken)) == (False, True)
