"""A judgement as GitHub's workflow commands, which show findings at the lines of a change."""

from collections.abc import Iterator

from netwright.compare.drift import OUTDATED, Drift
from netwright.text.annotations import annotation
from netwright.text.report import printable
from netwright.verdict_formats.judgement import Judgement
from netwright.verdict_formats.places import Place, in_topology, nearest, places_of
from netwright.verdict_formats.sarif import NOT_JUDGED
from netwright.verify import Finding
from netwright.verify.proof.printing import finding_lines, flow_verdict, verification_summary
from netwright.verify.values.facts import Origin


def render_github(judgement: Judgement) -> str:
    """A command for each finding, each flow that could not be judged and a stale OUT; then the closing line."""
    verification = judgement.verification
    commands = [
        _show(str(finding.severity), _place(judgement, finding.origins) or nearest(judgement, finding), kind, message)
        for finding in verification.findings
        for kind, message in [(str(finding.kind), _message(finding))]
    ]
    commands += [
        _show("error", in_topology(judgement, ("flows", result.flow.name)), NOT_JUDGED, text)
        for result in verification.flows
        if not result.classes
        for text in [f"{result.flow.name}: {flow_verdict(result)}"]
    ]
    if judgement.drift is not None:
        commands += _outdated(judgement, judgement.drift)
    return "".join((*commands, f"{printable(verification_summary(verification))}\n"))


def _outdated(judgement: Judgement, drift: Drift) -> Iterator[str]:
    start = Place(path=judgement.topology.name, line=1)
    origins = [Origin(file=file, line=0) for file in drift.files]
    yield _show("warning", _place(judgement, origins) or start, OUTDATED, "\n".join((drift.cause, *drift.files)))


def _message(finding: Finding) -> str:
    """The finding's lines, without the severity that the command names."""
    return "\n".join(finding_lines(finding)).removeprefix(f"{finding.severity}: ")


def _place(judgement: Judgement, origins: tuple[Origin, ...] | list[Origin]) -> Place | None:
    return next(places_of(judgement, origins), None)


def _show(severity: str, place: Place, title: str, message: str) -> str:
    return annotation(severity, file=place.path, line=place.line, title=title, message=message)
