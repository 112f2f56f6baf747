"""The reader of hand-off sheets."""

from netwright.verify.reading.formats.handoff import handoff_ruleset, read_handoff
from tests.verify.readers.shown import show, unknown

HANDOFF = """# router

## Addresses

| interface | address |
|---|---|
| lan0 | 192.168.0.1/24 |

## Routes

    ip route replace blackhole 10.42.0.0/16
    ip route replace 10.17.3.0/24 via 192.168.0.40 dev lan0 metric 10

## Kernel parameters

    net.ipv4.ip_forward = 1
"""


def test_a_hand_off_sheet_is_read_as_what_the_device_will_have() -> None:
    reading = read_handoff("h", HANDOFF)

    (link,) = reading.links
    assert [show(route) for route in link.routes] == [
        "unicast 10.17.3.0/24 via 192.168.0.40 metric 10 table 254 @12",
        "blackhole 10.42.0.0/16 metric 0 table 254 @11",
    ]
    assert [(setting.key, setting.value, setting.origin.line) for setting in reading.settings] == [
        (("net", "ipv4", "ip_forward"), "1", 16)
    ]
    assert unknown(reading) == []


def test_what_a_hand_off_sheet_asks_to_be_refused_is_left_to_the_reader_of_rulesets() -> None:
    sheet = HANDOFF + "\n## Packet filter\n\nAs nftables takes them:\n\n    table inet t {\n    \tchain c {\n    }\n"

    ruleset = handoff_ruleset(sheet)

    assert unknown(read_handoff("h", sheet)) == []
    assert ruleset.split("\n")[21:] == ["table inet t {", "\tchain c {", "}", ""]
    assert not ruleset[: ruleset.index("table")].strip()
    assert handoff_ruleset(HANDOFF) == ""


def test_a_hand_off_sheet_has_all_next_hops_of_a_route() -> None:
    line = "10.9.0.0/16 metric 5 nexthop via 10.1.0.1 dev lan0 weight 2 nexthop via 10.2.0.1 dev lan1"

    reading = read_handoff("h", HANDOFF.replace("## Routes\n", f"## Routes\n\n    ip route replace {line}\n"))

    assert unknown(reading) == []
    assert show(reading.links[0].routes[0]).partition(" @")[0] == (
        "unicast 10.9.0.0/16 metric 5 table 254 nexthop 10.1.0.1 dev lan0 weight 2 nexthop 10.2.0.1 dev lan1 weight 1"
    )


def test_an_unknown_line_of_a_hand_off_sheet_is_named() -> None:
    text = HANDOFF.replace("metric 10", "metric 10 nexthop via 10.0.0.1").replace("| lan0 |", "| lan0 | up |")

    assert [line for line, _ in unknown(read_handoff("h", text))] == [7, 12]
