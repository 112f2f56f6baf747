"""The natural order of names: worker2 before worker10."""

import re
from functools import lru_cache

_DIGITS = re.compile(r"([0-9]+)")


@lru_cache(maxsize=65536)
def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key in which runs of digits count as numbers; texts that differ only in leading zeros stay distinct."""
    parts = _DIGITS.split(text)
    return (*((1, int(part), part) if number % 2 else (0, 0, part) for number, part in enumerate(parts)), (0, 0, text))
