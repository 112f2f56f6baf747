"""A machine's files -> its entry among the nodes of a draft, and its networks."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from netaddr import AddrFormatError, IPAddress, IPNetwork

from netwright.importing.drafting import Drafting, Entry, Inline
from netwright.importing.machine import MachineDefinition, MachineLink
from netwright.importing.machine_options import USUAL_MIIMON, unfit_options
from netwright.text.report import printable
from netwright.verify.values.addresses import EVERYWHERE, Prefix, format_ip
from netwright.verify.values.facts import (
    MAIN_TABLE,
    NETWORKMANAGER_METRIC,
    TABLE_NAMES,
    Address,
    CardPatterns,
    Device,
    Kind,
    NextHop,
    PolicyRule,
    Route,
)
from netwright.verify.values.next_hops import join_next_hops

_PATTERN = re.compile(r"[A-Za-z0-9_.:*?-]{1,64}", re.ASCII)
_HIGHEST_PRIORITY = 32765
_NOT_FOR_HOSTS = (IPNetwork("0.0.0.0/8"), IPNetwork("127.0.0.0/8"), IPNetwork("224.0.0.0/3"))
_LEAST_MTU, _LARGEST_MTU = 576, 65535
_UsedRoute = tuple[MachineLink, Route]


def add_networks(drafting: Drafting, machine: MachineDefinition) -> None:
    """Draft the networks of a machine's addresses, unless there are others in their place."""
    for one in machine.links:
        for address in one.link.addresses:
            network = _network(address)
            other = drafting.overlapping(network)
            if any(network.first <= one.last and one.first <= network.last for one in _NOT_FOR_HOSTS):
                own = f"{format_ip(address.ip)}/{address.length} of {one.name}"
                drafting.left_out.append(f"machine {printable(machine.name)}: {own}, which no network may have")
            elif other is None:
                drafting.add_network(network)
            elif drafting.prefixes[other] != network:
                own = f"{format_ip(address.ip)}/{address.length} of {one.name}"
                why = f"{other} is {drafting.prefixes[other]}"
                drafting.left_out.append(f"machine {printable(machine.name)}: {own}, since {why}")


def fill_in_machine(
    drafting: Drafting, entry: Entry, machine: MachineDefinition, *, leased: Sequence[IPAddress] = ()
) -> None:
    """Add to a node's entry what the machine's files configure. `leased` are the addresses that the cluster knows of
    it, for a card that asks a DHCP server."""
    value = entry.value
    servers = [one for one in machine.dns if _is_ipv4(one)]
    if servers:
        value["dns"] = servers
    if len(servers) < len(machine.dns):
        others = ", ".join(printable(one) for one in machine.dns if one not in servers)
        entry.comments.append(f"Name servers for which a topology has no key: {others}")
    if machine.domain is not None:
        value["domain"] = machine.domain.lower()
    _Node(drafting, value, machine).fill_in(leased)
    if machine.left_out:
        entry.comments += ("Its files have more, which this draft leaves out:", *machine.left_out)
        drafting.left_out.append(f"machine {printable(machine.name)}: lines of its files, in comments")


