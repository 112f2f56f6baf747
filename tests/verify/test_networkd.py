"""What systemd-networkd makes of files is what verify takes it to make: judged by the program."""

import json
from collections.abc import Mapping
from contextlib import ExitStack

from gen.lab.machine import File, Machine
from gen.lab.machine import poll as await_that
from gen.lab.networkd import networkd
from gen.verify.addresses import format_ip
from gen.verify.configuration import read_configuration
from gen.verify.delivery import Delivery, Text
from gen.verify.network import build_network
from gen.verify.wiring import Assumptions, Port, Segment, Wiring
from tests.rigs.wires import Nic, boot_wired

FOLDER, CARDS, MAC = "/etc/systemd/network", ("eth0", "eth1"), "02:00:00:00:00:07"
NUMBERS = {"main": 254, "default": 253}
HEAD = "[Match]\nName=eth0\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nAddress=10.1.0.2/24\n"
AWAY = "[Route]\nDestination=10.9.0.0/16\n"
Files = Mapping[str, str]


def _dropin(text: str) -> Files:
    return {"10-a.network": HEAD, "10-a.network.d/50-b.conf": text}


def _file(text: str) -> Files:
    return {"10-a.network": HEAD + text}


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
    "rule-of-the-first-priority": _file("[RoutingPolicyRule]\nPriority=0\nFrom=10.5.0.0/16\nTable=100\n"),
}
# What the files come to is not what they seem to say, or the kernel's choice: verify knows nothing of such a machine.
UNKNOWN: Mapping[str, Files] = {
    "two-names": {"10-a.network": HEAD.replace("Name=eth0", "Name=eth0\nName=eth1")},
    "a-name-of-a-drop-in": _dropin("[Match]\nName=eth1\n"),
    "another-type": {"10-a.network": HEAD.replace("Name=eth0", "Name=eth0\nType=wlan")},
    "by-name-and-by-address": {
        "10-a.network": HEAD.replace("Name=eth0", f"MACAddress={MAC}"),
        "20-b.network": HEAD.replace("10.1.0.2", "10.1.0.99"),
    },
    "scope-of-a-gateway": _file(f"{AWAY}Gateway=10.1.0.1\nScope=link\n"),
    "a-global-network-without-gateway": _file(f"{AWAY}Scope=global\n[Route]\nGateway=10.9.0.1\n"),
    "blackhole-with-a-gateway": _file(f"{AWAY}Gateway=10.1.0.1\nType=blackhole\n"),
    "the-local-table": _file(f"{AWAY}Gateway=10.1.0.1\nTable=local\n"),
    "an-ipv6-gateway": _file(f"{AWAY}Gateway=fe80::1\nGatewayOnLink=yes\n"),
    "link-local": {"10-a.network": HEAD.replace("Addressing=no", "Addressing=ipv4")},
    "a-cleared-address": _dropin("[Network]\nAddress=\nAddress=10.1.0.9/24\n"),
}


def _kernels(machine: Machine) -> set[tuple[str, ...]]:
    """Addresses, routes and rules as the machine has them."""

    def ask(*words: str) -> list[dict[str, str]]:
        return json.loads(machine.run("ip", "-json", "-4", *words).stdout or "[]")  # type: ignore[no-any-return]

    shown = json.loads(machine.run("ip", "-json", "-4", "address", "show", "dev", "eth0").stdout)
    found: set[tuple[str, ...]] = {("address", f"{one['local']}/{one['prefixlen']}") for link in shown for one in link.get("addr_info", ())}
    for one in ask("route", "show", "table", "all"):
        if one.get("type", "unicast") not in ("local", "broadcast") and one.get("protocol") != "kernel":
            table = NUMBERS.get(one.get("table", "main"), one.get("table"))
            to = one["dst"].replace("default", "0.0.0.0/0")
            kind, gateway = one.get("type", "unicast"), one.get("gateway", "-")
            host = to if "/" in to else f"{to}/32"
            found.add(("route", str(table), kind, host, gateway if gateway != "10.1.0.2" else "-"))
    for one in ask("rule", "show"):
        if one.get("protocol") == "static":
            source = f"{one['src']}/{one['srclen']}" if "srclen" in one else one["src"]
            found.add(("rule", str(one["priority"]), source.replace("all", "0.0.0.0/0"), one.get("action", "lookup")))
    return found


def _verifys(files: Files) -> set[tuple[str, ...]] | None:
    """The same as verify sees it, None where it does not know."""
    texts = {
        path: Text(path=path, shown=path, text=text, mode=None)
        for path, text in ((f"{FOLDER}/{name}", text) for name, text in files.items())
    }
    delivery = Delivery(node="n", files=texts, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    ports = {"eth0": Port(node="n", interface="eth0", mac=MAC)}
    segments = tuple(Segment(name=card, ports=(port,)) for card, port in ports.items())
    machine = build_network([read_configuration(delivery)], Wiring(nodes=("n",), segments=segments), Assumptions())
    (one,) = machine.machines.values()
    if one.unknown:
        return None
    found: set[tuple[str, ...]] = {("address", f"{format_ip(address.ip)}/{address.length}") for address in one.addresses["eth0"]}
    networks = {("eth0", str(address.ip >> 8)) for address in one.addresses["eth0"]}
    for number, table in one.fib.tables.items():
        for hop in filter(None, table.hops):
            if hop.prefix.length != 24 or ("eth0", str(hop.prefix.first >> 8)) not in networks:
                gateway = format_ip(hop.gateway) if hop.gateway else "-"
                found.add(("route", str(number), hop.kind, str(hop.prefix), gateway))
    for rule in one.fib.rules:
        if "kernel" not in rule.origin.file:
            found.add(("rule", str(rule.priority), str(rule.source), rule.kind))
    return found


def test_verify_sees_what_networkd_makes_of_a_file() -> None:
    nics = (Nic(name="eth0", mac=MAC), Nic(name="eth1"))
    with boot_wired(dict.fromkeys(KNOWN, nics)) as machines, ExitStack() as daemons:
        for name, files in KNOWN.items():
            written = [File(path=f"{FOLDER}/{path}", content=text.encode()) for path, text in files.items()]
            daemons.enter_context(networkd(machines[name], written))
        wanted = {name: _verifys(files) for name, files in KNOWN.items()}

        await_that(lambda: {name: _kernels(machines[name]) for name in KNOWN} == wanted, seconds=20, interval=0.5)
        found = {name: _kernels(machines[name]) for name in KNOWN}

    assert found == wanted


def test_verify_knows_nothing_of_what_networkd_does_otherwise() -> None:
    assert [name for name, files in UNKNOWN.items() if _verifys(files) is not None] == []
