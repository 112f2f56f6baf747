"""Report of booted machines' flows next to verify's verdicts, for people and for machines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from netwright.lab.booted.moving import Move
from netwright.lab.booted.rounds import Booted, Round
from netwright.lab.probes import Probe, Seen
from netwright.lab.verdicts import Measured, agrees, probe_object
from netwright.text.envelope import render_envelope
from netwright.text.report import printable
from netwright.verify.proof.printing import NO_FLOW
from netwright.verify.values.addresses import format_ip

_SHOWN = 5


class FlowInRounds(Struct, frozen=True, kw_only=True):
    """One flow: whether verify has proved it, and what became of it in each round."""

    proved: bool
    measured: Mapping[str, Measured]

    @property
    def name(self) -> str:
        """The flow's name."""
        return next(iter(self.measured.values())).trial.flow.name

    @property
    def must_arrive(self) -> bool:
        """Return whether the flow is to arrive."""
        return next(iter(self.measured.values())).trial.flow.must_arrive

    @property
    def holds(self) -> bool:
        """Return whether all that was tried did what the flow wants. Nothing tried shows nothing."""
        return all(one.seen and one.measured_wanted == len(one.seen) for one in self.measured.values())

    @property
    def agreed(self) -> bool:
        """Return whether nothing contradicts verify: neither its verdict, nor its prediction of a conversation."""
        tried = any(one.seen for one in self.measured.values())
        return not any(True for _ in self.disagreements()) and not (self.proved and tried and not self.holds)

    def disagreements(self) -> Iterator[tuple[str, Probe, Seen]]:
        """Return the results that differ from verify's, by round; it predicts nothing of some conversations."""
        for name, one in self.measured.items():
            for probe, seen in one.disagreements():
                if probe.predicted is not None:
                    yield name, probe, seen

    def unwanted(self) -> Iterator[tuple[str, Probe, Seen]]:
        """Return the results that the flow does not want, by round."""
        for name, one in self.measured.items():
            yield from ((name, *pair) for pair in one.unwanted())


def compare(booted: Booted, proved: Mapping[str, bool]) -> tuple[FlowInRounds, ...]:
    """Every flow's comparison; `proved` is verify's verdict by the flow's name."""
    flows = zip(*(one.measured for one in booted.rounds), strict=True)
    return tuple(_compare(booted.rounds, measured, proved) for measured in flows)


def _compare(rounds: Sequence[Round], measured: Sequence[Measured], proved: Mapping[str, bool]) -> FlowInRounds:
    by_round = {one.name: found for one, found in zip(rounds, measured, strict=True)}
    return FlowInRounds(proved=proved[measured[0].trial.flow.name], measured=by_round)


def is_fine(compared: Sequence[FlowInRounds], moves: Sequence[Move]) -> bool:
    """Return whether every flow is proved, works, and does what verify predicts, and every address moves."""
    return all(one.proved and one.holds and one.agreed for one in compared) and all(one.works for one in moves)


def render_text(compared: Sequence[FlowInRounds], moves: Sequence[Move], remarks: Sequence[str]) -> str:
    """A table of the flows, then where verify and the machines disagree, or what is not as wanted; the moves."""
    names = [*compared[0].measured] if compared else []
    rows = [("flow", "wanted", "verify", *names, "agree"), *map(_row, compared)] if compared else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for one in compared:
        lines += _complaints(one)
    lines += ["", *map(str, moves)] if moves else []
    lines += ["", *remarks] if remarks else []
    agreed, held = sum(one.agreed for one in compared), sum(one.holds for one in compared)
    summary = f"{held} of {len(compared)} flows work as wanted; verify and the machines agree about {agreed}"
    lines += ["", summary] if compared else ["", *NO_FLOW, "there is nothing to send"]
    return "\n".join(printable(line) for line in lines).lstrip("\n") + "\n"


def _row(one: FlowInRounds) -> tuple[str, ...]:
    counts = (f"{found.measured_wanted} of {len(found.seen)}" for found in one.measured.values())
    wanted = "arrives" if one.must_arrive else "is blocked"
    return one.name, wanted, "proved" if one.proved else "not proved", *counts, "yes" if one.agreed else "NO"


def _complaints(one: FlowInRounds) -> Iterator[str]:
    disagreements, unwanted = [*one.disagreements()], [*one.unwanted()]
    faults = disagreements or unwanted
    if not faults:
        return
    if disagreements:
        what = "differ from verify's prediction"
    else:
        what = "are not as wanted, though verify has proved the flow" if one.proved else "are not as wanted"
    yield from ("", f"{one.name}: {len(faults)} conversations {what}:")
    for name, probe, seen in faults[:_SHOWN]:
        yield f"  {probe} ({name})"
        yield f"    measured: {seen}{f' ({seen.loss})' if seen.loss else ''}"
        yield f"    verify: {f'{probe.predicted} ' if probe.predicted is not None else ''}({probe.reason})"
    if len(faults) > _SHOWN:
        yield f"  and {len(faults) - _SHOWN} more"


def render_json(compared: Sequence[FlowInRounds], moves: Sequence[Move], remarks: Sequence[str]) -> str:
    """One JSON object: fine, flows (each with its rounds, each with its conversations), moves, remarks."""
    document = {
        "fine": is_fine(compared, moves),
        "flows": [
            {
                "name": one.name,
                "must_arrive": one.must_arrive,
                "proved": one.proved,
                "holds": one.holds,
                "agreed": one.agreed,
                "rounds": [_round_object(name, found) for name, found in one.measured.items()],
            }
            for one in compared
        ],
        "moves": [
            {
                "address": format_ip(one.ip),
                "from": one.left or None,
                "to": list(one.holders),
                "port": one.port,
                "asker": one.asker,
                "seconds": None if one.seconds is None else round(one.seconds, 2),
                "works": one.works,
            }
            for one in moves
        ],
        "remarks": list(remarks),
    }
    return render_envelope(document)


def _round_object(name: str, measured: Measured) -> dict[str, Any]:
    pairs = [*zip(measured.trial.probes, measured.seen, strict=True)]
    return {
        "name": name,
        "conversations": measured.trial.classes,
        "tried": len(pairs),
        "wanted": measured.measured_wanted,
        "disagreements": sum(probe.predicted is not None and not agrees(probe, seen) for probe, seen in pairs),
        "probes": [probe_object(measured.trial.flow, *pair) for pair in pairs],
    }
