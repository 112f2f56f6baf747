"""Boots of a machine, which may differ in what runs, and so in what holds."""

from enum import StrEnum


class Boot(StrEnum):
    """The boots on which something is so, in the words that follow it in a message. EVERY one needs no words."""

    EVERY = ""
    FIRST = "on the first boot"
    LATER = "from the second boot on"
    BEFORE = "until the commands of a boot have run"

    def each(self) -> "tuple[Boot, ...]":
        """Return the single boots that it stands for."""
        return (Boot.FIRST, Boot.LATER) if self is Boot.EVERY else (self,)
