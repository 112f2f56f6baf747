"""Every trial in a standing lab: what became of its probes, and why those fail that do."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from netwright.lab.applying import Progress
from netwright.lab.building import Lab
from netwright.lab.cabling import outsides
from netwright.lab.containers import rooms_of
from netwright.lab.losses import Kernels
from netwright.lab.probes import Probe, ProbeLoss, Seen, Trial
from netwright.lab.sending import ARP_PATIENCE, BATCH, PATIENCE, Post, Talk
from netwright.lab.surroundings import pods_of
from netwright.lab.tracing import TUNNEL_PORT, Tracer, Visit
from netwright.lab.tunnels import forget_peers
from netwright.lab.verdicts import Measured, agrees
from netwright.verify.network_model.network import Network
from netwright.verify.values.packets import UDP

_ALONE, _TIMES, _CONFIRMED = 60, 2, 8
"""Number of surprises sent once more, alone, for a neighbour that one conversation makes known helps another; how
often, for an earlier one may still send; and after how many that stay so it is enough."""


def measure(lab: Lab, trials: Sequence[Trial], progress: Progress) -> tuple[Measured, ...]:
    """Return the kernel's results for the trials."""
    network = lab.plan.network
    owners = {name: name for name in network.machines}
    owners |= {pods_of(name): name for name, machine in network.machines.items() if machine.pods}
    owners |= rooms_of(network.wiring)
    owners |= {space: way_out.node for space, way_out in outsides(network.wiring).items()}
    probes = [probe for trial in trials for probe in trial.probes]
    seen = iter(_measure(lab, owners, probes, progress))
    return tuple(Measured(trial=trial, seen=tuple(next(seen) for _ in trial.probes)) for trial in trials)


def _measure(lab: Lab, owners: Mapping[str, str], probes: Sequence[Probe], progress: Progress) -> list[Seen]:
    """Return the result of every probe. Those that fail, or are to fail, are sent while the kernels are watched."""
    seen: dict[int, Seen] = {}
    confirmed = 0
    with contextlib.ExitStack() as opened:
        post = Post(lab.spaces, owners, opened)
        hopeful = [number for number, probe in enumerate(probes) if probe.predicted and probe.predicted.answered]
        for batch in _batches(hopeful, "sending", progress):
            seen.update(zip(batch, (talk.seen for talk in post.send([probes[one] for one in batch])), strict=True))
        doubtful = [
            number
            for number, probe in enumerate(probes)
            if number not in seen or not seen[number].is_like(probe.predicted)
        ]
        if doubtful:
            tracer = opened.enter_context(contextlib.closing(Tracer(lab.spaces, owners)))
            _forget_neighbours(lab)
            for batch in _batches(doubtful, "sending what may fail", progress):
                seen.update(_send_watched(lab, owners, post, tracer, {one: probes[one] for one in batch}))
            odd = [one for one in doubtful if probes[one].predicted is not None and not agrees(probes[one], seen[one])]
            for count, one in enumerate(odd[:_ALONE]):
                progress("sending once more, alone", count, len(odd[:_ALONE]))
                for _ in range(_TIMES):
                    _forget_neighbours(lab)
                    forget_peers(lab.spaces, [guest.configuration for guest in lab.plan.guests], lab.keyring)
                    seen.update(_send_watched(lab, owners, post, tracer, {one: probes[one]}, patience=ARP_PATIENCE))
                    if agrees(probes[one], seen[one]):
                        break
                confirmed += not agrees(probes[one], seen[one])
                if confirmed == _CONFIRMED:
                    break
    return [seen[number] for number in range(len(probes))]


def _forget_neighbours(lab: Lab) -> None:
    for name in lab.spaces.names:
        lab.spaces.ip(name, ["neigh flush all"])


def _send_watched(
    lab: Lab,
    owners: Mapping[str, str],
    post: Post,
    tracer: Tracer,
    probes: Mapping[int, Probe],
    *,
    patience: float = PATIENCE,
) -> Iterator[tuple[int, Seen]]:
    """Return the results of the probes, and the reasons."""
    talks = [*post.send([*probes.values()], patience=patience)]
    watch = _Watch(lab, owners, talks, [*tracer.visits()])
    return zip(probes, map(watch.explained, talks), strict=True)


def _batches(numbers: Sequence[int], what: str, progress: Progress) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), BATCH):
        progress(what, start, len(numbers))
        yield numbers[start : start + BATCH]


class _Watch:
    """Record of what the kernels did with the packets of some conversations."""

    def __init__(self, lab: Lab, owners: Mapping[str, str], talks: Sequence[Talk], visits: Sequence[Visit]) -> None:
        """Sorts the visits by conversation and direction, those of tunnels by their ends."""
        self._network, self._owners = lab.plan.network, owners
        self._kernels = Kernels(lab.spaces, owners)
        by_key = {(talk.probe.protocol, talk.number): talk.number for talk in talks}
        self._ways: dict[tuple[int, bool], list[Visit]] = defaultdict(list)
        self._tunnels: dict[tuple[int, int], list[Visit]] = defaultdict(list)
        for visit in visits:
            packet = visit.first
            there, back = (packet.protocol, packet.sport), (packet.protocol, packet.dport)
            if packet.protocol == UDP and packet.dport == TUNNEL_PORT and there not in by_key:
                self._tunnels[packet.ends].append(visit)
            elif there in by_key and not packet.answers:
                self._ways[packet.sport, False].append(visit)
            elif back in by_key:
                self._ways[packet.dport, True].append(visit)

    def explained(self, talk: Talk) -> Seen:
        """Return the result of a conversation, and the reason: of several the one that verify gives, if it is
        among them, else the first."""
        seen = talk.seen
        if seen.answered and seen.at is not None:
            return seen
        losses = [*self._losses(talk)]
        predicted = talk.probe.predicted.loss if talk.probe.predicted is not None else None
        fitting = (loss for loss in losses if predicted is not None and not predicted.contradicts(loss))
        return replace(seen, loss=next(fitting, losses[0] if losses else None))

    def _losses(self, talk: Talk) -> Iterator[ProbeLoss]:
        there, back = self._ways[talk.number, False], self._ways[talk.number, True]
        if not there:
            yield from self._kernels.refused(talk.home, talk.refusal, back=False)
        yield from self._kernels.losses(there, back=False, tunnel=self._tunnel(back=False))
        probe = talk.probe
        takers = [visit for visit in there if "is_taken" in visit.marks and visit.space != talk.home]
        if takers and not back:
            packet = takers[0].last
            yield from self._kernels.unanswered(takers[0].space, packet.destination, packet.source)
        yield from self._kernels.losses(back, back=True, tunnel=self._tunnel(back=True))
        for visit in back:
            if "is_taken" in visit.marks and (visit.space, *visit.last.ends) != (
                talk.home,
                probe.destination,
                probe.source,
            ):
                yield self._kernels.foreign(visit.space, visit)

    def _tunnel(self, *, back: bool) -> Callable[[str, int], Iterator[ProbeLoss]]:
        def losses(space: str, inner: int) -> Iterator[ProbeLoss]:
            owner = self._network.pod_network(inner)
            for (source, destination), visits in self._tunnels.items():
                nodes = [_owner(self._network, ip) for ip in (source, destination)]
                if owner is not None and nodes == [self._owners[space], owner.node]:
                    yield from self._kernels.losses(visits, back=back, tunnel=lambda _space, _inner: ())

        return losses


def _owner(network: Network, ip: int) -> str | None:
    machine = network.owners.get(ip)
    return machine.name if machine is not None else None
