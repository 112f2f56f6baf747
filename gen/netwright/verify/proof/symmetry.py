"""Equivalence classes of machines: swapping the names and addresses of two members leaves the network unchanged.

A conversation between two machines then goes as it does between others of their classes, so that one stands for all.
Two machines are equivalent if their signatures are equal. A signature holds

- what the machine is: interfaces, parameters, tables, rules, segments, with its own addresses replaced by their role;
- what others make of it (mentions.py): the sets of addresses in anyone's routes and rules that hold its
  addresses; and the routes and translations that name its addresses alone, with those replaced by their role;
- its tunnels, and what its peers are told of it (meshes.py), with its key and addresses replaced by their role.

Everything else is compared literally. So a swap of a and b changes nothing at a third machine: a set holds both
or neither, and a route to a has its like to b. And a becomes b: what both have literally names neither of them, or the
second part would tell them apart. Swaps combine to every order of a class, so that every pair of its members can take
the place of every other. Who shares an address with another machine, has a line that is not known, or leads to the
internet is alone in its class. Origins of lines do not count: where they are asked for, a case is tried on its own.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.network_model.fib import FlatTable
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.parameters import Parameters
from netwright.verify.proof.address_owners import AddressOwners, Spot
from netwright.verify.proof.classes import AddressClass
from netwright.verify.proof.mentions import Leg, Mentions, leg_of
from netwright.verify.proof.meshes import Meshes
from netwright.verify.values.addresses import Range, network_of
from netwright.verify.values.nftables import Match, NumberField, NumberMatch, OpenedMatch, Rule, Statement

_ADDRESSES = (NumberField.SADDR, NumberField.DADDR)


class Symmetry(Struct, frozen=True, kw_only=True):
    """The number of each machine's class; equivalent machines have the same."""

    owners: AddressOwners
    classes: Mapping[str, int]

    def likeness(self, one: AddressClass) -> tuple[int, str, Spot] | None:
        """Return what the address class has in common with those of equivalent machines, None if it has no like."""
        if one.place is None or len(one.ranges) != 1:
            return None
        name = one.place.machine.name
        spot = self.owners.spot(*one.ranges[0], name)
        return None if spot is None else (self.classes[name], one.place.kind, spot)


def find_symmetry(network: Network) -> Symmetry:
    """The classes of a network's machines."""
    owners = AddressOwners(network)
    signatures = _Signatures(network, owners).all()
    numbers: dict[Hashable, int] = {}
    return Symmetry(
        owners=owners,
        classes={name: numbers.setdefault(signature, len(numbers)) for name, signature in signatures.items()},
    )


def no_twins(network: Network) -> Symmetry:
    """Every machine a class of its own: what `find_symmetry` is measured by."""
    classes = {name: number for number, name in enumerate(network.machines)}
    return Symmetry(owners=AddressOwners(network), classes=classes)


