"""WireGuard's ends in a topology, and the pairs of them that are each other's peers."""

from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.flows.tunnels import TunnelEnd, find_tunnels, has_tunnels
from netwright.model import Interface, Node, Wireguard


def flannel_has_tunnels(survey: Survey) -> bool:
    """Return whether flannel has WireGuard between the Kubernetes nodes."""
    kubernetes = survey.resolved.topology.kubernetes
    return kubernetes is not None and (kubernetes.plugin, kubernetes.backend) == ("flannel", "wireguard-native")


def tunnel_links(survey: Survey) -> Iterator[tuple[Node, Interface, Wireguard]]:
    """Yield each node's interfaces that are ends of a tunnel."""
    for node in survey.nodes:
        for link in node.links:
            if isinstance(link.device, Wireguard):
                yield node, link, link.device


def tunnel_pairs(survey: Survey) -> Iterator[tuple[TunnelEnd, TunnelEnd]]:
    """Yield each end with each other end of its tunnel, so that each pair comes twice."""
    if has_tunnels(survey.resolved):
        tunnels = find_tunnels(survey.resolved)
        for ends in tunnels.ends.values():
            yield from ((end, peer) for end in ends for peer in tunnels.peers(end))
