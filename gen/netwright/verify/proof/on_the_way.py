"""Ends that are named: of a machine with several addresses, those on the way to the other end."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from msgspec import Struct

from netwright.verify.network_model.fib import LOOPBACK
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.proof.classes import AddressClass
from netwright.verify.values.addresses import contains, is_public, network_of
from netwright.verify.values.wiring import AssignedAddress, Flow

Asked = Callable[[AddressClass, AddressClass], bool]
"""Predicate: a flow asks for a conversation between two address classes."""

_Spot = tuple[str, int, int]
"""Location of an address: its segment, and its network's first IP and length."""


class _Home(Struct, frozen=True, kw_only=True):
    """An address in the topology: the machine's interface, and where that is."""

    address: AssignedAddress
    spot: _Spot


class Nearness:
    """Numbers of routers between the networks of a topology, and the place of each of its addresses."""

    def __init__(self, network: Network) -> None:
        """Gathers addresses and routers; nothing is measured yet."""
        self._network = network
        segments = {key: wired.name for key, wired in network.segments.items()}
        self._homes: dict[int, _Home] = {}
        self._spots: dict[str, dict[_Spot, None]] = defaultdict(dict)
        for address in network.wiring.addresses:
            prefix = network_of(address.ip, address.length)
            spot = (segments.get((address.node, address.interface), ""), prefix.first, prefix.length)
            self._homes.setdefault(address.ip, _Home(address=address, spot=spot))
            self._spots[address.node].setdefault(spot)
        self._interfaces: dict[str, set[str]] = defaultdict(set)
        for home in self._homes.values():
            self._interfaces[home.address.node].add(home.address.interface)
        self._routers_on: dict[str, list[str]] = defaultdict(list)
        for router in network.wiring.routers:
            for segment in {spot[0]: None for spot in self._spots[router]}:
                self._routers_on[segment].append(router)
        self._transits = {  # only they lead on, however many others a router has
            router: [spot[0] for spot in self._spots[router] if len(self._routers_on[spot[0]]) > 1]
            for router in network.wiring.routers
        }
        self._hops: dict[tuple[str, ...], dict[str, int]] = {}
        self._nearest: dict[tuple[tuple[_Spot, ...], str], frozenset[_Spot]] = {}

    def asked(self, flow: Flow) -> Asked | None:
        """Return a test of the pairs of the flow's address classes that it asks for; None if all."""
        if not (flow.named_sources or flow.named_destinations):
            return None

        def is_asked(source: AddressClass, destination: AddressClass) -> bool:
            if source.place is None or destination.place is None:
                return True
            if source.place.kind == "outside":  # the internet knows public addresses only
                return not contains(flow.named_destinations, destination.first) or is_public(destination.first)
            if source.place.machine is destination.place.machine:
                return True
            if contains(flow.named_destinations, destination.first) and not self._is_near(flow, source, destination):
                return False
            return not contains(flow.named_sources, source.first) or self._is_sender(source, destination.first)

        return is_asked

    def _is_near(self, flow: Flow, source: AddressClass, destination: AddressClass) -> bool:
        """Return whether the destination is one of those of its machine's addresses that are nearest to the sender."""
        home = self._homes.get(destination.first)
        if home is None or source.place is None:
            return True
        return home.spot in self._nearest_spots(self._starts(flow, source), home.address.node)

    def _starts(self, flow: Flow, source: AddressClass) -> tuple[_Spot, ...]:
        """Return where packets of a source may leave: any network of its machine, unless an address itself is named."""
        home = self._homes.get(source.first)
        if home is not None and not contains(flow.named_sources, source.first):
            return (home.spot,)
        return tuple(self._spots[source.place.machine.name]) if source.place is not None else ()

    def _nearest_spots(self, starts: tuple[_Spot, ...], node: str) -> frozenset[_Spot]:
        """Return where a node is the fewest routers away, a network of both ends first; all its networks if none is."""
        key = (starts, node)
        if key not in self._nearest:
            targets = tuple(self._spots[node])
            reached = {
                target: min(distances)
                for target in targets
                if (distances := [*filter(None, (self._distance(start, target) for start in starts))])
            }
            least = min(reached.values(), default=None)
            near = [target for target, distance in reached.items() if distance == least]
            self._nearest[key] = frozenset(near or targets)
        return self._nearest[key]

    def _distance(self, start: _Spot, target: _Spot) -> tuple[int, bool] | None:
        if start[0] == target[0]:
            return 0, start != target
        hops = self._hops_to(target[0])
        found = [hops[router] + 1 for router in self._routers_on.get(start[0], ()) if router in hops]
        return (min(found), start != target) if found else None

    def _hops_to(self, target: str) -> dict[str, int]:
        """Return the number of further routers between each router and a segment."""
        first = tuple(self._routers_on.get(target, ()))
        if first not in self._hops:
            self._hops[first] = self._measure(first)
        return self._hops[first]

    def _measure(self, first: tuple[str, ...]) -> dict[str, int]:
        found, queue, met = dict.fromkeys(first, 0), deque(first), set[str]()
        while queue:
            router = queue.popleft()
            segments = [segment for segment in self._transits[router] if segment not in met]
            met.update(segments)
            for other in (other for segment in segments for other in self._routers_on[segment]):
                if other not in found:
                    found[other] = found[router] + 1
                    queue.append(other)
        return found

    def _is_sender(self, source: AddressClass, target: int) -> bool:
        """Return whether the machine's own kernel takes this one of its addresses for what it sends to the target.

        An address that it takes in the place of one of the topology's, or of another program's device, tells nothing:
        then those of the interface by which it sends are meant, or all.
        """
        home = self._homes.get(source.first)
        if home is None or source.place is None:
            return True
        interface, chosen = choose_source(source.place.machine, target)
        if interface is None:
            return True
        node = home.address.node
        taken = self._homes.get(chosen) if chosen is not None else None
        if taken is not None and taken.address.node == node:
            return source.first == chosen
        return interface not in self._interfaces[node] or home.address.interface == interface


def choose_source(machine: Machine, target: int) -> tuple[str | None, int | None]:
    """The interface by which the machine itself sends to a target, and the address that its kernel takes for it."""
    hop = machine.fib.find(target, 0, LOOPBACK)
    if hop is None or hop.kind != "unicast" or hop.interface is None:
        return None, None
    own = hop.source if hop.source is not None else machine.address_for(hop.interface, hop.gateway or target)
    return hop.interface, own


def all_asked(rules: Iterable[Asked | None]) -> Asked | None:
    """Return what any of several rules asks for; None if one asks for everything."""
    known = tuple(rules)
    if None in known:
        return None
    return lambda source, destination: any(rule(source, destination) for rule in known if rule is not None)
