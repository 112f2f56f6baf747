"""Results of systemd-networkd with files, as verify predicts them: judged by the program."""

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from netwright.lab.machine import File, LabMachine
from netwright.lab.machine import poll as await_that
from netwright.lab.networkd import networkd
from netwright.verify.network_model.cards import named_links
from netwright.verify.reading.configuration import Configuration, read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.values.facts import Link, Unknown
from netwright.verify.values.nftables import Ruleset
from netwright.verify.values.wiring import Port
from tests.rigs.wires import Nic, boot_wired
from tests.verify.daemons import MAC, kernels, verifys

FOLDER = "/etc/systemd/network/"
HEAD = "[Match]\nName=eth0\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nAddress=10.1.0.2/24\n"
AWAY = "[Route]\nDestination=10.9.0.0/16\n"
Files = dict[str, str]


def _dropin(text: str) -> Files:
    return {f"{FOLDER}10-a.network": HEAD, f"{FOLDER}10-a.network.d/50-b.conf": text}


def _file(text: str) -> Files:
    return {f"{FOLDER}10-a.network": HEAD + text}


KNOWN: Mapping[str, Files] = {
    "two-addresses-of-a-section": _file("[Address]\nAddress=10.3.0.1/24\nAddress=10.4.0.1/24\n"),
    "an-address-of-a-drop-in": _dropin("[Network]\nAddress=10.1.0.9/24\n"),
    "on-link-capital": _file(f"{AWAY}Gateway=10.7.7.7\nGatewayOnLink=True\n"),
    "on-link-letter": _file(f"{AWAY}Gateway=10.7.7.7\nGatewayOnLink=y\n"),
    "on-link-no": _file(f"{AWAY}Gateway=10.7.7.7\nGatewayOnLink=off\n"),
    "a-source-of-its-own": _file(f"{AWAY}Gateway=10.1.0.1\nPreferredSource=10.1.0.2\n"),
    "a-source-of-nobodys": _file(f"{AWAY}Gateway=10.1.0.1\nPreferredSource=10.66.0.1\n"),
    "the-default-table": _file(f"{AWAY}Gateway=10.1.0.1\nTable=default\n"),
    "a-host": _file("[Route]\nDestination=10.9.0.1\nGateway=10.1.0.1\n"),
    "a-card-by-its-address": {f"{FOLDER}10-a.network": HEAD.replace("Name=eth0", f"MACAddress={MAC}\nType=ether")},
    "no-gateway": _file(AWAY),
    "no-gateway-but-a-scope": _file(f"{AWAY}Scope=link\n"),
    "no-destination": _file("[Route]\nGateway=10.1.0.1\nMetric=5\n"),
    "an-own-gateway": _file(f"{AWAY}Gateway=10.1.0.2\n"),
    "a-gateway-off-link": _file(f"{AWAY}Gateway=10.55.0.2\n"),
    "blackhole": _file(f"{AWAY}Type=blackhole\n"),
    "behind-a-host-route": _file("[Route]\nDestination=10.7.7.7/32\n" + AWAY + "Gateway=10.7.7.7\n"),
    "rule-of-ipv6": _file("[RoutingPolicyRule]\nFamily=ipv6\nPriority=100\nTable=100\n"),
    "rule-of-both": _file("[RoutingPolicyRule]\nFamily=both\nPriority=100\nTable=100\n"),
    "rule-that-rejects": _file("[RoutingPolicyRule]\nPriority=100\nFrom=10.5.0.0/16\nType=blackhole\n"),
    "rule-by-mark": _file("[RoutingPolicyRule]\nPriority=100\nFirewallMark=0x1F\nTable=100\n"),
    "rule-by-mark-and-mask": _file("[RoutingPolicyRule]\nPriority=100\nFirewallMark=16/0xff\nTable=100\n"),
    "rule-by-mark-outside-of-its-mask": _file("[RoutingPolicyRule]\nPriority=100\nFirewallMark=256/255\nTable=100\n"),
    "rule-of-the-first-priority": _file("[RoutingPolicyRule]\nPriority=0\nFrom=10.5.0.0/16\nTable=100\n"),
}
# What the files come to is not what they seem to say, or the kernel's choice: verify knows nothing of such a machine.
UNKNOWN: Mapping[str, Files] = {
    "two-names": {f"{FOLDER}10-a.network": HEAD.replace("Name=eth0", "Name=eth0\nName=eth1")},
    "a-name-of-a-drop-in": _dropin("[Match]\nName=eth1\n"),
    "another-type": {f"{FOLDER}10-a.network": HEAD.replace("Name=eth0", "Name=eth0\nType=wlan")},
    "a-card-that-is-not-there": _file("") | {f"{FOLDER}20-b.network": "[Match]\nName=eth9\n"},
    "a-network-on-lo": _file("") | {f"{FOLDER}20-b.network": "[Match]\nName=lo\n[Network]\nAddress=10.7.0.1/24\n"},
    "by-name-and-by-address": {
        f"{FOLDER}10-a.network": HEAD.replace("Name=eth0", f"MACAddress={MAC}"),
        f"{FOLDER}20-b.network": HEAD.replace("10.1.0.2", "10.1.0.99"),
    },
    "scope-of-a-gateway": _file(f"{AWAY}Gateway=10.1.0.1\nScope=link\n"),
    "a-global-network-without-gateway": _file(f"{AWAY}Scope=global\n[Route]\nGateway=10.9.0.1\n"),
    "blackhole-with-a-gateway": _file(f"{AWAY}Gateway=10.1.0.1\nType=blackhole\n"),
    "the-local-table": _file(f"{AWAY}Gateway=10.1.0.1\nTable=local\n"),
    "an-ipv6-gateway": _file(f"{AWAY}Gateway=fe80::1\nGatewayOnLink=yes\n"),
    "a-rule-for-a-way-out": _file(
        "[RoutingPolicyRule]\nPriority=100\nOutgoingInterface=eth0\nType=blackhole\n[Route]\nGateway=10.1.0.1\n"
    ),
    "a-mark-in-octal": _file("[RoutingPolicyRule]\nPriority=100\nFirewallMark=010\nTable=100\n"),
    "a-mark-that-is-none": _file("[RoutingPolicyRule]\nPriority=100\nFirewallMark=0x100000000\nTable=100\n"),
    "no-mark": _file("[RoutingPolicyRule]\nPriority=100\nFirewallMark=0\nTable=100\n"),
    "link-local": {f"{FOLDER}10-a.network": HEAD.replace("Addressing=no", "Addressing=ipv4")},
    "a-cleared-address": _dropin("[Network]\nAddress=\nAddress=10.1.0.9/24\n"),
}


