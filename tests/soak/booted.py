"""verify's word against machines that boot, for the files of whole networks, damaged as for the quick comparison."""

import tempfile
from contextlib import closing
from pathlib import Path
from random import Random

from msgspec import Struct

from netwright.commands.lab_boot import BootResult, boot
from netwright.verify_input.wiring import state_flows, wire
from tests.soak.comparison import damage_files, everything_flow, some_production, write_files


class BootedComparison(Struct, frozen=True, kw_only=True):
    """Comparison for one seed: what was damaged, and the results of machines and verify for each flow."""

    seed: int
    damages: tuple[str, ...]
    result: BootResult

    @property
    def tried(self) -> int:
        """The conversations, in all rounds."""
        return sum(len(one.seen) for flow in self.result.compared for one in flow.measured.values())

    @property
    def differs(self) -> bool:
        """Return whether the two differ about a flow."""
        return not all(flow.agreed for flow in self.result.compared)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, booted", *self.damages]
        for flow in self.result.compared:
            if flow.agreed:
                continue
            lines.append(f"{flow.name}: {'proved' if flow.proved else 'not proved'}")
            for name, probe, seen in [*flow.disagreements()] or [*flow.unwanted()]:
                lines += [f"{probe} ({name})", f"  machines: {seen} ({seen.loss})"]
                lines.append(f"  verify: {probe.predicted} ({probe.reason})")
        return "\n".join([*lines, *self.result.remarks])


def compare_booted(seed: int) -> BootedComparison:
    """The comparison on the network of a seed."""
    dice = Random(seed)
    with tempfile.TemporaryDirectory(prefix="netwright-soak-") as folder:
        topology, out = Path(folder, "topology.yaml"), Path(folder, "out")
        with closing(some_production(dice, topology)) as production:
            write_files(production, out)
            damages = damage_files(dice, out, seed)
            resolved = production.resolved
            flows = (*state_flows(resolved), everything_flow(wire(resolved), resolved.topology.networks))
            result = boot(production, str(out), flows, {}, lambda *_: None)
    return BootedComparison(seed=seed, damages=damages, result=result)
