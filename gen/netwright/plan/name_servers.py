"""The rules by which nodes reach their name servers through filters of ours, where no other rule lets them."""

from collections.abc import Iterable, Iterator, Sequence

from netaddr import IPNetwork

from netwright.flows import NodeNeeds
from netwright.flows.types import Hook, NameServerNeed, Networks
from netwright.plan.filter_types import FilterRule, PlannedMasquerade

_DNS = 53
_PROTOCOLS = ("udp", "tcp")
_COMMENT = "name servers"


def name_server_rules(needs: NodeNeeds, hook: Hook, others: Sequence[FilterRule]) -> tuple[FilterRule, ...]:
    """The accepts of a chain that drops what it does not know; questions that other rules accept need none."""
    return tuple(
        FilterRule(
            ingress=None,
            egress=None,
            sources=sources,
            destinations=servers,
            protocol=protocol,
            ports=((_DNS, _DNS),),
            accept=True,
            comment=_COMMENT,
            cause=cause,
        )
        for protocol in _PROTOCOLS
        for sources, servers, cause in _joined(
            need
            for need in needs.name_servers
            if need.hook == hook and not any(_accepts(rule, need, protocol) for rule in others)
        )
    )


def name_server_masquerades(needs: NodeNeeds, others: Sequence[PlannedMasquerade]) -> Iterator[PlannedMasquerade]:
    """Return the masquerades for those that ask a name server on the internet, unless they are hidden already."""
    found: dict[tuple[Networks, str | None, tuple[str, ...]], NameServerNeed] = {}
    for need in needs.name_servers:
        leaves = need.hides_by is not None or bool(need.hides_besides)
        if leaves and not any(_hides(rule, need) for rule in others):
            found.setdefault((need.sources, need.hides_by, need.hides_besides), need)
    for (sources, egress, besides), need in found.items():
        servers = {one.server for one in needs.name_servers if (one.sources, one.hides_by) == (sources, egress)}
        yield PlannedMasquerade(
            sources=sources,
            egress=egress,
            besides=besides,
            exceptions=(),
            destinations=tuple(sorted(servers)),
            cause=need.cause,
        )


def _joined(needs: Iterable[NameServerNeed]) -> Iterator[tuple[Networks, Networks, tuple[str | int, ...]]]:
    """Sources and servers that are asked alike, with the place of the first."""
    by_server: dict[IPNetwork, dict[IPNetwork, NameServerNeed]] = {}
    for need in needs:
        for source in need.sources:
            by_server.setdefault(need.server, {}).setdefault(source, need)
    alike: dict[Networks, list[IPNetwork]] = {}
    for server, sources in sorted(by_server.items()):
        alike.setdefault(tuple(sorted(sources)), []).append(server)
    for networks, servers in alike.items():
        yield networks, tuple(servers), by_server[servers[0]][networks[0]].cause


def _accepts(rule: FilterRule, need: NameServerNeed, protocol: str) -> bool:
    """Return whether a rule accepts every question of a need."""
    return (
        rule.accept
        and rule.ingress is None
        and (rule.egress is None or rule.egress == need.hides_by)
        and (not rule.besides or rule.besides == need.hides_besides)
        and rule.protocol in (None, protocol)
        and (not rule.ports or any(first <= _DNS <= last for first, last in rule.ports))
        and _covers(rule.sources, need.askers, outside=rule.sources_outside)
        and _covers(rule.destinations, (need.server,), outside=rule.destinations_outside)
    )


def _hides(rule: PlannedMasquerade, need: NameServerNeed) -> bool:
    alike = (rule.egress, rule.besides) == (need.hides_by, need.hides_besides)
    kept = rule.exceptions and _covers(rule.exceptions, (need.server,), outside=False)
    return alike and not kept and _covers(rule.sources, need.askers, outside=False)


def _covers(networks: Networks, wanted: Networks, *, outside: bool) -> bool:
    """Return whether all that is wanted is among the networks (none stands for any), or `outside` of all of them."""
    if not networks:
        return True
    if outside:
        return not any(one in network or network in one for one in wanted for network in networks)
    exact, wide = {*networks}, [network for network in networks if network.prefixlen < _ONE_ADDRESS]
    return all(one in exact or any(one in network for network in wide) for one in wanted)


_ONE_ADDRESS = 32
