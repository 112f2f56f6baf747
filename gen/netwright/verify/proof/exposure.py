"""Machines outside of the cluster that see the addresses of pods, and so may send to them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from netwright.verify.forwarding.conversation import converse_every, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Way
from netwright.verify.proof.cases import CaseBook
from netwright.verify.proof.classes import AddressClass, Cuts
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.values.addresses import Range, merge
from netwright.verify.values.wiring import Traffic

_TRIED = tuple(Traffic(protocol=one) for one in ("icmp", "tcp", "udp"))


class Exposure:
    """The machines that a packet reaches with the address of a pod as its source, in one form of the network.

    Where flannel masquerades, mostly none does but nodes of the cluster: no other machine knows an address of a pod,
    and what it would do with packets for pods is no fault.
    """

    def __init__(self, network: Network, memory: Memory, cuts: Cuts, symmetry: Symmetry) -> None:
        """Takes the network; nothing is tried before it is asked for."""
        self._network, self._memory, self._cuts, self._twins = network, memory, cuts, symmetry
        self.spared: dict[str, None] = {}

    def spares(self, way: Way, last: Machine) -> bool:
        """Return whether a packet for a pod that ended at the last machine is never sent: nothing but default
        routes led there, and none of the machines on the way but the cluster's own knows an address of a pod."""
        machines = {one.sender.name for one in way.crossings} | {last.name}
        known = any(self._twins.classes[name] in self._exposed for name in machines - self._nodes)
        if known or any(one.hop.prefix.length for one in way.crossings):
            return False
        self.spared[last.name] = None
        return True

    @cached_property
    def _nodes(self) -> frozenset[str]:
        return frozenset(pods.node for pods in self._network.pod_networks)

    @cached_property
    def _exposed(self) -> frozenset[int]:
        return frozenset(
            self._twins.classes[crossing.receiver.name]
            for way in self._ways()
            for crossing in way.crossings
            if crossing.receiver is not None and self._network.pod_network(crossing.packet.source) is not None
        )

    def _ways(self) -> Iterator[Way]:
        """Yield the ways of what pods send: to every machine and pod, to the internet, and in answer.

        Two of all equivalent machines stand for the others: what they send each other, and what they send the rest.
        """
        network, shown = self._network, self._two_of_each()
        own = [one.network.range for one in network.pod_networks if one.node in shown]
        pods = self._ends(own)
        near = self._ends([*((ip, ip) for ip, machine in network.owners.items() if machine.name in shown), *own])
        far = self._ends(network.outside())
        traffic, matters = self._cuts.traffic(_TRIED), self._cuts.choice(_TRIED)
        for sources, destinations in ((pods, (*near, *far)), (near, pods)):
            for batch in CaseBook(self._twins, sources, destinations, traffic, traffic_of=matters).batches():
                case = batch.example
                packet = first_packet(
                    case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port
                )
                for result in converse_every(network, self._memory, packet, case.start, nat_allowed=True):
                    yield from filter(None, (result.there, result.reply))

    def _two_of_each(self) -> frozenset[str]:
        """The first two machines of every equivalence class."""
        met: dict[int, list[str]] = defaultdict(list)
        for name, number in self._twins.classes.items():
            met[number].append(name)
        return frozenset(name for names in met.values() for name in names[:2])

    def _ends(self, ranges: Iterable[Range]) -> tuple[AddressClass, ...]:
        return tuple(one for one in self._cuts.addresses(merge(ranges)) if one.place is not None)
