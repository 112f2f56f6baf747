"""Readers of interfaces: facts with their lines, and every line that is not known named."""

import pytest

from netwright.verify.reading.formats.ifcfg import read_ifcfg
from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.values.addresses import format_ip
from tests.verify.readers.shown import show, unknown

NETWORK = """[Match]
Name=eth0

[Network]
Address=10.1.0.11/24
DNS=10.1.0.1
LinkLocalAddressing=no

[Route]
Destination=10.51.0.0/16
Gateway=10.9.9.9
GatewayOnLink=yes
Metric=7
Table=100

[Route]
Destination=10.53.0.0/16
Type=blackhole

[RoutingPolicyRule]
Priority=100
From=10.1.0.0/24
Table=100
"""
IFCFG = """# a comment
DEVICE=eth0
TYPE=Ethernet
BOOTPROTO=none
IPADDR=10.1.0.12
PREFIX=24
IPADDR1=10.1.0.13
PREFIX1=25
GATEWAY=10.1.0.1
ROUTING_RULE_0="priority 100 from 10.1.0.0/24 table 100"
"""
KEYFILE = """[connection]
id=eth0
type=ethernet
interface-name=eth0

[ipv4]
method=manual
address1=10.1.0.13/24
gateway=10.1.0.1
route2=10.51.0.0/16,10.9.9.9,50
route2_options=onlink=true,table=100
route1=10.52.0.0/16,0.0.0.0
routing-rule1=priority 100 from 10.1.0.0/24 table 100

[ipv6]
method=disabled
"""


def test_a_network_file_gives_addresses_routes_and_rules_with_their_lines() -> None:
    reading = read_network([("n", NETWORK)])

    (link,) = reading.links
    assert link.name == "eth0"
    assert [(format_ip(one.ip), one.length, one.origin.line) for one in link.addresses] == [("10.1.0.11", 24, 5)]
    assert [show(route) for route in link.routes] == [
        "unicast 10.51.0.0/16 via 10.9.9.9 onlink metric 7 table 100 @10",
        "blackhole 10.53.0.0/16 metric 0 table 254 @17",
    ]
    assert [(rule.priority, rule.table, str(rule.source)) for rule in link.rules] == [(100, 100, "10.1.0.0/24")]
    assert unknown(reading) == []


def test_a_drop_in_adds_to_its_network_file() -> None:
    reading = read_network(
        [("n", "[Match]\nName=eth0\n"), ("d", "[Route]\nDestination=10.5.0.0/16\nGateway=10.1.0.1\n")]
    )

    assert [str(route.origin) for route in reading.links[0].routes] == ["d:2"]


def test_of_two_destinations_in_one_section_the_last_wins() -> None:
    text = "[Match]\nName=eth0\n[Route]\nDestination=10.5.0.0/16\nDestination=10.6.0.0/16\nGateway=10.1.0.1\n"

    assert [str(route.to) for route in read_network([("n", text)]).links[0].routes] == ["10.6.0.0/16"]


def test_a_network_file_gives_all_next_hops_of_a_route() -> None:
    text = (
        "[Match]\nName=eth0\n[Route]\nDestination=10.5.0.0/16\nMultiPathRoute=10.1.0.1@a 3\n"
        "MultiPathRoute=10.2.0.1@b 256\nMetric=7\n[Route]\nMultiPathRoute=10.1.0.1\nMultiPathRoute=10.1.0.2\n"
    )

    reading = read_network([("n", text)])

    assert unknown(reading) == []
    assert [show(route) for route in reading.links[0].routes] == [
        "unicast 10.5.0.0/16 metric 7 table 254 nexthop 10.1.0.1 dev a weight 3 nexthop 10.2.0.1 dev b weight 256 @4",
        "unicast 0.0.0.0/0 metric 0 table 254 nexthop 10.1.0.1 dev None weight 1 nexthop 10.1.0.2 dev None weight 1 @9",
    ]


