"""A verification for people and for machines."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from netwright.text.counting import count, list_some
from netwright.text.report import SEVERITY_COLOURS, Colour, Severity, paint, printable
from netwright.verify.network_model.trace import Decision
from netwright.verify.proof.findings import Example, Finding
from netwright.verify.proof.proof import FlowResult, Verification
from netwright.verify.values.outcome import Outcome

_NODES_SHOWN = 8
MOST_FLOWS = 6
"""Flows that are told one by one where all are proved."""
NO_FLOW = (
    "The topology has no flows; state in it what must work, such as",
    "  flows: {lb-to-pods: {from: [lb1], to: [pods], allow: [tcp/8080], nat: never}}",
)
"""Hint where nothing was asked for."""
NO_PAIR = "no two machines have the addresses of its ends"


def render_text(
    verification: Verification, sections: Sequence[str] = (), *, in_full: bool = False, colour: bool = False
) -> str:
    """Findings with a counterexample each, the assumptions, the flows, lines of further sections, and a closing line.

    The assumptions of a proof without a gap are counted; listed where something fails, or `in_full`; so are
    the flows, where they are many.
    A terminal shows the end of it: there stands what failed, and what to do about it.
    """
    findings = sorted(verification.findings, key=_by_urgency)
    lines = [*_assumption_lines(verification, in_full=in_full), ""]
    ending = [*sections, "", verification_summary(verification)]
    return "\n".join(
        (
            *(line for finding in findings for line in _coloured_finding(finding, colour=colour)),
            *map(printable, lines),
            *(_flow_lines(verification, in_full=in_full, colour=colour) or NO_FLOW),
            *map(printable, ending),
            "",
        )
    )


def _flow_lines(verification: Verification, *, in_full: bool, colour: bool) -> list[str]:
    """A line for each flow; of many that are all proved the first ones, so that they fit on any terminal."""
    flows = verification.flows
    short = verification.proved and not in_full and len(flows) > MOST_FLOWS + 1
    shown = [_coloured_flow(result, colour=colour) for result in (flows[:MOST_FLOWS] if short else flows)]
    return (
        [*shown, f"and {len(flows) - MOST_FLOWS} flows more, all proved (--assumptions lists them)"] if short else shown
    )


def _coloured_finding(finding: Finding, *, colour: bool) -> Iterator[str]:
    first, *others = finding_lines(finding)
    word = f"{finding.severity}:"
    yield paint(word, SEVERITY_COLOURS[finding.severity], on=colour) + printable(first.removeprefix(word))
    yield from map(printable, (*others, ""))


def _coloured_flow(result: FlowResult, *, colour: bool) -> str:
    word = flow_word(result)
    name, rest = f"{result.flow.name}: ", flow_line(result)
    painted = paint(word, Colour.GREEN if result.proved else Colour.RED, on=colour)
    return printable(name) + painted + printable(rest.removeprefix(name + word))


def _assumption_lines(verification: Verification, *, in_full: bool) -> list[str]:
    if verification.proved and not in_full:
        return [f"This holds under {count(len(verification.assumptions), 'assumption')} (--assumptions lists them)."]
    return ["This holds if:", *(f"  - {sentence}" for sentence in verification.assumptions)]


def _by_urgency(finding: Finding) -> tuple[bool, bool, bool]:
    """Files that can't be read come first: what flows run into may follow from them."""
    return finding.severity is Severity.WARNING, finding.kind != Outcome.UNKNOWN, bool(finding.flows)


def verification_summary(verification: Verification) -> str:
    """Return the closing line: how many flows hold, and the number of causes, faults and warnings."""
    errors = [finding for finding in verification.findings if finding.severity is Severity.ERROR]
    faults = errors_without_flow(verification)
    causes = len(errors) - len(faults)
    others = f", {count(len(faults), 'fault')} that no flow met" if faults else ""
    warnings = count(len(verification.findings) - len(errors), "warning")
    failures = count(causes, "cause of failure", "causes of failure")
    return f"{proved_flows(verification)}; {failures}{others}, {warnings}"


def errors_without_flow(verification: Verification) -> tuple[Finding, ...]:
    """The errors that refute no flow."""
    return tuple(one for one in verification.findings if one.severity is Severity.ERROR and not one.flows)


def proved_flows(verification: Verification) -> str:
    """Return how many flows hold, in words."""
    if not verification.flows:
        return "there is nothing to prove"
    proved = sum(result.proved for result in verification.flows)
    return f"{proved} of {count(len(verification.flows), 'flow')} proved"


