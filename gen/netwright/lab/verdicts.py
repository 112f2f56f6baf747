"""Verdicts of the kernel next to verify's predictions: flow by flow, for people and for machines."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from netwright.lab.probes import NAMES, Probe, Seen, Trial
from netwright.text.counting import count
from netwright.text.envelope import render_envelope
from netwright.text.report import printable
from netwright.verify.proof.printing import NO_FLOW, NO_PAIR
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.wiring import Flow

_SHOWN = 5


class Measured(Struct, frozen=True, kw_only=True):
    """A flow's trial and what became of each of its probes."""

    trial: Trial
    seen: tuple[Seen, ...]

    def disagreements(self) -> Iterator[tuple[Probe, Seen]]:
        """The probes of which the kernel made something else than verify."""
        return (pair for pair in zip(self.trial.probes, self.seen, strict=True) if not agrees(*pair))

    def unwanted(self) -> Iterator[tuple[Probe, Seen]]:
        """The probes that became something else than the flow wants."""
        pairs = zip(self.trial.probes, self.seen, strict=True)
        return ((probe, seen) for probe, seen in pairs if not is_wanted(self.trial.flow, probe, seen))

    @property
    def predicted_wanted(self) -> int:
        """Number of probes that do what the flow wants, as verify predicts."""
        probes = (probe for probe in self.trial.probes if probe.predicted is not None)
        return sum(is_wanted(self.trial.flow, probe, probe.predicted) for probe in probes if probe.predicted)

    @property
    def measured_wanted(self) -> int:
        """Number of probes that did what the flow wants."""
        return len(self.seen) - sum(1 for _ in self.unwanted())

    @property
    def fine(self) -> bool:
        """Return whether verify and kernel agree, and all is as the flow wants. Nothing tried proves nothing."""
        return bool(self.seen) and self.agreed and self.measured_wanted == len(self.seen)

    @property
    def agreed(self) -> bool:
        """Return whether verify and kernel agree."""
        return not any(True for _ in self.disagreements())


def combine(rounds: Sequence[Measured]) -> Measured:
    """One flow's trials in several forms of a network as one."""
    first = rounds[0].trial
    trial = replace(
        first,
        probes=tuple(probe for one in rounds for probe in one.trial.probes),
        classes=sum(one.trial.classes for one in rounds),
        unsent=sum(one.trial.unsent for one in rounds),
    )
    return Measured(trial=trial, seen=tuple(seen for one in rounds for seen in one.seen))


def agrees(probe: Probe, seen: Seen) -> bool:
    """Return whether the kernel did as verify predicted, for the same reason as far as that was measured; what verify
    does not know agrees with nothing. An address that is not where it should be is a fault whatever packets do."""
    if probe.misplaced or (probe.uncertain and seen.answered):
        return True
    return probe.predicted is not None and any(_is_as(seen, one) for one in (probe.predicted, *probe.others))


def _is_as(seen: Seen, predicted: Seen) -> bool:
    if not seen.is_like(predicted):
        return False
    return predicted.loss is None or seen.loss is None or not predicted.loss.contradicts(seen.loss)


def is_wanted(flow: Flow, probe: Probe, seen: Seen) -> bool:
    """Return whether a conversation went as wanted: both ways and with the sender's own address where NAT is not
    allowed, or nothing at all."""
    if not flow.must_arrive:
        return seen.at is None or (probe.landing is not None and not _lands(probe, seen))
    if probe.misplaced and (probe.home is None or seen.at != probe.home.machine.name):
        return False
    if probe.landing is not None and not _lands(probe, seen):
        return False
    return seen.answered and (flow.nat_allowed or seen.source == probe.source)


def _lands(probe: Probe, seen: Seen) -> bool:
    """Return whether what was sent to another address came to its receiver."""
    return probe.home is not None and seen.at == probe.home.machine.name