def test_a_route_of_type_local_is_in_the_table_of_own_addresses_unless_it_names_another() -> None:
    network = "[Match]\nName=eth0\n" + "".join(
        f"[Route]\nType=local\nDestination=10.{number}.0.0/16\n{more}"
        for number, more in ((5, ""), (6, "Table=100\n"), (7, "Table=255\nScope=host\n"))
    )
    lines = (
        "route3=10.5.0.0/16,0.0.0.0,7\nroute3_options=type=local\n"
        "route4=10.6.0.0/16,0.0.0.0,7\nroute4_options=table=100,type=local\n"
    )

    readings = [read_network([("n", network)]), read_keyfile("k", KEYFILE.replace("\n[ipv6]", f"{lines}\n[ipv6]"))]

    assert [unknown(reading) for reading in readings] == [[], []]
    routes = [[(str(one.to), one.kind, one.table) for one in reading.links[0].routes] for reading in readings]
    assert routes[0] == [("10.5.0.0/16", "local", 255), ("10.6.0.0/16", "local", 100), ("10.7.0.0/16", "local", 255)]
    assert routes[1][-2:] == [("10.5.0.0/16", "local", 255), ("10.6.0.0/16", "local", 100)]


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("Type=local\nScope=link", (6, "Scope=link")),
        ("Type=local\nGateway=10.1.0.1", (4, "")),
        ("Type=blackhole\nTable=local", (6, "Table=local")),
    ],
    ids=["scope", "gateway", "table"],
)
def test_what_does_not_go_with_a_routes_type_is_named(lines: str, named: tuple[int, str]) -> None:
    text = f"[Match]\nName=eth0\n[Route]\nDestination=10.5.0.0/16\n{lines}\n"

    assert unknown(read_network([("n", text)])) == [named]


@pytest.mark.parametrize("value", ["10.1.0.1@eth0 0", "10.1.0.1@eth0 257", "10.1.0.1@2", "eth0", "10.1.0.1@eth0 x", ""])
def test_a_next_hop_that_networkd_ignores_is_named(value: str) -> None:
    text = f"[Match]\nName=eth0\n[Route]\nDestination=10.5.0.0/16\nMultiPathRoute={value}\n"

    assert unknown(read_network([("n", text)])) == [(5, f"MultiPathRoute={value}")]


@pytest.mark.parametrize("line", ["Gateway=10.1.0.9", "GatewayOnLink=yes", "Type=blackhole", "Scope=link"])
def test_what_does_not_go_with_several_next_hops_is_named(line: str) -> None:
    text = f"[Match]\nName=eth0\n[Route]\nDestination=10.5.0.0/16\nMultiPathRoute=10.1.0.1\n{line}\n"

    assert unknown(read_network([("n", text)])) == [(5, "MultiPathRoute=10.1.0.1")]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("[Network]\nFoo=1", (4, "Foo=1")),
        ("[Network]\nAddress=10.1.0.11", (4, "10.1.0.11")),
        ("[Network]\nIPv4ProxyARP=yes", (4, "IPv4ProxyARP=yes")),
        ("[Route]\nDestination=10.1.0.1/16\nGateway=10.1.0.1", (4, "Destination=10.1.0.1/16")),
        ("[Route]\nGateway=10.1.0.1\nMultiPathRoute=10.0.0.1", (5, "MultiPathRoute=10.0.0.1")),
        ("[Bridge]\nSTP=yes", (4, "STP=yes")),
        ("nonsense", (3, "nonsense")),
        ("[Network]\nDNS=1.1.1.1\\", (4, "DNS=1.1.1.1\\")),
    ],
    ids=["key", "no length", "proxy arp", "host bits", "multipath", "section", "no key", "continuation"],
)
def test_an_unknown_line_of_a_network_file_is_named(line: str, named: tuple[int, str]) -> None:
    assert unknown(read_network([("n", f"[Match]\nName=eth0\n{line}\n")])) == [named]


