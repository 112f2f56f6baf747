"""Hooks of one machine: connection tracking, chains and address translation around the routing decision."""

from collections.abc import Callable

from netwright.verify.network_model.chains import BaseChain, Passage, Verdict, run_chains
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.trace import End, Stopped, Way
from netwright.verify.values.addresses import AddressNumber, format_ip
from netwright.verify.values.nftables import Point, Statement
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ICMP, Packet, Tracked, Tracker, inverse


def begin(
    machine: Machine, packet: Packet, *, incoming: str | None = None, outgoing: str | None = None, unwanted: bool
) -> Passage:
    """Return a packet before any hook of a machine has seen it."""
    return Passage(
        packet=packet,
        incoming=incoming,
        outgoing=outgoing,
        state="invalid",
        own=machine.owns,
        unwanted=unwanted,
    )


_UNTRACKED = Tracked(connection=None, answers=False, state="untracked")


def open_hooks(machine: Machine, tracker: Tracker, point: Point, passage: Passage, way: Way) -> tuple[Packet, Tracked]:
    """The packet behind prerouting or output, and its connection. Raises Stopped."""
    firewall = machine.firewall
    stage = firewall.stage(point)
    tracked = Tracked(connection=None, answers=False, state="invalid")
    if stage is not None:
        _run(machine, stage.raw, passage, way)
    if passage.untracked:
        tracked = _UNTRACKED
    elif firewall.tracks:
        tracked = tracker.track(passage.packet)
    passage.state, passage.judged, passage.connection = tracked.state, firewall.tracks, tracked.connection
    if stage is not None:
        _run(machine, stage.early, passage, way)
    _translate(
        machine,
        tracked,
        passage,
        way,
        nat=stage.nat if stage else [],
        source=False,
        address_for=lambda: _first_address(machine, passage.incoming),
    )
    if stage is not None:
        _run(machine, stage.late, passage, way)
    _stop_at_marked(machine, passage)
    return passage.packet, tracked


def _stop_at_marked(machine: Machine, passage: Passage) -> None:
    """Goes on only where no policy rule may ask for the mark that a packet has got. Raises Stopped."""
    rule = next((rule for rule in machine.fib.rules if rule.mask), None) if passage.mark else None
    if rule is not None:
        cause = f"policy rules ask for marks, and rules of nft give this packet the mark {passage.mark:#x}"
        raise Stopped(
            End(outcome=Outcome.UNKNOWN, machine=machine, packet=passage.packet, cause=cause, origin=rule.origin)
        )


def _first_address(machine: Machine, incoming: str | None) -> AddressNumber | None:
    """The address to which a redirect leads: the first of the interface, 127.0.0.1 for what the machine itself sends
    (nf_nat_redirect.c)."""
    if incoming is None:
        return _LOOPBACK
    return next((address.ip for address in machine.addresses.get(incoming, ())), None)


_LOOPBACK = AddressNumber(0x7F000001)


def middle_hook(machine: Machine, point: Point, passage: Passage, way: Way) -> None:
    """Lets the packet through forward, or through input up to its address translation. Raises Stopped."""
    stage = machine.firewall.stage(point)
    if stage is not None:
        _run(machine, stage.early, passage, way)
        if point == "forward":
            _run(machine, stage.late, passage, way)


def close_hooks(
    machine: Machine,
    tracker: Tracker,
    tracked: Tracked,
    passage: Passage,
    way: Way,
    *,
    point: Point,
    address_for: Callable[[], AddressNumber | None],
) -> Packet:
    """The packet behind postrouting or input; `address_for` is the one that a masquerade takes. Raises Stopped."""
    stage = machine.firewall.stage(point)
    if stage is not None and point == "postrouting":
        _run(machine, stage.early, passage, way)
    _translate(machine, tracked, passage, way, nat=stage.nat if stage else [], source=True, address_for=address_for)
    if stage is not None:
        _run(machine, stage.late, passage, way)
    if tracked.connection is not None:
        tracker.confirm(tracked.connection)
    return passage.packet


def _run(machine: Machine, chains: list[BaseChain], passage: Passage, way: Way) -> None:
    verdict = run_chains(chains, passage) if chains else None
    if verdict is not None:
        raise Stopped(_end_of(machine, verdict, passage, way))


