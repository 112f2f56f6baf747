"""The rollout from a state of OUT to what the topology generates now."""

from pathlib import Path

from msgspec.structs import replace

from netwright.production.production import Production
from netwright.rollout.future import generated
from netwright.rollout.machines import find_hosts, plan_machines
from netwright.rollout.ordering import find_order
from netwright.rollout.values import Loss, Rollout
from netwright.topology.resolved import ResolvedTopology
from netwright.verify_input.wiring import wire
from netwright.write import DifferenceKind, Differences


def plan_rollout(
    production: Production, comparison: Differences, before: Path, state: str, earlier: ResolvedTopology | None = None
) -> Rollout:
    """The rollout from the files below `before`, named `state`, of which `comparison` has the differences.

    `earlier` is the topology of that state, None where today's tells how everything was wired.
    """
    nodes, resolved = changed_nodes(comparison), production.resolved
    with generated(production, [node for node in nodes if node in resolved.nodes]) as after:
        machines = tuple(plan_machines(before, after, nodes, find_hosts(resolved, wire(resolved))))
        rollout = Rollout(state=state, machines=machines)
        if machines and comparison.exists:
            lossy = [machine.node for machine in machines if machine.loss is not Loss.NONE]
            order = find_order(before, after, [one.node for one in machines], resolved, earlier, lossy=lossy)
            rollout = replace(rollout, steps=order.steps, is_proved=order.is_proved, flows=order.flows)
    return rollout


def changed_nodes(comparison: Differences) -> tuple[str, ...]:
    """The nodes of which generate would write, change or delete a file."""
    found = (one.node for one in comparison.differences if one.kind is not DifferenceKind.FOREIGN)
    return tuple(dict.fromkeys(filter(None, found)))
