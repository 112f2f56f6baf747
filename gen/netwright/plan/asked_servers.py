"""The rules by which nodes reach their name and time servers through filters of ours, where no other rule lets them."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from netaddr import IPNetwork

from netwright.flows import NodeNeeds
from netwright.flows.types import AskedService, Hook, Networks, ServerNeed
from netwright.plan.filter_types import FilterRule, PlannedMasquerade
from netwright.text.source import TopologyPath


class _Questions(Struct, frozen=True, kw_only=True):
    """Questions of one service: their destination port and protocols, and what rules that accept them say."""

    service: AskedService
    port: int
    protocols: tuple[str, ...]
    comment: str


_QUESTIONS = (
    _Questions(service="dns", port=53, protocols=("udp", "tcp"), comment="name servers"),
    _Questions(service="ntp", port=123, protocols=("udp",), comment="time servers"),
)


class _Target(Struct, frozen=True, kw_only=True):
    """Destination of questions: some servers, or anything outside of our networks and by which interface."""

    servers: Networks
    outside: bool = False
    egress: str | None = None
    besides: tuple[str, ...] = ()


def server_rules(needs: NodeNeeds, hook: Hook, others: Sequence[FilterRule]) -> tuple[FilterRule, ...]:
    """The accepts of a chain that drops what it does not know; questions that other rules accept need none."""
    return tuple(
        FilterRule(
            ingress=None,
            egress=target.egress,
            besides=target.besides,
            sources=sources,
            destinations=target.servers,
            destinations_outside=target.outside,
            protocol=protocol,
            ports=((questions.port, questions.port),),
            accept=True,
            comment=questions.comment,
            cause=cause,
        )
        for questions in _QUESTIONS
        for protocol in questions.protocols
        for sources, target, cause in _joined(
            need
            for need in needs.servers
            if (need.hook, need.service) == (hook, questions.service)
            and not any(_accepts(rule, need, protocol, questions.port) for rule in others)
        )
    )


def server_masquerades(needs: NodeNeeds, others: Sequence[PlannedMasquerade]) -> Iterator[PlannedMasquerade]:
    """Return the masquerades for those that ask a server on the internet, unless they are hidden already."""
    found: dict[tuple[Networks, str | None, tuple[str, ...]], list[ServerNeed]] = {}
    for need in needs.servers:
        leaves = need.hides_by is not None or bool(need.hides_besides)
        if leaves and not any(_hides(rule, need) for rule in others):
            found.setdefault((need.sources, need.hides_by, need.hides_besides), []).append(need)
    for (sources, egress, besides), several in found.items():
        outside = next((need for need in several if need.outside), None)
        servers = {one for need in needs.servers if _leaves_alike(need, several[0]) for one in need.servers}
        yield PlannedMasquerade(
            sources=sources,
            egress=egress,
            besides=besides,
            exceptions=outside.servers if outside is not None else (),
            destinations=tuple(sorted(servers)) if outside is None else (),
            cause=several[0].cause,
        )


def _leaves_alike(one: ServerNeed, other: ServerNeed) -> bool:
    return (one.sources, one.hides_by) == (other.sources, other.hides_by)


def _joined(needs: Iterable[ServerNeed]) -> Iterator[tuple[Networks, _Target, TopologyPath]]:
    """Sources and servers that are asked alike, with the place of the first."""
    by_target: dict[_Target, dict[IPNetwork, ServerNeed]] = {}
    for need in needs:
        for source in need.sources:
            by_target.setdefault(_target(need), {}).setdefault(source, need)
    alike: dict[tuple[Networks, _Target | None], list[_Target]] = {}
    for target, sources in sorted(by_target.items(), key=lambda entry: (entry[0].outside, entry[0].servers)):
        alike.setdefault((tuple(sorted(sources)), target if target.outside else None), []).append(target)
    for (networks, outside), targets in alike.items():
        several = _Target(servers=tuple(server for target in targets for server in target.servers))
        yield networks, outside or several, by_target[targets[0]][networks[0]].cause


def _target(need: ServerNeed) -> _Target:
    if not need.outside:
        return _Target(servers=need.servers)
    return _Target(servers=need.servers, outside=True, egress=need.hides_by, besides=need.hides_besides)


def _accepts(rule: FilterRule, need: ServerNeed, protocol: str, port: int) -> bool:
    """Return whether a rule accepts every question of a need."""
    return (
        rule.accept
        and rule.ingress is None
        and (rule.egress is None or rule.egress == need.hides_by)
        and (not rule.besides or rule.besides == need.hides_besides)
        and rule.protocol in (None, protocol)
        and (not rule.ports or any(first <= port <= last for first, last in rule.ports))
        and _reaches(rule, need)
        and _covers(rule.sources, need.askers, outside=rule.sources_outside)  # the last: it may be thousands that ask
    )


def _reaches(rule: FilterRule, need: ServerNeed) -> bool:
    """Return whether all servers of a need are among a rule's destinations."""
    if not need.outside:
        return _covers(rule.destinations, need.servers, outside=rule.destinations_outside)
    kept_out = rule.destinations_outside and _covers(need.servers, rule.destinations, outside=False)
    return not rule.destinations or kept_out


def _hides(rule: PlannedMasquerade, need: ServerNeed) -> bool:
    alike = (rule.egress, rule.besides) == (need.hides_by, need.hides_besides)
    kept = rule.exceptions and not need.outside and _covers(rule.exceptions, need.servers, outside=False)
    return alike and not kept and _covers(rule.sources, need.askers, outside=False)


def _covers(networks: Networks, wanted: Networks, *, outside: bool) -> bool:
    """Return whether all that is wanted is among the networks (none stands for any), or `outside` of all of them."""
    if not networks:
        return True
    if outside:
        return not any(one in network or network in one for one in wanted for network in networks)
    exact = {(network.first, network.last) for network in networks}
    wide = [(first, last) for first, last in exact if first < last]
    asked = ((one.first, one.last) for one in wanted)
    return all(
        (low, high) in exact or any(first <= low and high <= last for first, last in wide) for low, high in asked
    )
