"""Rules of nodes that their firewalld cannot express, as findings about the topology."""

from netwright.checks.violation import diagnose, error
from netwright.flows import NO_NEEDS, Derivation
from netwright.plan import plan_node
from netwright.targets.firewalld import find_inexpressible
from netwright.text.report import Diagnostic
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import manages_firewalld


def check_firewalld(resolved: ResolvedTopology, derivation: Derivation) -> tuple[Diagnostic, ...]:
    """Return what firewalld cannot express, each setting once with the first node of it."""
    nodes = [node for node in resolved.topology.nodes if manages_firewalld(node)]
    plans = (plan_node(resolved, node, derivation.needs.get(node.name, NO_NEEDS)) for node in nodes)
    found = (error(path, why, node=plan.name) for plan in plans for path, why in find_inexpressible(plan))
    return tuple(diagnose("firewalld_can_express_it", found))
