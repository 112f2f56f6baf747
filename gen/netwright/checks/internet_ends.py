"""Flows with the internet at one end: the other end has an address that packets from there can be sent to."""

from collections.abc import Iterator
from itertools import chain, count

from netaddr import IPNetwork

from netwright.checks.ends import known_addresses
from netwright.checks.spans import Span, SpanIndex, merge_spans, span
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.model import End, Flow, Node, Traffic
from netwright.topology.forwards import forwarded_ports, is_from_internet, spell_traffic, target_of
from netwright.topology.resolved import host
from netwright.topology.settings import uplink
from netwright.topology.special_addresses import special_kind


def internet_calls_public_addresses(survey: Survey) -> Iterator[Violation]:
    """Traffic let in from the internet is for public addresses, or for what a port forward leads to.

    Nothing there sends to a private address; `forwards` names the router that leads its own ports on to one. Of a node
    with several addresses the public ones are meant. The ranges for documentation (192.0.2.0/24, 198.51.100.0/24,
    203.0.113.0/24) stand for public ones.

    Fails:

        nodes:
          edge: {os: unmanaged, internet: true, interfaces: {lan0: {network: front, address: 10.17.3.254}}}
          lb1: {os: flatcar, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
        flows:
          web: {from: internet, to: lb1, allow: [tcp/443]}

    Passes:

        nodes:
          edge: {os: unmanaged, internet: true, interfaces: {lan0: {network: front, address: 10.17.3.254}}}
          lb1: {os: flatcar, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
        forwards:
          web: {at: edge, from: internet, port: tcp/443, to: lb1}
        flows:
          web: {from: internet, to: lb1, allow: [tcp/443]}
    """
    exits = [node.name for node in survey.nodes if node.internet]
    if not exits:
        return
    known = known_addresses(survey)
    for flow in survey.resolved.topology.flows:
        if not flow.allow or not _is_outside(known, flow.sources):
            continue
        for end in flow.destinations:
            for name, kind in _private(survey, end):
                addresses = _addresses_of(survey, end, name)
                left = _not_forwarded(survey, flow, addresses)
                if left:
                    cure = _cure(survey, flow, addresses, left, exits)
                    message = f"{name} is {kind}, and packets from the internet are for public addresses only; {cure}"
                    yield error(end.cause, message)


def _addresses_of(survey: Survey, end: End, member: str) -> list[IPNetwork]:
    """The addresses of a member of an end, by its name."""
    node = survey.resolved.nodes.get(member.partition(" ")[0])
    if node is not None and "@" not in end.text:
        return _addresses(node)
    return list(survey.resolved.resolve_end(end) or ())


def _not_forwarded(survey: Survey, flow: Flow, addresses: list[IPNetwork]) -> list[Traffic]:
    """Return what of a flow's traffic no port forward leads from the internet to one of the addresses."""
    resolved = survey.resolved
    led = [
        one.inner
        for forward in resolved.topology.forwards
        if is_from_internet(forward) and target_of(resolved, forward) in {one.ip for one in addresses if one.size == 1}
        for one in forwarded_ports(forward)
    ]
    return [traffic for traffic in flow.traffic if not _is_led(traffic, led)]


def _cure(survey: Survey, flow: Flow, addresses: list[IPNetwork], left: list[Traffic], exits: list[str]) -> str:
    """Return what to write so that nothing is left to be led on."""
    target = _target(survey, addresses, exits)
    if target is None:
        return "name one, or a machine to which a port forward leads"
    other = [spell_traffic(one) for one in left if one.protocol not in ("tcp", "udp") or one.ports is None]
    if other:
        return f"name one; port forwards lead on ports of TCP and UDP, and the flow asks for {' and '.join(other)}"
    ports = [spell_traffic(one) for one in left]
    port = ports[0] if len(ports) == 1 else f"[{', '.join(ports)}]"
    entry = f"{{at: {exits[0]}, from: internet, port: {port}, to: {target}}}"
    others = f", or with at: {' or '.join(exits[1:])}" if len(exits) > 1 else ""
    return f"name one, or add forwards.{_free_name(survey, flow.name)}: {entry}{others}"


