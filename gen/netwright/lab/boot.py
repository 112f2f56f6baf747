"""One node's own files, applied in its namespace in the order in which a machine boots."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from netwright.lab.namespaces import Namespaces
from netwright.lab.programs import SYSCTL
from netwright.verify.network_model.building import interfaces_of, read_node
from netwright.verify.network_model.cards import named_links
from netwright.verify.network_model.parameters import SYSTEM_FILES, SYSTEM_SYSCTLS
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.delivery import Delivery, read_delivery
from netwright.verify.reading.formats.sysctl import DEFAULTS, merge_order
from netwright.verify.values.addresses import format_ip, network_of
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Kind, Link, PolicyRule, Route
from netwright.verify.values.next_hops import join_next_hops
from netwright.verify.values.wiring import AssignedLink, Port, Wiring

_NODE_DEFAULTS = (
    ("ipv6/conf/all/disable_ipv6", "1"),
    ("ipv6/conf/default/disable_ipv6", "1"),
    ("ipv4/ip_forward", "0"),
    ("ipv4/neigh/default/proxy_delay", "0"),
    ("bridge/bridge-nf-call-iptables", "0"),
    *(
        (f"ipv4/conf/{name}/{key}", str(value))
        for key, value in DEFAULTS.items()
        if key != "forwarding"
        for name in ("all", "default")
    ),
)
"""Settings of new machines that a namespace may lack: it copies the host's. A learned redirect would decide about the
packets that are sent next, so that none is accepted."""


class Guest(Struct, frozen=True, kw_only=True):
    """A node and its files: as they are, and as verify's readers understand them; `stated` are the topology's links."""

    name: str
    delivery: Delivery
    configuration: Configuration
    ports: tuple[Port, ...]
    system: str
    stated: tuple[AssignedLink, ...] = ()

    @property
    def named(self) -> list[tuple[str, Link]]:
        """The links of the files, by the names of the interfaces that they configure."""
        return [*named_links(self.configuration, self.ports, [])]

    @property
    def has_bridge(self) -> bool:
        """Return whether the topology has it make a bridge of cards."""
        return any(link.kind is Kind.BRIDGE and link.below for link in self.stated)

    @property
    def is_leased(self) -> bool:
        """Return whether a DHCP server gives it an address."""
        return any(link.lease is not None for link in self.configuration.links)


def read_guest(out: Path, name: str, wiring: Wiring) -> Guest:
    """The node from its folder below `out`."""
    delivery = read_delivery(out, name)
    configuration = read_node(delivery, wiring)
    return Guest(
        name=name,
        delivery=delivery,
        configuration=configuration,
        ports=interfaces_of(name, wiring, managed=configuration.managed),
        system=wiring.systems.get(name, ""),
        stated=wiring.links.get(name, ()),
    )


def run_commands(spaces: Namespaces, guest: Guest, boot: Boot) -> Iterator[str]:
    """Runs what a boot's commands change, and yields what they complain of."""
    configuration = guest.configuration.on(boot)
    orders = [(["ip", *one.words], "") for one in configuration.changes]
    orders += ((["sysctl", "-w", f"{'/'.join(one.key)}={one.value}"], "") for one in configuration.commanded)
    orders += ((["nft", "-f", "-"], file.text) for file in configuration.loaded if not file.path)
    for words, text in orders:
        complaint = spaces.attempt(guest.name, words, text)
        if complaint:
            yield f"{guest.name}: {' '.join(words) if not text else text.strip()}: {complaint.splitlines()[0]}"


def power_on(spaces: Namespaces, name: str) -> None:
    """Gives the namespace the kernel's own parameters."""
    with spaces.enter(name):
        for key, value in _NODE_DEFAULTS:
            _write(key, value)
    spaces.ip(name, ["link set lo up"])


def set_parameter(spaces: Namespaces, name: str, key: str, value: str) -> None:
    """Gives one of the node's parameters below /proc/sys/net a value, if it is there."""
    with spaces.enter(name):
        _write(key, value)


def _write(key: str, value: str) -> None:
    path = f"/proc/sys/net/{key}"
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write(value)


