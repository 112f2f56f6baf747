"""Results that do not change from packet to packet, and the choices among next hops that are being tried."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from netwright.verify.forwarding.choices import Choices
from netwright.verify.forwarding.handshakes import Handshake
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.trace import Crossing, End
from netwright.verify.values.packets import Packet

_Key = TypeVar("_Key", bound=Hashable)

_Kept = TypeVar("_Kept")


class Memory:
    """Results that don't change from packet to packet: who answers ARP, whether tunnels between nodes work, if a sender
    is told that its packets are too large, what rules translate to whom (proof/openings.py), and the last
    conversations, which many flows may ask about."""

    def __init__(self, choices: Choices | None = None) -> None:
        """Knows nothing yet; takes the next hops whose turn it is elsewhere."""
        self.answers: dict[tuple[str, str, int, int], tuple[tuple[Machine, str], ...]] = {}
        self.handshakes: dict[tuple[str, str, str, bool], Handshake] = {}
        self.tunnels: dict[tuple[str, str, bool], tuple[Packet, End, tuple[Crossing, ...]]] = {}
        self.told: dict[tuple[str, int], End] = {}
        self.openings: Any = None
        self.sizes_alike: bool | None = None
        self.conversations: dict[Hashable, Any] = {}
        self.choices = Choices() if choices is None else choices

    def keep(self, kept: dict[_Key, _Kept], key: _Key, make: Callable[[], _Kept]) -> _Kept:
        """Return what is kept, or make it; it is kept unless it hangs on a choice among next hops."""
        if key in kept:
            return kept[key]
        asked = self.choices.asked
        made = make()
        if self.choices.asked == asked:
            kept[key] = made
        return made

    def try_every(self, run: Callable[[], _Kept]) -> Iterator[_Kept]:
        """Yield the results of what packets do, with each combination of next hops that they may take."""
        script: tuple[int, ...] | None = ()
        while script is not None:
            self.choices = choices = Choices(script)
            yield run()
            script = None if choices.are_too_many else choices.following()
