"""Devices that netwright does not configure: NodePlan -> a hand-off sheet for the person who looks after them."""

from msgspec.structs import replace

from netwright.files.artifact import Artifact, NodeTree
from netwright.plan.types import NodePlan
from netwright.targets.context import TargetContext
from netwright.targets.next_hops import gather_next_hops


def build_tree(plan: NodePlan, context: TargetContext) -> NodeTree:
    """handoff.md and nothing else."""
    rules = [rule for link in plan.links for rule in link.policy_rules]
    routes = [(link, route) for link in gather_next_hops(plan.links) for route in link.routes]
    ruleset = plan.ruleset
    translated = sorted({network for rule in ruleset.masquerades for network in rule.sources}) if ruleset else ()
    sheet = context.renderer.render(
        "common/handoff.md.j2",
        plan=plan,
        routes=routes,
        rules=rules,
        ruleset=replace(ruleset, masquerades=()) if ruleset is not None and ruleset.chains else None,
        translated=[str(network).removesuffix("/32") for network in translated],
    )
    return NodeTree(node=plan.name, files=(), artifacts=(Artifact(path="handoff.md", content=sheet.encode()),))
