"""The networks that libvirt makes on a KVM host: NodePlan -> network XML."""

from netwright.files.artifact import Artifact
from netwright.plan.types import NodePlan
from netwright.templating.render import Renderer


def libvirt_artifacts(plan: NodePlan, renderer: Renderer) -> tuple[Artifact, ...]:
    """One network XML for each network that libvirt makes on the node (https://libvirt.org/formatnetwork.html)."""
    return tuple(
        Artifact(
            path=f"libvirt/{network.name}.xml",
            content=renderer.render("libvirt/network.xml.j2", network=network).encode(),
        )
        for network in plan.libvirt_networks
    )
