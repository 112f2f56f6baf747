"""What would repair a refuted flow: every suggestion was generated and verified before it is made."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from gen.fabric import weave
from gen.flows import derive
from gen.load import load
from gen.production import Production
from gen.proving.candidates import Candidate, apply, propose
from gen.proving.wire import assume, state_flows, wire
from gen.read import read_topology
from gen.report import Severity
from gen.source import locate
from gen.verify import Verification, verify
from gen.write.layout import lay_out

MOST_CANDIDATES = 20
MOST_BUILDS = 4000
"""How many changes are tried, and how many nodes are built for it: each change costs a generation of all nodes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """One change, where in the topology it is made (None: not there), and the flows that it repairs or betters."""

    change: str
    place: str | None
    repairs: tuple[str, ...]
    betters: tuple[str, ...]


def describe_repair(repair: Repair) -> str:
    """The repair for people, on one line."""
    gains = (("repairs", repair.repairs), ("betters", repair.betters))
    said = [f"{verb} {', '.join(flows)}" for verb, flows in gains if flows]
    place = f" ({repair.place})" if repair.place is not None else ""
    return f"{repair.change}{place}: re-verified, {'; '.join(said)}"


def find_repairs(production: Production, verification: Verification) -> tuple[Repair, ...]:
    """What would repair the refuted flows of OUT and break none.

    What generate writes is tried first: OUT may be outdated or edited by hand. Only if that leaves a flow refuted, the
    topology itself is to blame, and changes of it are tried.
    """
    fresh = _verify_fresh(production)
    found = []
    regenerated = _gain("run netwright generate, with --force over files edited by hand", None, verification, fresh)
    if regenerated is not None:
        found.append(regenerated)
    if not fresh.proved:
        found += _change_topology(production, fresh)
    return tuple(found)


def _change_topology(production: Production, fresh: Verification) -> Iterator[Repair]:
    document, _ = load(production.source)
    if document is None:
        return
    failures = [one for one in fresh.findings if one.severity is Severity.ERROR and one.flows]
    candidates = dict.fromkeys(propose(document, failures))
    for candidate in islice(candidates, min(MOST_CANDIDATES, MOST_BUILDS // len(production.nodes))):
        with _changed(production, json.dumps(apply(document, candidate), ensure_ascii=False)) as changed:
            if changed is None:
                continue
            words = " and ".join(str(edit) for edit in candidate)
            repair = _gain(words, _place(production, candidate), fresh, _verify_fresh(changed))
        if repair is not None:
            yield repair


def _gain(change: str, place: str | None, before: Verification, after: Verification) -> Repair | None:
    """What the change is good for, None if it betters no flow or makes one worse."""
    earlier = {result.flow.name: result for result in before.flows}
    repairs, betters = [], []
    for result in after.flows:
        was = earlier[result.flow.name]
        if result.failed > was.failed or (was.proved and not result.proved):
            return None
        if result.proved and not was.proved:
            repairs.append(result.flow.name)
        elif result.failed < was.failed:
            betters.append(result.flow.name)
    if not repairs and not betters:
        return None
    return Repair(change=change, place=place, repairs=tuple(repairs), betters=tuple(betters))


def _place(production: Production, candidate: Candidate) -> str:
    path = candidate[0].path
    position = locate(production.source, (path,))[path].value
    return f"{production.source.name}:{position.line}:{position.column}"


@contextmanager
def _changed(production: Production, text: str) -> Iterator[Production | None]:
    """The production of another topology text in the same project, None if that topology has errors."""
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        path = os.path.join(folder, "topology.yaml")
        Path(path).write_text(text, encoding="utf-8")
        read = read_topology(path)
    if read.topology is None:
        yield None
        return
    fabric = weave(read.topology)
    derivation = derive(fabric)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in derivation.diagnostics):
        yield None
        return
    yield replace(production, fabric=fabric, derivation=derivation)


def _verify_fresh(production: Production) -> Verification:
    """What the files that generate would write make of the flows."""
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        for node in production.nodes:
            for path, wanted in lay_out(production.build(node)).items():
                file = Path(folder, node, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(wanted.content)
        fabric = production.fabric
        return verify(Path(folder), wire(fabric), state_flows(fabric), assume(fabric))
