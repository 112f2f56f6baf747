"""Delivered units that start, on the first boot and on later ones, and those that surely do."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.verify.reading.running.areas import FileKind
from netwright.verify.reading.running.events import Script, Systemctl
from netwright.verify.reading.running.places import find_place
from netwright.verify.reading.running.programme import Programme
from netwright.verify.reading.running.tables import APPLIERS, SURE_TARGETS, UNITS
from netwright.verify.reading.running.unit_names import is_on_list, stem
from netwright.verify.reading.running.units import FOLDERS, Unit, find_template, pulled
from netwright.verify.values.boots import Boot

NOT_STARTED = "no enabled unit loads this ruleset"
_AT_ONCE = ("start", "restart", "reload-or-restart")


class Starts(Struct, frozen=True, kw_only=True):
    """What may start the `units` of a programme: itself, and the `orders` to systemctl that were found so far."""

    programme: Programme
    units: Mapping[str, Unit]
    files: Mapping[str, Script]
    orders: Sequence[Systemctl]

    def started(self, when: Boot) -> dict[str, None]:
        """The delivered units that may start on the first boot, or later."""
        return dict.fromkeys(pulled(self.units, [*self._roots(when)]))

    def _roots(self, when: Boot) -> Iterator[str]:
        for name, unit in self.units.items():
            is_systems = unit.own is None or is_on_list(stem(name), UNITS) or stem(name) in APPLIERS
            if is_systems or (name in self.linked() or (name in self.programme.enabled and unit.is_installed)):
                yield name
        for path in self.files:
            place = find_place(path)
            if (
                place is not None
                and place.kind is FileKind.PRESET
                and (when == Boot.LATER or not self.programme.seeded)
            ):
                for line in self.files[path].text.split("\n"):
                    yield from line.split()[1:2] if line.startswith("enable") else ()
        for order in self.orders:
            found = find_template(self.units, order.unit)
            enables = order.verb in ("enable", "reenable", "preset")
            if enables and found is not None and found.is_installed and when == Boot.LATER:
                yield order.unit
            if (order.verb in _AT_ONCE or (enables and order.now)) and order.when in (Boot.EVERY, when):
                yield order.unit
        yield from (name for name in self.programme.enabled if "@" in name)
        yield from self._aliased()

    def _aliased(self) -> Iterator[str]:
        """Yield delivered units that links give another unit's name, by which something may start them."""
        for link in self.programme.links:
            folder, _, alias = link.path.rpartition("/")
            name = link.target.rpartition("/")[2]
            if f"{folder}/" in FOLDERS and alias != name and name in self.units:
                yield name

    def linked(self) -> frozenset[str]:
        """Return the units that a delivered link has a target want."""
        return frozenset(
            link.path.rpartition("/")[2]
            for link in self.programme.links
            if any(one in link.path for one in (".wants/", ".requires/", ".upholds/"))
        )

    def objection(self, unit: Unit, when: Boot) -> str | None:
        """Return why a unit is not surely started."""
        name = unit.name
        if any(order.verb in ("stop", "disable", "mask") and order.unit == name for order in self.orders):
            return f"{name} is stopped or disabled again"
        if any(
            one.path.endswith(f".wants/{name}") and one.path.rpartition("/")[0].rpartition("/")[2][:-6] in SURE_TARGETS
            for one in self.programme.links
        ):
            return None
        if self.programme.seeded and when == Boot.FIRST:
            return None if any(self._starts_now(order, name) for order in self.orders) else f"nothing starts {name}"
        orders = [one for one in self.orders if one.unit == name and one.sure]
        if name not in self.programme.enabled and not any(one.verb in ("enable", "reenable") for one in orders):
            return NOT_STARTED
        if not unit.is_installed:
            return f"{name} has no [Install] section: nothing ever starts it, and it loads no rules"
        if not unit.is_surely_started:
            return f"{name} is wanted by no target that every boot reaches"
        return None

    @staticmethod
    def _starts_now(order: Systemctl, name: str) -> bool:
        return order.unit == name and order.sure and (order.verb in _AT_ONCE or order.now)
