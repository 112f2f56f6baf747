"""A judgement as Markdown, for a comment on a change."""

import re
from collections.abc import Iterator

from netwright.compare.change import Comparison
from netwright.matrix.matrix import Cell, Matrix
from netwright.matrix.shades import SHORT, title
from netwright.repair.repair import Search, describe_repair
from netwright.text.counting import count
from netwright.text.report import Severity, printable
from netwright.verdict_formats.judgement import Judgement
from netwright.verdict_formats.plain import comparison_lines
from netwright.verify import Verification
from netwright.verify.proof.printing import (
    NO_FLOW,
    errors_without_flow,
    finding_lines,
    finding_title,
    flow_verdict,
    proved_flows,
)

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@&])")


def render_markdown(judgement: Judgement) -> str:
    """A table of the flows, then what changed, what would repair it, and each finding folded up."""
    verification = judgement.verification
    faults = errors_without_flow(verification)
    headline = proved_flows(verification) + (f", {count(len(faults), 'fault')} that no flow met" if faults else "")
    lines = [f"### {headline[0].upper()}{headline[1:]}", ""]
    if judgement.drift is not None:
        sentence, *files = judgement.drift.lines()
        lines += [f"⚠️ {_plain(sentence)}", "", *_fenced([*map(printable, files)]), ""]
    lines += _flows(verification)
    if judgement.comparison is not None:
        lines += ["", *_changes(judgement.comparison)]
    if judgement.search is not None:
        lines += ["", *_repairs(judgement.search)]
    if judgement.matrix is not None:
        lines += ["", *_table(judgement.matrix)]
    standing = judgement.comparison.standing if judgement.comparison is not None else ()
    for finding in verification.findings:
        if finding in standing:
            continue
        sign = "❌" if finding.severity is Severity.ERROR else "⚠️"
        lines += ["", f"<details><summary>{sign} {_plain(finding_title(finding))}</summary>", ""]
        lines += _fenced([printable(line) for line in finding_lines(finding)])
        lines += ["", "</details>"]
    if standing:
        verb = "stands" if len(standing) == 1 else "stand"
        lines += ["", f"{count(len(standing), 'warning')} {verb} in both states; `netwright verify` shows them."]
    lines += ["", "<details><summary>This holds if</summary>", ""]
    lines += [f"- {_plain(sentence)}" for sentence in verification.assumptions]
    return "\n".join([*lines, "", "</details>"]) + "\n"


def _flows(verification: Verification) -> Iterator[str]:
    """A row for each flow, or how to state one."""
    if not verification.flows:
        sentence, example = NO_FLOW
        yield from (f"{_plain(sentence)}:", "", f"    {example.strip()}")
        return
    yield from ("| | flow | verdict |", "|---|---|---|")
    for result in verification.flows:
        sign = "✅" if result.proved else "❌"
        yield f"| {sign} | {_plain(result.flow.name)} | {_plain(flow_verdict(result))} |"


def _changes(comparison: Comparison) -> Iterator[str]:
    head, *changes = comparison_lines(comparison)
    yield from (_plain(head), *([""] if changes else []))
    yield from (f"- {_plain(line.strip())}" for line in changes)


def _repairs(search: Search) -> Iterator[str]:
    if search.summary:
        yield _plain(search.summary)
        return
    yield from ("What would repair it, each generated and verified:", "")
    for repair in search.repairs:
        yield f"- {_plain(describe_repair(repair))}"
        if repair.typed:
            yield from ("", *(f"  {line}" for line in _fenced(list(repair.typed))), "")


def _table(matrix: Matrix) -> Iterator[str]:
    """The matrix; a cell names what stops most of its pairs."""
    yield from (f"{title(matrix)}, rows to columns, there and back:", "")
    yield f"| | {' | '.join(_plain(party.name) for party in matrix.destinations)} |"
    yield "|---" * (len(matrix.destinations) + 1) + "|"
    for source, cells in zip(matrix.sources, matrix.cells, strict=True):
        yield f"| {_plain(source.name)} | {' | '.join(map(_cell, cells))} |"


def _cell(cell: Cell) -> str:
    if not cell.reasons:
        return cell.verdict
    share = f"{cell.arrived} of {cell.judged}" if cell.arrived else "none"
    return f"{share}: {_plain(SHORT.get(cell.reasons[0].verdict, cell.reasons[0].verdict))}"


def _plain(text: str) -> str:
    """Text without anything that Markdown or HTML would act on, names of people (@) included."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[1])};", printable(text))


def _fenced(lines: list[str]) -> list[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence]
