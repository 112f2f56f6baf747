"""Causes of lost packets, by the kernel's own account: what dropped them, or its routing decision."""

import errno
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from netwright.lab.cabling import OUTSIDE
from netwright.lab.namespaces import Namespaces
from netwright.lab.netlink import RouteAnswer, ask_route
from netwright.lab.probes import ProbeLoss
from netwright.lab.surroundings import pods_of
from netwright.lab.tracing import Visit
from netwright.verify.network_model.assumed import OVERLAY, PODS
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Outcome

_NO_NEIGHBOUR = frozenset({"FAILED", "INCOMPLETE"})
_REJECTED = (errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL)
"""Errors of the kernel for routes of type unreachable, prohibit and blackhole."""
_LENIENT = {"rp_filter": "0", "accept_local": "1"}

TunnelLosses = Callable[[str, int], Iterable[ProbeLoss]]
"""Asked for what became of a node's tunnel packets towards the node that owns an IP."""


class Kernels:
    """Knowledge of a lab's kernels about packets; `owners` names the node of each namespace."""

    def __init__(self, spaces: Namespaces, owners: Mapping[str, str]) -> None:
        """Asks nothing yet."""
        self._spaces, self._owners = spaces, owners
        self._answers: dict[tuple[str, int, int, int], RouteAnswer] = {}
        self._neighbours: dict[str, dict[tuple[str, str], str]] = {}
        self._names: dict[tuple[str, int], str] = {}

    def losses(self, visits: Sequence[Visit], *, back: bool, tunnel: TunnelLosses) -> Iterator[ProbeLoss]:
        """The ends that packets of one direction of a conversation, or of a tunnel, came to on their way."""
        circles = [*_circles(visits)]
        if circles:
            yield from (self._loss(Outcome.LOOP, space, cause, back=back) for space, cause in circles)
            return
        for visit in visits:
            if visit.drop is not None and visit.space.startswith(OUTSIDE):
                yield self._loss(
                    Outcome.NO_ROUTE, visit.space, "a private address that the internet does not know", back=back
                )
            elif visit.drop is not None:
                outcome = Outcome.CT_INVALID if visit.invalid else Outcome.FILTERED
                yield self._loss(outcome, visit.space, visit.drop, back=back)
            elif not visit.is_routed:
                yield from self._misrouted(visit, back=back)
            elif "leaves" in visit.marks and not _goes_on(visit, visits):
                yield from self._undelivered(visit, back=back, tunnel=tunnel)

    def refused(self, space: str, number: int, *, back: bool) -> Iterator[ProbeLoss]:
        """Return the meaning of a sender's own kernel sending no packet; `number` is the error that it gives."""
        if number == errno.ENETUNREACH:
            yield self._loss(Outcome.NO_ROUTE, space, os.strerror(number), back=back)
        elif number in _REJECTED:
            yield self._loss(Outcome.UNREACHABLE_ROUTE, space, os.strerror(number), back=back)

    def unanswered(self, space: str, source: int, destination: int) -> Iterator[ProbeLoss]:
        """Return why a machine sends no answer."""
        return self.refused(space, self._ask(space, source, destination, 0).error, back=True)

    def foreign(self, space: str, visit: Visit) -> ProbeLoss:
        """Return the meaning of a machine accepting an answer to what it has not asked."""
        cause = f"arrives from {format_ip(visit.last.source)}, which belongs to no connection"
        return self._loss(Outcome.NAT_APPLIED, space, cause, back=True)

    def _loss(self, outcome: Outcome, space: str, cause: str, *, back: bool) -> ProbeLoss:
        return ProbeLoss(outcome=outcome, node=self._owners[space], back=back, cause=cause)

    def _ask(self, space: str, source: int, destination: int, incoming: int) -> RouteAnswer:
        key = (space, source, destination, incoming)
        if key not in self._answers:
            with self._spaces.enter(space):
                self._answers[key] = ask_route(source, destination, incoming)
        return self._answers[key]

    def _name(self, space: str, interface: int) -> str:
        if (space, interface) not in self._names:
            with self._spaces.enter(space):
                self._names[space, interface] = socket.if_indextoname(interface)
        return self._names[space, interface]

    def _misrouted(self, visit: Visit, *, back: bool) -> Iterator[ProbeLoss]:
        """Losses by the routing decision: asked again, the kernel tells why it takes a packet no further."""
        if visit.space.startswith(OUTSIDE):
            yield self._loss(Outcome.NO_ROUTE, visit.space, "leaves for the internet", back=back)
            return
        source, destination = visit.routed.ends
        number = self._ask(visit.space, source, destination, visit.incoming).error
        interface = self._name(visit.space, visit.incoming)
        with self._spaces.enter(visit.space):
            forwards = _parameter(interface, "forwarding").read_text(encoding="ascii").strip() != "0"
        if self._minds_source(visit.space, source, destination, visit.incoming):
            yield self._minded(visit.space, source, interface, back=back)
        elif number and not forwards:
            yield self._loss(Outcome.FORWARDING_OFF, visit.space, f"forwarding is 0 on {interface}", back=back)
        else:
            yield from self.refused(visit.space, number, back=back)

    def _undelivered(self, visit: Visit, *, back: bool, tunnel: TunnelLosses) -> Iterator[ProbeLoss]:
        """Yield packets that left a machine and were never seen again."""
        interface = self._name(visit.space, visit.outgoing)
        if interface == OVERLAY:
            yield from tunnel(visit.space, visit.last.destination)
            return
        source, destination = visit.routed.ends
        answer = self._ask(visit.space, source, destination, visit.incoming)
        gateway = answer.gateway if answer.gateway is not None else destination
        target = format_ip(gateway)
        state = self._neighbours_of(visit.space).get((target, interface), "")
        node = self._owners[visit.space]
        if state in _NO_NEIGHBOUR and visit.space == pods_of(node) and self._ignores_pods(node, source, gateway):
            yield self._minded(node, source, PODS, back=back)
        elif state in _NO_NEIGHBOUR:
            cause = f"{target} on {interface} does not answer ARP ({state})"
            yield self._loss(Outcome.ARP_UNANSWERED, visit.space, cause, back=back)

    def _ignores_pods(self, node: str, source: int, gateway: int) -> bool:
        """Return whether the source is why a node answers its own pods nothing: it would drop their packets as well."""
        with self._spaces.enter(node):
            bridge = socket.if_nametoindex(PODS)
        return self._minds_source(node, source, gateway, bridge)

    def _minds_source(self, space: str, source: int, destination: int, incoming: int) -> bool:
        """Return whether rp_filter alone keeps a machine from taking a packet."""
        if self._ask(space, source, destination, incoming).error not in (errno.EINVAL, errno.EXDEV):
            return False
        interface = self._name(space, incoming)
        with self._spaces.enter(space):
            return _passes_if_lenient(interface, source, destination, incoming)

    def _minded(self, space: str, source: int, interface: str, *, back: bool) -> ProbeLoss:
        cause = f"the kernel takes {format_ip(source)} on {interface} only without rp_filter"
        return self._loss(Outcome.RPF_DROP, space, cause, back=back)

    def _neighbours_of(self, space: str) -> dict[tuple[str, str], str]:
        if space not in self._neighbours:
            shown = json.loads(self._spaces.output(space, ["ip", "-json", "-4", "neigh", "show"]) or "[]")
            self._neighbours[space] = {(row["dst"], row["dev"]): " ".join(row["state"]) for row in shown}
        return self._neighbours[space]