class SysctlFiles:
    """A node's sysctl.d: its system's own file, then the delivered ones in the order of systemd-sysctl.

    The programs read them from memory: no file is left, however this process ends.
    """

    def __init__(self, spaces: Namespaces, guest: Guest, boot: Boot, *, leads_out: bool) -> None:
        """Holds the files open until `close`. A device that leads to the internet forwards by itself."""
        self._spaces, self._name = spaces, guest.name
        late = guest.configuration.on(boot).late
        files = {path: file.text for path, file in guest.delivery.files.items() if file.shown not in late}
        if guest.system in SYSTEM_FILES:
            files[f"/usr/lib/sysctl.d/{SYSTEM_FILES[guest.system]}"] = SYSTEM_SYSCTLS[guest.system]
        texts = [(path, files[path]) for path in merge_order(files)]
        if not guest.configuration.managed:
            settings = guest.configuration.settings
            texts.append(("the internet device's own", "net.ipv4.ip_forward = 1\n" if leads_out else ""))
            lines = "".join(f"{'/'.join(one.key)} = {one.value}\n" for one in settings)
            texts.append(("handoff.md", lines))
        self._shown: dict[str, str] = {}
        self._opened = contextlib.ExitStack()
        for shown, text in texts:
            descriptor = os.memfd_create("sysctl")
            self._opened.callback(os.close, descriptor)
            os.write(descriptor, text.encode())
            self._shown[f"/proc/{os.getpid()}/fd/{descriptor}"] = shown

    def close(self) -> None:
        """Lets the files go."""
        self._opened.close()

    def apply(self) -> str:
        """Applies everything, as at boot; what systemd-sysctl complains of if it fails, "" if not."""
        return self._run("/net")

    def apply_to(self, interface: str) -> str:
        """Applies the lines about an interface that came later, as udev does it."""
        return self._run(f"/net/ipv4/conf/{interface}")

    def _run(self, prefix: str) -> str:
        # A key of an interface that does not exist yet is a warning, as it is on the machine.
        complaint = self._spaces.attempt(self._name, [SYSCTL, f"--prefix={prefix}", *self._shown])
        for path, shown in self._shown.items():
            complaint = complaint.replace(f"{path}:", f"{shown}:")
        return complaint


def configure(spaces: Namespaces, name: str, links: Sequence[tuple[str, Link]]) -> None:
    """Brings interfaces up and gives them addresses, routes and policy rules; what the kernel refuses is left out."""
    cards = [interface for interface, link in links if link.manager == "NetworkManager"]
    lines = []
    for interface, link in links:
        lines.append(f"link set dev {interface} up")
        lines += _address_lines(interface, link)
    routes = join_next_hops(
        (((interface, link), route) for interface, link in links for route in link.routes), lambda found: found[0]
    )
    routes.sort(key=lambda found: found[1].gateway is not None or bool(found[1].next_hops))
    lines += (line for (interface, link), route in routes for line in _route_lines(interface, link, route))
    lines += (_rule_line(rule) for _, link in links for rule in link.rules)
    spaces.ip(name, lines, force=True)
    relax(spaces, name, cards)


def relax(spaces: Namespaces, name: str, cards: Sequence[str]) -> None:
    """NetworkManager makes a strict reverse path filter loose on its cards with a default route."""
    if not cards:
        return
    routes = json.loads(spaces.output(name, ["ip", "-json", "route", "show", "default"]) or "[]")
    ways = [
        way for route in routes if route.get("type", "unicast") == "unicast" for way in route.get("nexthops", [route])
    ]
    with spaces.enter(name):
        for card in {way["dev"] for way in ways} & {*cards}:
            path = Path("/proc/sys/net/ipv4/conf", card, "rp_filter")
            if path.read_text(encoding="ascii").strip() == "1":
                path.write_text("2", encoding="ascii")


def _address_lines(interface: str, link: Link) -> Iterator[str]:
    """NetworkManager makes the networks' routes itself, with the card's own metric."""
    for address in link.addresses:
        text = f"{format_ip(address.ip)}/{address.length}"
        if link.manager != "NetworkManager" or address.length == 32:
            yield f"address add {text} dev {interface}"
        else:
            yield f"address add {text} dev {interface} noprefixroute"
            network = network_of(address.ip, address.length)
            yield f"route add {network} dev {interface} scope link metric {link.default_metric} table {link.table}"


def _route_lines(interface: str, link: Link, route: Route) -> Iterator[str]:
    verb = "route replace" if link.manager == "hand" else "route append"
    tail = f"metric {route.metric} table {route.table}"
    tail += f" src {format_ip(route.source)}" if route.source is not None else ""
    if route.next_hops:
        hops = (f"nexthop via {format_ip(hop.gateway)} dev {hop.interface or interface}"
                f"{' onlink' if route.onlink else ''} weight {hop.weight}" for hop in route.next_hops)  # fmt: skip
        yield f"{verb} {route.to} {tail} {' '.join(hops)}"
    elif route.kind == "local":
        yield f"{verb} local {route.to} dev {interface} {tail}"
    elif route.kind != "unicast":
        yield f"{verb} {route.kind} {route.to} {tail}"
    elif route.gateway is None:
        yield f"{verb} {route.to} dev {interface} scope link {tail}"
    else:
        near = any(route.gateway in network_of(one.ip, one.length) for one in link.addresses)
        if link.manager == "NetworkManager" and not near and not route.onlink:
            yield f"route add {format_ip(route.gateway)}/32 dev {interface} scope link metric {route.metric}"
        onlink = " onlink" if route.onlink else ""
        yield f"{verb} {route.to} via {format_ip(route.gateway)} dev {interface}{onlink} {tail}"


def _rule_line(rule: PolicyRule) -> str:
    words = [f"rule add priority {rule.priority} from {rule.source} to {rule.destination}"]
    words += [f"iif {rule.incoming}"] if rule.incoming else []
    words += [f"fwmark {rule.mark:#x}/{rule.mask:#x}"] if rule.mask else []
    words.append(f"table {rule.table}" if rule.kind == "lookup" else rule.kind)
    words += [f"suppress_prefixlength {rule.suppress}"] if rule.suppress is not None else []
    return " ".join(words)
