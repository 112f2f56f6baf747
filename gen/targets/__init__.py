"""NodePlan -> NodeTree: one module for each family of operating systems."""

from collections.abc import Callable, Mapping

from gen.artifact import NodeTree
from gen.model import Family
from gen.plan.types import NodePlan
from gen.render import RenderError
from gen.targets import flatcar, handoff, rocky
from gen.targets.workshop import Workshop

__all__ = ["TARGETS", "Target", "Workshop", "build_tree"]

Target = Callable[[NodePlan, Workshop], NodeTree]

TARGETS: Mapping[Family, Target] = {
    Family.FLATCAR: flatcar.build_tree,
    Family.ROCKY: rocky.build_tree,
    Family.UNMANAGED: handoff.build_tree,
}


def build_tree(plan: NodePlan, workshop: Workshop) -> NodeTree:
    """The files of a node; a template of the user's that fails leaves none but its report."""
    try:
        return TARGETS[plan.family](plan, workshop)
    except RenderError as error:
        return NodeTree(node=plan.name, files=(), artifacts=(), report=error.report)
