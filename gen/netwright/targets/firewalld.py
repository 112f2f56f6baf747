"""firewalld's permanent configuration: a node's ruleset as zones, policies and sets of addresses.

Policies stand in for the chains of netwright's own table: from ANY to HOST, from ANY to ANY, from HOST to ANY. They
hold for interfaces in every zone, those of libvirt, Docker and the CNI too, and come before the zones' own rules, since
their priority is negative. Rules that name an interface stand in policies of its zone, which come first.
"""

from collections.abc import Iterator
from itertools import groupby, product
from typing import Literal

from msgspec import Struct
from netaddr import IPNetwork

from netwright.files.artifact import NodeFile
from netwright.model import CNI_ZONE, OPERATING_SYSTEMS
from netwright.plan.filter_types import FilterChain, FilterRule, PlannedMasquerade, Ruleset
from netwright.plan.types import NodePlan
from netwright.targets.common import text_file
from netwright.templating.render import Renderer
from netwright.text.source import TopologyPath

FOLDER = "/etc/firewalld"
_DROPIN = "/etc/systemd/system/firewalld.service.d/10-netwright.conf"
ANY, HOST = "ANY", "HOST"
_FIRST_PRIORITY = -100
"""Behind allow-host-ipv6 (-15000), before what an administrator adds (-1 if nothing is set)."""
_ENDS: dict[str, tuple[str, str, str]] = {
    "input": (ANY, HOST, "in"),
    "forward": (ANY, ANY, "fwd"),
    "output": (HOST, ANY, "out"),
}
"""Zones of a chain's policies, and the word in the names of those that are only part of one."""
CURE = "set firewalld: masked"
_OF_FLANNEL = ("cni0", "flannel-wg", "flannel.1")
"""Bridge and tunnels of flannel's. Between interfaces that no zone names firewalld 2.3.1 passes nothing on, whatever
policies from ANY to ANY have; 0.9.3 and 1.3.3 do (ran)."""


class RuleEnd(Struct, frozen=True, kw_only=True):
    """Source or destination of a rule, an address or a set of them, or all but those."""

    tag: Literal["source", "destination"]
    address: str | None = None
    ipset: str | None = None
    invert: bool = False


class RichRule(Struct, frozen=True, kw_only=True):
    """A rule of a policy. Those of one priority are asked in firewalld's own order: what drops before what accepts."""

    verdict: str
    priority: int = 0
    family: str | None = None
    source: RuleEnd | None = None
    destination: RuleEnd | None = None
    protocol: str | None = None
    port: str | None = None


_ICMPV6 = (RichRule(verdict="accept", priority=-1, family="ipv6", protocol="ipv6-icmp"),)


class Policy(Struct, frozen=True, kw_only=True):
    """Rules for what goes from one zone to another."""

    name: str
    priority: int
    target: str
    ingress: str
    egress: str
    rules: tuple[RichRule, ...]


class Zone(Struct, frozen=True, kw_only=True):
    """A zone with its interfaces."""

    name: str
    interfaces: tuple[str, ...]


class IpSet(Struct, frozen=True, kw_only=True):
    """A named set of addresses."""

    name: str
    entries: tuple[str, ...]


def find_inexpressible(plan: NodePlan) -> Iterator[tuple[TopologyPath, str]]:
    """Yield the rules of a node that firewalld cannot express: where the topology has them, and why."""
    if plan.firewalld_managed:
        yield from dict.fromkeys(_write(plan).refused)


def firewalld_files(plan: NodePlan, renderer: Renderer) -> Iterator[NodeFile]:
    """Yield the files below /etc/firewalld and what has its unit wait; nothing at nodes with a table of our own."""
    if plan.firewalld_managed:
        yield from _render(_write(plan), renderer)


def _render(writing: "_Writing", renderer: Renderer) -> Iterator[NodeFile]:
    yield text_file(_DROPIN, renderer.render_once("rocky/firewalld-wait.conf.j2"))
    for zone in writing.zones:
        yield _file("zones", zone.name, renderer.render("rocky/firewalld-zone.xml.j2", zone=zone))
    for policy in writing.policies:
        yield _file("policies", policy.name, renderer.render("rocky/firewalld-policy.xml.j2", policy=policy))
    for name, entries in writing.ipsets.items():
        ipset = IpSet(name=name, entries=entries)
        yield _file("ipsets", name, renderer.render("rocky/firewalld-ipset.xml.j2", ipset=ipset))


