"""The rules that firewalld loads for its zones and policies, as nft text with the places that they come from.

The chains are those of firewalld 1.3 with its nftables backend (0.9 and 2.x call some of them otherwise), without what
is for IPv6 alone. firewalld lets pass whatever any program has sent elsewhere (`ct status dnat accept`).
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.values.addresses import format_range
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.firewalld import ANY, DEFAULT_ZONE, HOST, End, Firewalld, Policy, RichRule, Zone
from netwright.verify.values.nftables import Ruleset

OURS = Origin(file="firewalld's own rules", line=0)
_REJECT = "reject with icmpx type admin-prohibited"
_PUBLIC = Zone(
    name=DEFAULT_ZONE,
    origin=OURS,
    target="default",
    interfaces={},
    lets_in=(("tcp dport 22", OURS), ("tcp dport 9090", OURS)),
    rules=(),
    forward=True,
)
"""The zone as Enterprise Linux has it, where no file has another one."""


class Loaded(Struct, frozen=True, kw_only=True):
    """What firewalld loads: nft's text, the origin of each of its lines, what is not known of it, and the interfaces
    that zones or profiles name."""

    text: str
    origins: tuple[Origin, ...]
    unknown: tuple[Unknown, ...]
    placed: tuple[str, ...]

    def ruleset(self, *, optional: bool) -> Ruleset:
        """The rules, each with the line of the file that it comes from."""
        ruleset = Ruleset(optional=optional)
        read_nft(OURS.file, self.text, ruleset)
        for table in ruleset.tables.values():
            for chain in table.chains.values():
                chain.rules = [replace(rule, origin=self.origins[rule.origin.line - 1]) for rule in chain.rules]
        return ruleset


class _Chains(Struct):
    """Lines of nft, and their origins."""

    lines: list[str] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)

    def add(self, line: str, origin: Origin = OURS) -> None:
        self.lines.append(line)
        self.origins.append(origin)

    def add_chain(self, name: str, rules: list[tuple[str, Origin]], *, hook: str = "") -> None:
        self.add(f"\tchain {name} {{")
        if hook:
            self.add(f"\t\ttype {hook}; policy accept;")
        for line, origin in rules:
            self.add(f"\t\t{line}", origin)
        self.add("\t}")


def load_firewalld(files: Firewalld, zones: Mapping[str, str | None]) -> Loaded:
    """The rules of the files on a machine; `zones` are those that NetworkManager names for its interfaces."""
    unknown = [*files.unknown]
    placed = _place(files, zones, unknown)
    active = {name: zone for name in dict.fromkeys([*placed.values(), files.default_zone])
              if (zone := _zone(name, files, unknown)) is not None}  # fmt: skip
    members = {name: [one for one, zone in sorted(placed.items()) if zone == name] for name in active}
    for policy in files.policies:
        missing = [one for one in (*policy.ingress, *policy.egress) if one not in (*files.zones, *active, ANY, HOST)]
        unknown += (_unknown(policy.origin, f"no file has the zone {one}") for one in missing)
    policies = sorted(files.policies, key=lambda policy: policy.priority)
    chains = _Chains()
    chains.add("table inet firewalld {")
    for kind in _KINDS:
        _add_hook(chains, kind, active, members, policies, placed=placed, default=files.default_zone)
    chains.add("}")
    return Loaded(
        text="\n".join(chains.lines) + "\n",
        origins=tuple(chains.origins),
        unknown=tuple(unknown),
        placed=tuple(sorted(placed)),
    )


def rules_of_2(placed: tuple[str, ...]) -> str:
    """What firewalld 2 refuses beyond that: it passes nothing on between interfaces that no zone names, whatever
    policies from ANY to ANY have (2.3.1, ran)."""
    named = "{ " + ", ".join(f'"{interface}"' for interface in placed) + " } "
    sides = "".join(f"{side} != {named}" for side in ("iifname", "oifname")) if placed else ""
    return f"""table inet firewalld_2 {{
	chain filter_FORWARD {{
		type filter hook forward priority filter + 10; policy accept;
		ct state established,related accept
		ct status dnat accept
		{sides}{_REJECT}
	}}
}}
"""


def _place(files: Firewalld, zones: Mapping[str, str | None], unknown: list[Unknown]) -> dict[str, str]:
    """The zone of each interface: NetworkManager's word counts, and without one it takes the default zone."""
    listed: dict[str, tuple[str, Origin]] = {}
    for zone in files.zones.values():
        for interface, origin in zone.interfaces.items():
            if interface in listed:
                unknown.append(_unknown(origin, f"{interface} is in the zone {listed[interface][0]} as well"))
            listed[interface] = zone.name, origin
    for interface, stated in zones.items():
        if interface in listed and listed[interface][0] != (stated or files.default_zone):
            said = f"puts it into {stated}" if stated else "has no zone= and puts it into the default zone"
            unknown.append(_unknown(listed[interface][1], f"NetworkManager's profile of {interface} {said}"))
    named = {interface: zone for interface, zone in zones.items() if zone is not None}
    return {**{interface: zone for interface, (zone, _) in listed.items()}, **named}


