"""What a machine has now, compared with what its files would give it: addresses, routes, rules, parameters.

Only what files of ours ask for may be missing or different. What a machine has beyond that is extra, unless the kernel
makes it by itself, or a program that the topology has there: flannel, Docker, keepalived, what leads to the internet.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from netwright.verify.network_model.assumed import ASSUMED
from netwright.verify.network_model.difference import Difference
from netwright.verify.network_model.fib import LOCAL_TABLE, LOOPBACK, Hop, default_rules
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.parameters import Parameters
from netwright.verify.network_model.rule_differences import compare_rulesets
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.formats.sysctl import CONF
from netwright.verify.values.addresses import format_ip, network_of
from netwright.verify.values.facts import MAIN_TABLE, TABLE_NAMES, Address, Origin, PolicyRule, Setting

_FORWARDING = ("net", "ipv4", "ip_forward")
_TABLES = {number: name for name, number in TABLE_NAMES.items()}


def find_differences(planned: Machine, live: Machine, configuration: Configuration, record: Record) -> list[Difference]:
    """Return the differences of the machine by its `record` from the `planned` one, of its files' configuration."""
    made = _made_by_programs(planned) | _leased(configuration, record)
    addresses = [*_addresses(planned, live, made)]
    lost = {one.origin for one in addresses if one.kind != "extra"}
    return [
        *addresses,
        *_mtus(planned, live, made),
        *(one for one in _routes(planned, live, made) if one.origin not in lost),
        *_policy_rules(planned, live),
        *_parameters(planned.parameters, live.parameters, planned.name),
        *_settings(configuration, record),
        *compare_rulesets(configuration, live, record),
    ]


def _made_by_programs(planned: Machine) -> frozenset[str]:
    """The interfaces whose addresses and routes are a program's: the topology has the program on the machine."""
    others = {name for name, own in planned.addresses.items() if not any(_is_ours(one.origin, planned) for one in own)}
    return frozenset({LOOPBACK, *ASSUMED, *others})


def _leased(configuration: Configuration, record: Record) -> frozenset[str]:
    """The interfaces whose addresses and routes are a DHCP server's."""
    links = record.state.links or {}
    found = [link for link in configuration.links if link.lease is not None]
    macs = {link.mac for link in found if link.mac is not None}
    return frozenset(
        (*(link.name for link in found if link.name is not None), *(name for name in links if links[name].mac in macs))
    )


def _is_ours(origin: Origin, machine: Machine) -> bool:
    return origin.file.startswith(f"{machine.name}/")


def _addresses(planned: Machine, live: Machine, made: frozenset[str]) -> Iterator[Difference]:
    wanted = {(name, one.ip, one.length): one for name, own in planned.addresses.items() for one in own}
    there = {(name, one.ip, one.length): one for name, own in live.addresses.items() for one in own}
    missing = [key for key, one in wanted.items() if key not in there and _is_ours(one.origin, planned)]
    known = {ip for _, ip, _ in wanted}
    extra = [key for key in there if key not in wanted and key[0] not in made]
    for key in missing:
        other = next((one for one in extra if one[0] == key[0]), None)
        if other is not None:
            extra.remove(other)
        yield Difference(
            kind="missing" if other is None else "different",
            subject="address",
            what=f"the address {_said(wanted[key])} on {key[0]}" if other is None else f"on {key[0]} the address",
            origin=wanted[key].origin,
            expected=_said(wanted[key]),
            found=None if other is None else _said(there[other]),
        )
    for key in extra:
        if key[1] in known and key[2] == 32:
            continue  # a program's, which the files of holders have elsewhere
        said = f"the address {_said(there[key])} on {key[0]}"
        yield Difference(kind="extra", subject="address", what=said, origin=there[key].origin, found=_said(there[key]))


def _said(address: Address) -> str:
    return f"{format_ip(address.ip)}/{address.length}"


def _mtus(planned: Machine, live: Machine, made: frozenset[str]) -> Iterator[Difference]:
    for name, wanted in planned.mtus.items():
        there = live.mtus.get(name) if name not in made else None
        if there is not None and there.octets != wanted.octets and _is_ours(wanted.origin, planned):
            yield Difference(
                kind="different",
                subject="mtu",
                what=f"on {name} the MTU",
                origin=wanted.origin,
                expected=str(wanted.octets),
                found=str(there.octets),
            )


def _routes(planned: Machine, live: Machine, made: frozenset[str]) -> Iterator[Difference]:
    connected = {network_of(one.ip, one.length) for own in live.addresses.values() for one in own}
    assumed = {hop.prefix for hop in planned.fib.overlay.table.routes} if planned.fib.overlay is not None else set()
    for number in sorted(planned.fib.tables.keys() | live.fib.tables.keys()):
        if number == LOCAL_TABLE:
            continue
        wanted, there = _table(planned, number), _table(live, number)
        pairs = [(one, _like(one, there)) for one in wanted]
        taken = {id(other) for _, other in pairs if other is not None}
        extra = [
            one
            for one in there
            if id(one) not in taken
            and not all(way.interface in made for way in one.every)
            and one.prefix not in assumed
            and not (one.prefix in connected and one.every[0].gateway is None)
            and not any(live.leads_out(way) for way in one.every)
        ]
        for one, like in pairs:
            if like is None and _is_ours(one.origin, planned):
                other = next((route for route in extra if route.prefix == one.prefix), None)
                if other is not None:
                    extra.remove(other)
                yield _route_difference(one, other, number)
        for one in extra:
            what = f"the route {_describe(one, number)}"
            yield Difference(kind="extra", subject="route", what=what, origin=one.origin, found=_describe(one, number))