def test_verify_sees_what_networkd_makes_of_a_file() -> None:
    nics = (Nic(name="eth0", mac=MAC), Nic(name="eth1"))
    with boot_wired(dict.fromkeys(KNOWN, nics)) as machines, ExitStack() as daemons:
        for name, files in KNOWN.items():
            written = [File(path=path, content=text.encode()) for path, text in files.items()]
            daemons.enter_context(networkd(machines[name], written))
        wanted = {name: verifys(files) for name, files in KNOWN.items()}

        await_that(lambda: {name: kernels(machines[name]) for name in KNOWN} == wanted, seconds=20, interval=0.5)
        found = {name: kernels(machines[name]) for name in KNOWN}

    assert found == wanted


def test_verify_knows_nothing_of_what_networkd_does_otherwise() -> None:
    assert [name for name, files in UNKNOWN.items() if verifys(files) is not None] == []


BRIDGE = f"""\
link add br0 address {MAC} type bridge
link add p0 type veth peer name p1
link set p0 master br0
link set p0 up
link set p1 up
"""
# Type=ether leaves the bridge alone as well, but by what udev knows of it; no udev runs here.
BY_ADDRESS = {
    "by its address alone": (f"MACAddress={MAC}", 0o644, {"eth0", "br0"}),
    "by its permanent address, which a veth has not": (f"PermanentMACAddress={MAC}", 0o644, set()),
    "by its name": ("Name=eth0", 0o644, {"eth0"}),
    "in a file that networkd may not read": ("Name=eth0", 0o600, set()),
}


def test_networkd_takes_a_bridge_with_the_address_of_a_card_for_the_card() -> None:
    with boot_wired(dict.fromkeys(BY_ADDRESS, (Nic(name="eth0", mac=MAC),))) as machines, ExitStack() as daemons:
        for name, (match, mode, _) in BY_ADDRESS.items():
            machines[name].run("ip", "-batch", "-", stdin=BRIDGE)
            text = HEAD.replace("Name=eth0", match)
            written = [File(path=f"{FOLDER}10-a.network", content=text.encode(), mode=mode)]
            daemons.enter_context(networkd(machines[name], written))
        await_that(lambda: all(_taken(machines[name]) == BY_ADDRESS[name][2] for name in BY_ADDRESS), seconds=20)
        found = {name: _taken(machines[name]) for name in BY_ADDRESS}

    assert found == {name: wanted for name, (_, _, wanted) in BY_ADDRESS.items()}


def _taken(machine: LabMachine) -> set[str]:
    """The devices to which networkd gave the file's address."""
    shown = machine.run("ip", "-4", "-oneline", "address", "show").stdout.splitlines()
    return {line.split()[1] for line in shown} - {"lo"}


@pytest.mark.parametrize(
    ("match", "known"),
    [(f"MACAddress={MAC}", False), (f"MACAddress={MAC}\nType=ether", True), (f"PermanentMACAddress={MAC}", True)],
)
def test_verify_knows_which_match_takes_a_vlan_too(match: str, known: bool) -> None:
    file = Text(path="a", shown="a", text=HEAD.replace("Name=eth0", match), mode=0o644)
    link = read_network([(file.shown, file.text)]).links[0]
    ports = [Port(node="n", interface=name, mac=MAC) for name in ("eth0.31", "eth0")]
    unknown: list[Unknown] = []

    names = [name for name, _ in named_links(_configuration(link), ports, unknown)]

    assert (names, [one.reason for one in unknown]) == (
        (["eth0"], [])
        if known
        else ([], ["MACAddress= without Type=ether also takes eth0.31, which has the same address"])
    )


def _configuration(link: Link) -> Configuration:
    return Configuration(node="n", managed=True, links=(link,), networks=(), settings=(), ruleset=Ruleset(), unknown=())


def test_a_file_that_networkd_may_not_read_is_named() -> None:
    file = Text(path=f"{FOLDER}10-a.network", shown="a", text=HEAD, mode=0o600)
    delivery = Delivery(node="n", files={file.path: file}, enabled=frozenset(), libvirt=(), handoff=None, unknown=())

    (unknown,) = read_configuration(delivery).unknown

    assert unknown.reason.startswith("systemd-networkd can't read mode 0600")
