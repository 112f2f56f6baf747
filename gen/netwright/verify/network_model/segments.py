"""Segments, wired: the ports of machines on each, who owns an IP there, and who may answer for others."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from netwright.verify.network_model.machine import Machine
from netwright.verify.values.wiring import (
    Segment,
)


class WiredSegment(Struct, eq=False):
    """A segment with the machines' ports that can own or stand in for an IP on it.

    `unread` are machines of whose files something is unknown: they may own, and answer for, what they do not seem to.
    `members` are the machines' ports by name, each with its number; `holders` are all machines of the network that have
    an IP.
    """

    name: str
    bridge: tuple[Machine, str] | None
    ports: set[tuple[str, str]]
    holders: Mapping[int, Sequence[Machine]]
    members: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    proxies: list[tuple[Machine, str]] = field(default_factory=list)
    unread: list[Machine] = field(default_factory=list)

    def owners(self, ip: int) -> list[tuple[Machine, str]]:
        """Every port that answers for the IP, in order: a machine answers for all that it has at each of its ports."""
        found = [
            (number, machine, interface)
            for machine in self.holders.get(ip, ())
            for number, interface in self.members.get(machine.name, ())
        ]
        return [(machine, interface) for _, machine, interface in sorted(found, key=lambda port: port[0])]


def wire_segments(machines: dict[str, Machine], segments: Sequence[Segment]) -> dict[tuple[str, str], WiredSegment]:
    wired: dict[tuple[str, str], WiredSegment] = {}
    holders: dict[int, list[Machine]] = defaultdict(list)
    for machine in machines.values():
        for ip, hop in machine.fib.local.items():
            if hop.kind == "local":
                holders[ip].append(machine)
    for segment in segments:
        bridge = (machines[segment.bridge.node], segment.bridge.interface) if segment.bridge else None
        made = WiredSegment(
            name=segment.name,
            bridge=bridge,
            ports={(port.node, port.interface) for port in segment.ports},
            holders=holders,
        )
        for number, port in enumerate(segment.ports):
            machine = machines[port.node]
            wired[port.node, port.interface] = made
            if machine.unknown:
                made.unread.append(machine)
            made.members[machine.name].append((number, port.interface))
            parameters = machine.parameters
            if (
                machine.fib.has_local_routes
                or parameters.either(port.interface, "proxy_arp")
                or parameters.either(port.interface, "proxy_arp_pvlan")
            ):
                made.proxies.append((machine, port.interface))
    return wired
