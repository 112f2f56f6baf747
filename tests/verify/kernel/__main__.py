"""The soak: `python -m tests.verify.kernel [WORLDS] [FIRST SEED]` compares model and kernel on that many worlds."""

import sys
from contextlib import suppress

from tests.verify.kernel.comparison import disagreements
from tests.verify.kernel.dice import FURTHER_FROM, throw


def main(worlds: int, first: int) -> int:
    """1 if the two differ anywhere, else 0; prints every difference with the seed of its world."""
    pairs = differing = 0
    for seed in range(first, first + worlds):
        world = throw(seed)
        found = disagreements(world)
        pairs += len(world.pairs)
        differing += bool(found)
        for one in found:
            print(f"seed {seed} {world.notes}\n{one}")
        if (seed - first) % 100 == 99:
            print(f"{seed - first + 1} worlds, {3 * pairs} flows, {differing} worlds differ", flush=True)
    print(f"{worlds} worlds, {3 * pairs} flows, {differing} worlds differ")
    return int(differing > 0)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(int((*sys.argv[1:2], "2000")[0]), int((*sys.argv[2:3], str(FURTHER_FROM))[0])))
