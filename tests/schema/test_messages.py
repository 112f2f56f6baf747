"""Messages about a document that differs from the schema: in the user's words, and at the right place."""

import pytest

from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, read_schema
from tests.schema.topology import BASE, titles


def said_of(replaced: str, by: str) -> list[str]:
    assert replaced in BASE
    return titles(BASE.replace(replaced, by))


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        pytest.param(
            "address: 192.168.0.2",
            "adress: 192.168.0.2",
            '6:42 nodes.n1.interfaces.eth0.adress: unknown key "adress"; did you mean "address"?',
            id="misspelt-key-and-not-that-it-is-missing",
        ),
        pytest.param(
            "{cidr: 192.168.0.0/24}",
            "{CIDR: 192.168.0.0/24}",
            '4:9 networks.lan.CIDR: unknown key "CIDR"; did you mean "cidr"?',
            id="key-in-capitals",
        ),
        pytest.param(
            "24}",
            "24, libvirt: {bridge: br0, vlan: 7}}",
            '4:54 networks.lan.libvirt.vlan: unknown key "vlan"; known keys here: bridge, dhcp, dns, dns_hosts, domain,'
            " forward, name",
            id="key-like-no-other",
        ),
        pytest.param(
            "{cidr: 192.168.0.0/24}",
            "{}",
            '4:8 networks.lan: "cidr" is missing; add it, such as cidr: 10.17.4.0/24',
            id="missing-key",
        ),
        pytest.param(
            "n1: {interfaces",
            "n1: {interface",
            '6:8 nodes.n1.interface: unknown key "interface"; did you mean "interfaces"?',
            id="misspelt-key-beside-those-of-settings",
        ),
        pytest.param(
            "name: kube-lab",
            "name: kube-lab\ndns: 10.17.3.11",
            '3:6 dns: must be a list of IPv4 addresses, not "10.17.3.11"; put it in brackets',
            id="text-for-a-list",
        ),
        pytest.param(
            "192.168.0.0/24",
            "192.168.0.0",
            '4:15 networks.lan.cidr: must be an IPv4 network such as 10.17.4.0/24, not "192.168.0.0"; write'
            " 192.168.0.0/24",
            id="pattern",
        ),
        pytest.param(
            "192.168.0.0/24",
            "192168",
            "4:15 networks.lan.cidr: must be an IPv4 network such as 10.17.4.0/24, not the number 192168",
            id="number-for-text",
        ),
        pytest.param(
            "name: kube-lab",
            "name: 8",
            "2:7 name: must be lower-case letters, digits and hyphens, 63 at most, starting and ending with a letter or"
            " digit, not the number 8; put it in quotes if it is meant as text",
            id="number-for-text-that-quotes-would-make-right",
        ),
        pytest.param(
            "name: kube-lab",
            "name: kube-lab\nflows: {web: {from: lan, to: n1, allow: tcp/80}}",
            '3:41 flows.web.allow: must be any, or a list such as [icmp, tcp/8080], not "tcp/80"; put it in brackets',
            id="text-for-a-list-or-a-word",
        ),
        pytest.param(
            "{cidr: 192.168.0.0/24}",
            "",
            "4:7 networks.lan: is empty, but must be a mapping",
            id="nothing-for-a-mapping",
        ),
        pytest.param(
            "{interfaces",
            "{os: rokcy9, interfaces",
            "6:12 nodes.n1.os: must be flatcar, rocky8, rocky9, rocky10, almalinux8, almalinux9, almalinux10 or"
            ' unmanaged, not "rokcy9"; did you mean "rocky9"?',
            id="misspelt-choice",
        ),
        pytest.param(
            "{interfaces",
            "{forward: yes, interfaces",
            '6:17 nodes.n1.forward: must be true or false, not "yes"; write true',
            id="boolean-of-yaml-1.1",
        ),
        pytest.param(
            "24}",
            "24, mtu: 70000}",
            "4:36 networks.lan.mtu: must be a number of bytes from 576 to 65535, not the number 70000",
            id="number-out-of-range",
        ),
        pytest.param(
            "24}",
            '24, mtu: "1450"}',
            '4:36 networks.lan.mtu: must be a number of bytes from 576 to 65535, not "1450"; remove the quotes',
            id="quoted-number",
        ),
        pytest.param(
            "address: 192.168.0.2",
            "address: 192.168.0.2/24",
            "6:51 nodes.n1.interfaces.eth0.address: must be an IPv4 address such as 10.17.4.21, without prefix"
            ' length and leading zeros, not "192.168.0.2/24"; write 192.168.0.2',
            id="the-alternative-of-the-same-type",
        ),
        pytest.param(
            "address: 192.168.0.2",
            "address: [192.168.0.2, 192.168.0]",
            "6:65 nodes.n1.interfaces.eth0.address[1]: must be an IPv4 address such as 10.17.4.21, without prefix"
            ' length and leading zeros, not "192.168.0"',
            id="inside-the-alternative-of-the-same-type",
        ),
        pytest.param(
            "address: 192.168.0.2",
            "address: {}",
            "6:51 nodes.n1.interfaces.eth0.address: must be an IPv4 address, or a list of them, not a mapping",
            id="no-alternative-of-this-type",
        ),
        pytest.param(
            "{interfaces",
            "{default_route: nome, interfaces",
            '6:23 nodes.n1.default_route: must be none, or a mapping such as {via: router}, not "nome"; did you mean'
            ' "none"?',
            id="misspelt-alternative",
        ),
        pytest.param(
            "{interfaces",
            "{default_route: {vai: x}, interfaces",
            '6:24 nodes.n1.default_route.vai: unknown key "vai"; did you mean "via"?',
            id="misspelt-key-in-an-alternative",
        ),
        pytest.param(
            "n1:",
            "N1:",
            "6:3 nodes.N1: the name must be lower-case letters, digits and hyphens, 63 at most, starting and ending"
            ' with a letter or digit, not "N1"; write n1',
            id="name",
        ),
        pytest.param(
            "{network: lan,",
            "{vlan: {on: eth1}, dummy: {}, network: lan,",
            "6:27 nodes.n1.interfaces.eth0: has vlan and dummy, but takes only one of them",
            id="kind-stated-twice",
        ),
        pytest.param(
            "192.168.0.2}",
            "192.168.0.2, networks: {lan: 192.168.0.3}}",
            "6:27 nodes.n1.interfaces.eth0: has network and networks, but takes only one of them",
            id="choice-of-keys-made-twice",
        ),
        pytest.param(
            "{eth0: {network: lan, address: 192.168.0.2}}",
            "{}",
            "6:20 nodes.n1.interfaces: needs at least one entry, has none",
            id="empty-mapping",
        ),
        pytest.param(
            "{interfaces",
            "{groups: [a, b, a], interfaces",
            '6:16 nodes.n1.groups: lists "a" twice',
            id="twice-in-a-list",
        ),
        pytest.param("version: 1", "version: 2", "1:10 version: must be 1, not the number 2", id="constant"),
    ],
)
def test_what_is_wrong_is_said_in_the_user_s_words(replaced: str, by: str, said: str) -> None:
    assert said_of(replaced, by) == [said]


