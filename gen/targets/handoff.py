"""Devices that nobody may touch: NodePlan -> a hand-off sheet for the person who looks after them."""

from gen.artifact import Artifact, NodeTree
from gen.plan.types import NodePlan
from gen.targets.workshop import Workshop


def build_tree(plan: NodePlan, workshop: Workshop) -> NodeTree:
    """handoff.md and nothing else."""
    routes = [(link, route) for link in plan.links for route in link.routes]
    sheet = workshop.renderer.render("common/handoff.md.j2", plan=plan, routes=routes, ruleset=plan.ruleset)
    return NodeTree(node=plan.name, files=(), artifacts=(Artifact(path="handoff.md", content=sheet.encode()),))
