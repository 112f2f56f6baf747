"""A judgement as Markdown, for a comment on a change."""

from collections.abc import Iterator, Sequence

from netwright.compare.change import Comparison
from netwright.matrix.matrix import Cell, Matrix
from netwright.matrix.shades import SHORT, title
from netwright.repair.repair import Search, describe_repair
from netwright.text.counting import count
from netwright.text.markdown import code, fenced, folded, summary_code
from netwright.text.report import Severity
from netwright.verdict_formats.change_picture import draw_changes
from netwright.verdict_formats.change_words import behaviour, change_lines
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Finding, FlowResult, Verification
from netwright.verify.proof.printing import (
    NO_FLOW,
    errors_without_flow,
    finding_lines,
    finding_title,
    flow_verdict,
    proved_flows,
)

MOST_CHANGES, MOST_ROWS = 20, 50
"""Changes and flows that are told one by one."""
FINDINGS_LIMIT = 16_000
"""Characters of the findings; what is more is left to `netwright verify`."""


def render_markdown(judgement: Judgement) -> str:
    """The verdict; then what changed, the flows, what would repair them, and each finding folded up.

    Compared with another state, only what the change touches is shown: flows that fail, and new findings.
    """
    verification, comparison = judgement.verification, judgement.comparison
    lines = [f"### {_headline(judgement)}", ""]
    if judgement.drift is not None:
        sentence, *files = judgement.drift.lines()
        lines += [f"⚠️ {code(sentence)}", "", *fenced(files), ""]
    if comparison is not None:
        lines += _changes(comparison)
    shown = [one for one in verification.flows if comparison is None or not one.proved]
    lines += _flows(verification, shown)
    if judgement.search is not None:
        lines += ["", *_repairs(judgement.search)]
    if judgement.matrix is not None:
        lines += ["", *_table(judgement.matrix)]
    lines += _findings(verification, comparison.standing if comparison is not None else ())
    if comparison is None:
        lines += ["", *folded("This holds if", fenced([f"- {sentence}" for sentence in verification.assumptions]))]
    return "\n".join(lines).rstrip("\n") + "\n"


def render_picture(judgement: Judgement) -> str:
    """The ways that the change takes and gives; "" where there are none."""
    lines = draw_changes(judgement.comparison.changes) if judgement.comparison is not None else []
    legend = "dotted: the way before; thick: the way now"
    return "\n".join(["", *fenced(lines, "mermaid"), "", f"<sub>{legend}</sub>", ""]) if lines else ""


def _headline(judgement: Judgement) -> str:
    verification = judgement.verification
    faults = errors_without_flow(verification)
    told = proved_flows(verification) + (f", {count(len(faults), 'fault')} that no flow met" if faults else "")
    told = f"{'✅' if verification.proved else '❌'} {told[0].upper()}{told[1:]}"
    if judgement.comparison is None:
        return told
    return f"{told}; against {code(judgement.comparison.state)}: {behaviour(judgement.comparison)}"


def _flows(verification: Verification, shown: Sequence[FlowResult]) -> Iterator[str]:
    """A row for each flow to show, those that fail first, or how to state one."""
    if not verification.flows:
        sentence, example = NO_FLOW
        yield from (f"{sentence}:", "", f"    {example.strip()}")
        return
    if not shown:
        return
    yield from ("| | flow | verdict |", "|---|---|---|")
    rows = sorted(shown, key=lambda result: result.proved) if len(shown) > MOST_ROWS else shown
    for result in rows[:MOST_ROWS]:
        sign = "✅" if result.proved else "❌"
        yield f"| {sign} | {code(result.flow.name, in_table=True)} | {flow_verdict(result)} |"
    if len(shown) > MOST_ROWS:
        yield f"| | {len(shown) - MOST_ROWS} more | |"


def _changes(comparison: Comparison) -> Iterator[str]:
    """What flows lose and gain, and what could not be compared."""
    changes = comparison.changes
    yield from change_lines(changes[:MOST_CHANGES])
    if len(changes) > MOST_CHANGES:
        yield f"- and {len(changes) - MOST_CHANGES} more; `netwright verify --against` lists them"
    if comparison.flows_unknown:
        yield f"- {code(comparison.state)} has no topology that can be read: today's flows are compared, and no others"
    if comparison.absent:
        yield f"- {code(comparison.state)} has no {code(', '.join(comparison.absent[:8]))}"
    yield ""


def _repairs(search: Search) -> Iterator[str]:
    if search.summary:
        yield search.summary
        return
    yield from ("What would repair it, each generated and verified:", "")
    for repair in search.repairs:
        yield f"- {code(describe_repair(repair))}"
        if repair.typed:
            yield from ("", *(f"  {line}" for line in fenced(list(repair.typed))), "")


def _findings(verification: Verification, standing: Sequence[Finding]) -> list[str]:
    """The findings that the other state has not, folded up, and the number of the others."""
    lines, length = list[str](), 0
    fresh = [finding for finding in verification.findings if finding not in standing]
    for number, finding in enumerate(fresh):
        sign = "❌" if finding.severity is Severity.ERROR else "⚠️"
        section = folded(f"{sign} {summary_code(finding_title(finding))}", fenced(finding_lines(finding)))
        length += sum(map(len, section))
        if length > FINDINGS_LIMIT:
            lines += ["", f"... and {count(len(fresh) - number, 'finding')} more; see `netwright verify`."]
            break
        lines += ["", *section]
    if standing:
        errors = sum(one.severity is Severity.ERROR for one in standing)
        parts = [count(errors, "error")] if errors else []
        parts += [count(len(standing) - errors, "warning")] if len(standing) > errors else []
        verb = "stands" if len(standing) == 1 else "stand"
        lines += ["", f"{' and '.join(parts)} {verb} in both states; `netwright verify` shows them."]
    return lines


def _table(matrix: Matrix) -> Iterator[str]:
    """The matrix; a cell names what stops most of its pairs."""
    yield from (f"{title(matrix)}, rows to columns, there and back:", "")
    yield f"| | {' | '.join(code(party.name, in_table=True) for party in matrix.destinations)} |"
    yield "|---" * (len(matrix.destinations) + 1) + "|"
    for source, cells in zip(matrix.sources, matrix.cells, strict=True):
        yield f"| {code(source.name, in_table=True)} | {' | '.join(map(_cell, cells))} |"


def _cell(cell: Cell) -> str:
    if not cell.reasons:
        return cell.verdict
    share = f"{cell.arrived} of {cell.judged}" if cell.arrived else "none"
    return f"{share}: {SHORT.get(cell.reasons[0].verdict, code(cell.reasons[0].verdict, in_table=True))}"
