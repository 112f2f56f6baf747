"""A judgement as JUnit XML: a test case for each flow, and for each other error, which CI services show one by one."""

from xml.etree import ElementTree

from netwright.repair.repair import describe_repair
from netwright.text.report import printable
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import FlowResult
from netwright.verify.proof.printing import errors_without_flow, finding_lines, finding_title, flow_verdict


def render_junit(judgement: Judgement) -> str:
    """The report; a failed flow fails with its counterexamples. It names no time and no machine."""
    flows = judgement.verification.flows
    faults = errors_without_flow(judgement.verification)
    failures = sum(not result.proved for result in flows) + len(faults)
    counts = {"tests": str(len(flows) + len(faults)), "failures": str(failures), "errors": "0"}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "netwright verify", **counts})
    for result in flows:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "flows", "name": printable(result.flow.name)})
        if not result.proved:
            _fail(case, judgement, result)
    for fault in faults:
        title = printable(finding_title(fault))
        case = ElementTree.SubElement(suite, "testcase", {"classname": "faults", "name": title})
        failure = ElementTree.SubElement(case, "failure", {"type": str(fault.kind), "message": title})
        failure.text = "\n".join(map(printable, finding_lines(fault)))
    if judgement.drift is not None:
        output = ElementTree.SubElement(suite, "system-out")
        output.text = "\n".join(map(printable, judgement.drift.lines()))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _fail(case: ElementTree.Element, judgement: Judgement, result: FlowResult) -> None:
    found = tuple(judgement.failures(result))
    titles = [finding_title(finding) for finding in found] or [flow_verdict(result)]
    kind = str(found[0].kind) if found else "NOT_JUDGED"
    failure = ElementTree.SubElement(case, "failure", {"type": kind, "message": printable("; ".join(titles))})
    lines = [line for finding in found for line in finding_lines(finding)]
    repairs = judgement.search.repairs if judgement.search is not None else ()
    lines += [f"repair: {describe_repair(one)}" for one in repairs if result.flow.name in (*one.repairs, *one.improves)]
    failure.text = "\n".join(map(printable, lines))
