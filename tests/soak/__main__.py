"""`python -m tests.soak [NETWORKS] [FIRST SEED]` compares verify and the kernel on the files of that many networks."""

import sys
from contextlib import suppress

from tests.soak.comparison import compare
from tests.soak.further import FURTHER_FROM


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


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(int((*sys.argv[1:2], "500")[0]), int((*sys.argv[2:3], str(FURTHER_FROM))[0])))
