"""Devices that netwright does not configure: NodePlan -> a hand-off sheet for the person who looks after them."""

from msgspec.structs import replace

from netwright.files.artifact import Artifact, NodeTree
from netwright.plan.filter_types import PlannedMasquerade, Ruleset
from netwright.plan.types import NodePlan
from netwright.targets.context import TargetContext
from netwright.targets.next_hops import gather_next_hops


def build_tree(plan: NodePlan, context: TargetContext) -> NodeTree:
    """handoff.md and nothing else."""
    rules = [rule for link in plan.links for rule in link.policy_rules]
    routes = [(link, route) for link in gather_next_hops(plan.links) for route in link.routes]
    ruleset = plan.ruleset
    hidden = [rule for rule in ruleset.masquerades if not rule.translated] if ruleset else []
    translated = sorted({network for rule in hidden for network in rule.sources})
    loaded = _without(ruleset, hidden) if ruleset is not None else None
    sheet = context.renderer.render(
        "common/handoff.md.j2",
        plan=plan,
        routes=routes,
        rules=rules,
        ruleset=None if loaded is None or loaded.is_empty else loaded,
        translated=[str(network).removesuffix("/32") for network in translated],
    )
    return NodeTree(node=plan.name, files=(), artifacts=(Artifact(path="handoff.md", content=sheet.encode()),))


def _without(ruleset: Ruleset, hidden: list[PlannedMasquerade]) -> Ruleset:
    """The ruleset without translations that the sheet asks for in words: of their interfaces nothing is known."""
    return replace(ruleset, masquerades=tuple(rule for rule in ruleset.masquerades if rule not in hidden))