def _file(folder: str, name: str, text: str) -> NodeFile:
    return text_file(f"{FOLDER}/{folder}/{name}.xml", text)


def _write(plan: NodePlan) -> "_Writing":
    writing = _Writing(plan)
    writing.write()
    return writing


class _Writing:
    """The zones, policies and sets of one node as they are put together, and what cannot be expressed."""

    def __init__(self, plan: NodePlan) -> None:
        """Take the zones of the node's interfaces."""
        self.plan = plan
        names = dict.fromkeys(link.zone for link in plan.links if link.zone is not None)
        self.zones = [
            Zone(name=name, interfaces=tuple(link.name for link in plan.links if link.zone == name)) for name in names
        ]
        if plan.kubernetes:
            self.zones.append(Zone(name=CNI_ZONE, interfaces=_OF_FLANNEL))
        self.policies: list[Policy] = []
        self.ipsets: dict[str, tuple[str, ...]] = {}
        self.refused: list[tuple[TopologyPath, str]] = []

    def write(self) -> None:
        """Put together the node's policies."""
        ruleset = self.plan.ruleset or Ruleset(chains=(), exemptions=(), masquerades=())
        chains: dict[str, FilterChain] = {chain.hook: chain for chain in ruleset.chains}
        if "prerouting" in chains:
            why = "denies before addresses are translated, which firewalld does not"
            self._refuse(chains["prerouting"].cause, why)
        for hook in _ENDS:
            self._write_chain(hook, chains.get(hook))
        for forward in ruleset.forwards:
            self._refuse(forward.cause, "leads ports on in a table of netwright's own, which it has not with firewalld")
        for exemption in ruleset.exemptions:
            self._refuse(exemption.cause, "exempts from every source NAT, which firewalld cannot")
        by_zone: dict[str, list[PlannedMasquerade]] = {}
        for masquerade in ruleset.masquerades:
            by_zone.setdefault(self._zone_of(masquerade.egress, masquerade), []).append(masquerade)
        for number, (zone, masquerades) in enumerate(by_zone.items(), start=1):
            rules = tuple(rule for one in masquerades for rule in self._masquerade_rules(one))
            name = f"netwright-nat-{number}"
            self._add(name, _FIRST_PRIORITY, "CONTINUE", ingress=ANY, egress=zone, rules=rules)

    def _add(
        self, name: str, priority: int, target: str, *, ingress: str, egress: str, rules: tuple[RichRule, ...]
    ) -> None:
        self.policies.append(
            Policy(name=name, priority=priority, target=target, ingress=ingress, egress=egress, rules=rules)
        )

    def _refuse(self, cause: TopologyPath, why: str) -> None:
        self.refused.append((cause, f"{self.plan.name} {why}; {CURE}"))

    def _write_chain(self, hook: str, chain: FilterChain | None) -> None:
        """Add a policy for the rules that name no interface, and before it others where some do."""
        ingress, egress, word = _ENDS[hook]
        if chain is not None and not chain.stateful:
            self._refuse(chain.cause, "has a chain without state, and firewalld accepts answers always")
        icmp = _ICMPV6 if chain is not None and chain.hook == "input" and chain.policy == "drop" else ()
        parts = [
            (self._zone_of(rules[0].ingress, rules[0]), self._zone_of(rules[0].egress, rules[0]), rules)
            for rules in _parts(chain)
        ]
        if icmp and parts and parts[0][:2] != (ANY, ANY):
            parts.insert(0, (ANY, ANY, ()))
        last = parts.pop()[2] if parts and parts[-1][:2] == (ANY, ANY) else ()
        for number, (before, behind, rules) in enumerate(parts, start=1):
            self._add(
                f"netwright-{word}-{number}",
                _FIRST_PRIORITY - len(parts) + number - 1,
                "CONTINUE",
                ingress=ingress if before == ANY else before,
                egress=egress if behind == ANY else behind,
                rules=(*(icmp if number == 1 else ()), *self._rich_rules(rules)),
            )
        self._add(
            f"netwright-{hook}",
            _FIRST_PRIORITY,
            "ACCEPT" if chain is None or chain.policy == "accept" else "DROP",
            ingress=ingress,
            egress=egress,
            rules=(*(() if parts else icmp), *self._rich_rules(last)),
        )

    def _zone_of(self, interface: str | None, rule: FilterRule | PlannedMasquerade) -> str:
        """The zone that stands for an interface, ANY where none is named."""
        if rule.besides:
            names = " and ".join(rule.besides)
            self._refuse(rule.cause, f"needs a rule for every interface but {names}, and firewalld has none such")
        if interface is None:
            return ANY
        zone = next((zone for zone in self.zones if interface in zone.interfaces), None)
        if zone is None:
            self._refuse(rule.cause, f"has no zone for {interface}, whose addresses netwright does not set")
        elif len(zone.interfaces) > 1:
            names = " and ".join(zone.interfaces)
            self._refuse(rule.cause, f"has {names} in the zone {zone.name}, and a rule for one of them alone")
        return zone.name if zone is not None else ANY

    def _rich_rules(self, rules: tuple[FilterRule, ...]) -> Iterator[RichRule]:
        """Rules that keep their order: with a priority from the first drop that follows an accept, and from the first
        rule without any condition, which firewalld takes with one alone."""
        priority, accepted = 0, False
        for rule in rules:
            bare = not (rule.sources or rule.destinations or rule.protocol)
            if (rule.accept != accepted and (accepted or priority)) or (bare and not priority):
                priority += 1
            accepted = rule.accept
            yield from self._rich_rule(rule, priority)

    def _rich_rule(self, rule: FilterRule, priority: int) -> Iterator[RichRule]:
        sources = self._ends("source", rule.sources, rule, outside=rule.sources_outside)
        destinations = self._ends("destination", rule.destinations, rule, outside=rule.destinations_outside)
        ports: list[str | None] = [_range(*limits) for limits in rule.ports]
        for source, destination, port in product(sources, destinations, ports or [None]):
            yield RichRule(
                priority=priority,
                family=None if source is None and destination is None else "ipv4",
                source=source,
                destination=destination,
                protocol=rule.protocol,
                port=port,
                verdict="accept" if rule.accept else "drop",
            )

    def _masquerade_rules(self, rule: PlannedMasquerade) -> Iterator[RichRule]:
        if rule.exceptions and rule.destinations:
            self._refuse(rule.cause, "masquerades to some addresses and not to others in one rule")
        sources = self._ends("source", rule.sources, rule, outside=False)
        to = rule.exceptions or rule.destinations
        destinations = self._ends("destination", to, rule, outside=bool(rule.exceptions))
        for source, destination in product(sources, destinations):
            family = None if source is None and destination is None else "ipv4"
            yield RichRule(verdict="masquerade", family=family, source=source, destination=destination)

    def _ends(
        self,
        tag: Literal["source", "destination"],
        networks: tuple[IPNetwork, ...],
        rule: FilterRule | PlannedMasquerade,
        *,
        outside: bool,
    ) -> list[RuleEnd | None]:
        """The ends of which each rule has one; all but several networks are all but a set."""
        addresses = tuple(str(network).removesuffix("/32") for network in networks)
        if not outside or len(addresses) == 1:
            return [RuleEnd(tag=tag, address=address, invert=outside) for address in addresses] or [None]
        if tag == "destination" and not OPERATING_SYSTEMS[self.plan.os].firewalld_has_destination_sets:
            listed = ", ".join(addresses)
            why = f"needs a rule for all destinations but {listed}, and the firewalld of {self.plan.os} takes one only"
            self._refuse(rule.cause, why)
        name = next((name for name, entries in self.ipsets.items() if entries == addresses), None)
        if name is None:
            name = f"netwright-{len(self.ipsets) + 1}"
            self.ipsets[name] = addresses
        return [RuleEnd(tag=tag, ipset=name, invert=True)]


def _parts(chain: FilterChain | None) -> Iterator[tuple[FilterRule, ...]]:
    """The chain's rules in their order, parted where the interfaces that they name change. firewalld drops answers of
    which it has not seen the question: no rule lets them in."""
    rules = [rule for rule in chain.rules if not rule.answers] if chain is not None else []
    for _, part in groupby(rules, key=lambda rule: (rule.ingress, rule.egress)):
        yield tuple(part)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
