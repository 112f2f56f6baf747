"""Virtual addresses at their holders: where keepalived has them, and otherwise at each in turn."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.booted.machine import BootedMachine
from netwright.lab.booted.moving import KEEPALIVED
from netwright.lab.booted.surroundings import hold
from netwright.lab.machine import poll
from netwright.lab.namespaces import Namespaces
from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.wiring import HeldAddress

_ELECTION = 15.0
"""Seconds for three advertisements that do not come."""
_HAPROXY = "haproxy.service"
_SHOWN = 10


class Holding(Struct):
    """Holders of virtual addresses now. Keepalived's own choice stands where it runs, not on `stopped` nodes."""

    spaces: Namespaces
    keepalived: tuple[str, ...]
    stopped: tuple[str, ...] = ()
    held: tuple[HeldAddress, ...] = ()

    def move(self, held: tuple[HeldAddress, ...]) -> bool:
        """Has the nodes hold the addresses; whether they do then: keepalived alone decides about its own."""
        wanted = tuple(one for one in held if one.node not in self.keepalived)
        hold(self.spaces, wanted, self.held)
        self.held = wanted
        self._announce({one.ip for one in wanted})
        return all(self._has(one) for one in held)

    def await_choice(self, held: Sequence[HeldAddress]) -> None:
        """Waits until keepalived's holders had time to elect one."""
        holders: dict[int, list[HeldAddress]] = defaultdict(list)
        for one in held:
            holders[one.ip].append(one)
        moved = [several for several in holders.values() if any(one.node in self.keepalived for one in several)]
        poll(lambda: all(any(map(self._has, several)) for several in moved), seconds=_ELECTION, interval=0.5)

    def remarks(self) -> Iterator[str]:
        """Remarks on the nodes where an address is put that keepalived would not have there."""
        if self.stopped:
            where = list_some(self.stopped, _SHOWN)
            reason = "what they ask does not run here; their addresses are put at each holder in turn"
            yield f"keepalived and HAProxy are stopped on {where} while flows are tried: {reason}"

    def _announce(self, addresses: Iterable[int]) -> None:
        """Makes every machine forget who had the addresses, in place of keepalived's gratuitous ARP."""
        for ip in addresses:
            for name in self.spaces.names:
                self.spaces.ip(name, [f"neigh flush to {format_ip(ip)}"])

    def _has(self, one: HeldAddress) -> bool:
        shown = self.spaces.output(one.node, ["ip", "-brief", "-4", "address", "show"])
        return f" {format_ip(one.ip)}/" in shown


def start_holding(spaces: Namespaces, machines: Mapping[str, BootedMachine], held: Sequence[HeldAddress]) -> Holding:
    """Return who decides about the addresses on machines that have booted.

    Where keepalived asks a service first, both are stopped: their services' ports are wanted for what is tried.
    """
    running = [node for node, one in machines.items() if one.is_active(KEEPALIVED)]
    asking = tuple(sorted((node for node in running if _asks(machines[node])), key=natural_key))
    for stopping in [machines[node].begin("systemctl", "stop", KEEPALIVED, _HAPROXY) for node in asking]:
        stopping.wait()
    holding = Holding(spaces=spaces, keepalived=tuple(node for node in running if node not in asking), stopped=asking)
    holding.await_choice(held)
    return holding


def _asks(machine: BootedMachine) -> bool:
    """Whether the machine's keepalived asks services by scripts before it takes an address."""
    return "vrrp_script" in machine.run("cat", "/etc/keepalived/keepalived.conf").stdout
