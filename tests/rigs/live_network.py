"""A small network of namespaces by its files, and records of its machines, as the script of `netwright collect` prints
them there: with what was changed on them since."""

import base64
import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

import netwright.live
from netwright.lab import Lab, LabPlan, Measured, Namespaces, built, measure, plan_conversations, read_plans
from netwright.production.production import prepare
from netwright.verify import Flow, Verification
from netwright.verify.network_model.building import read_configurations
from netwright.verify.network_model.difference import Difference
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks, verify_networks
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.live_state import read_live_state
from netwright.verify.values.wiring import Assumptions, Wiring
from netwright.verify_input.wiring import assume, state_flows, wire

SCRIPT = Path(netwright.live.__file__).with_name("collect.sh")


class LiveNetwork(Struct, frozen=True, kw_only=True):
    """The network that stands by the files in `out`, and `whole`, the records of all its nodes as they were."""

    out: Path
    lab: Lab
    wiring: Wiring
    assumptions: Assumptions
    flows: tuple[Flow, ...]
    configurations: tuple[Configuration, ...]
    whole: Mapping[str, bytes]

    @property
    def spaces(self) -> Namespaces:
        """The namespaces of nodes and their pods."""
        return self.lab.spaces

    def collect(self, node: str) -> bytes:
        """The record of a node, whose name is its namespace's as well."""
        return _collect(self.spaces, node)

    @contextlib.contextmanager
    def changed(self, node: str, there: Sequence[str], back: Sequence[str]) -> Iterator[None]:
        """A while in which a node has what commands of a shell have changed; {out} is where the files are."""
        self._run(node, there)
        try:
            yield
        finally:
            self._run(node, back)

    def _run(self, node: str, commands: Sequence[str]) -> None:
        for command in commands:
            self.spaces.run(node, ["sh", "-ec", command.replace("{out}", str(self.out))])

    def network(self, records: Mapping[str, bytes]) -> Network:
        """The first form of the network by the records of some nodes, and the files of the others."""
        return self._forms(records)[0]

    def verify(self, records: Mapping[str, bytes]) -> Verification:
        """The proof of all flows by records."""
        return verify_networks(self._forms(records), self.flows)

    def measure(self, records: Mapping[str, bytes]) -> tuple[Measured, ...]:
        """What the kernels do with the packets of every flow, next to what is predicted by records."""
        network = self.network(records)
        standing = replace(self.lab, plan=replace(self.lab.plan, network=network))
        return measure(standing, plan_conversations(network, self.flows), lambda *_: None)

    def differences(self, node: str) -> tuple[Difference, ...]:
        """The differences of a node, as it is now, from its files."""
        return self.network({node: self.collect(node)}).differences[node]

    def _forms(self, records: Mapping[str, bytes]) -> tuple[Network, ...]:
        read = {
            node: Record(state=read_live_state(node, content), place=f"live/{node}.facts")
            for node, content in records.items()
        }
        return build_networks(self.configurations, self.wiring, self.assumptions, read)


@contextlib.contextmanager
def standing(topology: Path, out: Path) -> Iterator[LiveNetwork]:
    """The network of the files in `out`."""
    production, report = prepare(str(topology))
    assert production is not None, report
    with contextlib.closing(production):
        resolved = production.resolved
        wiring, assumptions, flows = wire(resolved), assume(resolved), tuple(state_flows(resolved))
    plan: LabPlan = read_plans(out, wiring, assumptions)[0]
    with built(plan, plan_conversations(plan.network, flows), lambda *_: None) as lab:
        yield LiveNetwork(
            out=out,
            lab=lab,
            wiring=wiring,
            assumptions=assumptions,
            flows=flows,
            configurations=read_configurations(out, wiring),
            whole={node: _collect(lab.spaces, node) for node in wiring.nodes},
        )


def _collect(spaces: Namespaces, node: str) -> bytes:
    with spaces.enter(node):
        command = ["unshare", "--uts", "sh", "-c", f"hostname {node} && exec sh -s"]
        return subprocess.run(command, input=SCRIPT.read_bytes(), capture_output=True, check=True).stdout


def with_fact(record: bytes, name: str, output: bytes, complaint: str = "", status: int = 0) -> bytes:
    """The record with another fact in place of the one of that name."""
    said = base64.b64encode(f"{complaint} {status}\n".encode())
    fact = b"\t".join((name.encode(), base64.b64encode(output), said))
    lines = [fact if line.startswith(name.encode() + b"\t") else line for line in record.splitlines()]
    assert fact in lines
    return b"\n".join(lines) + b"\n"


def write_records(folder: Path, records: Mapping[str, bytes]) -> None:
    """Writes records to a directory, NODE.facts each."""
    folder.mkdir(exist_ok=True)
    for node, content in records.items():
        (folder / f"{node}.facts").write_bytes(content)
