"""Choices that kernels make among the next hops of a route, all of which a proof has to try.

A kernel takes the next hop by a hash of a packet's addresses (route.c, fib_multipath_hash), of which nothing is known
but that it is the same for all packets between two addresses, one way. One that does not answer is taken all the same
(fib_multipath_use_neigh is 0).
"""

from collections.abc import Hashable
from math import prod

from msgspec import Struct, field

MOST_COMBINATIONS = 4096
"""Most combinations of next hops that are tried for one conversation."""


class TooManyWays(Exception):  # noqa: N818
    """A conversation has more ways than are tried."""


class Choices(Struct):
    """The choices of one conversation, in the order in which they are met: those that `script` lists, then the first of
    each. `asked` counts how often one was asked for."""

    script: tuple[int, ...] = ()
    sizes: list[int] = field(default_factory=list)
    made: dict[Hashable, int] = field(default_factory=dict)
    asked: int = 0

    def make(self, key: Hashable, size: int) -> int:
        """Return which of `size` next hops is taken; the same for the same key. Raises TooManyWays."""
        self.asked += 1
        if key not in self.made:
            place = len(self.sizes)
            self.made[key] = self.script[place] if place < len(self.script) else 0
            self.sizes.append(size)
            if self.are_too_many:
                raise TooManyWays
        return self.made[key]

    def following(self) -> tuple[int, ...] | None:
        """Return the script of the next combination; None after the last."""
        taken = [*self.made.values()]
        while taken:
            last = taken.pop()
            if last + 1 < self.sizes[len(taken)]:
                return (*taken, last + 1)
        return None

    @property
    def are_too_many(self) -> bool:
        """Return whether there are more combinations than are tried."""
        return prod(self.sizes) > MOST_COMBINATIONS
