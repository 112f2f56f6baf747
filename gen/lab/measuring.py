"""Every trial in a standing lab: what became of its probes."""

from collections.abc import Sequence

from gen.lab.building import Plan, Progress
from gen.lab.namespaces import Namespaces
from gen.lab.probes import Trial
from gen.lab.surroundings import OUTSIDE, pods_of
from gen.lab.traffic import send_all
from gen.lab.verdicts import Measured


def measure(spaces: Namespaces, plan: Plan, trials: Sequence[Trial], progress: Progress) -> tuple[Measured, ...]:
    """What the kernel made of the trials."""
    owners = {name: name for name in plan.network.machines}
    owners |= {pods_of(name): name for name, machine in plan.network.machines.items() if machine.pods}
    if plan.network.wiring.internet is not None:
        owners[OUTSIDE] = plan.network.wiring.internet
    probes = [probe for trial in trials for probe in trial.probes]
    seen = iter(send_all(spaces, owners, probes, progress))
    return tuple(Measured(trial=trial, seen=tuple(next(seen) for _ in trial.probes)) for trial in trials)
