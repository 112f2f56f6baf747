"""`python -m tests.soak [NETWORKS] [FIRST SEED]` compares verify and the kernel on the files of that many networks.

`python -m tests.soak --emulated NETWORKS [FIRST SEED]` does so on networks with bonds, VLANs, WireGuard and the like,
in one boot of an emulated kernel that has them all; `--devices` on this one.

`python -m tests.soak --boot NETWORKS [FIRST SEED]` compares verify and machines that boot from them, twice.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from netwright.commands.ending import ended_by_signals
from netwright.lab import LabError
from tests.rigs.emulator import PREPARE, EmulatorError, emulate
from tests.soak.booted import compare_booted
from tests.soak.comparison import compare
from tests.soak.devices import DEVICES_FROM
from tests.soak.refused import REFUSED_FROM

PROJECT = Path(__file__).resolve().parents[2]


def main(networks: int, first: int) -> int:
    """1 if the two differ anywhere, else 0; prints every difference with its seed."""
    tried = unknown = differing = damaged = 0
    for seed in range(first, first + networks):
        found = compare(seed)
        tried, unknown = tried + found.tried, unknown + found.unknown
        damaged += bool(found.damages)
        differing += bool(found.differing)
        if found.differing:
            print(found)
        if (seed - first) % 50 == 49 or seed == first + networks - 1:
            print(
                f"{seed - first + 1} networks, {damaged} of them damaged: {tried} conversations, of {unknown} verify"
                f" knows nothing; {differing} networks differ",
                flush=True,
            )
    return int(differing > 0)


def main_booted(networks: int, first: int) -> int:
    """The same of machines that boot."""
    tried = differing = damaged = refused = 0
    for number, seed in enumerate(range(first, first + networks), start=1):
        try:
            found = compare_booted(seed)
        except LabError as error:
            refused += 1
            print(f"seed {seed}, booted: {error}")
            continue
        tried, damaged = tried + found.tried, damaged + bool(found.damages)
        differing += found.differs
        if found.differs:
            print(found)
        print(
            f"{number} networks booted twice, {damaged} of them damaged, {refused} refused: {tried} conversations;"
            f" {differing} networks differ",
            flush=True,
        )
    return int(differing > 0)


def main_emulated(networks: int, first: int) -> int:
    """The same of networks with devices, on an emulated kernel."""
    command = f"PYTHONPATH={PROJECT}/gen:{PROJECT} {sys.executable} -m tests.soak --devices {networks} {first}"
    with TemporaryDirectory(prefix="netwright-soak-") as folder:
        ended = Path(folder, "ended")
        script = f"{PREPARE}status=0\n{command} || status=$?\necho $status > {ended.name}\n"
        try:
            print(emulate(script, Path(folder), seconds=24 * 3600), end="")
        except EmulatorError as error:
            print(error, file=sys.stderr)
            return 1
        return int(ended.read_text())


_MODES: Mapping[str, tuple[Callable[[int, int], int], int]] = {
    "--boot": (main_booted, REFUSED_FROM),
    "--devices": (main, DEVICES_FROM),
    "--emulated": (main_emulated, DEVICES_FROM),
}


def _run(arguments: Sequence[str]) -> int:
    work, usual = _MODES.get(arguments[0] if arguments else "", (main, REFUSED_FROM))
    numbers = [int(one) for one in arguments if one not in _MODES]
    networks, first = (*numbers, *(500, usual)[len(numbers) :])
    return work(networks, first)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), ended_by_signals():
        sys.exit(_run(sys.argv[1:]))
