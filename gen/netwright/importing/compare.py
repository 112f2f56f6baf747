"""A topology held against the cluster: nodes that got another pod network since it was written."""

from collections.abc import Iterator

from netwright.importing.errors import ImportFileError
from netwright.importing.kubectl import ClusterNode, read_cluster
from netwright.model import Node, Topology
from netwright.production.production import Production
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import TopologyPath

RULE = "pod_networks_are_the_clusters"


def report_differences(production: Production, path: str) -> Report:
    """Report differences between a topology and the cluster whose nodes are in a file, or errors of that file."""
    try:
        cluster = read_cluster(path)
    except ImportFileError as error:
        return error.tell()
    return Report.about(production.source, compare_with_cluster(production.resolved.topology, cluster))


def compare_with_cluster(topology: Topology, cluster: tuple[ClusterNode, ...]) -> Iterator[Diagnostic]:
    """Errors where pod networks or addresses differ, warnings for nodes that only one side knows."""
    nodes = {node.name: node for node in topology.nodes}
    members = [node for node in topology.nodes if node.role is not None]
    by_hostname = {node.hostname.value.split(".", 1)[0]: node for node in members}
    by_hostname |= {node.hostname.value: node for node in members}
    known: set[str] = set()
    for there in cluster:
        named = (found.get(name) for name in (there.full_name, there.name) for found in (by_hostname, nodes))
        node = next(filter(None, named), None)
        if node is None:
            yield _finding(
                ("nodes",), f"the cluster has a node {there.full_name}, the topology has none; add it", warn=True
            )
            continue
        known.add(node.name)
        yield from _compare(node, there)
    for node in topology.nodes:
        if node.role is not None and node.name not in known:
            message = f"the cluster has no node {node.name}; remove it, or join it to the cluster"
            yield _finding(node.cause, message, warn=True)


def _compare(node: Node, there: ClusterNode) -> Iterator[Diagnostic]:
    ours = {setting.value for setting in node.pod_networks}
    if there.pod_networks and ours != set(there.pod_networks):
        now = ", ".join(str(network) for network in there.pod_networks)
        path: TopologyPath = (*node.cause, "pod_cidr") if ours else node.cause
        stated = ", ".join(str(network) for network in sorted(ours)) or "none"
        yield _finding(path, f"{node.name} has the pod network {now} in the cluster, not {stated}; set pod_cidr: {now}")
    own = {attachment.ip for interface in node.interfaces for attachment in interface.attachments}
    strange = [ip for ip in there.ips if ip not in own]
    if strange:
        shown = ", ".join(map(str, strange))
        message = f"{node.name} has the address {shown} in the cluster and nowhere in the topology; correct its address"
        yield _finding((*node.cause, "interfaces"), message)


def _finding(path: TopologyPath, message: str, *, warn: bool = False) -> Diagnostic:
    severity = Severity.WARNING if warn else Severity.ERROR
    return Diagnostic(severity=severity, path=path, rule=RULE, message=message, on_key=warn)
