"""The order in which machines get their new files: found from what may break, and proved step by step."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from netwright.rollout.arranging import Unit, arrange
from netwright.rollout.exploring import Clash, Explorer
from netwright.rollout.mixing import State, Transition
from netwright.rollout.values import Step
from netwright.text.natural import natural_key
from netwright.topology.resolved import ResolvedTopology
from netwright.verify import Wiring
from netwright.verify.network_model.building import read_configurations
from netwright.verify.proof.proof import uncollected
from netwright.verify.reading.configuration import Configuration
from netwright.verify_input.delivering import read_deliveries
from netwright.verify_input.reading import absent_nodes, restrict
from netwright.verify_input.wiring import assume, state_flows, wire

MOST_PROOFS = 100
"""So many mixtures are proved as a whole, at most."""


class Order(Struct, frozen=True, kw_only=True):
    """The steps, whether each was proved, and the number of flows that hold before and after; `transition` has the
    states before, after and between."""

    steps: tuple[Step, ...]
    is_proved: bool
    flows: int
    transition: Transition


def find_order(
    before: Path,
    after: Path,
    changed: Sequence[str],
    resolved: ResolvedTopology,
    earlier: ResolvedTopology | None,
    *,
    lossy: Collection[str] = (),
) -> Order:
    """The order from the files below `before` to those below `after`, which has the changed nodes only.

    `earlier` is the topology of its time, None where today's tells how everything is wired. Of `lossy` nodes, those
    that stand in for each other go one after another.
    """
    with uncollected():
        explorer = open_explorer(before, after, changed, resolved, earlier)
        nodes = [node for node in changed if node in explorer.changed]
        clashes = [*explorer.explore()]
        for group in _redundant(wire(resolved)):
            explorer.apart.setdefault(group.intersection(lossy, explorer.changed))
        steps, is_proved = _prove(explorer, _units(explorer, nodes), clashes)
    late = tuple(node for node in changed if node not in nodes)  # nothing is known of how these were wired
    steps = (*steps, Step(nodes=late)) if late else steps
    return Order(steps=steps, is_proved=is_proved, flows=len(explorer.kept), transition=explorer.transition.again())


def _redundant(wiring: Wiring) -> Iterator[frozenset[str]]:
    """Yield machines of which one does what another can't for a while: holders of an address, servers of K3s."""
    holders: dict[int | str, set[str]] = defaultdict(set)
    for held in wiring.held:
        holders[held.pool or held.ip].add(held.node)
    yield from map(frozenset, holders.values())
    yield wiring.servers


def open_explorer(
    before: Path, after: Path, changed: Sequence[str], resolved: ResolvedTopology, earlier: ResolvedTopology | None
) -> Explorer:
    """The flows of the topology, asked while machines change; as for `find_order`."""
    old = _read_before(before, resolved, earlier)
    new = _read_after(before, after, changed, wire(resolved), old)
    nodes = [node for node in changed if node in old.configurations or node in new.configurations]
    asked = state_flows(resolved)
    return Explorer(
        Transition(old, new, nodes, assume(resolved)), asked, state_flows(earlier) if earlier is not None else asked
    )


def _read_before(before: Path, resolved: ResolvedTopology, earlier: ResolvedTopology | None) -> State:
    wiring = wire(earlier or resolved)
    absent = absent_nodes(before, wiring.nodes)
    wiring = restrict(wiring, absent) if absent else wiring
    read = read_configurations(before, wiring, read_deliveries)
    return State(configurations={one.node: one for one in read}, wiring=wiring)


def _read_after(before: Path, after: Path, changed: Sequence[str], wiring: Wiring, old: State) -> State:
    """The state after; of nodes of which nothing changes, what is already read."""
    fresh = [node for node in wiring.nodes if node in changed]
    again = [node for node in wiring.nodes if node not in changed and not _is_read_alike(node, wiring, old)]
    read: dict[str, Configuration] = {**old.configurations}
    for out, nodes in ((after, fresh), (before, again)):
        some = restrict(wiring, [node for node in wiring.nodes if node not in nodes])
        read |= {one.node: one for one in read_configurations(out, some)}
    return State(configurations={node: read[node] for node in wiring.nodes}, wiring=wiring)


def _is_read_alike(node: str, wiring: Wiring, old: State) -> bool:
    """Return whether a node's files mean the same by both wirings."""
    return node in old.configurations and all(
        one.trusted.get(node) == other.trusted.get(node)
        and one.firewalld.get(node) == other.firewalld.get(node)
        and one.containers.get(node) == other.containers.get(node)
        and (node in one.docker) == (node in other.docker)
        for one, other in [(wiring, old.wiring)]
    )


def _units(explorer: Explorer, nodes: Sequence[str]) -> tuple[Unit, ...]:
    """The nodes in groups of those that may change places before and after; one that is kept apart is alone."""
    groups: dict[object, list[str]] = defaultdict(list)
    alone = frozenset().union(*explorer.apart)
    for node in sorted(nodes, key=natural_key):
        groups[node if node in alone else explorer.alike(node)].append(node)
    return tuple(map(frozenset, groups.values()))


def _prove(explorer: Explorer, units: Sequence[Unit], clashes: list[Clash]) -> tuple[tuple[Step, ...], bool]:
    """The steps, and whether what each of them comes to was proved; where one breaks something new, they are arranged
    again."""
    proved: set[frozenset[str]] = set()
    steps = arrange(units, clashes, explorer.apart)
    while (state := _next_unproved(steps, proved)) is not None and len(proved) < MOST_PROOFS:
        proved.add(state)
        found = [one for one in explorer.prove(state) if not _is_known(one, clashes)]
        if found:
            clashes += found
            steps = arrange(units, clashes, explorer.apart)
    return steps, state is None


def _next_unproved(steps: Sequence[Step], proved: Container[frozenset[str]]) -> frozenset[str] | None:
    """The first mixture after a step, but for the last, that is not proved yet; None if all are."""
    done: frozenset[str] = frozenset()
    for step in steps[:-1]:
        done |= {*step.nodes}
        if done not in proved:
            return done
    return None


def _is_known(clash: Clash, clashes: Sequence[Clash]) -> bool:
    """Return whether one of the clashes foresees another."""
    return any(
        one.example.flow == clash.example.flow and one.updated <= clash.updated and one.pending <= clash.pending
        for one in clashes
    )
