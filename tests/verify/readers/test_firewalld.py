"""firewalld's files: what is not known of them, or cannot be loaded, makes all unknown, with file and line."""

import pytest

from netwright.verify.network_model.firewalld import load_firewalld
from netwright.verify.reading.formats.firewalld import FIREWALLD, read_firewalld

ZONE = "zones/lan.xml"
POLICY = "policies/p.xml"
SET = "ipsets/s.xml"
BOMB = '<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<zone><short>&b;</short></zone>'


def policy(rules: str, *, ends: str = '<ingress-zone name="ANY"/><egress-zone name="HOST"/>', more: str = "") -> str:
    return f"<policy{more}>\n{ends}\n{rules}\n</policy>"


def rule(inner: str, attributes: str = ' family="ipv4"') -> str:
    return policy(f"<rule{attributes}>{inner}</rule>")


def unknowns(files: dict[str, str], zones: dict[str, str | None] | None = None) -> list[tuple[str, int, str]]:
    read = read_firewalld((f"{FIREWALLD}{path}", path, text) for path, text in files.items())
    loaded = load_firewalld(read, zones or {})
    assert all(one.whole for one in loaded.unknown)
    return [(one.origin.file, one.origin.line, one.reason) for one in loaded.unknown]


PORT = '<port port="22" protocol="tcp"/>'
RULES = {
    "limit": (rule(f'{PORT}<accept><limit value="1/m"/></accept>'), "not known in a rule"),
    "log": (rule(f"{PORT}<log/><accept/>"), "not known in a rule"),
    "two-verdicts": (rule(f"{PORT}<accept/><drop/>"), "not one condition and one verdict"),
    "no-verdict": (rule(PORT), "not one condition and one verdict"),
    "two-conditions": (rule(f'{PORT}<protocol value="esp"/><accept/>'), "not one condition and one verdict"),
    "no-condition": (rule("<accept/>", ""), "firewalld takes a rule without any condition with a priority only"),
    "no-family": (rule('<source address="10.1.0.1"/><accept/>', ""), "firewalld takes an address with a family only"),
    "reject-type": (rule(f'{PORT}<reject type="tcp-reset"/>'), "its attributes are not known"),
    "mac": (rule('<source mac="52:54:00:00:00:01"/><accept/>', ""), "its attributes are not known"),
    "no-address": (rule('<source address="10.1.0"/><accept/>'), "10.1.0 is no address of IPv4"),
    "no-set": (rule('<source ipset="other"/><accept/>', ""), "a set that no file has"),
    "port-backwards-word": (rule('<port port="a-b" protocol="tcp"/><accept/>'), "no port, or of another protocol"),
    "port-of-icmp": (rule('<port port="1" protocol="icmp"/><accept/>'), "no port, or of another protocol"),
    "protocol": (rule('<protocol value="!"/><accept/>'), "no protocol"),
    "priority": (rule(f"{PORT}<accept/>", ' priority="40000"'), "40000 is no priority"),
    "family": (rule(f"{PORT}<accept/>", ' family="ipx"'), "a family that is none"),
    "service": (policy('<service name="own"/>'), "a service that is not known"),
    "forward-port": (policy('<forward-port port="80" protocol="tcp" to-port="81"/>'), "not known in a policy"),
    "icmp-block": (policy('<icmp-block name="echo-request"/>'), "not known in a policy"),
}


@pytest.mark.parametrize(("text", "reason"), RULES.values(), ids=RULES)
def test_a_rule_that_is_not_known_is_named_with_its_line(text: str, reason: str) -> None:
    ((file, line, said),) = unknowns({POLICY: text})

    assert (file, line) == (POLICY, 3)
    assert said.startswith(reason)


