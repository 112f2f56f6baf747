"""Rules for containers on Docker's bridge, which a node's input chain never sees."""

from collections.abc import Iterator

from msgspec.structs import replace

from netwright.flows.filters import drops
from netwright.model import DOCKER_BRIDGE, Node, Policy
from netwright.plan.filter_types import FilterRule


def hides_published(node: Node) -> bool:
    """Return whether a node lets in what rules and flows accept alone, of what Docker publishes as well."""
    return drops(node.input) and node.bridged is not None and bool(node.bridged.publish)


def container_rules(node: Node, policy: Policy) -> Iterator[FilterRule]:
    """What containers send is accepted, as a node itself sends what it likes; behind that, and behind all that is
    accepted for them, nothing else comes to containers of a node that is closed, whatever the chain's policy is."""
    if node.docker is None or node.bridged is None:
        return
    sent = FilterRule(
        ingress=DOCKER_BRIDGE,
        egress=None,
        sources=(),
        destinations=(),
        protocol=None,
        ports=(),
        accept=True,
        comment="containers",
        cause=node.docker.cause,
    )
    yield sent
    if policy == "accept":
        yield replace(sent, ingress=None, egress=DOCKER_BRIDGE, accept=False)