class _Node:
    """The part of an entry that is about interfaces and routes."""

    def __init__(self, drafting: Drafting, value: dict[str, Any], machine: MachineDefinition) -> None:
        self._drafting = drafting
        self._value = value
        self._machine = machine
        self._links = machine.links
        self._usual_metric = NETWORKMANAGER_METRIC if machine.source == "NetworkManager" else 0

    def fill_in(self, leased: Sequence[IPAddress]) -> None:
        """Add default route, routes, policy rules and interfaces."""
        own = {address.ip for one in self._links for address in one.link.addresses}
        free = [ip for ip in leased if int(ip) not in own]
        drafted = ((one.name, self._interface(one, free)) for one in self._links)
        interfaces = {name: value for name, value in drafted if value is not None}
        routes = [(one, route) for one in self._links if one.name in interfaces for route in one.link.routes]
        routes = join_next_hops(routes, lambda one: one.name)
        self._add_default(routes)
        if routes:
            self._value["routes"] = [Inline(self._route(*pair)) for pair in routes]
        rules = [rule for one in self._links for rule in one.link.rules if self._is_drafted(rule)]
        if rules:
            self._value["policy_rules"] = [Inline(_rule(rule)) for rule in dict.fromkeys(rules)]
        self._value["interfaces"] = interfaces

    def _leave_out(self, what: str) -> None:
        self._drafting.left_out.append(f"machine {printable(self._machine.name)}: {what}")

    def _interface(self, one: MachineLink, free: list[IPAddress]) -> Inline | None:
        """The interface's entry, None if it can't be made."""
        value = Inline()
        networks = self._addresses(one)
        if one.device is not None:
            device = self._device(one, one.device, networks)
            if device is None:
                return None
            value |= device
        if one.link.lease is not None:
            value |= self._lease(one, networks, free)
        addresses = {name: ips[0] if len(ips) == 1 else ips for name, ips in networks.items()}
        if len(addresses) == 1:
            ((value["network"], value["address"]),) = addresses.items()
        elif addresses:
            value["networks"] = Inline(addresses)
        value |= self._found_by(one)
        if one.link.mtu is not None and _LEAST_MTU <= one.link.mtu.octets <= _LARGEST_MTU:
            value["mtu"] = one.link.mtu.octets
        elif one.link.mtu is not None:
            self._leave_out(f"{one.name}: an MTU of {one.link.mtu.octets}")
        if one.link.table != MAIN_TABLE:
            self._leave_out(f"{one.name}: the networks of its addresses are in table {one.link.table} only")
        return value

    def _found_by(self, one: MachineLink) -> dict[str, Any]:
        """What the card is found by, or the hardware address that the device gets."""
        if one.device is not None:
            return {"mac": one.device.mac.value} if one.device.mac is not None else {}
        mac = one.rename.mac if one.rename is not None else one.link.mac
        patterns = (one.rename.patterns if one.rename is not None else one.link.patterns) or CardPatterns()
        match = {"mac": mac} if mac is not None else {}
        for key, globs in (("driver", patterns.drivers), ("path", patterns.paths), ("name", patterns.names)):
            if len(globs) == 1 and _PATTERN.fullmatch(globs[0]):
                match[key] = globs[0]
            elif globs:
                self._leave_out(f"{one.name}: a card with {key} {printable(' or '.join(globs))}")
        if one.rename is None and match.keys() <= {"mac"}:
            return match
        return {"match": Inline(match)} | ({"rename": True} if one.rename is not None else {})

    def _addresses(self, one: MachineLink) -> dict[str, list[str]]:
        """The interface's addresses by network; several networks of one interface share a segment."""
        found: dict[str, list[str]] = {}
        for address in one.link.addresses:
            name = self._drafting.network_of(IPAddress(address.ip))
            if name is not None and self._drafting.prefixes[name] == _network(address):
                found.setdefault(name, []).append(format_ip(address.ip))
        first, *others = [*found] or [""]
        for other in others:
            self._drafting.networks[other].value.setdefault("segment", first)
        return found

    def _device(self, one: MachineLink, device: Device, networks: dict[str, list[str]]) -> dict[str, Any] | None:
        """The key that makes the device, None if what it needs is not in the files."""
        members = [other.name for other in self._links if other.link.controller is not None and one.carries(other)]
        match device.kind:
            case Kind.DUMMY:
                return {"dummy": Inline()}
            case Kind.BRIDGE:
                ports = {"members": members} if members else {}
                stp = {"stp": True} if self._machine.source == "NetworkManager" else {}
                return {"bridge": Inline({**ports, **stp, **one.options, **self._filter(one, device, members)})}
            case Kind.BOND:
                return self._bond(one, members)
            case Kind.VLAN:
                return self._vlan(one, device, networks)
            case Kind.WIREGUARD:
                self._leave_out(f"{one.name}: a WireGuard tunnel; its public key is not in the files")
                return None

    def _filter(self, one: MachineLink, device: Device, members: list[str]) -> dict[str, Any]:
        """The VLANs that the bridge and its ports carry, if it filters them; its own tags follow from what is on it."""
        if device.filtering is None or not device.filtering.value:
            return {}
        default = device.default_pvid.value if device.default_pvid is not None else 1
        above = {other.device.tag.value for other in self._links
                 if one.carries(other) and other.device is not None and other.device.tag is not None}  # fmt: skip
        drafted = {}
        for link in (one, *(other for other in self._links if other.name in members)):
            vlans = link.link.port_vlans
            if vlans is None:
                continue
            if vlans.untagged != frozenset(filter(None, [vlans.pvid])):
                self._leave_out(f"{link.name}: VLANs whose frames leave without a tag, besides its PVID")
            own = {} if vlans.pvid is None or default else {"untagged": vlans.pvid}
            tagged = sorted(vlans.tagged - (above if link is one else set()))
            if own or tagged:
                drafted[link.name] = Inline({**own, **({"tagged": tagged} if tagged else {})})
        untagged = {"untagged": default} if default else {}
        return {"vlan_filtering": True, **untagged, **({"ports": Inline(drafted)} if drafted else {})}

    def _bond(self, one: MachineLink, members: list[str]) -> dict[str, Any] | None:
        if not members:
            self._leave_out(f"{one.name}: a bond without members")
            return None
        first = next((other.name for other in self._links if other.is_primary and one.carries(other)), None)
        primary = {"primary": first} if first is not None else {}
        miimon = {"miimon": 0} if self._machine.source == "networkd" else {}
        options = {"mode": "balance-rr", **miimon, **one.options, **primary}
        for key in unfit_options(options, members, usual_miimon=USUAL_MIIMON):
            self._leave_out(f"{one.name}: {key} {options.pop(key)}, which suits neither its mode nor its other options")
        return {"bond": Inline({"members": members, **options})}

    def _vlan(self, one: MachineLink, device: Device, networks: dict[str, list[str]]) -> dict[str, Any] | None:
        parent = next((other.name for other in self._links if other.carries(one)), None)
        tag = device.tag.value if device.tag is not None else None
        if parent is None or tag is None:
            lack = "a number" if tag is None else "an interface that carries it"
            self._leave_out(f"{one.name}: a VLAN without {lack}")
            return None
        known = [self._drafting.networks[name].value.setdefault("vlan", tag) for name in networks]
        return {"vlan": Inline({"on": parent} if tag in known else {"on": parent, "id": tag})}

    def _lease(self, one: MachineLink, networks: dict[str, list[str]], free: list[IPAddress]) -> dict[str, Any]:
        """What the draft has of a lease: an address that the cluster knows of the machine."""
        if networks:
            self._leave_out(f"{one.name}: a lease besides its addresses")
            return {}
        if not free:
            self._leave_out(f"{one.name}: its lease; add dhcp: true and the network, which is not in the files")
            return {}
        ip = free.pop(0)
        return {"dhcp": True, "network": self._drafting.network_around(ip), "address": str(ip)}

    def _add_default(self, routes: list[_UsedRoute]) -> None:
        """Take the default route of the lowest metric out of the routes; a router of the draft needs none."""
        defaults = [(one, route) for one, route in routes if _is_default(route)]
        routers = {self._drafting.routers.get(name) for one in self._links for name in self._addresses(one)} - {None}
        if not defaults:
            if routers:
                self._value["default_route"] = "none"
            return
        first = min(defaults, key=lambda pair: pair[1].metric)
        routes.remove(first)
        value = {key: what for key, what in self._route(*first) if key in _OF_DEFAULT_ROUTES}
        if value.keys() != {"via"} or value["via"] not in routers:
            self._value["default_route"] = Inline(value)

    def _route(self, one: MachineLink, route: Route) -> Iterator[tuple[str, Any]]:
        yield "to", "default" if route.to == EVERYWHERE else _shown(route.to)
        if route.gateway is not None:
            yield "via", format_ip(route.gateway)
        elif route.next_hops:
            yield "next_hops", [Inline(self._next_hop(one, hop)) for hop in route.next_hops]
        if route.kind == "unicast" and not route.next_hops and not self._is_near(route.gateway):
            yield "dev", route.interface or one.name
        if route.metric != self._usual_metric:
            yield "metric", route.metric
        if route.onlink:
            yield "onlink", True
        if route.table != (TABLE_NAMES["local"] if route.kind == "local" else MAIN_TABLE):
            yield "table", route.table
        if route.source is not None:
            yield "source", format_ip(route.source)
        if route.mtu is not None and _LEAST_MTU <= route.mtu <= _LARGEST_MTU:
            yield "mtu", route.mtu
        if route.kind != "unicast":
            yield "type", route.kind

    def _next_hop(self, one: MachineLink, hop: NextHop) -> Iterator[tuple[str, Any]]:
        yield "via", format_ip(hop.gateway)
        if not self._is_near(hop.gateway):
            yield "dev", hop.interface or one.name
        if hop.weight != 1:
            yield "weight", hop.weight

    def _is_near(self, gateway: int | None) -> bool:
        """Return whether the address of a next hop tells the interface that leads there."""
        return gateway is not None and sum(_reaches(other, gateway) for other in self._links) == 1

    def _is_drafted(self, rule: PolicyRule) -> bool:
        in_words = rule.kind == "lookup" and rule.suppress is None and _has_known_mark(rule)
        drafted = in_words and 1 <= rule.priority <= _HIGHEST_PRIORITY
        if not drafted:
            self._leave_out(f"the policy rule at {rule.origin}")
        return drafted


