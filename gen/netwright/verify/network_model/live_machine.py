"""A machine's record -> the machine as its kernel stands now, as far as the record tells."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.network_model.assumed import foreign_address
from netwright.verify.network_model.chains import Firewall
from netwright.verify.network_model.device_faults import DeviceFault
from netwright.verify.network_model.fib import Fib, Hop
from netwright.verify.network_model.live_devices import fault_of_device
from netwright.verify.network_model.live_parameters import read_parameters
from netwright.verify.network_model.live_routes import LiveRoutes
from netwright.verify.network_model.live_rules import read_rules_of
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.tunnels import Tunnel
from netwright.verify.values.addresses import Prefix, network_of
from netwright.verify.values.facts import MAIN_TABLE, Address, Kind, Mtu, Origin, Unknown
from netwright.verify.values.live import LiveLink, LiveState
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import AssignedLink, Exit, HeldAddress, Port, Wiring

LOOPBACK_NETWORK = network_of(0x7F000000, 8)
_NEEDED = {
    "links": "its interfaces",
    "addresses": "its addresses",
    "routes": "its routes",
    "rules": "its policy rules",
    "ruleset": "its rules of nft",
    "parameters": "its kernel parameters",
    "iptables": "its rules of iptables",
}
"""The facts without which nothing of a machine is known, in words."""
_NO_PROGRAM = ("not found", "No such file", "failed to run command")


class Record(Struct, frozen=True, kw_only=True):
    """A machine's record, and where it stands, such as live/worker1.facts."""

    state: LiveState
    place: str

    def origin(self, command: str) -> Origin:
        """The place of what a command has printed."""
        return Origin(file=f"{self.place}: {command}", line=0)


def build_live_machine(
    record: Record,
    planned: Machine,
    ports: Sequence[Port],
    wiring: Wiring,
    *,
    held: Sequence[HeldAddress] = (),
) -> Machine:
    """The machine of a record; `planned` is the one of its files, which have more of tunnels than a record. `held`
    are addresses for which programs answer that the kernel does not know of."""
    state, place = record.state, record.place
    routes = LiveRoutes(state, place, wiring.pod_networks)
    fib = routes.fib({one.ip: _held_hop(one) for one in held})
    ruleset, unknown_rules = read_rules_of(state, place)
    inner = _bridged(state.links or {})
    parameters = read_parameters(state.parameters or {}, place, inner)
    way_out = _exit(state.node, wiring, fib, {port.interface for port in ports})
    links = {name: link for name, link in (state.links or {}).items() if name not in inner}
    return Machine(
        name=state.node,
        addresses=_addresses(record, held, way_out, wiring),
        fib=fib,
        parameters=parameters,
        firewall=Firewall([ruleset]),
        pods=tuple(pod.network for pod in wiring.pod_networks if pod.node == state.node),
        refusals=(),
        unknown=(*_unread(record), *routes.unknown, *unknown_rules, *parameters.unknown),
        bridge_nf=bool(parameters.bridge_nf),
        mtus={name: Mtu(octets=link.mtu, origin=record.origin("ip link")) for name, link in links.items()},
        faults=dict(_faults(record, ports, wiring.links.get(state.node, ()), planned.tunnels)),
        bridges=tuple(name for name in planned.bridges if name in links),
        exit=way_out,
        tunnels={name: tunnel for name, tunnel in planned.tunnels.items() if name in links},
    )


def _bridged(links: Mapping[str, LiveLink]) -> frozenset[str]:
    """The ports of bridges and bonds, which no packet of the machine's own comes in or goes out by: those of pods."""
    return frozenset(
        name
        for name, link in links.items()
        if link.controller is not None
        and link.controller in links
        and links[link.controller].kind in ("bridge", "bond", "team")
    )


def _unread(record: Record) -> Iterator[Unknown]:
    for name, what in _NEEDED.items():
        reason = record.state.unread.get(name)
        if reason is not None and not (name == "iptables" and any(words in reason for words in _NO_PROGRAM)):
            origin = record.origin(name)
            yield Unknown(origin=origin, text=reason, reason=f"{what} could not be read")


