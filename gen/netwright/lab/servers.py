"""DHCP servers of the lab: dnsmasq, which leases the addresses that the topology reserves, and no others.

For a network of libvirt's it runs on the host, which keeps the addresses by its XML; for others at the segment's
switch.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from netwright.lab.cabling import SWITCH, switches_of
from netwright.lab.namespaces import ENVIRONMENT, Namespaces, Running
from netwright.verify.values.addresses import AddressNumber, Prefix, format_ip, network_of
from netwright.verify.values.wiring import AssignedAddress, Wiring

_PROGRAM = "dnsmasq"


class Server(Struct, frozen=True, kw_only=True):
    """A server on an interface of a namespace with an address in the network, and what it keeps by hardware address."""

    space: str
    interface: str
    ip: AddressNumber
    length: int
    kept: Mapping[str, int]
    own: bool

    def command(self) -> list[str]:
        """dnsmasq's command line, by which it reads and writes no file."""
        hosts = (f"--dhcp-host={mac},{format_ip(AddressNumber(ip))}" for mac, ip in self.kept.items())
        network = network_of(self.ip, self.length)
        return [
            *(_PROGRAM, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=root", "--port=0"),
            *("--leasefile-ro", "--bind-interfaces", "--except-interface=lo", f"--interface={self.interface}"),
            *("--dhcp-authoritative", "--no-ping", f"--dhcp-range={format_ip(network.first)},static,infinite", *hosts),
        ]


def is_here() -> bool:
    """Return whether dnsmasq is installed."""
    return shutil.which(_PROGRAM, path=ENVIRONMENT["PATH"]) is not None


def other_servers(
    assumed: Iterable[AssignedAddress], wiring: Wiring, macs: Mapping[tuple[str, str], str]
) -> Iterator[Server]:
    """The servers of networks of which nothing is known but the addresses that they reserve; `macs` are those that
    cards really have."""
    taken = {int(one.ip) for one in wiring.addresses}
    switches = switches_of(wiring)
    segments = {(port.node, port.interface): one.name for one in wiring.segments for port in one.ports}
    places: dict[tuple[str, Prefix], dict[str, int]] = {}
    for one in assumed:
        switch, mac = switches.get(segments[one.node, one.interface]), macs.get((one.node, one.interface))
        if switch is not None and mac is not None:
            places.setdefault((switch, network_of(one.ip, one.length)), {})[mac] = int(one.ip)
    for (switch, network), kept in places.items():
        free = next((ip for ip in range(network.last - 1, network.first, -1) if ip not in taken), None)
        if free is not None:
            taken.add(free)
            yield Server(
                space=SWITCH, interface=switch, ip=AddressNumber(free), length=network.length, kept=kept, own=True
            )


def macs_of(spaces: Namespaces, nodes: Iterable[str]) -> dict[tuple[str, str], str]:
    """The hardware addresses that cards have in the kernel."""
    shown = ((node, json.loads(spaces.output(node, ["ip", "-json", "link"]))) for node in nodes)
    return {(node, link["ifname"]): link["address"] for node, links in shown for link in links}


class Servers:
    """Servers that run until they are closed, or until this process ends, by whatever cause."""

    def __init__(self, spaces: Namespaces) -> None:
        """Starts none yet."""
        self._spaces = spaces
        self._running: list[Running] = []

    def start(self, servers: Iterable[Server]) -> None:
        """Starts some; one at a switch gives that its address."""
        for server in servers:
            if server.own:
                address = f"{format_ip(server.ip)}/{server.length}"
                self._spaces.ip(server.space, [f"address add {address} dev {server.interface}"], force=True)
            self._running.append(self._spaces.start(server.space, server.command()))

    def close(self) -> None:
        """Ends them all."""
        for process in self._running:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._running:
            process.wait()
