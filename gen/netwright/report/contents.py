"""Contents of the page, as values: flows with their ways, findings with their repairs, changes, and matrices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct

from netwright.compare.change import Change, ChangeKind, Comparison, describe_courses, describe_packets
from netwright.explain import describe_flow
from netwright.matrix.matrix import CellReason, Matrix
from netwright.matrix.shades import title
from netwright.production.production import Production
from netwright.repair.repair import Repair, describe_repair
from netwright.report.both import ShownPair
from netwright.report.followed import Followed, follow_packets
from netwright.report.grid import MOST_REASONS, Shade, Table, details, legend, make_table
from netwright.report.lines import Line, Lines
from netwright.report.overlay import Mark, draw_overlaid
from netwright.report.ways import ShownWay, choose_ways, most_ways, show_example
from netwright.text.counting import count, list_some
from netwright.text.report import Severity
from netwright.topology.resolved import ResolvedTopology
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Finding, FlowResult
from netwright.verify.network_model.network import Network
from netwright.verify.proof.printing import errors_without_flow, flow_line, flow_verdict, proved_flows
from netwright.verify.proof.symmetry import find_symmetry
from netwright.verify_input.world import World

_NAMES, _PLACES = 8, 8
"""Most nodes that a finding names, and most places."""


class ShownFlow(Struct, frozen=True, kw_only=True):
    """A flow: what it asks for, its verdict (`kind`: holds, refused, fails, unjudged), short and in full, and ways.
    `pairs` are packets whose way differs from another state's, `followed` the links of these and others, `changes` what
    that does to the flow."""

    number: int
    name: str
    summary: str
    kind: str
    word: str
    verdict: str
    drawn: bool
    ways: tuple[ShownWay, ...]
    pairs: tuple[ShownPair, ...]
    followed: Followed
    changes: tuple[str, ...]


class ShownFinding(Struct, frozen=True, kw_only=True):
    """A finding: its severity and kind, where it is, why, which flows (by name) it affects, lines, and an example."""

    severity: str
    kind: str
    where: str
    cause: str
    flows: tuple[str, ...]
    pairs: str
    lines: tuple[Line, ...]
    more: int
    differences: tuple[str, ...]
    example: ShownWay | None


class ShownRepair(Struct, frozen=True, kw_only=True):
    """A repair in a sentence, and the lines to type."""

    text: str
    typed: str


class ShownChange(Struct, frozen=True, kw_only=True):
    """A change of a flow's verdict or way since another state: what it does, to which packets, before and now. `pairs`
    are packets of a flow that today's topology has not."""

    flow: str
    kind: str
    urgent: bool
    packets: str
    before: str
    after: str
    pairs: tuple[ShownPair, ...]


class Against(Struct, frozen=True, kw_only=True):
    """What OUT was compared with, and what differs."""

    state: str
    changes: tuple[ShownChange, ...]
    notes: tuple[str, ...]


class Contents(Struct, frozen=True, kw_only=True):
    """All that the page shows. `picture` is SVG; `data` is what the script tells of cells."""

    name: str
    topology: str
    out: str
    proved: bool
    headline: str
    counts: tuple[str, ...]
    drift: tuple[str, ...]
    picture: str
    flows: tuple[ShownFlow, ...]
    findings: tuple[ShownFinding, ...]
    repairs: tuple[ShownRepair, ...]
    search: str
    against: Against | None
    title: str
    tables: tuple[Table, ...]
    legend: tuple[Shade, ...]
    reasons: tuple[tuple[CellReason, int], ...]
    more_reasons: int
    note: str
    data: Mapping[str, object]
    assumptions: tuple[str, ...]

    def number_of(self, flow: str) -> int:
        """Return the number of a flow, 0 if the page has none of that name."""
        return next((one.number for one in self.flows if one.name == flow), 0)


def gather(
    production: Production,
    judgement: Judgement,
    network: Network,
    matrices: Sequence[tuple[str, Matrix]],
    note: str,
    *,
    pairs: Mapping[str, tuple[ShownPair, ...]],
    was: ResolvedTopology | None = None,
) -> Contents:
    """The contents of the page of a judgement. Ways are walked in `network`; matrices come under a heading each.
    `pairs` are packets by flow whose way differs from that in the state that it is compared with, `was` is the topology
    of that, None if it is not known."""
    verification, lines = judgement.verification, Lines(judgement.out)
    flows = tuple(_flows(production, judgement, network, lines=lines, pairs=pairs, was=was or production.resolved))
    reasons = matrices[-1][1].reasons() if matrices else ()
    return Contents(
        name=production.resolved.topology.name,
        topology=judgement.topology.name,
        out=judgement.out,
        proved=verification.proved,
        headline=_headline(judgement),
        counts=tuple(_counts(production, judgement)),
        drift=tuple(judgement.drift.lines()) if judgement.drift is not None else (),
        picture=draw_overlaid(
            production.resolved, production.derivation.passages, _marks(production, flows, verification.findings)
        ),
        flows=flows,
        findings=tuple(_finding(one, lines) for one in verification.findings),
        repairs=_repairs(judgement.search.repairs) if judgement.search is not None else (),
        search=judgement.search.summary if judgement.search is not None else "",
        against=_against(judgement.comparison, pairs, {one.name for one in flows}),
        title=title(matrices[0][1]) if matrices else "",
        tables=tuple(make_table(heading, matrix) for heading, matrix in matrices),
        legend=legend([matrix for _, matrix in matrices]),
        reasons=reasons[:MOST_REASONS],
        more_reasons=max(len(reasons) - MOST_REASONS, 0),
        note=note,
        data=details([matrix for _, matrix in matrices]),
        assumptions=verification.assumptions,
    )


