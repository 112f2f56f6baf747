"""NodePlan -> NodeTree: one module for each family of operating systems."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from netwright.files.artifact import NodeTree
from netwright.model import Family
from netwright.plan.types import NodePlan
from netwright.targets import flatcar, handoff, rocky
from netwright.targets.context import TargetContext
from netwright.templating.render import RenderError
from netwright.text.report import trace

__all__ = ["TARGETS", "Target", "TargetContext", "build_tree"]

Target = Callable[[NodePlan, TargetContext], NodeTree]

TARGETS: Mapping[Family, Target] = {
    Family.FLATCAR: flatcar.build_tree,
    Family.ROCKY: rocky.build_tree,
    Family.UNMANAGED: handoff.build_tree,
}


def build_tree(plan: NodePlan, context: TargetContext) -> NodeTree:
    """The files of a node; a template of the user's that fails leaves none but its report."""
    try:
        tree = TARGETS[plan.family](plan, context)
        return replace(tree, report=trace(tree.report)) if tree.report.entries else tree
    except RenderError as error:
        return NodeTree(node=plan.name, files=(), artifacts=(), report=error.report)
