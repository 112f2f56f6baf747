"""Rules written in vain: traffic that one flow allows and another denies, and answers that nothing lets in."""

from collections.abc import Iterable, Iterator, Set

from msgspec.structs import replace

from netwright.flows.filters import Passage
from netwright.flows.ownership import is_ours
from netwright.flows.types import Networks, Party, is_tunnel
from netwright.model import Chain, Traffic
from netwright.text.report import Diagnostic, Severity
from netwright.topology.resolved import ResolvedTopology

_Pair = tuple[str, str]


def find_disagreements(resolved: ResolvedTopology, passages: Iterable[Passage]) -> Iterator[Diagnostic]:
    """The errors, each once however many of a flow's parties it concerns."""
    by_networks: dict[_Pair, list[Passage]] = {}
    for passage in passages:
        by_networks.setdefault((passage.source.network, passage.destination.network), []).append(passage)
    found = [*_denied(resolved, by_networks), *_opened(resolved, by_networks), *_unanswered(resolved, by_networks)]
    yield from dict.fromkeys(found)


def _denied(resolved: ResolvedTopology, by_networks: dict[_Pair, list[Passage]]) -> Iterator[Diagnostic]:
    """Yield traffic that one flow allows and another denies: a denial comes first in every chain."""
    for several in by_networks.values():
        refusing = [passage for passage in several if not passage.flow.allow]
        for passage in several if refusing else ():
            for other in refusing if passage.flow.allow else ():
                pair = _common_pair(resolved, passage, other)
                if pair is not None and _meet(passage.traffic, other.traffic):
                    message = (
                        f"{other.flow.name} denies some of it (from {pair[0]} to {pair[1]}), and what is denied is "
                        "refused first; narrow one of the two by its ends or its traffic"
                    )
                    yield _error(passage.flow.cause, "flows_allow_what_none_denies", message)


PORTLESS = ("esp", "ah", "gre", "vrrp")
"""Protocols tracked without ports (nf_conntrack_proto_generic.c): whatever comes the other way within
nf_conntrack_generic_timeout (600 s; 180 s for GRE) is an answer."""


def _opened(resolved: ResolvedTopology, by_networks: dict[_Pair, list[Passage]]) -> Iterator[Diagnostic]:
    """Yield traffic denied one way that passes as an answer to what is allowed the other way."""
    for (near, far), several in by_networks.items():
        for denied in (one for one in several if not one.flow.allow):
            for passage in (one for one in by_networks.get((far, near), ()) if one.flow.allow):
                named = tuple(traffic for traffic in passage.traffic if traffic.protocol in PORTLESS)
                turned = replace(passage, source=passage.destination, destination=passage.source)
                if not _meet(named, denied.traffic):
                    continue
                pair = _common_pair(resolved, turned, denied)
                if pair is not None:
                    names = " and ".join(dict.fromkeys(str(one.protocol) for one in named))
                    message = (
                        f"{passage.flow.name} allows {names} from {pair[1]} to {pair[0]}, and {names} has no ports: "
                        "what comes back is an answer to every filter, and can't be denied; name other traffic in deny"
                    )
                    yield _error(denied.flow.cause, "answers_without_ports_are_allowed", message)


def _common_pair(resolved: ResolvedTopology, one: Passage, other: Passage) -> _Pair | None:
    """A sender and a receiver, not the same machine, that both passages name; None if there are none."""
    if one.source.pods != other.source.pods or one.destination.pods != other.destination.pods:
        return None
    senders, receivers = (
        _common(resolved, one.source, other.source),
        _common(resolved, one.destination, other.destination),
    )
    return next(((near, far) for near in senders for far in receivers if near != far), None)