def _zone(name: str, files: Firewalld, unknown: list[Unknown]) -> Zone | None:
    if name in files.zones:
        return files.zones[name]
    if name == DEFAULT_ZONE:
        return _PUBLIC
    unknown.append(_unknown(Origin(file="firewalld", line=0), f"no file has the zone {name}"))
    return None


def _unknown(origin: Origin, reason: str) -> Unknown:
    return Unknown(origin=origin, text="", reason=reason, whole=True)


class _Kind(Struct, frozen=True, kw_only=True):
    """A hook: its base chain, the word in the names of its chains, and how its zones are told apart."""

    base: str
    hook: str
    short: str
    side: str
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = (_REJECT,)


_TRACKED = ("ct state established,related accept",)
_ENTERING = (*_TRACKED, "ct status dnat accept", 'iifname "lo" accept', "ct state invalid drop")
_KINDS = (
    _Kind(
        base="filter_INPUT",
        hook="filter hook input priority filter + 10",
        short="filter_IN",
        side="iifname",
        first=_ENTERING,
    ),
    _Kind(
        base="filter_FORWARD",
        hook="filter hook forward priority filter + 10",
        short="filter_FWD",
        side="iifname",
        first=_ENTERING,
    ),
    _Kind(
        base="filter_OUTPUT",
        hook="filter hook output priority filter + 10",
        short="filter_OUT",
        side="",
        first=(*_TRACKED, 'oifname "lo" accept'),
        last=(),
    ),
    _Kind(
        base="nat_POSTROUTING",
        hook="nat hook postrouting priority srcnat + 10",
        short="nat_POST",
        side="oifname",
        last=(),
    ),
)


def _add_hook(
    chains: _Chains,
    kind: _Kind,
    zones: Mapping[str, Zone],
    members: Mapping[str, list[str]],
    policies: list[Policy],
    *,
    placed: Mapping[str, str],
    default: str,
) -> None:
    before, behind = f"{kind.base}_POLICIES_pre", f"{kind.base}_POLICIES_post"
    dispatch: list[tuple[str, Origin]] = []
    if kind.side:
        dispatch = [
            (f'{kind.side} "{interface}" goto {kind.short}_{zone}', zones[zone].interfaces.get(interface, OURS))
            for interface, zone in sorted(placed.items())
            if zone in zones
        ]
        dispatch += [(f"goto {kind.short}_{default}", OURS)] if default in zones else []
    else:
        dispatch = [(f"jump {before}", OURS), (f"jump {behind}", OURS)]
    for policy in policies:
        if _is_met(kind, policy):
            chains.add_chain(f"{kind.short}_policy_{policy.name}", list(_policy_rules(kind, policy)))
    chains.add_chain(before, list(_jumps(kind, [one for one in policies if one.priority < 0], members)))
    chains.add_chain(behind, list(_jumps(kind, [one for one in policies if one.priority > 0], members)))
    if kind.side:
        for zone in zones.values():
            inner = [*_zone_rules(kind, zone, members[zone.name])]
            target = [*_zone_target(kind, zone)]
            rules = [(f"jump {before}", OURS), *inner, (f"jump {behind}", OURS), *target]
            chains.add_chain(f"{kind.short}_{zone.name}", rules)
        chains.add_chain(f"{kind.base}_ZONES", dispatch)
        dispatch = [(f"jump {kind.base}_ZONES", OURS)]
    rules = [*((line, OURS) for line in kind.first), *dispatch, *((line, OURS) for line in kind.last)]
    chains.add_chain(kind.base, rules, hook=kind.hook)


