"""The network while a rollout is under way: some machines have their new files, the others their old ones."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.boots import Boot
from netwright.verify.values.wiring import Assumptions, HeldAddress, Segment, Wiring
from netwright.verify_input.reading import restrict
from netwright.verify_input.world import World

_Value = TypeVar("_Value")


class State(Struct, frozen=True, kw_only=True):
    """The machines before or after: what their files configure, and how they are wired."""

    configurations: Mapping[str, Configuration]
    wiring: Wiring


class Transition:
    """Two states, and every mixture of them: each in the forms that its network may take."""

    def __init__(self, before: State, after: State, changed: Iterable[str], assumptions: Assumptions) -> None:
        """Builds no network yet."""
        self.changed = frozenset(changed)
        self._before, self._after, self._assumptions = before, after, assumptions
        self._known: dict[frozenset[str], tuple[World, ...]] = {}
        self._is_steady = before.wiring == after.wiring and all(map(self._is_rooted, self.changed))

    @property
    def held(self) -> tuple[HeldAddress, ...]:
        """The virtual addresses of either state, with each machine that may hold them."""
        return tuple(dict.fromkeys((*self._before.wiring.held, *self._after.wiring.held)))

    def again(self) -> "Transition":
        """The same states, of whose mixtures nothing is kept."""
        return Transition(self._before, self._after, self.changed, self._assumptions)

    def has(self, updated: frozenset[str], most: int) -> bool:
        """Return whether the mixture can be asked where no more than `most` are to be built."""
        return updated in self._known or len(self._known) < most

    def worlds(self, updated: frozenset[str]) -> tuple[World, ...]:
        """The forms of the network in which these machines have their new files, and no other changed one."""
        known = self._known.get(updated)
        if known is None:
            known = self._known[updated] = tuple(map(World, self._networks(updated)))
        return known

    def live(self, updated: frozenset[str], records: Mapping[str, Record]) -> tuple[Network, ...]:
        """The forms of the network in which these machines have their new files, and those with a record what that
        shows."""
        configurations, wiring = self._mixed(updated)
        there = {node: record for node, record in records.items() if node in wiring.nodes}
        forms = build_networks(configurations, wiring, self._assumptions, there)
        return tuple(form for form in forms if form.boot != Boot.BEFORE)

    def _mixed(self, updated: frozenset[str]) -> tuple[list[Configuration], Wiring]:
        pending = self.changed - updated
        wiring = mix(self._before.wiring, self._after.wiring, pending)
        sides = {True: self._before.configurations, False: self._after.configurations}
        return [sides[node in pending][node] for node in wiring.nodes], wiring

    def _networks(self, updated: frozenset[str]) -> tuple[Network, ...]:
        configurations, wiring = self._mixed(updated)
        if updated and self._is_steady:
            return tuple(self._like(world.network, configurations, updated) for world in self.worlds(frozenset()))
        forms = build_networks(configurations, wiring, self._assumptions)
        return tuple(form for form in forms if form.boot != Boot.BEFORE)

    def _like(self, network: Network, configurations: list[Configuration], updated: frozenset[str]) -> Network:
        """The network with some machines built again; the others are the same objects."""
        on_boot = [one.on(network.boot) for one in configurations]
        return build_network(on_boot, network.wiring, self._assumptions, network, changed=updated, boot=network.boot)

    def _is_rooted(self, node: str) -> bool:
        """Return whether a machine's change leaves what others are told of it: its addresses and its cluster."""
        was, now = self._before.configurations.get(node), self._after.configurations.get(node)
        if was is None or now is None or was.k3s != now.k3s or was.first is not None or now.first is not None:
            return False
        has_choice = len(was.links) > 1 and any(one.node == node for one in self._after.wiring.pod_networks)
        return not has_choice and _addresses(was) == _addresses(now)  # by its routes flannel takes one of several cards


def _addresses(configuration: Configuration) -> object:
    return [(link.name, [(one.ip, one.length) for one in link.addresses]) for link in configuration.links]


def mix(old: Wiring, new: Wiring, pending: frozenset[str]) -> Wiring:
    """The wiring in which the pending nodes are as the old one has them, and all others as the new one."""
    if old == new or not pending:
        return new
    was = restrict(old, [node for node in old.nodes if node not in pending])
    now = restrict(new, pending)
    return replace(
        now,
        nodes=(*now.nodes, *was.nodes),
        segments=tuple(_join(now.segments, was.segments, _renamed(old.segments, new.segments))),
        pod_networks=(*now.pod_networks, *was.pod_networks),
        addresses=(*now.addresses, *was.addresses),
        routers=(*now.routers, *was.routers),
        held=(*now.held, *was.held),
        exits=(*now.exits, *was.exits),
        forwards=(
            *(one for one in new.forwards if one.node not in pending),
            *(one for one in old.forwards if one.node in pending),
        ),
        systems=_choose(old.systems, new.systems, pending),
        firewalld=_choose(old.firewalld, new.firewalld, pending),
        docker=(new.docker - pending) | (old.docker & pending),
        containers=_choose(old.containers, new.containers, pending),
        trusted=_choose(old.trusted, new.trusted, pending),
        links=_choose(old.links, new.links, pending),
        open_leases=frozenset(
            [one for one in new.open_leases if one[0] not in pending]
            + [one for one in old.open_leases if one[0] in pending]
        ),
    )


def _choose(old: Mapping[str, _Value], new: Mapping[str, _Value], pending: frozenset[str]) -> Mapping[str, _Value]:
    kept = {node: value for node, value in new.items() if node not in pending}
    return MappingProxyType(kept | {node: value for node, value in old.items() if node in pending})


def _renamed(old: Iterable[Segment], new: Iterable[Segment]) -> Mapping[str, str]:
    """The names that segments have now, by their old ones: those on which a port has stayed."""
    places = {(port.node, port.interface): segment.name for segment in new for port in segment.ports}
    return {
        segment.name: places[port.node, port.interface]
        for segment in old
        for port in segment.ports
        if (port.node, port.interface) in places
    }


def _join(new: Iterable[Segment], old: Iterable[Segment], renamed: Mapping[str, str]) -> Iterator[Segment]:
    """Yield all segments; what is on one in either state is on it together."""
    left = {renamed.get(segment.name, segment.name): segment for segment in old}
    for segment in new:
        other = left.pop(segment.name, None)
        ports = (*segment.ports, *(other.ports if other is not None else ()))
        bridge = segment.bridge or (other.bridge if other is not None else None)
        yield replace(segment, ports=ports, bridge=bridge)
    yield from (replace(segment, name=name) for name, segment in left.items())
