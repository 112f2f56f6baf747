"""A place where topologies are tried: generated in a temporary directory, read back as machines would, and verified."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from netwright.flows import derive
from netwright.parallel.progress import progress_bar
from netwright.plan.types import NodePlan
from netwright.production.firewalld import check_firewalld
from netwright.production.production import Production
from netwright.production.read import read_topology
from netwright.text.load import Document
from netwright.text.report import Severity
from netwright.topology.resolved import ResolvedTopology, resolve_topology
from netwright.verify import Verification
from netwright.verify.network_model.building import read_node
from netwright.verify.proof.proof import build_networks, verify_networks
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.delivery import read_delivery
from netwright.verify_input.wiring import assume, state_flows, wire
from netwright.write.layout import lay_out


class Workbench:
    """Plans and network of a topology; a change of it is built and read only where it makes another plan of a node."""

    def __init__(self, production: Production, *, quiet: bool) -> None:
        """Builds and verifies the topology as it is, and shows its progress on a terminal."""
        self._production = production
        self._plans = {node: production.plan(node) for node in production.nodes}
        with progress_bar(len(self._plans), quiet=quiet, what="nodes rebuilt") as advance:
            self._read = self._build(self._plans, production.resolved, advance)
        self.verification = _verify(production.resolved, self._read.values())

    @property
    def resolved(self) -> ResolvedTopology:
        """The topology as it is."""
        return self._production.resolved

    def attempt(self, document: Document) -> Verification | None:
        """Return the result of another document, None if it has errors."""
        changed = self._produce(document)
        if changed is None:
            return None
        plans = {node: changed.plan(node) for node in changed.nodes}
        different = {node: plan for node, plan in plans.items() if plan != self._plans.get(node)}
        fresh = self._build(different, changed.resolved)
        return _verify(changed.resolved, [fresh.get(node) or self._read[node] for node in plans])

    def _produce(self, document: Document) -> Production | None:
        with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
            path = os.path.join(folder, "topology.yaml")
            Path(path).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            read = read_topology(path)
        if read.topology is None:
            return None
        resolved = resolve_topology(read.topology)
        derivation = derive(resolved)
        if any(diagnostic.severity is Severity.ERROR for diagnostic in derivation.diagnostics):
            return None
        if check_firewalld(resolved, derivation):
            return None
        return replace(self._production, resolved=resolved, derivation=derivation)

    def _build(
        self,
        plans: dict[str, NodePlan],
        resolved: ResolvedTopology,
        progress: Callable[[int], None] = lambda _nodes: None,
    ) -> dict[str, Configuration]:
        """Return the files that machines with these plans would read."""
        read, wiring = {}, wire(resolved)
        with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
            for node, plan in plans.items():
                for path, wanted in lay_out(self._production.build_plan(plan)).items():
                    file = Path(folder, node, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(wanted.content)
                read[node] = read_node(read_delivery(Path(folder), node), wiring)
                progress(1)
        return read


def _verify(resolved: ResolvedTopology, configurations: Iterable[Configuration]) -> Verification:
    known = {one.node: one for one in configurations}
    wiring = wire(resolved)
    ordered = [known[node] for node in wiring.nodes]
    return verify_networks(build_networks(ordered, wiring, assume(resolved)), state_flows(resolved))
