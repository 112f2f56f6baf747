"""Places of numbers, so that of many rules few are compared with a packet or with each other."""

from collections import defaultdict

from netwright.verify.values.addresses import Ranges

Block = tuple[int, int]
"""Numbers that differ in their last bits only, as those of a prefix do: how many bits, and the bits before these."""
Region = tuple[Block, ...]
"""A block for each kind of number, always in the same order."""
EVERYTHING = (32, 0)


def smallest_block(ranges: Ranges) -> Block:
    """Return the smallest block that holds ranges; there is one at least."""
    first, last = ranges[0][0], ranges[-1][1]
    bits = (first ^ last).bit_length()
    return bits, first >> bits


class Places:
    """Places in order, found by what lies in them.

    They have few sizes, however many they are, and one of each size holds a given place.
    """

    def __init__(self) -> None:
        """Begins without any."""
        self._count = 0
        self._sizes: set[tuple[int, ...]] = set()
        self._numbers: dict[Region, list[int]] = defaultdict(list)

    def add(self, place: Region) -> None:
        """Take the next place."""
        self._sizes.add(tuple(bits for bits, _ in place))
        self._numbers[place].append(self._count)
        self._count += 1

    def around(self, own: Region) -> list[int]:
        """Return the numbers of those that hold a place, counted from 0, in order."""
        found: list[int] = []
        for sizes in self._sizes:
            if all(size >= bits for size, (bits, _) in zip(sizes, own, strict=True)):
                place = tuple((size, rest >> size - bits) for size, (bits, rest) in zip(sizes, own, strict=True))
                found += self._numbers.get(place, ())
        return sorted(found)
