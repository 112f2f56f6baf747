"""Comparison of a daemon's result in the kernel with verify's prediction, in the same words."""

import json
from collections.abc import Mapping

from netwright.lab.machine import LabMachine
from netwright.verify.network_model.building import build_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.wiring import Assumptions, Port, Segment, Wiring

MAC, OWN = "02:00:00:00:00:07", "10.1.0.2"
"""The hardware address of eth0, and the address that it has in every variant."""
_NUMBERS = {"main": 254, "default": 253}
Facts = set[tuple[str, ...]]


def kernels(machine: LabMachine) -> Facts:
    """eth0's addresses, and the routes and rules of the machine that no address brings."""

    def ask(*words: str) -> list[dict[str, str]]:
        return json.loads(machine.run("ip", "-json", "-4", *words).stdout or "[]")  # type: ignore[no-any-return]

    shown = json.loads(machine.run("ip", "-json", "-4", "address", "show", "dev", "eth0").stdout)
    found: Facts = {
        ("address", f"{one['local']}/{one['prefixlen']}") for link in shown for one in link.get("addr_info", ())
    }
    for one in ask("route", "show", "table", "all"):
        if one.get("type", "unicast") not in ("local", "broadcast") and one.get("protocol") != "kernel":
            table = _NUMBERS.get(one.get("table", "main"), one.get("table"))
            to = one["dst"].replace("default", "0.0.0.0/0")
            gateway = one.get("gateway", OWN)
            host = to if "/" in to else f"{to}/32"
            kind = one.get("type", "unicast")
            found.add(("route", str(table), kind, host, "-" if gateway == OWN else gateway, str(one.get("metric", 0))))
    for one in ask("rule", "show"):
        if one.get("protocol") == "static":
            source = f"{one['src']}/{one['srclen']}" if "srclen" in one else one["src"]
            host = source if "/" in source or source == "all" else f"{source}/32"
            mark = int(one.get("fwmark", "0"), 0), int(one.get("fwmask", "0xffffffff" if "fwmark" in one else "0"), 0)
            kind = one.get("action", "lookup")
            found.add(("rule", str(one["priority"]), host.replace("all", "0.0.0.0/0"), kind, *map(hex, mark)))
    return found


def verifys(files: Mapping[str, str]) -> Facts | None:
    """The same as verify sees it, None where it does not know."""
    texts = {path: Text(path=path, shown=path, text=text, mode=None) for path, text in files.items()}
    delivery = Delivery(node="n", files=texts, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    segments = (Segment(name="s", ports=(Port(node="n", interface="eth0", mac=MAC),)),)
    network = build_network([read_configuration(delivery)], Wiring(nodes=("n",), segments=segments), Assumptions())
    machine = network.machines["n"]
    if machine.unknown:
        return None
    own = machine.addresses["eth0"]
    found: Facts = {("address", f"{format_ip(address.ip)}/{address.length}") for address in own}
    for number, table in machine.fib.tables.items():
        for hop in filter(None, table.hops):
            if hop.gateway or not any(hop.origin == address.origin for address in own):
                gateway = format_ip(hop.gateway) if hop.gateway else "-"
                found.add(("route", str(number), hop.kind, str(hop.prefix), gateway, str(hop.metric)))
    for rule in machine.fib.rules:
        if "kernel" not in rule.origin.file:
            mark = hex(rule.mark), hex(rule.mask)
            found.add(("rule", str(rule.priority), str(rule.source), rule.kind, *mark))
    return found