def _table(machine: Machine, number: int) -> Sequence[Hop]:
    table = machine.fib.tables.get(number)
    return table.routes if table is not None else ()


def _like(wanted: Hop, there: Sequence[Hop]) -> Hop | None:
    """Return the route that does what another one does, None if there is none."""
    return next((one for one in there if _decisive(one) == _decisive(wanted) and _same_source(wanted, one)), None)


def _decisive(hop: Hop) -> tuple[object, ...]:
    ways = frozenset((way.interface, way.gateway) for way in hop.every)
    return hop.kind, hop.prefix, hop.metric, hop.mtu, ways


def _same_source(wanted: Hop, there: Hop) -> bool:
    """The kernel is asked for the address of the interface, or for another one."""
    return wanted.source == there.source or there.source is None


def _route_difference(wanted: Hop, other: Hop | None, table: int) -> Difference:
    if other is None:
        what = f"the route {_describe(wanted, table)}"
        return Difference(
            kind="missing", subject="route", what=what, origin=wanted.origin, expected=_describe(wanted, table)
        )
    return Difference(
        kind="different",
        subject="route",
        what=f"for {wanted.prefix} the route",
        origin=wanted.origin,
        expected=_describe(wanted, table),
        found=_describe(other, table),
    )


def _describe(hop: Hop, table: int) -> str:
    """The route as `ip route` has it."""
    ways = " and ".join(str(replace(way, among=1)) for way in hop.every)
    parts = (
        ways,
        f"metric {hop.metric}" if hop.metric else "",
        f"mtu {hop.mtu}" if hop.mtu is not None else "",
        f"src {format_ip(hop.source)}" if hop.source is not None else "",
        f"table {_TABLES.get(table, table)}" if table != MAIN_TABLE else "",
    )
    return " ".join(filter(None, parts))


def _policy_rules(planned: Machine, live: Machine) -> Iterator[Difference]:
    usual = {_choice(rule) for rule in default_rules()}
    wanted = {_choice(rule): rule for rule in planned.fib.rules}
    there = {_choice(rule): rule for rule in live.fib.rules}
    for choice, rule in wanted.items():
        if choice not in there and (_is_ours(rule.origin, planned) or choice in usual):
            said = _describe_rule(rule)
            what = f"the policy rule {said}"
            yield Difference(kind="missing", subject="policy rule", what=what, origin=rule.origin, expected=said)
    for choice, rule in there.items():
        if choice not in wanted:
            said = _describe_rule(rule)
            what = f"the policy rule {said}"
            yield Difference(kind="extra", subject="policy rule", what=what, origin=rule.origin, found=said)


def _choice(rule: PolicyRule) -> PolicyRule:
    return replace(rule, origin=Origin(file="", line=0), mark=rule.mark & rule.mask)


def _describe_rule(rule: PolicyRule) -> str:
    parts = (
        f"{rule.priority}: from {rule.source if rule.source.length else 'all'}",
        f"to {rule.destination}" if rule.destination.length else "",
        f"iif {rule.incoming}" if rule.incoming is not None else "",
        f"fwmark {rule.mark:#x}/{rule.mask:#x}" if rule.mask else "",
        f"lookup {_TABLES.get(rule.table, rule.table)}" if rule.kind == "lookup" else rule.kind,
        f"suppress_prefixlength {rule.suppress}" if rule.suppress is not None else "",
    )
    return " ".join(filter(None, parts))


def _parameters(planned: Parameters, live: Parameters, node: str) -> Iterator[Difference]:
    """Differences of what decides about packets, where a file of ours sets it; one that all interfaces have from one
    line is named once."""
    told: set[tuple[str, Origin]] = set()
    relaxed = {(name, "rp_filter") for name in planned.relaxed}
    for (name, key), number in planned.setters.items():
        origin, wanted = planned.lines[number], planned.values.get(name, {}).get(key)
        there = live.values.get(name, {}).get(key)
        if (
            wanted in (there, None)
            or there is None
            or not origin.file.startswith(f"{node}/")
            or (name, key) in relaxed
            or (key, origin) in told
        ):
            continue
        told.add((key, origin))
        path = "net.ipv4.ip_forward" if (name, key) == ("all", "forwarding") else f"net.ipv4.conf.{name}.{key}"
        yield _parameter(path, str(wanted), str(there), origin)


def _settings(configuration: Configuration, record: Record) -> Iterator[Difference]:
    """Differences of all other parameters that files set."""
    values = record.state.parameters
    last: dict[tuple[str, ...], Setting] = {
        one.key: one
        for one in (*configuration.settings, *configuration.commanded)
        if one.key[:3] != CONF and one.key != _FORWARDING
    }
    for key, setting in last.items() if values is not None else ():
        wanted, there = setting.value, (values or {}).get("/".join(key))
        if wanted is None or there is None or _plain(wanted) == _plain(there):
            continue
        yield _parameter(".".join(key), _plain(wanted), _plain(there), setting.origin)


def _plain(value: str) -> str:
    return " ".join(value.split())


def _parameter(name: str, wanted: str, there: str, origin: Origin) -> Difference:
    return Difference(
        kind="different", subject="parameter", what=f"{name} =", origin=origin, expected=wanted, found=there
    )