class _Signatures:
    """The signatures of one network's machines; what several have in common is looked at once."""

    def __init__(self, network: Network, owners: AddressOwners) -> None:
        self._network = network
        self._owners = owners
        self._mentions = Mentions(owners)
        self._meshes = Meshes(network, owners)
        self._numbers: dict[Hashable, int] = {}
        self._tables: dict[frozenset[Leg], int] = {}
        self._shared_rules: dict[int, int] = {}
        self._shared_values: dict[int, int] = {}
        self._segments: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
        for (name, interface), segment in network.segments.items():
            is_bridge = segment.bridge is not None and (segment.bridge[0].name, segment.bridge[1]) == (name, interface)
            self._segments[name].append((interface, segment.name, is_bridge))
        self._underlays: dict[str, list[tuple[Spot | Range, str]]] = defaultdict(list)
        for pod in network.pod_networks:
            self._underlays[pod.node].append((self._name(*pod.network.range, pod.node), pod.interface))

    def all(self) -> dict[str, Hashable]:
        """The signature of each machine."""
        machines = self._network.machines
        own = {name: self._describe(machine) for name, machine in machines.items()}
        overlays = {id(one.fib.overlay): one.fib.overlay for one in machines.values() if one.fib.overlay is not None}
        for number, overlay in overlays.items():
            self._mentions.add_table(("overlay", number), map(leg_of, filter(None, overlay.table.hops)))
        self._meshes.add_to(self._mentions)
        services = self._network.wiring.services
        if services is not None:
            self._mentions.add_set((services.range,))
        for forward in self._network.wiring.forwards:
            self._mentions.mention(forward.target, forward)
            self._mentions.add_set(forward.sources)
        views = self._mentions.views()
        exits = {one.node for one in self._network.wiring.exits}
        return {
            name: name
            if machine.unknown
            or machine.faults
            or name in self._owners.contested
            or name in exits
            or self._meshes.is_alone(machine)
            else (own[name], views.get(name))
            for name, machine in machines.items()
        }

    def _name(self, first: int, last: int, owner: str) -> Spot | Range:
        """The addresses by their role, if they are the owner's; else literally, as a set that is spoken of."""
        spot = self._owners.spot(first, last, owner)
        if spot is not None:
            return spot
        self._mentions.add_set(((first, last),))
        return first, last

    def _describe(self, machine: Machine) -> Hashable:
        """Return the machine's signature."""
        fib, parameters, name = machine.fib, machine.parameters, machine.name
        return (
            tuple(
                (interface, address.length, self._name(address.ip, address.ip, name),
                 self._name(*network_of(address.ip, address.length).range, name))
                for interface, addresses in machine.addresses.items() for address in addresses
            ),
            frozenset((self._name(ip, ip, name), hop.kind, hop.interface) for ip, hop in fib.local.items()),
            tuple((number, self._table(table, name)) for number, table in sorted(fib.tables.items())),
            tuple(self._policy(machine)) if fib.custom else (),
            id(fib.overlay),
            fib.overlay_interface,
            self._values(parameters),
            parameters.tcp_loose,
            machine.bridge_nf,
            machine.forwarder,
            machine.window.cause if machine.window is not None else None,
            tuple(self._tables_of_rules(machine)),
            tuple((interface, mtu.octets) for interface, mtu in machine.mtus.items()),
            tuple(sorted(self._segments.get(name, ()))),
            tuple(self._underlays.get(name, ())),
            tuple(self._meshes.describe(machine)),
        )  # fmt: skip

    def _table(self, table: FlatTable, owner: str) -> tuple[frozenset[Hashable], int]:
        """The machine's routes for addresses of its own, and the number of all others together."""
        own: set[Hashable] = set()
        rest: set[Leg] = set()
        hops = {id(hop): hop for hop in table.hops if hop is not None}.values()
        for leg in (leg_of(way) for hop in hops for way in hop.every):
            spot = self._owners.spot(leg.first, leg.last, owner)
            if spot is None:
                rest.add(leg)
                continue
            gateway: Spot | Range | None = None
            if leg.gateway is not None:
                gateway = self._name(leg.gateway, leg.gateway, owner)
            way = leg.interface, gateway, *leg[5:]
            own.add((spot, leg.kind, *way))
        legs = frozenset(rest)
        known = self._tables.get(legs)
        if known is None:
            known = self._tables[legs] = len(self._tables)
            self._mentions.add_table(known, legs)
        return frozenset(own), known

    def _values(self, parameters: Parameters) -> int:
        """The number of all kernel parameters that have the same values; most machines share one object."""
        known = self._shared_values.get(id(parameters.values))
        if known is None:
            said = tuple((interface, *values.values()) for interface, values in parameters.values.items())
            known = self._shared_values[id(parameters.values)] = self._numbers.setdefault(said, len(self._numbers))
        return known

    def _policy(self, machine: Machine) -> Iterator[Hashable]:
        for rule in machine.fib.rules:
            ends = [self._name(*prefix.range, machine.name) for prefix in (rule.source, rule.destination)]
            yield (rule.priority, rule.table, rule.kind, *ends, rule.incoming, rule.suppress, rule.mark & rule.mask)

    def _tables_of_rules(self, machine: Machine) -> Iterator[Hashable]:
        """The chains of all tables, in the order in which they are loaded."""
        for table in machine.firewall.tables:
            for chain in table.chains.values():
                rules = tuple(self._rule(rule, machine.name) for rule in chain.rules)
                yield table.family, table.name, chain.name, chain.hook, rules

    def _rule(self, rule: Rule, owner: str) -> int:
        """The number of all rules that do the same; one object without own addresses of a machine is read once."""
        known = self._shared_rules.get(id(rule))
        if known is not None:
            return known
        matches = tuple(self._match(match, owner) for match in rule.matches)
        statements = tuple(self._statement(statement, owner) for statement in rule.statements)
        said = (matches, statements, rule.unread)
        number = self._numbers.setdefault(said, len(self._numbers))
        if not any(isinstance(part, tuple) for part in (*matches, *statements)):
            self._shared_rules[id(rule)] = number
        return number

    def _match(self, match: Match, owner: str) -> Hashable:
        """A match as it stands, or with the machine's own addresses by their role."""
        if not isinstance(match, NumberMatch | OpenedMatch) or match.of not in _ADDRESSES:
            return match
        spots = [self._owners.spot(first, last, owner) for first, last in match.ranges]
        rest = tuple(one for one, spot in zip(match.ranges, spots, strict=True) if spot is None)
        self._mentions.add_set(rest)
        kind = type(match).__name__
        return (kind, match.of, tuple(filter(None, spots)), rest) if len(rest) < len(match.ranges) else match

    def _statement(self, statement: Statement, owner: str) -> Hashable:
        """A statement as it stands, or with the machine's own address by its role."""
        for before, after in statement.pairs:
            # Addresses change by their place in a network: a machine that has some there has no like, unless they stay.
            self._mentions.add_set((before,))
            if before != after:
                self._mentions.part(before)
                self._mentions.part(after)
        if statement.ip is None:
            return statement
        spot = self._owners.spot(statement.ip, statement.ip, owner)
        if spot is not None:
            return replace(statement, ip=None), spot
        self._mentions.mention(statement.ip, statement)
        return statement