@pytest.mark.parametrize(
    ("replaced", "by", "ends"),
    [
        ("192.168.0.0/24", "192.168.0.0/255.255.255.0", "; write 192.168.0.0/24"),
        ("192.168.0.0/24", "192.168.0.7/255.0.255.0", '255.0.255.0"'),
        ("192.168.0.0/24", "192.168.0.7", '"192.168.0.7"'),
        ("address: 192.168.0.2", "address: 192.168.000.002", "; write 192.168.0.2"),
        ("address: 192.168.0.2", "address: 192.168.0.2, mac: 52-54-00-AB-CD-EF", "; write 52:54:00:AB:CD:EF"),
        ("address: 192.168.0.2", "address: 192.168.0.2, mac: 5254.00ab.cdef", "; write 52:54:00:ab:cd:ef"),
        ("n1:", "Node_1:", "; write node-1"),
        (
            "address: 192.168.0.2",
            "address: dhcp",
            "; an interface that gets its address by DHCP has dhcp: true, and as ",
        ),
        ("{interfaces", "{os: Ubuntu, interfaces", "; a machine that you configure yourself is unmanaged, and gets a "),
        ("{interfaces", "{os: rocky, interfaces", "; name its release, such as rocky9"),
        (
            "{interfaces",
            "{gateway: 192.168.0.1, interfaces",
            "; write default_route: {via: GATEWAY}, or router at the ",
        ),
        ("24}", "24, gateway: n1}", "; write router, and the node that it is"),
        ("address: 192.168.0.2", "ip: 192.168.0.2", "; write address, without prefix length"),
        ("address: 192.168.0.2", "address: 192.168.0.2/24", "; write 192.168.0.2"),
        ("192.168.0.0/24", "192.168.0.0", "; write 192.168.0.0/24"),
        ("address: 192.168.0.2", "address: fd00::2", "; netwright configures IPv4 only"),
        ("{interfaces", "{os: ubuntu-24.04, interfaces", "; a machine that you configure yourself is unmanaged"),
        ("{interfaces", "{os: alpine, interfaces", "; a machine that you configure yourself is os: unmanaged"),
        ("{interfaces", "{dhcp4: true, interfaces", "; write dhcp: true at the interface"),
        ("{interfaces", "{ospf: true, interfaces", "; netwright writes static routes only"),
        ("networks:", "calico: true\nnetworks:", "; the network of pods stands in kubernetes: {cni: "),
        ("networks:", "dhcp: {}\nnetworks:", "; write dhcp: true at the interface"),
        ("networks:", "vms: {}\nnetworks:", "; netwright makes no machines; Terraform"),
        ("networks:", "flows: {f: {from: n1, to: n1, allow: [https]}}\nnetworks:", "; write tcp/443"),
        ("networks:", "flows: {f: {from: n1, to: n1, allow: [ssh]}}\nnetworks:", "; write tcp/22"),
        ("networks:", "flows: {f: {from: n1, to: n1, allow: ssh}}\nnetworks:", "; write [tcp/22]"),
        ("networks:", "ssh: {}\nnetworks:", "; a snippet has it"),
    ],
)
def test_what_people_write_for_it_is_said_as_it_is_written_here(replaced: str, by: str, ends: str) -> None:
    (said, *_) = said_of(replaced, by)

    assert ends in said


@pytest.mark.parametrize("place", ["n1:", "kube-lab"])
def test_what_may_be_a_secret_is_not_shown_in_another_spelling(place: str) -> None:
    secret = "K10aB3dEf6hIj9LmN2pQr5tUv8xYz"

    (said, *_) = said_of(place, place.replace(place.rstrip(":"), secret))

    assert secret[4:].lower() not in said.lower().partition("must be")[2]


def test_words_with_a_sentence_stand_in_one_list_only() -> None:
    words = [word for one in read_schema(TOPOLOGY_SCHEMA)["x-ideas"] for word in one["words"]]

    assert len(words) == len(set(words))
    assert all(word == word.casefold() and "_" not in word for word in words)
