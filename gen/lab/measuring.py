"""Every trial in a standing lab: what became of its probes."""

from collections.abc import Sequence

from gen.lab.applying import Progress
from gen.lab.building import Lab
from gen.lab.probes import Trial
from gen.lab.surroundings import OUTSIDE, pods_of
from gen.lab.traffic import send_all
from gen.lab.verdicts import Measured


def measure(lab: Lab, trials: Sequence[Trial], progress: Progress) -> tuple[Measured, ...]:
    """What the kernel made of the trials."""
    network = lab.plan.network
    owners = {name: name for name in network.machines}
    owners |= {pods_of(name): name for name, machine in network.machines.items() if machine.pods}
    if network.wiring.internet is not None:
        owners[OUTSIDE] = network.wiring.internet
    probes = [probe for trial in trials for probe in trial.probes]
    seen = iter(send_all(lab.spaces, owners, probes, progress))
    return tuple(Measured(trial=trial, seen=tuple(next(seen) for _ in trial.probes)) for trial in trials)