def render_text(measured: Sequence[Measured], remarks: Sequence[str]) -> str:
    """A table of the flows, then where verify and the kernel disagree, or what is not as wanted."""
    head = ("flow", "wanted", "tried", "predicted", "measured", "reasons of losses", "agree")
    rows = [head, *(_row(one) for one in measured)] if measured else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for one in measured:
        lines += _complaint_lines(one)
    lines += ["", *remarks] if remarks else []
    lines += ["", *_summary(measured)]
    return "\n".join(printable(line) for line in lines).lstrip("\n") + "\n"


def _summary(measured: Sequence[Measured]) -> tuple[str, ...]:
    if not measured:
        return (*NO_FLOW, "", "there is nothing to send")
    fine, agreed = sum(one.fine for one in measured), sum(one.agreed for one in measured)
    works = f"{count(len(measured), 'flow')} {'works' if len(measured) == 1 else 'work'} as wanted"
    return (f"{fine} of {works}; verify and the kernel agree about {count(agreed, 'flow')}",)


def _row(one: Measured) -> tuple[str, ...]:
    trial, tried = one.trial, len(one.seen)
    return (
        trial.flow.name,
        "arrives" if trial.flow.must_arrive else "is blocked",
        f"{tried} of {trial.classes}",
        f"{one.predicted_wanted} as wanted",
        f"{one.measured_wanted} as wanted",
        _reasons(one),
        "yes" if one.agreed else "NO",
    )


def _reasons(one: Measured) -> str:
    """Number of failed conversations for which the kernel gave a reason."""
    failing = [seen for seen in one.seen if not seen.answered]
    return f"{sum(seen.loss is not None for seen in failing)} of {len(failing)} measured" if failing else "-"


def _complaint_lines(one: Measured) -> Iterator[str]:
    disagreements = [*one.disagreements()]
    faults = disagreements or [*one.unwanted()]
    if not one.trial.classes:
        yield from ("", f"{one.trial.flow.name}: nothing to send: {NO_PAIR}")
    if faults:
        what = "differ from verify's prediction" if disagreements else "are not as wanted"
        yield ""
        yield f"{one.trial.flow.name}: {len(faults)} of {len(one.seen)} {what}:"
    for probe, seen in faults[:_SHOWN]:
        yield f"  {probe}"
        yield f"    measured: {seen}{f' ({seen.loss})' if seen.loss else ''}"
        predicted = f"{probe.predicted} " if probe.predicted is not None else ""
        yield f"    verify: {predicted}({probe.reason})"
    if len(faults) > _SHOWN:
        yield f"  and {len(faults) - _SHOWN} more"


def render_json(measured: Sequence[Measured], remarks: Sequence[str], kept: str | None) -> str:
    """One JSON object: fine, flows (each with its probes), remarks, and the id of a lab that stands."""
    document = {
        "fine": all(one.fine for one in measured),
        "flows": [
            {
                "name": one.trial.flow.name,
                "must_arrive": one.trial.flow.must_arrive,
                "classes": one.trial.classes,
                "tried": len(one.seen),
                "agreed": one.agreed,
                "fine": one.fine,
                "predicted_wanted": one.predicted_wanted,
                "measured_wanted": one.measured_wanted,
                "probes": [
                    probe_object(one.trial.flow, *pair) for pair in zip(one.trial.probes, one.seen, strict=True)
                ],
            }
            for one in measured
        ],
        "remarks": list(remarks),
        "kept": kept,
    }
    return render_envelope(document)


def probe_object(flow: Flow, probe: Probe, seen: Seen) -> dict[str, Any]:
    """One conversation, as JSON has it."""
    return {
        "protocol": NAMES[probe.protocol],
        "source": format_ip(probe.source),
        "destination": format_ip(probe.destination),
        "port": probe.port or None,
        "predicted": _seen_object(probe.predicted) if probe.predicted is not None else None,
        "reason": probe.reason,
        "measured": _seen_object(seen),
        "measured_reason": str(seen.loss) if seen.loss is not None else None,
        "agrees": agrees(probe, seen),
        "wanted": is_wanted(flow, probe, seen),
    }


def _seen_object(seen: Seen) -> dict[str, Any]:
    source = format_ip(seen.source) if seen.source is not None else None
    return {"at": seen.at, "source": source, "answered": seen.answered}
