"""A difference of a machine from its files, as a value."""

from typing import Literal

from msgspec import Struct

from netwright.verify.values.facts import Origin

Subject = Literal["address", "mtu", "route", "policy rule", "parameter", "nft"]


class Difference(Struct, frozen=True, kw_only=True):
    """A difference of a machine from its files: what is `missing`, `extra`, or has another value than it `expected`.

    `origin` is the line that asks for it, or the part of the record that shows what is extra.
    """

    kind: Literal["missing", "extra", "different"]
    subject: Subject
    what: str
    origin: Origin
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        if self.kind == "missing":
            return f"lacks {self.what}, which {self.origin} asks for"
        if self.kind == "extra":
            return f"has {self.what} ({self.origin}), for which no file asks"
        return f"has {self.what} {self.found}, where {self.origin} asks for {self.expected}"