@pytest.mark.parametrize(
    "match", ["", "[Match]\nName=!eth*\n", "[Match]\nType=ether\n"], ids=["none", "negation", "type"]
)
def test_a_network_file_for_any_interface_is_not_known(match: str) -> None:
    assert read_network([("n", match + "[Network]\nAddress=10.1.0.11/24\n")]).unknown


def test_an_ifcfg_file_with_its_routes() -> None:
    routes = "# c\n10.50.0.0/16 via 10.1.0.2 dev eth0 metric 50 mtu 1400\nunreachable 10.54.0.0/16 metric 4000\n"

    reading = read_ifcfg("i", IFCFG, ("r", routes))

    (link,) = reading.links
    assert [(format_ip(one.ip), one.length, one.origin.line) for one in link.addresses] == [
        ("10.1.0.12", 24, 5),
        ("10.1.0.13", 25, 7),
    ]
    assert [show(route) for route in link.routes] == [
        "unicast 0.0.0.0/0 via 10.1.0.1 metric 100 table 254 @9",
        "unicast 10.50.0.0/16 via 10.1.0.2 metric 50 table 254 @2",
        "unreachable 10.54.0.0/16 metric 4000 table 254 @3",
    ]
    assert [rule.priority for rule in link.rules] == [100]
    assert unknown(reading) == []


@pytest.mark.parametrize(
    "line",
    [
        "10.5.0.0/16 via 10.1.0.2 dev eth0 proto static",
        "10.5.0.0/16 via 10.1.0.2 dev eth1",
        "10.5.0.0/16 via 10.1.0.2 table main",
        "10.5.0.0/16 via 10.1.0.2 metric 0x10",
        "10.5.0.0 255.255.0.0",
        "ADDRESS0=10.5.0.0",
        "10.5.0.0/16 via 10.1.0.2 # why",
        "10.5.0.0/16 via 10.1.0.2\r",
        "10.5.0.0/16 via 10.1.0.2 via 10.1.0.3",
    ],
    ids=["proto", "other card", "named table", "hex", "netmask", "address form", "comment", "CR", "twice"],
)
def test_a_route_line_that_networkmanager_drops_is_named(line: str) -> None:
    reading = read_ifcfg("i", IFCFG, ("r", line + "\n"))

    assert [str(unknown.origin) for unknown in reading.unknown] == ["r:1"]


@pytest.mark.parametrize(
    "line",
    [
        "BOOTPROTO=dhcp",
        "BRIDGE=br0",
        "NETMASK=255.255.255.0",
        "IPADDR2=10.1.0",
        "DNS1=$(x)",
        "DNS1=10.1.0.300",
        "DNS2=10.1.0",
        "DEFROUTE=maybe",
    ],
)
def test_an_unknown_ifcfg_line_is_named(line: str) -> None:
    assert unknown(read_ifcfg("i", IFCFG + line + "\n", None)) == [(11, line)]


def test_of_ifcfg_assignments_the_last_holds() -> None:
    (link,) = read_ifcfg("i", f"{IFCFG}GATEWAY=10.1.0.9\nIPADDR=10.1.0.14\n", None).links

    assert [(format_ip(one.ip), one.length) for one in link.addresses] == [("10.1.0.14", 24), ("10.1.0.13", 25)]
    assert [show(route) for route in link.routes] == ["unicast 0.0.0.0/0 via 10.1.0.9 metric 100 table 254 @11"]


def test_an_alias_of_a_card_is_named() -> None:
    alias = IFCFG.replace("DEVICE=eth0", "DEVICE=eth0:1")

    assert unknown(read_ifcfg("i", alias, None))[0] == (2, "DEVICE=eth0:1")


def test_defroute_no_leaves_the_gateway_out() -> None:
    (link,) = read_ifcfg("i", f"{IFCFG}DEFROUTE=no\n", None).links

    assert link.routes == ()


