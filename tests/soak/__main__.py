"""`python -m tests.soak [NETWORKS] [FIRST SEED]` compares verify and the kernel on the files of that many networks.

`python -m tests.soak --boot NETWORKS [FIRST SEED]` compares verify and machines that boot from them, twice.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress

from netwright.commands.ending import ended_by_signals
from netwright.lab import LabError
from tests.soak.booted import compare_booted
from tests.soak.comparison import compare
from tests.soak.refused import REFUSED_FROM


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


def _run(arguments: Sequence[str]) -> int:
    booted = arguments[:1] == ["--boot"]
    networks, first = (*arguments[booted:], *("500", str(REFUSED_FROM))[len(arguments[booted:]) :])
    return (main_booted if booted else main)(int(networks), int(first))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), ended_by_signals():
        sys.exit(_run(sys.argv[1:]))