def _held_hop(held: HeldAddress) -> Hop:
    prefix = Prefix(first=held.ip, length=32)
    return Hop(kind="local", interface=held.interface, gateway=None, prefix=prefix, metric=0, origin=_held_at(held))


def _held_at(held: HeldAddress) -> Origin:
    return Origin(file=f"the addresses of {held.pool}" if held.pool else "its virtual addresses", line=0)


def _addresses(
    record: Record, held: Sequence[HeldAddress], way_out: Exit | None, wiring: Wiring
) -> dict[str, tuple[Address, ...]]:
    """The addresses of each interface, those of the loopback network left out."""
    origin = record.origin("ip address")
    found = {
        name: tuple(
            Address(ip=one.ip, length=one.length, origin=origin) for one in own if one.ip not in LOOPBACK_NETWORK
        )
        for name, own in (record.state.addresses or {}).items()
    }
    for one in held:
        found[one.interface] = (*found.get(one.interface, ()), Address(ip=one.ip, length=32, origin=_held_at(one)))
    stated = wiring.exit_of(record.state.node)
    if stated is not None and stated.interface is None and way_out is not None and way_out.interface is not None:
        outer = Address(ip=foreign_address(wiring, record.state.node), length=32, origin=origin)
        found[way_out.interface] = (*found.get(way_out.interface, ()), outer)
    return {name: own for name, own in found.items() if own}


def _exit(node: str, wiring: Wiring, fib: Fib, described: set[str]) -> Exit | None:
    """The way to the internet; where the topology does not describe it, the default route's by another interface."""
    stated = wiring.exit_of(node)
    if stated is None or stated.interface is not None:
        return stated
    table = fib.tables.get(MAIN_TABLE)
    for hop in table.routes if table is not None else ():
        if hop.prefix.length == 0 and hop.kind == "unicast" and hop.interface not in described:
            return replace(stated, interface=hop.interface, gateway=hop.gateway)
    return stated


def _faults(
    record: Record, ports: Sequence[Port], stated: Sequence[AssignedLink], tunnels: Mapping[str, Tunnel]
) -> Iterator[tuple[str, DeviceFault]]:
    """Yield the interfaces of the topology that are down, without carrier, or of another kind."""
    links = record.state.links
    if links is None:
        return
    origin = record.origin("ip link")
    kinds = {link.name: link for link in stated}
    for name in dict.fromkeys((*(port.interface for port in ports), *kinds)):
        found = _fault(name, links, kinds.get(name))
        if found is None and name in kinds:
            there = (record.state.tunnels or {}).get(name)
            found = fault_of_device(links[name], kinds[name], tunnels.get(name), there)
        if found is not None:
            yield name, DeviceFault(outcome=found[0], cause=found[1], origin=origin)


def _fault(name: str, links: Mapping[str, LiveLink], stated: AssignedLink | None) -> tuple[Outcome, str] | None:
    link = links.get(name)
    if link is None:
        return Outcome.NO_DEVICE, f"there is no interface {name}"
    if not link.up:
        return Outcome.NO_CARRIER, f"{name} is down"
    if not link.carries:
        return Outcome.NO_CARRIER, f"{name} has no carrier"
    if stated is not None and stated.kind is not None and link.kind != stated.kind.value:
        return Outcome.WRONG_DEVICE, f"{name} is {_kind_of(link)}, not a {stated.kind}"
    missing = [one for one in stated.below if _is_lost(one, name, links)] if stated is not None else []
    if stated is not None and stated.kind is Kind.BRIDGE and missing:
        return Outcome.NO_CARRIER, f"{name} has not got its port {missing[0]}"
    return None


def _kind_of(link: LiveLink) -> str:
    return f"a {link.kind}" if link.kind else "a network card"


def _is_lost(member: str, controller: str, links: Mapping[str, LiveLink]) -> bool:
    return member not in links or links[member].controller != controller


def pod_networks_of(records: Mapping[str, Record]) -> Mapping[str, Prefix]:
    """The pod network of each node that a record tells: flannel's on the node itself, else as the cluster has it."""
    said = {node: network for one in records.values() for node, network in (one.state.pod_networks or {}).items()}
    own = {node: one.state.pod_network for node, one in records.items() if one.state.pod_network is not None}
    return {**said, **own}