def finding_title(finding: Finding) -> str:
    """The verdict, where it happens, and why."""
    nodes = f"{count(len(finding.nodes), 'node')} ({list_some(finding.nodes, _NODES_SHOWN)})"
    who = finding.nodes[0] if len(finding.nodes) == 1 else nodes
    return f"{finding.kind}: {who}: {finding.cause}"


def finding_lines(finding: Finding) -> list[str]:
    """The finding for people: its title, what it affects, the lines that cause it, and the counterexample."""
    lines = [f"{finding.severity}: {finding_title(finding)}"]
    if finding.flows:
        pairs = f" ({count(finding.pairs, 'address pair')})" if finding.pairs else ""
        lines.append(f"  affects {', '.join(finding.flows)}{pairs}")
    lines += [f"  at {origin}" for origin in finding.origins[:_NODES_SHOWN]]
    lines += [f"  {difference}" for difference in finding.differences]
    if finding.example is not None:
        lines += _example_lines(finding.example)
    return lines


def _example_lines(example: Example) -> list[str]:
    ends = f"{example.source} ({example.sender}) to {example.destination} ({example.receiver})"
    lines = [f"  for example {example.traffic} from {ends}:"]
    lines += [_decision_line("->", decision) for decision in example.there]
    lines += [_decision_line("<-", decision) for decision in example.back]
    return lines


def _decision_line(arrow: str, decision: Decision) -> str:
    where = f"  [{decision.origin}]" if decision.origin is not None else ""
    return f"    {arrow} {decision.node}: {decision.text}{where}"


def flow_verdict(result: FlowResult) -> str:
    """Return the verdict on a flow, in a few words."""
    flow = result.flow
    wanted = "arrives" if flow.must_arrive else "is blocked"
    if result.proved:
        return f"{flow_word(result)}: {wanted}"
    if not result.classes:
        return f"{flow_word(result)}: {NO_PAIR}"
    return f"{flow_word(result)} for {result.failed} of {count(result.pairs, 'address pair')}"


def flow_word(result: FlowResult) -> str:
    """Return the verdict on a flow, in a word."""
    if result.proved:
        return "proved"
    return "failed" if result.classes else "not judged"


def flow_line(result: FlowResult) -> str:
    """The flow's name, its verdict, and for how much it stands."""
    if not result.classes:
        return f"{result.flow.name}: {flow_verdict(result)}"
    pairs = "" if result.failed else f"{count(result.pairs, 'address pair')} "
    text = f"{result.flow.name}: {flow_verdict(result)} ({pairs}in {count(result.classes, 'class', 'classes')})"
    if result.unjudged:
        verb = "is" if result.unjudged == 1 else "are"
        text += f"; {count(result.unjudged, 'address', 'addresses')} of its ends {verb} unassigned"
    return text


def render_json(verification: Verification) -> str:
    """One JSON object: proved, flows, findings, unknown, assumptions."""
    return json.dumps(verification_object(verification), indent=1) + "\n"


def verification_object(verification: Verification) -> dict[str, Any]:
    """Return the object that render_json writes."""
    return {
        "proved": verification.proved,
        "flows": [
            {
                "name": result.flow.name,
                "must_arrive": result.flow.must_arrive,
                "proved": result.proved,
                "classes": result.classes,
                "pairs": result.pairs,
                "failed": result.failed,
                "unjudged": result.unjudged,
            }
            for result in verification.flows
        ],
        "findings": [_finding_object(finding) for finding in verification.findings],
        "unknown": [
            {"file": line.origin.file, "line": line.origin.line, "text": line.text, "reason": line.reason}
            for line in verification.unknown
        ],
        "assumptions": list(verification.assumptions),
    }


def _finding_object(finding: Finding) -> dict[str, Any]:
    example = finding.example
    return {
        "severity": str(finding.severity),
        "kind": str(finding.kind),
        "cause": finding.cause,
        "nodes": list(finding.nodes),
        "flows": list(finding.flows),
        "pairs": finding.pairs,
        "origins": [{"file": origin.file, "line": origin.line} for origin in finding.origins],
        **({"differences": [*finding.differences]} if finding.differences else {}),
        "example": None
        if example is None
        else {
            "flow": example.flow,
            "source": example.source,
            "sender": example.sender,
            "destination": example.destination,
            "receiver": example.receiver,
            "traffic": example.traffic,
            "there": [_decision_object(decision) for decision in example.there],
            "back": [_decision_object(decision) for decision in example.back],
        },
    }


def _decision_object(decision: Decision) -> dict[str, Any]:
    origin = decision.origin
    return {
        "node": decision.node,
        "text": decision.text,
        "file": origin.file if origin else None,
        "line": origin.line if origin else None,
    }