LAN = '<zone><interface name="eth0"/></zone>'
FILES: dict[str, tuple[dict[str, str], tuple[str, int, str]]] = {
    "entities": ({ZONE: BOMB}, (ZONE, 1, "a document type, which such a file has none of")),
    "nesting": ({ZONE: "<zone>" + "<a>" * 20}, (ZONE, 1, "nested deeper than 16 elements")),
    "cut-short": ({ZONE: "<zone>\n"}, (ZONE, 2, "the file ends before its XML does")),
    "no-xml": ({ZONE: "zone"}, (ZONE, 1, "not XML (syntax error)")),
    "another-root": ({ZONE: "<policy/>"}, (ZONE, 1, "not a zone of firewalld's")),
    "source": ({ZONE: '<zone>\n<source address="10.1.0.0/24"/></zone>'}, (ZONE, 2, "not known in a zone")),
    "zone-target": ({ZONE: '<zone target="REJECT"/>'}, (ZONE, 1, "a target that no zone has")),
    "zone-priority": ({ZONE: '<zone ingress-priority="1"/>'}, (ZONE, 1, "its attributes are not known")),
    "policy-target": ({POLICY: policy("", more=' target="default"')}, (POLICY, 1, "a target or a priority that no")),
    "policy-priority": ({POLICY: policy("", more=' priority="0"')}, (POLICY, 1, "a target or a priority that no")),
    "no-ends": ({POLICY: policy("", ends="")}, (POLICY, 1, "firewalld takes ANY or HOST alone, or zones")),
    "host-to-host": (
        {POLICY: policy("", ends='<ingress-zone name="HOST"/><egress-zone name="HOST"/>')},
        (POLICY, 1, "firewalld takes HOST at one end only"),
    ),
    "masquerade-of-a-zone": (
        {ZONE: LAN, POLICY: policy("<masquerade/>", ends='<ingress-zone name="lan"/><egress-zone name="ANY"/>')},
        (POLICY, 1, "a policy with masquerade is known from ANY only"),
    ),
    "unknown-zone": (
        {POLICY: policy("", ends='<ingress-zone name="other"/><egress-zone name="ANY"/>')},
        (POLICY, 1, "no file has the zone other"),
    ),
    "empty-set": ({SET: '<ipset type="hash:net"/>'}, (SET, 1, "a set without addresses, which")),
    "set-of-ports": ({SET: '<ipset type="hash:ip,port"/>'}, (SET, 1, "a set of another type")),
    "set-option": (
        {SET: '<ipset type="hash:ip">\n<option name="timeout" value="600"/></ipset>'},
        (SET, 2, "not known in a set"),
    ),
    "setting": ({"firewalld.conf": "# x\n\nLogDenied=all\n"}, ("firewalld.conf", 3, "a setting that is not known")),
    "backend": ({"firewalld.conf": "FirewallBackend=iptables\n"}, ("firewalld.conf", 1, "a setting that is not known")),
    "direct": ({"direct.xml": "<direct/>"}, ("direct.xml", 0, "a file of firewalld's that is not read")),
    "default-zone": ({"firewalld.conf": "DefaultZone=work\n"}, ("firewalld", 0, "no file has the zone work")),
    "two-zones": (
        {ZONE: LAN, "zones/wan.xml": '<zone>\n<interface name="eth0"/></zone>'},
        ("zones/wan.xml", 2, "eth0 is in the zone lan as well"),
    ),
}


@pytest.mark.parametrize(("files", "found"), FILES.values(), ids=FILES)
def test_a_file_that_is_not_known_is_named_with_its_line(files: dict[str, str], found: tuple[str, int, str]) -> None:
    first, *_ = unknowns(files)

    assert first[:2] == found[:2]
    assert first[2].startswith(found[2])


def test_rules_for_ipv6_decide_nothing() -> None:
    assert unknowns({POLICY: rule('<source address="2001:db8::/32"/><accept/>', ' family="ipv6"')}) == []


def test_networkmanager_decides_on_the_zone() -> None:
    files = {ZONE: LAN, "zones/wan.xml": "<zone/>"}

    assert unknowns(files, {"eth0": "lan", "eth1": "wan"}) == []
    assert unknowns(files, {"eth0": "wan"}) == [(ZONE, 1, "NetworkManager's profile of eth0 puts it into wan")]
    assert unknowns(files, {"eth0": None}) == [
        (ZONE, 1, "NetworkManager's profile of eth0 has no zone= and puts it into the default zone")
    ]
