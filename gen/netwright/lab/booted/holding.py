"""Virtual addresses at their holders: where keepalived has them, and otherwise at each in turn."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.booted.machine import BootedMachine
from netwright.lab.booted.surroundings import hold
from netwright.lab.machine import poll
from netwright.lab.namespaces import Namespaces
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.wiring import HeldAddress

_ELECTION = 15.0
"""Seconds for keepalived's scripts to succeed twice, and for three advertisements that do not come."""


class Holding(Struct):
    """Holders of virtual addresses now. Keepalived's own choice stands where it runs, but for the `withheld`."""

    spaces: Namespaces
    keepalived: tuple[str, ...]
    withheld: frozenset[int] = frozenset()
    held: tuple[HeldAddress, ...] = ()

    def move(self, held: tuple[HeldAddress, ...]) -> bool:
        """Has the nodes hold the addresses; whether they do then: keepalived alone decides about its own."""
        wanted = tuple(one for one in held if one.node not in self.keepalived or one.ip in self.withheld)
        hold(self.spaces, wanted, self.held)
        self.held = wanted
        return all(self._has(one) for one in held)

    def find_withheld(self, held: Sequence[HeldAddress], asking: Collection[str]) -> None:
        """Notes the addresses that keepalived gives to none of their holders, which ask services first; waits until the
        holders had time to elect one."""
        holders: dict[int, list[HeldAddress]] = defaultdict(list)
        for one in held:
            holders[one.ip].append(one)
        moved = [several for several in holders.values() if any(one.node in self.keepalived for one in several)]
        poll(lambda: all(any(map(self._has, several)) for several in moved), seconds=_ELECTION, interval=0.5)
        self.withheld = frozenset(
            ip for ip, several in holders.items() if all(one.node in asking and not self._has(one) for one in several)
        )

    def remarks(self) -> Iterator[str]:
        """Remarks on the addresses that are withheld."""
        if self.withheld:
            names = ", ".join(map(format_ip, sorted(self.withheld)))
            reason = "what its scripts ask does not run here; they are put there"
            yield f"keepalived gives {names} to none of their holders: {reason}"

    def _has(self, one: HeldAddress) -> bool:
        shown = self.spaces.output(one.node, ["ip", "-brief", "-4", "address", "show"])
        return f" {format_ip(one.ip)}/" in shown


def start_holding(spaces: Namespaces, machines: Mapping[str, BootedMachine], held: Sequence[HeldAddress]) -> Holding:
    """Return who decides about the addresses on machines that have booted."""
    keepalived = tuple(node for node, one in machines.items() if one.is_active("keepalived.service"))
    holding = Holding(spaces=spaces, keepalived=keepalived)
    holding.find_withheld(held, _asking(machines, keepalived))
    return holding


def _asking(machines: Mapping[str, BootedMachine], keepalived: Sequence[str]) -> frozenset[str]:
    """The machines whose keepalived asks services by scripts before it takes an address."""
    conf = "/etc/keepalived/keepalived.conf"
    return frozenset(name for name in keepalived if "vrrp_script" in machines[name].run("cat", conf).stdout)
