"""A judgement as Markdown, for a comment on a change."""

import re

from gen.proving.against import describe_change
from gen.proving.judgement import Judgement
from gen.proving.repair import describe_repair
from gen.report import Severity, printable
from gen.verify.printing import finding_lines, finding_title, flow_verdict

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@&])")


def render_markdown(judgement: Judgement) -> str:
    """A table of the flows, then what changed, what would repair it, and each finding folded up."""
    verification = judgement.verification
    proved = sum(result.proved for result in verification.flows)
    lines = [f"### {proved} of {len(verification.flows)} flows proved", "", "| | flow | verdict |", "|---|---|---|"]
    for result in verification.flows:
        sign = "✅" if result.proved else "❌"
        lines.append(f"| {sign} | {_plain(result.flow.name)} | {_plain(flow_verdict(result))} |")
    changes = [f"- {_plain(describe_change(change))}" for change in judgement.changes or ()]
    if judgement.changes is not None:
        lines += ["", *(changes or ["No flow changes its verdict or its way."])]
    if judgement.repairs:
        lines += ["", "What would repair it:", ""]
        lines += [f"- {_plain(describe_repair(repair))}" for repair in judgement.repairs]
    for finding in verification.findings:
        sign = "❌" if finding.severity is Severity.ERROR else "⚠️"
        lines += ["", f"<details><summary>{sign} {_plain(finding_title(finding))}</summary>", ""]
        lines += _fenced([printable(line) for line in finding_lines(finding)])
        lines += ["", "</details>"]
    lines += ["", "<details><summary>This holds if</summary>", ""]
    lines += [f"- {_plain(sentence)}" for sentence in verification.assumptions]
    return "\n".join([*lines, "", "</details>"]) + "\n"


def _plain(text: str) -> str:
    """Text without anything that Markdown or HTML would act on, names of people (@) included."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[1])};", printable(text))


def _fenced(lines: list[str]) -> list[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence]
