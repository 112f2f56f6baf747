"""Delivered rulesets that something loads, and on which boots."""

from collections.abc import Sequence

from msgspec import Struct

from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.programme import Programme
from netwright.verify.reading.running.starts import NOT_STARTED, Starts
from netwright.verify.reading.running.units import Unit, doubts
from netwright.verify.values.boots import Boot


class Rulesets(Struct, frozen=True, kw_only=True):
    """Rulesets of a programme, with what loads them."""

    programme: Programme
    judge: Judge
    starts: Starts

    def judge_all(self) -> frozenset[tuple[str, str, str]]:
        """Complain of rulesets that are not surely loaded; return those that nothing loads on some boots, with the
        boot and the reason."""
        unloaded: set[tuple[str, str, str]] = set()
        loaders = self._loaders()
        for path in self._delivered():
            units = loaders.get(path, [])
            reasons = {when: self._not_loaded(path, units, when) for when in (Boot.FIRST, Boot.LATER)}
            never = [when for when in reasons if self._is_never_loaded(path, units, when)]
            for when, reason in reasons.items():
                if reason is not None and never == [when]:
                    unloaded.add((path, when, reason))
                elif reason is not None:
                    with self.judge.at(path, when=when):
                        self.judge.note(0, "", reason)
        return frozenset(unloaded)

    def missing(self) -> tuple[str, ...]:
        """Return the rulesets that are loaded and not delivered."""
        started = {*self.starts.started(Boot.FIRST), *self.starts.started(Boot.LATER)}
        wanted = {path for path, units in self._loaders().items() if any(unit.name in started for unit in units)}
        wanted |= {path for path, _, _ in self.judge.loaded}
        return tuple(sorted(wanted - self.programme.read))

    def _delivered(self) -> Sequence[str]:
        paths = () if self.programme.bare else self.programme.read
        return sorted(path for path in paths if path.startswith("/etc/nftables/") and path.endswith(".nft"))

    def _loaders(self) -> dict[str, list[Unit]]:
        loaders: dict[str, list[Unit]] = {}
        for unit in self.starts.units.values():
            for path in unit.rulesets():
                loaders.setdefault(path, []).append(unit)
        return loaders

    def _is_never_loaded(self, path: str, units: Sequence[Unit], when: Boot) -> bool:
        """Return whether nothing loads a ruleset on the first boot, or on later ones, for sure."""
        started = self.starts.started(when)
        commanded = any(loaded == path and at in (Boot.EVERY, when) for loaded, _, at in self.judge.loaded)
        return not commanded and not any(unit.name in started for unit in units)

    def _not_loaded(self, path: str, units: Sequence[Unit], when: Boot) -> str | None:
        """Return why a ruleset is not loaded on the first boot, or on later ones; None if it is."""
        # On later boots a command of cloud-init's comes when the network is up already.
        if when == Boot.FIRST and any(
            loaded == path and sure and at in (Boot.EVERY, Boot.FIRST) for loaded, sure, at in self.judge.loaded
        ):
            return None
        reasons = [self.starts.objection(unit, when) or doubts(unit) for unit in units]
        return None if None in reasons else next(filter(None, reasons), NOT_STARTED)