def _headline(judgement: Judgement) -> str:
    faults = errors_without_flow(judgement.verification)
    words = proved_flows(judgement.verification)
    return f"{words}, {count(len(faults), 'fault')} that no flow met" if faults else words


def _counts(production: Production, judgement: Judgement) -> Iterator[str]:
    findings = judgement.verification.findings
    errors = sum(one.severity is Severity.ERROR for one in findings)
    yield count(len(production.resolved.nodes), "node")
    yield count(len(production.resolved.networks), "network")
    yield count(errors, "error")
    yield count(len(findings) - errors, "warning")


def _flows(
    production: Production,
    judgement: Judgement,
    network: Network,
    *,
    lines: Lines,
    pairs: Mapping[str, tuple[ShownPair, ...]],
    was: ResolvedTopology,
) -> Iterator[ShownFlow]:
    summaries = {flow.name: describe_flow(flow) for flow in production.resolved.topology.flows}
    results = judgement.verification.flows
    world, symmetry, most = World(network), find_symmetry(network), most_ways(len(results))
    changes = judgement.comparison.changes if judgement.comparison is not None else ()
    for number, result in enumerate(results, 1):
        flow, both = result.flow, pairs.get(result.flow.name, ())
        rest = max(most - 2 * len(both), 0)
        ways = choose_ways(world, symmetry, flow, judgement.verification.findings, most, lines=lines)
        yield ShownFlow(
            number=number,
            name=flow.name,
            summary=summaries.get(flow.name, ""),
            kind=_kind(result),
            word=flow_verdict(result),
            verdict=flow_line(result).removeprefix(f"{flow.name}: "),
            drawn=flow.name in summaries,
            ways=tuple(way for way in ways if way.packet not in {pair.packet for pair in both})[:rest],
            pairs=both,
            followed=follow_packets(was, production.resolved, both, ways, result.classes),
            changes=tuple(dict.fromkeys(str(one.kind) for one in changes if one.flow == flow.name)),
        )


def _kind(result: FlowResult) -> str:
    if not result.classes:
        return "unjudged"
    if not result.proved:
        return "fails"
    return "holds" if result.flow.must_arrive else "refused"


def _marks(production: Production, flows: Iterable[ShownFlow], findings: Sequence[Finding]) -> Iterator[Mark]:
    known = {flow.name: flow for flow in production.resolved.topology.flows}
    errors = [one for one in findings if one.severity is Severity.ERROR]
    for shown in flows:
        if shown.drawn:
            stops = frozenset(node for one in errors if shown.name in one.flows for node in one.nodes)
            yield Mark(
                number=shown.number, flow=known[shown.name], kind=shown.kind, stops=stops, followed=shown.followed
            )


def _finding(finding: Finding, lines: Lines) -> ShownFinding:
    return ShownFinding(
        severity=str(finding.severity),
        kind=str(finding.kind),
        where=list_some(finding.nodes, _NAMES),
        cause=finding.cause,
        flows=finding.flows,
        pairs=count(finding.pairs, "address pair") if finding.pairs else "",
        lines=tuple(lines.find(origin) for origin in finding.origins[:_PLACES]),
        more=max(len(finding.origins) - _PLACES, 0),
        differences=finding.differences,
        example=show_example(finding, lines) if finding.example is not None else None,
    )


def _repairs(repairs: Iterable[Repair]) -> tuple[ShownRepair, ...]:
    return tuple(ShownRepair(text=describe_repair(one), typed="\n".join(one.typed)) for one in repairs)


def _against(
    comparison: Comparison | None, pairs: Mapping[str, tuple[ShownPair, ...]], known: Set[str]
) -> Against | None:
    """What differs; packets of flows that are not `known` stand with the first change of each."""
    if comparison is None:
        return None
    notes = [f"{comparison.state} is wired by {comparison.topology}."] if comparison.topology is not None else []
    if comparison.flows_unknown:
        notes.append(f"{comparison.state} has no topology that can be read: today's flows are compared, and no others.")
    if comparison.absent:
        notes.append(f"{comparison.state} has no {list_some(comparison.absent, _NAMES)}.")
    lost = {name: shown for name, shown in pairs.items() if name not in known}
    changes = tuple(_change(one, lost.pop(one.flow, ())) for one in comparison.changes)
    return Against(state=comparison.state, changes=changes, notes=tuple(notes))


def _change(change: Change, pairs: tuple[ShownPair, ...]) -> ShownChange:
    before, after = describe_courses(change)
    return ShownChange(
        flow=change.flow,
        kind=str(change.kind),
        urgent=change.kind is ChangeKind.BREAKS,
        packets=describe_packets(change),
        before=before,
        after=after,
        pairs=pairs,
    )
