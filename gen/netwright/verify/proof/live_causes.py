"""Findings about machines that were collected: what distinguishes these from their files is named with each."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from netwright.text.counting import count
from netwright.text.report import Severity
from netwright.verify.network_model.network import Network
from netwright.verify.proof.findings import Finding, Findings
from netwright.verify.values.outcome import Fault

_NAMED = 8
"""Number of differences that a finding names at most."""


def name_differences(findings: Sequence[Finding], network: Network) -> tuple[Finding, ...]:
    """Return the findings, errors with the differences of the machines that they are about, or that are on the way."""
    return tuple(
        replace(one, differences=tuple(_named(one, network))) if one.severity is Severity.ERROR else one
        for one in findings
    )


def _named(finding: Finding, network: Network) -> Iterator[str]:
    example = finding.example
    on_the_way = [decision.node for decision in (*example.there, *example.back)] if example is not None else []
    nodes = dict.fromkeys((*finding.nodes, *on_the_way))
    found = [f"{node} {one}" for node in nodes for one in network.differences.get(node, ())]
    yield from found[:_NAMED]
    if len(found) > _NAMED:
        yield f"{count(len(found) - _NAMED, 'more difference')} from their files"


def check_pod_networks(network: Network, findings: Findings) -> None:
    """Add the nodes whose pods have another network than the topology gives them."""
    for node, stated in network.allotted.items():
        own = next(pod.network for pod in network.pod_networks if pod.node == node)
        cause = f"its pods have {own}, and {stated.network} in the topology: correct its pod_cidr there"
        findings.add(Fault.OTHER_PODS, cause, node, origin=network.collected[node].origin("flannel")
                     if node in network.collected else None)  # fmt: skip
