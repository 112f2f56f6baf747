"""A difference between what was reviewed and what a machine has."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Aspect(StrEnum):
    """Subject of a comparison: a column of the table."""

    FILES = "files"
    UNITS = "units"
    ADDRESSES = "addresses"
    ROUTES = "routes"
    RULES = "rules"
    SYSCTLS = "sysctls"
    NFT = "nft"
    PODS = "pods"


DifferenceKind = Literal["missing", "extra", "different"]


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that a machine lacks, has beside what was reviewed, or has in another form.

    `what` names it without the machine, so that the same thing on several machines is told once; `expected` and `found`
    are in words, None where there is nothing. `place` is the line of OUT that asks for it.
    """

    aspect: Aspect
    kind: DifferenceKind
    what: str
    expected: str | None = None
    found: str | None = None
    place: str | None = None
