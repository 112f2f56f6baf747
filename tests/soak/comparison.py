"""verify's word against the kernel's for the files of a whole network: generated, damaged, built, and tried."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from netwright import lab, verify
from netwright.lab.probes import Probe, Seen
from netwright.lab.verdicts import agrees
from netwright.model import Network
from netwright.production.production import Production, prepare
from netwright.verify.values.addresses import merge
from netwright.verify_input.wiring import assume, state_flows, wire
from netwright.write.layout import lay_out
from tests.soak.damage import damage
from tests.soak.devices import DEVICES, DEVICES_FROM, throw_devices
from tests.soak.further import FURTHER, FURTHER_FROM
from tests.soak.refused import REFUSED, REFUSED_FROM
from tests.soak.topologies import Document, throw
from tests.soak.trials import plan_trials

_PROBES = 150
"""Number of conversations of each flow that are tried."""

_WITH_DAEMONS = 0.4
"""In how many networks systemd-networkd and NetworkManager apply the files themselves; `ip` is quicker."""


class Comparison(Struct, frozen=True, kw_only=True):
    """What came of one seed: what was damaged, whether daemons applied the files, how much was tried, of how much of it
    verify knows nothing, and where the two differ."""

    seed: int
    damages: tuple[str, ...]
    daemons: bool
    topology: str
    tried: int
    unknown: int
    differing: tuple[tuple[Probe, Seen], ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}{', with daemons' if self.daemons else ''}", *self.damages]
        for probe, seen in self.differing:
            lines += [f"{probe}", f"  kernel: {seen} ({seen.loss})", f"  verify: {probe.predicted} ({probe.reason})"]
        return "\n".join(lines)


def compare(seed: int) -> Comparison:
    """The comparison on the network of a seed."""
    dice = Random(seed)
    with tempfile.TemporaryDirectory(prefix="netwright-soak-") as folder:
        topology, out = Path(folder, "topology.yaml"), Path(folder, "out")
        production = some_production(dice, topology, throw_devices if seed >= DEVICES_FROM else throw)
        with closing(production):
            write_files(production, out)
            resolved = production.resolved
            wiring, assumptions = wire(resolved), assume(resolved)
            flows = (*state_flows(resolved), everything_flow(wiring, resolved.topology.networks))
        damages = damage_files(dice, out, seed)
        plan = dice.choice(lab.read_plans(out, wiring, assumptions))
        choice = lab.choose_programs("auto" if dice.random() < _WITH_DAEMONS else "ip")
        trials = plan_trials(plan.network, flows, _PROBES)
        probes = [*_measure(plan, trials, choice)]
        suspects = [one for one in probes if _differs(*one[1:])]
        return Comparison(
            seed=seed,
            damages=damages,
            daemons=bool(choice.programs),
            topology=topology.read_text(),
            tried=len(probes),
            unknown=sum(probe.predicted is None for _, probe, _ in probes),
            differing=tuple(_still_differing(plan, choice, suspects)),
        )


def damage_files(dice: Random, out: Path, seed: int) -> tuple[str, ...]:
    """Damage the files: nothing, or up to three things; return what was done."""
    return tuple(_damage(dice, out, seed) for _ in range(dice.choice((0, 1, 1, 2, 2, 3))))


def _damage(dice: Random, out: Path, seed: int) -> str:
    """Damage the files; from FURTHER_FROM and REFUSED_FROM on mostly in the kinds that were added later, and where
    there are devices mostly in what makes them."""
    if seed >= DEVICES_FROM:
        return damage(dice, out, DEVICES if dice.random() < 0.8 else None)
    if seed >= REFUSED_FROM and dice.random() < 0.5:
        return damage(dice, out, REFUSED)
    return damage(dice, out) if seed < FURTHER_FROM or dice.random() < 0.4 else damage(dice, out, FURTHER)


_Measured = tuple[lab.Trial, Probe, Seen]


def _measure(plan: lab.LabPlan, trials: Sequence[lab.Trial], choice: lab.Choice) -> Iterator[_Measured]:
    """Return the kernel's results for the probes, all at once in one network."""
    with lab.built(plan, trials, lambda *_: None, choice) as standing:
        measured = lab.measure(standing, trials, lambda *_: None)
    for one in measured:
        for probe, seen in zip(one.trial.probes, one.seen, strict=True):
            yield one.trial, probe, seen


def _differs(probe: Probe, seen: Seen) -> bool:
    return probe.predicted is not None and not agrees(probe, seen)


def _still_differing(
    plan: lab.LabPlan, choice: lab.Choice, suspects: Sequence[_Measured]
) -> Iterator[tuple[Probe, Seen]]:
    """The suspects that differ alone as well: what one conversation asks of neighbours may hold up another, whose
    packets wait behind a question that nobody answers."""
    for trial, probe, _ in suspects:
        for _, _, seen in _measure(plan, [replace(trial, probes=(probe,))], choice):
            if _differs(probe, seen):
                yield probe, seen


def some_production(dice: Random, topology: Path, thrown: Callable[[Random], Document] = throw) -> Production:
    """Return the production of the first topology without errors."""
    while True:
        topology.write_text(json.dumps(thrown(dice), indent=1), encoding="utf-8")
        production, _ = prepare(str(topology))
        if production is not None:
            return production


def write_files(production: Production, out: Path) -> None:
    """Writes what the network's nodes get, below `out`."""
    for node in production.nodes:
        for path, wanted in lay_out(production.build(node)).items():
            (out / node / path).parent.mkdir(parents=True, exist_ok=True)
            (out / node / path).write_bytes(wanted.content)


def everything_flow(wiring: verify.Wiring, networks: Iterable[Network]) -> verify.Flow:
    """Return a flow from everywhere to everywhere, over each protocol."""
    ranges = [(network.cidr.first, network.cidr.last) for network in networks]
    ranges += [pods.network.range for pods in wiring.pod_networks]
    traffic = (
        verify.Traffic(protocol="icmp"),
        verify.Traffic(protocol="tcp", ports=(8080, 8080)),
        verify.Traffic(protocol="udp", ports=(53, 53)),
    )
    ends = merge(ranges)
    return verify.Flow(name="everything", sources=ends, destinations=ends, traffic=traffic)