def _is_met(kind: _Kind, policy: Policy) -> bool:
    """Return whether packets meet the policy at the hook."""
    if kind.short == "nat_POST":
        return policy.masquerade is not None or any(rule.verdict == "masquerade" for rule in policy.rules)
    if HOST in policy.egress:
        return kind.short == "filter_IN"
    return kind.short == ("filter_OUT" if HOST in policy.ingress else "filter_FWD")


def _jumps(kind: _Kind, policies: list[Policy], members: Mapping[str, list[str]]) -> Iterator[tuple[str, Origin]]:
    """The calls of policies; one of zones without interfaces is never called."""
    for policy in policies:
        sides = {"iifname": policy.ingress, "oifname": policy.egress}
        named = {side: [one for zone in zones for one in members.get(zone, ())]
                 for side, zones in sides.items() if not {ANY, HOST} & set(zones)}  # fmt: skip
        if _is_met(kind, policy) and all(named.values()):
            match = "".join(f"{side} {_names(interfaces)} " for side, interfaces in named.items())
            yield f"{match}jump {kind.short}_policy_{policy.name}", policy.origin


def _names(interfaces: list[str]) -> str:
    quoted = [f'"{interface}"' for interface in interfaces]
    return quoted[0] if len(quoted) == 1 else "{ " + ", ".join(quoted) + " }"


def _policy_rules(kind: _Kind, policy: Policy) -> Iterator[tuple[str, Origin]]:
    yield from _rules(kind, policy.rules, policy.lets_in, policy.masquerade)
    if kind.short != "nat_POST":
        targets = {"ACCEPT": "accept", "DROP": "drop", "REJECT": _REJECT}
        yield from ((targets[one], policy.origin) for one in (policy.target,) if one in targets)


def _zone_rules(kind: _Kind, zone: Zone, members: list[str]) -> Iterator[tuple[str, Origin]]:
    """The rules of a zone: for what comes to the machine, and for source NAT."""
    if kind.short in ("filter_IN", "nat_POST"):
        yield from _rules(kind, zone.rules, zone.lets_in, zone.masquerade)
    elif zone.forward:
        yield from ((f'oifname "{one}" accept', zone.origin) for one in members)


def _zone_target(kind: _Kind, zone: Zone) -> Iterator[tuple[str, Origin]]:
    if kind.short == "nat_POST":
        return
    if kind.short == "filter_IN" and zone.target == "default":
        yield "meta l4proto icmp accept", zone.origin
    yield {"ACCEPT": "accept", "DROP": "drop"}.get(zone.target, _REJECT), zone.origin


def _rules(
    kind: _Kind, rules: tuple[RichRule, ...], lets_in: tuple[tuple[str, Origin], ...], masquerade: Origin | None
) -> Iterator[tuple[str, Origin]]:
    """Rules in the order of firewalld's chains: pre by priority, deny, allow, post by priority."""
    translates = kind.short == "nat_POST"
    mine = [rule for rule in rules if (rule.verdict == "masquerade") is translates]
    denied, allowed = (
        [rule for rule in mine if rule.priority == 0 and (rule.verdict in ("drop", "reject")) is refused]
        for refused in (True, False)
    )
    before, behind = (
        sorted((rule for rule in mine if rule.priority * sign > 0), key=lambda rule: rule.priority) for sign in (-1, 1)
    )
    yield from map(_line, (*before, *denied))
    if translates and masquerade is not None:
        yield 'meta nfproto ipv4 oifname != "lo" masquerade', masquerade
    elif not translates:
        yield from ((f"{words} accept", origin) for words, origin in lets_in)
    yield from map(_line, (*allowed, *behind))


def _line(rule: RichRule) -> tuple[str, Origin]:
    ends = [_match("daddr", rule.destination), _match("saddr", rule.source)]
    words = [*(("meta nfproto ipv4",) if rule.is_ipv4 and not any(ends) else ()), *ends, rule.what]
    words.append('oifname != "lo" masquerade' if rule.verdict == "masquerade" else rule.verdict)
    return " ".join(filter(None, words)), rule.origin


def _match(field_name: str, end: End | None) -> str:
    """A match of addresses; that of none is never true."""
    if end is None:
        return ""
    ranges = [format_range(*one) for one in end.ranges] or ["0.0.0.0-0.0.0.0"]
    held = ranges[0] if len(ranges) == 1 else "{ " + ", ".join(ranges) + " }"
    return f"ip {field_name} {'!= ' if end.invert else ''}{held}"
