"""The flows while machines change: proved on what these have really, before and after each."""

from collections.abc import Iterable, Mapping, Sequence

from netwright.compare.against import compare
from netwright.compare.change import Change, ChangeKind, Earlier, describe_courses, describe_packets
from netwright.rollout.mixing import Transition
from netwright.rollout.values import Step
from netwright.text.counting import count
from netwright.verify import Flow
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import uncollected


class FlowProof:
    """The network as it is: machines by the last record of each, others by the files that they have.

    It is not meant for several threads.
    """

    def __init__(self, transition: Transition, flows: Sequence[Flow], steps: Sequence[Step]) -> None:
        """Knows no record yet; what the steps break by the plan is to break."""
        self._transition, self._flows = transition, flows
        self._expected = _expected(steps)
        self._records: dict[str, Record] = {}
        self._updated: frozenset[str] = frozenset()
        self._forms: tuple[Network, ...] | None = None

    def companions(self, node: str) -> tuple[str, ...]:
        """The machines with a record that hold an address in turn with a node, and may change with it."""
        held = {one.pool or one.ip for one in self._transition.held if one.node == node}
        others = dict.fromkeys(one.node for one in self._transition.held if (one.pool or one.ip) in held)
        return tuple(one for one in others if one != node and one in self._records)

    def note(self, records: Mapping[str, Record]) -> None:
        """Takes what machines have now, while nothing of ours changes on them."""
        self._records |= records
        self._forms = None

    def broken(self, node: str, records: Mapping[str, Record]) -> str | None:
        """Return in words the first flow that held before a machine got its new files, and does not by these records,
        its own and those of its companions; None if there is none: then this is how the network is from now on."""
        with uncollected():
            before = self._forms or self._transition.live(self._updated, self._records)
            updated, there = self._updated | {node}, {**self._records, **records}
            after = self._transition.live(updated & self._transition.changed, there)
            found = self._broken(before, after, self._expected.get(node, frozenset()))
        if found is not None:
            return found
        self._updated, self._records, self._forms = updated & self._transition.changed, there, after
        return None

    def take_back(self, node: str, record: Record | None) -> None:
        """A machine has its old files again, and what its record had before."""
        self._updated -= {node}
        self._forms = None
        if record is not None:
            self._records[node] = record

    def _broken(self, before: Sequence[Network], after: Sequence[Network], expected: frozenset[str]) -> str | None:
        flows = [flow for flow in self._flows if flow.name not in expected]
        changes = compare(Earlier(forms=before, flows=self._flows), after, flows)
        broken = [one for one in changes if one.kind is ChangeKind.BREAKS]
        return _describe(broken) if broken else None


def _describe(broken: Sequence[Change]) -> str:
    others = len({one.flow for one in broken}) - 1
    more = f", and {count(others, 'other flow')}" if others else ""
    _, now = describe_courses(broken[0])
    return f"the flow {broken[0].flow} held before and does not now: {describe_packets(broken[0])}: {now}{more}"


def _expected(steps: Sequence[Step]) -> Mapping[str, frozenset[str]]:
    """The flows of which the plan says that they are broken after each machine's change."""
    return {node: frozenset(_breaking(steps, number)) for number, step in enumerate(steps, 1) for node in step.nodes}


def _breaking(steps: Sequence[Step], number: int) -> Iterable[str]:
    for step in steps[:number]:
        yield from (one.example.flow for one in step.broken if one.until >= number)