def _circles(visits: Sequence[Visit]) -> Iterator[tuple[str, str]]:
    """The namespaces that a packet came to until its time to live ended: there it is seen with less and less of it.

    One that comes back and is dropped for another reason goes round in no circles.
    """
    lives: dict[tuple[str, int], set[int]] = {}
    if all(visit.first.ttl > 1 for visit in visits):
        return
    for visit in visits:
        lives.setdefault((visit.space, visit.incoming), set()).add(visit.first.ttl)
    for (space, _), found in lives.items():
        if len(found) > 1:
            yield space, f"comes {len(found)} times, with a time to live of {max(found)} down to {min(found)}"


def _goes_on(visit: Visit, visits: Iterable[Visit]) -> bool:
    """Return whether what left comes in in another namespace, as it left; where it came from it had longer to live."""
    return any(
        other.space != visit.space
        and "enters" in other.marks
        and (other.first.ends, other.first.ttl) == (visit.last.ends, visit.last.ttl)
        for other in visits
    )


def _parameter(interface: str, key: str) -> Path:
    return Path(f"/proc/sys/net/ipv4/conf/{interface}/{key}")


def _passes_if_lenient(interface: str, source: int, destination: int, incoming: int) -> bool:
    """Return whether this thread's kernel takes the packet once it checks no source any more; for the question only."""
    paths = {_parameter(name, key): value for name in ("all", interface) for key, value in _LENIENT.items()}
    before = {path: path.read_text(encoding="ascii") for path in paths}
    try:
        for path, value in paths.items():
            path.write_text(value, encoding="ascii")
        return ask_route(source, destination, incoming).error not in (errno.EINVAL, errno.EXDEV)
    finally:
        for path, value in before.items():
            path.write_text(value, encoding="ascii")
