"""Times on the way up in which a machine is not as its files have it."""

from msgspec import Struct

from netwright.verify.values.facts import Origin


class Window(Struct, frozen=True, kw_only=True):
    """A time in which a machine passes packets without its rules, and the evidence for it."""

    cause: str
    origin: Origin