def _has_known_mark(rule: PolicyRule) -> bool:
    """Return whether a topology can ask for the rule's mark, if it has one: a topology's is never 0."""
    return not rule.mask or (rule.mark != 0 and not rule.mark & ~rule.mask)


_EVERY_BIT = 0xFFFFFFFF


def _rule(rule: PolicyRule) -> Iterator[tuple[str, Any]]:
    yield "priority", rule.priority
    for key, prefix in (("from", rule.source), ("to", rule.destination)):
        if prefix != EVERYWHERE:
            yield key, _shown(prefix)
    if rule.incoming is not None:
        yield "in", rule.incoming
    if rule.mask:
        yield "mark", rule.mark
    if rule.mask not in (0, _EVERY_BIT):
        yield "mask", rule.mask
    yield "table", rule.table


def _is_default(route: Route) -> bool:
    is_sent_on = route.gateway is not None or bool(route.next_hops)
    return route.to == EVERYWHERE and is_sent_on and route.table == MAIN_TABLE


_OF_DEFAULT_ROUTES = ("via", "next_hops", "metric", "dev", "onlink")


def _reaches(one: MachineLink, gateway: int) -> bool:
    return any(IPAddress(gateway) in _network(address) for address in one.link.addresses)


def _network(address: Address) -> IPNetwork:
    return IPNetwork(f"{format_ip(address.ip)}/{address.length}").cidr


def _shown(prefix: Prefix) -> str:
    return f"{format_ip(prefix.first)}/{prefix.length}"


def _is_ipv4(text: str) -> bool:
    try:
        return bool(IPAddress(text).version == 4)
    except (AddrFormatError, ValueError):
        return False