def test_an_unnumbered_address_stands_beside_number_0() -> None:
    reading = read_ifcfg("i", f"{IFCFG}IPADDR0=10.1.0.14\nPREFIX0=26\nIPADDR4=10.1.0.15\nPREFIX4=24\n", None)

    shown = [(format_ip(one.ip), one.length) for one in reading.links[0].addresses]
    assert shown == [("10.1.0.12", 24), ("10.1.0.14", 26), ("10.1.0.13", 25), ("10.1.0.15", 24)]
    assert [str(unknown.origin) for unknown in reading.unknown] == ["i:13"]


def test_a_keyfile_gives_routes_in_the_order_of_their_numbers() -> None:
    reading = read_keyfile("k", KEYFILE)

    (link,) = reading.links
    assert [show(route) for route in link.routes] == [
        "unicast 0.0.0.0/0 via 10.1.0.1 metric 100 table 254 @9",
        "unicast 10.52.0.0/16 metric 100 table 254 @12",
        "unicast 10.51.0.0/16 via 10.9.9.9 onlink metric 50 table 100 @10",
    ]
    assert [rule.table for rule in link.rules] == [100]
    assert unknown(reading) == []


def test_a_weight_makes_a_keyfiles_route_one_next_hop_of_several() -> None:
    lines = "route3=10.5.0.0/16,10.1.0.3,7\nroute3_options=weight=256\nroute4=10.5.0.0/16,10.1.0.4,7\n"

    reading = read_keyfile("k", KEYFILE.replace("\n[ipv6]", f"{lines}route4_options=weight=0\n\n[ipv6]"))

    assert unknown(reading) == []
    assert [show(route) for route in reading.links[0].routes[-2:]] == [
        "unicast 10.5.0.0/16 via 10.1.0.3 metric 7 table 254 weight 256 @14",
        "unicast 10.5.0.0/16 via 10.1.0.4 metric 7 table 254 @16",
    ]


def test_a_metric_of_the_connection_is_that_of_routes_without_one() -> None:
    (keyfile,) = read_keyfile("k", KEYFILE.replace("gateway=", "route-metric=7\ngateway=")).links
    (ifcfg,) = read_ifcfg("i", IFCFG + "IPV4_ROUTE_METRIC=0\n", ("r", "10.5.0.0/16 via 10.1.0.2\n")).links

    assert (keyfile.default_metric, [route.metric for route in keyfile.routes]) == (7, [7, 7, 50])
    assert (ifcfg.default_metric, [route.metric for route in ifcfg.routes]) == (0, [0, 0])


def test_a_metric_of_minus_one_is_left_to_networkmanager() -> None:
    reading = read_keyfile("k", KEYFILE.replace("gateway=", "route-metric=-1\ngateway="))

    assert [(link.metric, link.default_metric) for link in reading.links] == [(None, 100)]
    assert unknown(reading) == []


@pytest.mark.parametrize("value", ["", "-2", "0x10", "4294967296"])
def test_a_metric_that_is_no_number_is_named(value: str) -> None:
    keyfile = read_keyfile("k", KEYFILE.replace("gateway=", f"route-metric={value}\ngateway="))
    ifcfg = read_ifcfg("i", f"{IFCFG}IPV4_ROUTE_METRIC={value}\n", None)

    assert (unknown(keyfile), unknown(ifcfg)) == (
        [(9, f"route-metric={value}")],
        [(11, f"IPV4_ROUTE_METRIC={value}")],
    )


@pytest.mark.parametrize(
    "line",
    ["address2=10.1.0.14", "route3=10.5.0.0/16,x", "route1_options=table=main", "route1_options=onlink", "method=bad",
     "route3=10.5.0.1/16,10.1.0.1", "never-default=yes", "route9_options=table=5", "route1_options=weight=257",
     "route1_options=weight=1"],
)  # fmt: skip
def test_an_unknown_keyfile_line_is_named(line: str) -> None:
    text = KEYFILE.replace("\n[ipv6]", f"{line}\n\n[ipv6]")

    assert unknown(read_keyfile("k", text)) == [(14, line)]