def _common(resolved: ResolvedTopology, one: Party, other: Party) -> list[str]:
    """The names of what two parties on one network have in common."""
    if one.outside or other.outside:
        return ["the internet"] if one.outside and other.outside and one.owner == other.owner else []
    if one.pods or one.prefix is None:
        names = [name for name in (one.owner, *one.nodes) if name is not None and name in (other.owner, *other.nodes)]
        return list(dict.fromkeys(names)) if _overlap(one.addresses, other.addresses) else []
    shared = [name for name in one.nodes if name in other.nodes]
    return [name for name in shared if _has_address(resolved, name, one.addresses, other.addresses)]


def _has_address(resolved: ResolvedTopology, name: str, *within: Networks) -> bool:
    ips = [at.ip for interface in resolved.nodes[name].interfaces for at in interface.attachments]
    return any(all(any(ip in network for network in networks) for networks in within) for ip in ips)


def _overlap(ours: Networks, theirs: Networks) -> bool:
    return any(one in other or other in one for one in ours for other in theirs)


def _meet(ours: Iterable[Traffic], theirs: tuple[Traffic, ...]) -> bool:
    return any(_is_shared(one, other) for one in ours for other in theirs)


def _is_shared(one: Traffic, other: Traffic) -> bool:
    if one.protocol is None or other.protocol is None:
        return True
    if one.protocol != other.protocol:
        return False
    if one.ports is None or other.ports is None:
        return True
    return one.ports[0] <= other.ports[1] and other.ports[0] <= one.ports[1]


def _unanswered(resolved: ResolvedTopology, by_networks: dict[_Pair, list[Passage]]) -> Iterator[Diagnostic]:
    """Chains that keep no state and drop, on the way of answers that neither a rule nor another flow lets in."""
    for (near, far), several in by_networks.items():
        opened = {
            traffic.protocol
            for one in by_networks.get((far, near), ())
            for traffic in one.traffic
            if one.flow.allow and _takes_answers(traffic)
        }
        for passage in several:
            if not passage.flow.allow or _are_let_in(passage, opened):
                continue
            for name, hook, chain in _chains_back(resolved, passage):
                if _forgets(chain):
                    message = (
                        f"the {hook} chain of {name} keeps no state (stateful: false) and drops what no rule accepts, "
                        f"the answers of {passage.flow.name} among it; set stateful: true, or accept them in a rule"
                    )
                    yield _error(passage.flow.cause, "answers_are_let_in", message)


_EPHEMERAL = (32768, 60999)
"""The ports that Linux gives to who asks, and to which answers go (net.ipv4.ip_local_port_range by default)."""


def _takes_answers(back: Traffic) -> bool:
    """Return whether traffic includes what goes to every port of those who ask."""
    return back.ports is None or (back.ports[0] <= _EPHEMERAL[0] and _EPHEMERAL[1] <= back.ports[1])


def _are_let_in(passage: Passage, opened: Set[str | None]) -> bool:
    """Return whether protocols that are let in the other way, None for all, include those of a passage's answers.

    Tunnels are let in both ways anyhow.
    """
    return is_tunnel(passage.traffic) or all(
        bool(opened) if one.protocol is None else not opened.isdisjoint((one.protocol, None)) for one in passage.traffic
    )


def _chains_back(resolved: ResolvedTopology, passage: Passage) -> Iterator[tuple[str, str, Chain | None]]:
    """The chains that answers pass: those of our routers, and of senders themselves."""
    for hop in passage.way:
        yield hop.router, "forward", resolved.nodes[hop.router].forward_chain
    for name in passage.source.nodes if not passage.source.pods else ():
        if is_ours(resolved, name):
            yield name, "input", resolved.nodes[name].input


def _forgets(chain: Chain | None) -> bool:
    """Return whether a chain without state drops, and no rule of it accepts anything."""
    if chain is None or chain.policy is None or chain.stateful is None:
        return False
    accepts = any(rule.accept for rule in chain.rules)
    return chain.policy.value == "drop" and not chain.stateful.value and not accepts


def _error(path: tuple[str | int, ...], rule: str, message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=path, rule=rule, message=message)
