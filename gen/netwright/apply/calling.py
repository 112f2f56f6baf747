"""Calls of the script on machines over ssh, each answered by facts."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.apply.look import read_facts
from netwright.apply.script import AS_ROOT, state_script
from netwright.live.remote import AT_ONCE, PATIENCE, Answer, Target, collect
from netwright.verify.reading.record import RecordError

NEW_CONNECTION = ("-o", "ControlMaster=no", "-o", "ControlPath=none")
"""ssh's words for a connection that shares nothing with one that is there."""
_PAUSE = 0.5
_SHORT = 20.0


class Lines(Struct, frozen=True, kw_only=True):
    """How machines are reached: ssh's words, and the addresses of nodes that its configuration has nowhere."""

    options: tuple[str, ...]
    addresses: Mapping[str, str | None]

    def ask_all(
        self,
        scripts: Mapping[str, str],
        *,
        at_once: int = AT_ONCE,
        advance: Callable[[int], None] = lambda _number: None,
    ) -> Iterator[Answer]:
        """Yield the answer of each machine to its script, run as root. Raises SshError."""
        targets = [self._target(node, script) for node, script in scripts.items()]
        yield from collect(targets, "", options=self.options, at_once=at_once, remote=AS_ROOT, advance=advance)

    def call(self, node: str, script: str, patience: float = PATIENCE) -> Mapping[str, str] | str:
        """The facts that the script prints on the machine, over a connection of its own; or why there are none."""
        (answer,) = collect(
            [self._target(node, script)], "", options=self._apart, patience=patience, at_once=1, remote=AS_ROOT
        )
        if answer.record is None:
            return answer.problem or "it does not answer"
        try:
            return read_facts(answer.record)
        except RecordError as error:
            return f"what it answers {error}"

    def records(self, scripts: Mapping[str, str]) -> dict[str, Answer]:
        """The record of each machine by its script, over a connection of its own."""
        targets = [self._target(node, script) for node, script in scripts.items()]
        return {one.node: one for one in collect(targets, "", options=self._apart, patience=_SHORT)}

    def state(self, node: str, identity: str, deadline: float, wanted: Callable[[str], bool]) -> tuple[str, str]:
        """What has become of a change, and why: asked again until it is as wanted, or until a moment of the monotonic
        clock. Without any answer, that is "", and why there is none."""
        while True:
            found = self.call(node, state_script(identity), _SHORT)
            known = ("", found) if isinstance(found, str) else (found.get("state", ""), found.get("why", ""))
            if wanted(known[0]) or time.monotonic() > deadline:
                return known
            time.sleep(_PAUSE)

    @property
    def _apart(self) -> Sequence[str]:
        return (*NEW_CONNECTION, *self.options)

    def _target(self, node: str, script: str | None) -> Target:
        return Target(node=node, address=self.addresses[node], script=script)
