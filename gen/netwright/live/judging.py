"""Answers of machines -> the status of each, by the files of OUT and the kernel that these ask for."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from netwright.live.gathering import NOT_COLLECTED
from netwright.live.past import describe_past
from netwright.live.remote import Answer
from netwright.live.status import NodeStatus, judge
from netwright.live.wanted import Wanted
from netwright.production.production import Production
from netwright.topology.resolved import ResolvedTopology
from netwright.verify.network_model.building import read_configurations
from netwright.verify.network_model.difference import Difference
from netwright.verify.network_model.live_machine import Record
from netwright.verify.proof.proof import build_networks
from netwright.verify.reading.live_state import read_live_state
from netwright.verify.reading.record import RecordError
from netwright.verify_input.wiring import assume, wire


def judge_all(
    production: Production, out: Path, wanted: Mapping[str, Wanted], answers: Mapping[str, Answer]
) -> Iterator[NodeStatus]:
    """Yield the status of each node of which something is wanted: how what it answered differs from `out`."""
    problems: dict[str, str] = {}
    records = dict(read_records(answers, problems))
    resolved = production.resolved
    wiring = wire(resolved)
    differences = _differ_in_the_kernel(out, resolved, records) if records else {}
    for node, one in wanted.items():
        if node not in records:
            yield NodeStatus(node=node, problem=problems[node])
            continue
        pods = [pod.network for pod in wiring.pod_networks if pod.node == node]
        yield judge(
            one,
            records[node].state,
            hostname=resolved.nodes[node].hostname.value,
            pods=pods,
            in_the_kernel=differences.get(node, ()),
            past=partial(describe_past, out, node),
        )


def read_records(answers: Mapping[str, Answer], problems: dict[str, str]) -> Iterator[tuple[str, Record]]:
    """Yield the record of each node that has one; why others have none comes into `problems`."""
    for node, answer in answers.items():
        if answer.record is None:
            problems[node] = answer.problem or NOT_COLLECTED
            continue
        try:
            yield node, Record(state=read_live_state(node, answer.record), place=f"{node}.facts")
        except RecordError as error:
            problems[node] = f"the record {error}"


def _differ_in_the_kernel(
    out: Path, resolved: ResolvedTopology, records: Mapping[str, Record]
) -> Mapping[str, Sequence[Difference]]:
    """Return what each machine's kernel has other than its files would give it."""
    wiring = wire(resolved)
    forms = build_networks(read_configurations(out, wiring), wiring, assume(resolved), records)
    return forms[0].differences
