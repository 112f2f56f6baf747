"""A difference between what was reviewed and what a machine has."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from netwright.verify.network_model import difference as kernel


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

    def describe(self) -> str:
        """Return the difference in words."""
        if self.kind != "different":
            return f"{self.kind} {self.what}"
        return f"{self.what}: {self.found}, not {self.expected}"


_ASPECTS: Mapping[kernel.Subject, Aspect] = {
    "address": Aspect.ADDRESSES,
    "mtu": Aspect.ADDRESSES,
    "route": Aspect.ROUTES,
    "policy rule": Aspect.RULES,
    "parameter": Aspect.SYSCTLS,
    "nft": Aspect.NFT,
}


def of_the_kernel(one: kernel.Difference) -> Difference:
    """Return the difference that the proof finds in a machine's kernel; what is extra has no line that asks for it."""
    return Difference(
        aspect=_ASPECTS[one.subject],
        kind=one.kind,
        what=one.what,
        expected=one.expected,
        found=one.found,
        place=str(one.origin) if one.kind != "extra" else None,
    )