def _end_of(machine: Machine, verdict: Verdict, passage: Passage, way: Way) -> End:
    rule, base = verdict.rule, verdict.base
    where = f"chain {base}"
    origin = rule.origin if rule else base.chain.origin
    if verdict.kind == "unknown":
        outcome, cause = Outcome.UNKNOWN, f"the rule `{rule.text if rule else ''}` in {where} is not known"
    else:
        # A machine that saw both directions would have let it pass as established.
        invalid = passage.judged and passage.state == "invalid"
        outcome = Outcome.CT_INVALID if invalid else Outcome.FILTERED
        cause = f"dropped by `{rule.text}` in {where}" if rule else f"dropped by the policy of {where}"
        if invalid:
            cause += ", as ct state invalid: the machine saw only one direction of the connection"
    way.note(machine, lambda: cause, origin)
    return End(outcome=outcome, machine=machine, packet=passage.packet, cause=cause, origin=origin)


def _translate(
    machine: Machine,
    tracked: Tracked,
    passage: Passage,
    way: Way,
    *,
    nat: list[BaseChain],
    source: bool,
    address_for: Callable[[], AddressNumber | None] | None = None,
) -> None:
    """Changes the packet's source (behind postrouting) or destination: by rule for a connection's first packet, by
    what was decided then for every later one."""
    connection = tracked.connection
    if connection is None:
        return
    bound = connection.source_bound if source else connection.destination_bound
    if not bound and not tracked.answers:
        if nat:
            _run(machine, nat, passage, way)
        if passage.translation is not None:
            address = address_for() if address_for is not None else None
            _bind(machine, connection_reply=tracked, passage=passage, way=way, address=address)
        if source:
            connection.source_bound = True
        else:
            connection.destination_bound = True
    before = passage.packet
    after = _rewritten(before, tracked, source=source)
    if after != before:
        passage.packet = after
        shown = (before.source, after.source) if source else (before.destination, after.destination)
        which, origin = "source" if source else "destination", None
        if passage.translator is not None:
            origin = passage.translator.origin
            if source:
                way.hiding.append(origin)
        way.note(machine, lambda: f"rewrites the {which} {format_ip(shown[0])} to {format_ip(shown[1])}", origin)


def _bind(
    machine: Machine, *, connection_reply: Tracked, passage: Passage, way: Way, address: AddressNumber | None
) -> None:
    """Lets a NAT statement decide what answers to the connection will look like. Raises Stopped."""
    statement, connection = passage.translation, connection_reply.connection
    if statement is None or connection is None:
        return
    protocol, source, sport, destination, dport = connection.reply
    if statement.kind in ("dnat", "redirect"):
        given = statement.ip if statement.kind == "dnat" else address
        if statement.kind == "redirect" and given is None:
            cause = f"no address on {passage.incoming} to redirect to"
            raise Stopped(End(outcome=Outcome.FILTERED, machine=machine, packet=passage.packet, cause=cause))
        source = given if given is not None else source
        if statement.port is not None and protocol != ICMP:
            sport = statement.port
    else:
        ip = _new_source(statement, passage.packet.source, address)
        if ip is None:
            cause = "no address to masquerade with"
            raise Stopped(End(outcome=Outcome.FILTERED, machine=machine, packet=passage.packet, cause=cause))
        destination = ip
    connection.reply = (protocol, source, sport, destination, dport)
    passage.translation = None
    rule = passage.translator
    if rule is not None:
        way.note(machine, lambda: f"`{rule.text}` decides the connection's addresses", rule.origin)


def _new_source(statement: Statement, source: AddressNumber, address: AddressNumber | None) -> AddressNumber | None:
    if statement.kind == "masquerade":
        return address
    if statement.keep:
        return source
    if statement.pairs:
        return next(
            AddressNumber(to_first + source - first)
            for (first, last), (to_first, _) in statement.pairs
            if first <= source <= last
        )
    return statement.ip


def _rewritten(packet: Packet, tracked: Tracked, *, source: bool) -> Packet:
    """The packet with one end as its connection has it on the other side of the machine."""
    connection = tracked.connection
    if connection is None:
        return packet
    wanted = inverse(connection.original if tracked.answers else connection.reply)
    if source:
        return packet._replace(source=wanted[1], sport=packet.sport if packet.protocol == ICMP else wanted[2])
    return packet._replace(destination=wanted[3], dport=packet.dport if packet.protocol == ICMP else wanted[4])
