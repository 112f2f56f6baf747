"""The flow that a person named, for every command that takes --flow NAME."""

from netwright.checks.spelling import Names
from netwright.model import Flow
from netwright.production.production import Production
from netwright.text.report import Diagnostic, Report, Severity


def choose_flow(production: Production, name: str) -> Flow | Report:
    """The topology's flow of that name; a report, with what may have been meant, if there is none."""
    flows = {flow.name: flow for flow in production.resolved.topology.flows}
    if name in flows:
        return flows[name]
    message = f"there is no flow {name}{Names(flows).meant(name)}"
    diagnostic = Diagnostic(severity=Severity.ERROR, path=("flows",), rule="flow_is_known", message=message)
    return Report.about(production.source, [diagnostic])