def _free_name(survey: Survey, wanted: str) -> str:
    """Return a name that no port forward has: the wanted one, or that with a number."""
    taken = {forward.name for forward in survey.resolved.topology.forwards}
    names = chain((wanted,), (f"{wanted}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _target(survey: Survey, addresses: list[IPNetwork], exits: list[str]) -> str | None:
    """Return the first address as a port forward names it, None if it is no machine's or that of one of the exits."""
    if not addresses or addresses[0].size > 1:
        return None
    ip = addresses[0].ip
    virtual = next((one for one in survey.resolved.topology.virtual_addresses if one.ip.value == ip), None)
    if virtual is not None:
        return virtual.name
    owner = survey.owner(ip)
    if owner is None or owner.node.name in exits:
        return None
    is_only = len(_addresses(owner.node)) == 1
    return owner.node.name if is_only else f"{owner.node.name}@{owner.attachment.network}"


def _is_led(traffic: Traffic, led: list[Traffic]) -> bool:
    ports = merge_spans(Span(*one.ports) for one in led if one.protocol == traffic.protocol and one.ports is not None)
    return traffic.ports is not None and any(one.covers(Span(*traffic.ports)) for one in ports)


def internet_answers_public_senders(survey: Survey) -> Iterator[Violation]:
    """Traffic to the internet with `nat: never` comes from public addresses: no answer finds its way back to another.

    The network between a device that netwright configures and its provider's router is known to that router, so that
    addresses of it are answered too.

    Fails:

        nodes:
          edge: {os: unmanaged, internet: true, interfaces: {lan0: {network: front, address: 10.17.3.254}}}
        flows:
          out: {from: front, to: internet, allow: [tcp/443], nat: never}

    Passes:

        nodes:
          edge: {os: unmanaged, internet: true, interfaces: {lan0: {network: front, address: 10.17.3.254}}}
        flows:
          out: {from: front, to: internet, allow: [tcp/443]}
    """
    if not any(node.internet for node in survey.nodes):
        return
    known, near = known_addresses(survey), [*_networks_of_uplinks(survey)]
    for flow in survey.resolved.topology.flows:
        if not flow.allow or not flow.nat_never or not _is_outside(known, flow.destinations):
            continue
        for end in flow.sources:
            for name, kind in _private(survey, end, near):
                message = (
                    f"{name} is {kind}, and with nat: never no answer from the internet can return to it; leave out "
                    "nat: never in a flow to the internet"
                )
                yield error((*flow.cause, "nat"), message, related=(end.cause,))
                break


def _is_outside(known: SpanIndex[None], ends: tuple[End, ...]) -> bool:
    """Return whether one of the ends is on the internet."""
    return any(end.text == "internet" or _is_elsewhere(known, end.network) for end in ends)


def _is_elsewhere(known: SpanIndex[None], network: IPNetwork | None) -> bool:
    """Return whether the addresses are in no network of the topology, and on the internet."""
    return network is not None and special_kind(network) is None and not any(True for _ in known.meeting(span(network)))


def _private(survey: Survey, end: End, besides: list[IPNetwork] | None = None) -> Iterator[tuple[str, str]]:
    """Return the members of an end without public addresses, each with its kind: an end, or the nodes that it names."""
    resolved = survey.resolved
    nodes = (*resolved.members.get(end.text, ()), *filter(None, [resolved.nodes.get(end.text)]))
    if end.network is not None or end.text in resolved.networks or not nodes:
        for text, kind in _kinds(survey, end, besides):
            yield end.text if text == end.text else f"{end.text} ({text})", kind
        return
    for node in nodes:
        kinds = [_kind(address, besides) for address in _addresses(node)]
        if kinds and None not in kinds:
            yield f"{node.name} ({', '.join(str(one.ip) for one in _addresses(node))})", str(kinds[0])


def _kinds(survey: Survey, end: End, besides: list[IPNetwork] | None) -> Iterator[tuple[str, str]]:
    for network in survey.resolved.resolve_end(end) or ():
        kind = _kind(network, besides)
        if kind is not None:
            yield str(network.ip if network.prefixlen == 32 else network), kind


def _kind(network: IPNetwork, besides: list[IPNetwork] | None) -> str | None:
    return None if any(network in one for one in besides or ()) else special_kind(network)


def _addresses(node: Node) -> list[IPNetwork]:
    return [host(at.ip) for interface in node.interfaces for at in interface.attachments]


def _networks_of_uplinks(survey: Survey) -> Iterator[IPNetwork]:
    """The networks by which devices of ours lead to the internet."""
    for node in survey.nodes:
        found = uplink(survey.resolved, node)
        for attachment in found.interface.attachments if found is not None else ():
            network = survey.resolved.network_of(attachment)
            if network is not None and found is not None and found.gateway in network.cidr:
                yield network.cidr


RULES = (internet_calls_public_addresses, internet_answers_public_senders)
