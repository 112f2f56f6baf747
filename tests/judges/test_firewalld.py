"""Configurations of firewalld: the rules that the real one loads are those that verify takes it to load."""

from collections.abc import Mapping

import pytest

from netwright.model import Family
from netwright.verify.network_model.firewalld import load_firewalld
from netwright.verify.reading.formats.firewalld import FIREWALLD, SERVICES, read_firewalld
from tests.judges.cases import Case, cases_with
from tests.rigs.firewalld import Nested, list_as_nft, load, nested

HOOKS = ("filter_INPUT", "filter_FORWARD", "filter_OUTPUT", "nat_POSTROUTING")
UNREAD = {
    "meta l4proto { icmp, ipv6-icmp } accept": "meta l4proto icmp accept",
    "meta l4proto ipv6-icmp accept": "",
    "ct state { established, related } accept": "ct state established,related accept",
}
PUBLIC = '<zone><service name="ssh"/><service name="dhcpv6-client"/><service name="cockpit"/><forward/></zone>'
"""The zone as Enterprise Linux has it; Debian's has no cockpit."""


def loaded(files: Mapping[str, str]) -> dict[str, Nested]:
    """What the real firewalld loads."""
    found = load({"zones/public.xml": PUBLIC, **files})
    assert found.complaints == ""
    chains = {
        name: [line for line in lines if "ip6" not in line and "icmpv6" not in line and "nfproto ipv6" not in line]
        for name, lines in found.chains.items()
    }
    return {hook: nested(chains, hook, UNREAD) for hook in HOOKS}


def modelled(files: Mapping[str, str], zones: Mapping[str, str | None]) -> dict[str, Nested]:
    """What verify takes it to load, as nft lists it."""
    read = read_firewalld((f"{FIREWALLD}{path}", path, text) for path, text in files.items())
    rules = load_firewalld(read, zones)
    assert rules.unknown == ()
    chains = list_as_nft(rules.text)
    return {hook: nested(chains, hook) for hook in HOOKS}


@cases_with(Family.ROCKY, lambda plan: plan.firewalld_managed)
def test_firewalld_loads_what_is_generated(case: Case) -> None:
    for name, plan in case.plans(Family.ROCKY).items():
        if not plan.firewalld_managed:
            continue
        texts = {file.path: file.content.decode() for file in case.files(name)}
        files = {path.removeprefix(FIREWALLD): text for path, text in texts.items() if path.startswith(FIREWALLD)}

        assert loaded(files) == modelled(files, {link.name: link.zone for link in plan.links}), name


POLICY = """<policy priority="{priority}" target="{target}">
<ingress-zone name="{before}"/><egress-zone name="{behind}"/>{rules}</policy>"""


def policy(
    rules: str, *, target: str = "CONTINUE", before: str = "ANY", behind: str = "ANY", priority: int = -1
) -> str:
    return POLICY.format(priority=priority, target=target, before=before, behind=behind, rules=rules)


LAN = '<zone{target}><interface name="eth0"/>{rules}</zone>'
IN_ORDER = """
<rule priority="3" family="ipv4"><source address="10.1.0.1"/><accept/></rule>
<rule priority="2" family="ipv4"><source address="10.1.0.0/24"/><drop/></rule>
<rule family="ipv4"><source address="10.2.0.0/24"/><port port="80" protocol="tcp"/><accept/></rule>
<rule family="ipv4"><destination address="10.3.0.0/24"/><reject/></rule>
<rule priority="-5"><protocol value="112"/><accept/></rule>
<rule priority="-7" family="ipv4"><protocol value="icmp"/><drop/></rule>
<rule priority="4"><accept/></rule>
"""
HAND_WRITTEN = {
    "a-zone-of-its-own": {
        "zones/lan.xml": LAN.format(target="", rules='<service name="dns"/><port port="80-90" protocol="tcp"/>')
    },
    "a-zone-that-drops": {"zones/lan.xml": LAN.format(target=' target="DROP"', rules=IN_ORDER)},
    "a-zone-that-accepts": {"zones/lan.xml": LAN.format(target=' target="ACCEPT"', rules="<forward/>")},
    "a-zone-that-rejects": {
        "zones/lan.xml": LAN.format(target=' target="%%REJECT%%"', rules='<protocol value="esp"/>')
    },
    "a-zone-that-masquerades": {"zones/lan.xml": LAN.format(target="", rules="<masquerade/>")},
    "another-default-zone": {
        "zones/lan.xml": LAN.format(target="", rules=""),
        "zones/rest.xml": '<zone target="DROP"><service name="ssh"/></zone>',
        "firewalld.conf": "DefaultZone=rest\nIPv6_rpfilter=yes\n",
    },
    "rules-in-order": {"policies/p.xml": policy(IN_ORDER, behind="HOST", target="DROP")},
    "policies-in-order": {
        "zones/lan.xml": LAN.format(target="", rules=""),
        "policies/a.xml": policy('<rule priority="1"><accept/></rule>', priority=20, before="lan"),
        "policies/b.xml": policy(
            '<service name="http"/><port port="22" protocol="tcp"/>', priority=10, target="REJECT"
        ),
        "policies/c.xml": policy('<rule priority="1"><drop/></rule>', priority=-30, before="lan", behind="public"),
        "policies/d.xml": policy(IN_ORDER, priority=-40, behind="lan", target="ACCEPT"),
        "policies/e.xml": policy(IN_ORDER, priority=-40, before="HOST", behind="lan"),
    },
    "policies-of-one-priority": {
        "policies/b.xml": policy('<rule priority="1"><accept/></rule>'),
        "policies/a.xml": policy('<rule priority="1"><drop/></rule>'),
        "policies/c.xml": policy("", target="ACCEPT"),
    },
    "sets": {
        "ipsets/many.xml": '<ipset type="hash:net"><entry>10.1.0.0/24</entry><entry>10.3.0.9</entry></ipset>',
        "policies/p.xml": policy(
            '<rule><source ipset="many" invert="True"/><port port="53" protocol="udp"/><accept/></rule>'
            '<rule family="ipv4"><destination ipset="many"/><masquerade/></rule>'
            '<rule family="ipv4"><source address="10.9.0.0/16" invert="True"/><masquerade/></rule>'
        ),
    },
    "every-service": {
        "zones/lan.xml": LAN.format(target="", rules="".join(f'<service name="{one}"/>' for one in sorted(SERVICES)))
    },
}


@pytest.mark.parametrize("files", HAND_WRITTEN.values(), ids=HAND_WRITTEN)
def test_firewalld_loads_what_its_files_are_read_as(files: dict[str, str]) -> None:
    zones = {"eth0": "lan"} if "zones/lan.xml" in files else {}

    assert loaded(files) == modelled({"zones/public.xml": PUBLIC, **files}, zones)
