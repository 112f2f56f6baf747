"""Everything one delivery runs, on the first boot and later: judged as a whole, once for all nodes with the same."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from netwright.verify.reading.commands import IP, NFT, SYSCTL
from netwright.verify.reading.formats.sysctl import split_key
from netwright.verify.reading.running.formats import JUDGES
from netwright.verify.reading.running.judge import BEYOND, Complaint, Event, Judge, Script, Systemctl
from netwright.verify.reading.running.places import FileKind, find_place, holds_places
from netwright.verify.reading.running.rules_of_containers import RULES_OF_CONTAINERS
from netwright.verify.reading.running.rules_of_files import RULES_OF_FILES
from netwright.verify.reading.running.rules_of_packages import RULES_OF_PACKAGES
from netwright.verify.reading.running.rules_of_shells import RULES_OF_SHELLS
from netwright.verify.reading.running.rules_of_systems import (
    RULES_OF_SYSTEMS,
    full_name,
    is_on_list,
    refuse_starting,
    stem,
    template_of,
)
from netwright.verify.reading.running.sections import judge_section, refuse_kernel_argument
from netwright.verify.reading.running.shell import may_end
from netwright.verify.reading.running.tables import (
    APPLIERS,
    DOWNLOADED,
    OF_THE_SYSTEM,
    SUITS_SYSEXT,
    SURE_TARGETS,
    UNITS,
)
from netwright.verify.reading.running.units import (
    Unit,
    doubts,
    find_template,
    group_units,
    judge_unit,
    pulled,
    unit_of,
    waits_for_network,
)
from netwright.verify.reading.startup import comes_before_network
from netwright.verify.values.boots import Boot

_RULES = {**RULES_OF_FILES, **RULES_OF_SHELLS, **RULES_OF_SYSTEMS, **RULES_OF_PACKAGES, **RULES_OF_CONTAINERS}
_EXTENSIONS = ("/etc/extensions/", "/var/lib/extensions/", "/run/extensions/")
_MASKING = re.compile(r"\bsystemctl\s+(?:-\S+\s+)*mask\b([^;&|\n]*)")
_SUDO = re.compile(r'"sudo": (?!null|false|\[?"ALL=\(ALL(?::ALL)?\) ?(?:NOPASSWD: ?)?ALL"\]?[,}])')
"""A rule for sudo that is not one of the usual: sudo refuses everything if it can't read one."""
_NOT_STARTED = "no enabled unit loads this ruleset"


class Order(Struct, frozen=True, kw_only=True):
    """A command of the carrier: text for a shell or words, on every boot or on the first only."""

    text: str | tuple[str, ...]
    every_boot: bool = False

    @property
    def line(self) -> str:
        """The command as one line."""
        return self.text if isinstance(self.text, str) else " ".join(self.text)


class UnitLink(Struct, frozen=True, kw_only=True):
    """A symbolic link that is delivered."""

    path: str
    target: str


class Programme(Struct, frozen=True, kw_only=True):
    """Programs that a delivery may run. `seeded` means that cloud-init writes it, during the first boot.

    `files` are path, text and whether it is executable; `remote` are those that are fetched, with the same; `read` are
    the files that have a reader of their own. `bare` means that nothing states what starts, `docker` that Docker is to
    run, `stated` are kernel parameters that a file sets to one value alone.
    """

    files: tuple[tuple[str, str, bool], ...] = ()
    remote: tuple[tuple[str, bool], ...] = ()
    read: frozenset[str] = frozenset()
    links: tuple[UnitLink, ...] = ()
    enabled: frozenset[str] = frozenset()
    orders: tuple[Order, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    trusted: frozenset[str] = frozenset()
    stated: frozenset[tuple[tuple[str, ...], str]] = frozenset()
    seeded: bool = False
    bare: bool = False
    docker: bool = False


class Running(Struct, frozen=True, kw_only=True):
    """Findings: complaints, trusted files that are there or needed, and sysctl files applied on the first boot
    ("" is all of them). `masked` are units without suffix, `missing` rulesets that are loaded and not delivered,
    `changes` what surely happens to the network by commands; `unloaded` are rulesets that nothing loads, with the boot
    and the reason.
    """

    complaints: tuple[Complaint, ...]
    used: frozenset[str]
    applied: frozenset[str]
    missing: tuple[str, ...]
    modules: frozenset[str]
    masked: frozenset[str]
    changes: tuple[Event, ...] = ()
    unloaded: frozenset[tuple[str, str, str]] = frozenset()
    keyed: frozenset[Boot] = frozenset()
    """The boots on which NetworkManager gets private keys before it starts."""


@lru_cache(maxsize=1024)
def judge_programme(programme: Programme) -> Running:
    """Judge what the programme may do to the network."""
    return _ProgrammeRun(programme).hold()


class _ProgrammeRun:
    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._changes: tuple[Event, ...] = ()
        self._unloaded: list[tuple[str, str, str]] = []
        self._files = {path: Script(text=text, executable=executable) for path, text, executable in programme.files}
        self._units = group_units(
            {path: script.text for path, script in self._files.items() if path not in programme.trusted}
        )
        self._judge = Judge(
            files=self._files,
            trusted=programme.trusted,
            rules=_RULES,
            seeded=programme.seeded,
            docker=programme.docker,
            sudo=all(not _SUDO.search(value) for key, value in programme.sections if key in ("users", "user")),
            masked=self._masked(),
            stated=programme.stated,
            loaders=frozenset(unit.name for unit in self._units.values() if [*unit.rulesets()]),
            units=frozenset(found[0] for path in self._files if (found := unit_of(path)) is not None and not found[1]),
        )

    def _masked(self) -> frozenset[str]:
        """The units that an order masks for sure, without suffix."""
        texts = (one.text if isinstance(one.text, str) else " ".join(one.text) for one in self._programme.orders)
        found = (names for text in texts for names in _MASKING.findall(text))
        return frozenset(stem(unit) for names in found for unit in names.split() if not unit.startswith("-"))

    def hold(self) -> Running:
        """Everything in its turn: the carrier's orders come first, as they decide what starts."""
        programme, judge = self._programme, self._judge
        ended: set[bool] = set()
        for number, order in enumerate(programme.orders, start=1):
            with judge.at(command=number, when=Boot.EVERY if order.every_boot else Boot.FIRST):
                # cloud-init makes one script of all commands of a kind; those of bootcmd come before the network.
                judge.sure = order.every_boot not in ended
                judge.programs = frozenset() if order.every_boot else frozenset({IP, NFT, SYSCTL})
                judge.stream, judge.line = "" if order.every_boot else COMMANDS, 1
                self._judge_order(order)
            if isinstance(order.text, str) and may_end(order.text):
                ended.add(order.every_boot)
        judge.stream = "else"
        for key, value in programme.sections:
            with judge.at(when=Boot.FIRST):
                judge_section(judge, key, value)
        for argument in programme.arguments:
            reason = refuse_kernel_argument(argument)
            if reason is not None:
                judge.note(1, argument, reason)
        for path in self._files:
            self._judge_place(path)
        self._judge_enabled()
        self._judge_remote()
        self._judge_links()
        self._judge_units()
        for path, script in self._files.items():
            place = find_place(path)
            if script.executable and (place is None or place.kind is FileKind.DATA) and path not in judge.seen:
                with judge.aside():
                    judge.script(path)
        self._drop_uncertain()
        missing = self._judge_rulesets()
        used = judge.used | (programme.trusted & self._files.keys())
        return Running(
            complaints=judge.noted(),
            used=frozenset(used),
            changes=self._changes,
            unloaded=frozenset(self._unloaded),
            applied=frozenset(judge.applied),
            missing=missing,
            modules=frozenset(name for name, _ in judge.modules),
            masked=judge.masked,
            keyed=frozenset(when for one in judge.keyed for when in one.each()),
        )

    def _drop_uncertain(self) -> None:
        """Complains of the changes that something may undo, or that come in an order that is not known."""
        judge = self._judge
        changes = [event for event in judge.events if event.words]
        for number, event in enumerate(judge.events):
            others = [
                (at, one)
                for at, one in enumerate(judge.events)
                if one.program == event.program and _meet(one, event) and one is not event
            ]
            place = number, self._started_at(event)
            undone = any(not one.words and one.stream and _may_follow(at, one, event, place) for at, one in others)
            mixed = any(_touches(one) == _touches(event) and one.stream != event.stream for _, one in others)
            if event in changes and (undone or mixed):
                judge.refuse(
                    event, f"{BEYOND}: {'another may undo it' if undone else 'another comes before or after it'}"
                )
                changes.remove(event)
        self._changes = tuple(changes)

    def _started_at(self, event: Event) -> int:
        """The number of the event by which a command starts the unit that an event is of, -1 without one."""
        starts = (at for at, one in enumerate(self._judge.events) if one.program == f"start {event.stream}")
        return next(starts, -1)

    def _judge_order(self, order: Order) -> None:
        if isinstance(order.text, str):
            self._judge.shell(order.text)
        elif order.text:
            for reason in self._judge.run(order.text):
                self._judge.note(1, " ".join(order.text), reason)

    def _refuse_starting(self, unit: str) -> str | None:
        return refuse_starting(unit, docker=self._programme.docker)

    # files

    def _judge_place(self, path: str) -> None:
        place = find_place(path)
        if (
            place is None
            or path in self._programme.trusted
            or place.kind in (FileKind.DATA, FileKind.READ, FileKind.UNIT)
        ):
            return
        with self._judge.at(path, when=Boot.EVERY):
            self._judge.sure, self._judge.stream = False, path
            if path == _RC_LOCAL and self._programme.seeded and self._files[path].executable:
                # rc-local.service comes behind network.target: systemd-sysctl is through, cards may not be up.
                self._judge.sure, self._judge.programs = True, frozenset({NFT, SYSCTL})
            if place.kind is FileKind.BLIND:
                if not _is_known_extension(path):
                    self._judge.note(0, "", place.reason)
            elif place.kind is FileKind.PRESET:
                self._judge_preset(self._files[path].text)
            else:
                JUDGES[place.kind](self._judge, path, self._files[path].text)

    def _judge_preset(self, text: str) -> None:
        for number, line in enumerate(text.split("\n"), start=1):
            words = line.split()
            if not words or words[0][0] in "#;" or (words[0] == "disable" and self._is_apart(words[1:])):
                continue
            if words[0] == "enable" and len(words) > 1 and "*" not in words[1]:
                if full_name(words[1]) in self._units:
                    continue
                reason = self._refuse_starting(words[1])
                if reason is None:
                    continue
            self._judge.note(number, line.strip(), "it decides which units start")

    def _is_apart(self, units: list[str]) -> bool:
        patterns = [full_name(unit) for unit in units[:1]]
        known = {full_name(name) for name in (*APPLIERS, *self._units)}
        return bool(patterns) and not any(fnmatchcase(name, one) for one in patterns for name in known)

    def _judge_enabled(self) -> None:
        """Units of the system's that the carrier or a link starts."""
        for name in sorted({*self._programme.enabled, *self._linked()}):
            if full_name(name) not in self._judge.units and template_of(name) not in self._judge.units:
                reason = self._refuse_starting(name)
                if reason is not None:
                    self._judge.note(1, "", reason)

    def _judge_remote(self) -> None:
        for path, executable in self._programme.remote:
            place = find_place(path)
            if path in self._programme.trusted or _is_known_extension(path):
                continue
            runs = place is not None and place.kind not in (FileKind.DATA,)
            name = path.rpartition("/")[2]
            if runs or (executable and not any(name == one or name.startswith(f"{one}-") for one in DOWNLOADED)):
                with self._judge.at(path):
                    self._judge.note(0, "", "what the file will hold cannot be read from the config")

    def _judge_links(self) -> None:
        for link in self._programme.links:
            if unit_of(link.path) is not None or "/systemd/" in link.path:
                self._judge_unit_link(link)
            elif not _is_known_extension(link.path) and link.target != "/dev/null":
                for reason in self._judge.write(link.path, wholly=True):
                    self._judge.note(1, f"{link.path} -> {link.target}", reason)
                inner = holds_places(link.target)
                if inner is not None:
                    goes = f"what is written there goes to {link.target}: {inner.reason}"
                    self._judge.note(1, f"{link.path} -> {link.target}", goes)

    def _judge_unit_link(self, link: UnitLink) -> None:
        name = link.path.rpartition("/")[2]
        if ".wants/" in link.path or ".requires/" in link.path or ".upholds/" in link.path:
            return
        if link.target == "/dev/null":
            if stem(name) in APPLIERS or name in self._units or "generators/" in link.path:
                self._judge.note(1, f"{link.path} -> {link.target}", f"masks {name}, on which the network depends")
        elif name == "default.target" and link.target.endswith("/multi-user.target"):
            return
        elif link.target not in self._files and self._refuse_starting(link.target.rpartition("/")[2]) is not None:
            self._judge.note(1, f"{link.path} -> {link.target}", "a link in the place of a unit")

    # units

    def _judge_units(self) -> None:
        done: set[tuple[str, str]] = set()
        while True:
            orders = len(self._judge.orders)
            first, later = self._started(Boot.FIRST), self._started(Boot.LATER)
            for name in dict.fromkeys((*first, *later)):
                when = Boot.EVERY if name in first and name in later else (Boot.FIRST if name in first else Boot.LATER)
                if (name, when) not in done:
                    done.add((name, when))
                    self._judge_unit(self._units[name], when)
            if len(self._judge.orders) == orders:
                return

    def _judge_unit(self, unit: Unit, when: Boot) -> None:
        surely = waits_for_network(unit) and all(self._not_started(unit, one) is None for one in (when.each()))
        with self._judge.at(when=when):
            self._judge.programs = frozenset({IP, NFT, SYSCTL}) if surely else frozenset()
            self._judge.stream = unit.name if not self._is_early(unit) else ""
            judge_unit(self._judge, unit, surely=surely)
        if stem(unit.name) in OF_THE_SYSTEM:
            for path in unit.files:
                with self._judge.at(path, when=when):
                    self._judge.note(0, "", _replaces(unit, path))
        for name in unit.pulls():
            reason = (
                self._refuse_starting(name)
                if find_template(self._units, name) is None and name not in _NO_UNITS
                else None
            )
            if reason is not None:
                with self._judge.at(next(iter(unit.files)), when=when):
                    self._judge.note(1, "", reason)

    def _is_early(self, unit: Unit) -> bool:
        """Return whether a unit is through before any command of those that count: what it does, they do not suffer."""
        return unit.own is not None and comes_before_network(self._files[unit.own].text)

    def _started(self, when: Boot) -> dict[str, None]:
        """The delivered units that may start on the first boot, or later."""
        return dict.fromkeys(pulled(self._units, [*self._roots(when)]))

    def _roots(self, when: Boot) -> Iterator[str]:
        for name, unit in self._units.items():
            is_systems = unit.own is None or is_on_list(stem(name), UNITS) or stem(name) in APPLIERS
            if is_systems or (name in self._linked() or (name in self._programme.enabled and unit.is_installed)):
                yield name
        for path in self._files:
            place = find_place(path)
            if (
                place is not None
                and place.kind is FileKind.PRESET
                and (when == Boot.LATER or not self._programme.seeded)
            ):
                for line in self._files[path].text.split("\n"):
                    yield from line.split()[1:2] if line.startswith("enable") else ()
        for order in self._judge.orders:
            found = find_template(self._units, order.unit)
            enables = order.verb in ("enable", "reenable", "preset")
            if enables and found is not None and found.is_installed and when == Boot.LATER:
                yield order.unit
            if (order.verb in _AT_ONCE or (enables and order.now)) and order.when in (Boot.EVERY, when):
                yield order.unit
        yield from (name for name in self._programme.enabled if "@" in name)

    def _linked(self) -> frozenset[str]:
        return frozenset(
            link.path.rpartition("/")[2]
            for link in self._programme.links
            if any(one in link.path for one in (".wants/", ".requires/", ".upholds/"))
        )

    # rulesets

    def _judge_rulesets(self) -> tuple[str, ...]:
        """Complaints of rulesets that are not loaded on every boot; returns those that are loaded and not delivered."""
        loaders: dict[str, list[Unit]] = {}
        for unit in self._units.values():
            for path in unit.rulesets():
                loaders.setdefault(path, []).append(unit)
        rulesets = sorted(
            path for path in self._programme.read if path.startswith("/etc/nftables/") and path.endswith(".nft")
        )
        for path in rulesets if not self._programme.bare else ():
            units = loaders.get(path, [])
            reasons = {when: self._not_loaded(path, units, when) for when in (Boot.FIRST, Boot.LATER)}
            never = [when for when in reasons if self._is_never_loaded(path, units, when)]
            for when, reason in reasons.items():
                if reason is not None and never == [when]:
                    self._unloaded.append((path, when, reason))
                elif reason is not None:
                    with self._judge.at(path, when=when):
                        self._judge.note(0, "", reason)
        started = {*self._started(Boot.FIRST), *self._started(Boot.LATER)}
        wanted = {path for path, units in loaders.items() if any(unit.name in started for unit in units)}
        wanted |= {path for path, _, _ in self._judge.loaded}
        return tuple(sorted(wanted - self._programme.read))

    def _is_never_loaded(self, path: str, units: list[Unit], when: Boot) -> bool:
        """Return whether nothing loads a ruleset on the first boot, or on later ones, for sure."""
        started = self._started(when)
        commanded = any(loaded == path and at in (Boot.EVERY, when) for loaded, _, at in self._judge.loaded)
        return not commanded and not any(unit.name in started for unit in units)

    def _not_loaded(self, path: str, units: list[Unit], when: Boot) -> str | None:
        """Return why a ruleset is not loaded on the first boot, or on later ones; None if it is."""
        # On later boots a command of cloud-init's comes when the network is up already.
        if when == Boot.FIRST and any(
            loaded == path and sure and at in (Boot.EVERY, Boot.FIRST) for loaded, sure, at in self._judge.loaded
        ):
            return None
        reasons = [self._not_started(unit, when) or doubts(unit) for unit in units]
        return None if None in reasons else next(filter(None, reasons), _NOT_STARTED)

    def _not_started(self, unit: Unit, when: Boot) -> str | None:
        """Return why a unit is not surely started."""
        name = unit.name
        if any(order.verb in ("stop", "disable", "mask") and order.unit == name for order in self._judge.orders):
            return f"{name} is stopped or disabled again"
        if any(
            one.path.endswith(f".wants/{name}") and one.path.rpartition("/")[0].rpartition("/")[2][:-6] in SURE_TARGETS
            for one in self._programme.links
        ):
            return None
        if self._programme.seeded and when == Boot.FIRST:
            return (
                None if any(self._starts_now(order, name) for order in self._judge.orders) else f"nothing starts {name}"
            )
        orders = [one for one in self._judge.orders if one.unit == name and one.sure]
        if name not in self._programme.enabled and not any(one.verb in ("enable", "reenable") for one in orders):
            return _NOT_STARTED
        if not unit.is_installed:
            return f"{name} has no [Install] section: nothing ever starts it, and it loads no rules"
        if not unit.is_surely_started:
            return f"{name} is wanted by no target that every boot reaches"
        return None

    @staticmethod
    def _starts_now(order: Systemctl, name: str) -> bool:
        return order.unit == name and order.sure and (order.verb in _AT_ONCE or order.now)


def _may_follow(at: int, undoing: Event, event: Event, place: tuple[int, int]) -> bool:
    """Return whether an undoing may come after an event, which has a place among all, or after its start."""
    number, start = place
    if undoing.stream == event.stream:
        return at > number
    return undoing.stream != COMMANDS or at > start


def _touches(event: Event) -> str:
    """Return the subjects of a change: the order of two with different subjects does not matter."""
    if event.program != SYSCTL or not event.words:
        return event.program if event.words else ""
    key = split_key(event.words[0].partition("=")[0].strip())
    return {"ip_forward": "forwarding"}.get(key[-1], key[-1])


def _meet(one: Event, other: Event) -> bool:
    """Return whether two events may be of one boot."""
    return Boot.EVERY in (one.when, other.when) or one.when == other.when


COMMANDS = "commands"
"""The stream of runcmd, which cloud-init makes one script of."""
_RC_LOCAL = "/etc/rc.d/rc.local"
_AT_ONCE = ("start", "restart", "reload-or-restart")
_NO_UNITS = frozenset({"-.mount"})


def _replaces(unit: Unit, path: str) -> str:
    if path == unit.own:
        return f"a unit in the place of the system's {unit.name}, which applies files"
    return f"a drop-in that changes how {unit.name} applies files"


def _is_known_extension(path: str) -> bool:
    """Return whether an image of that name is one of Flatcar's bakery that brings programs the assumptions speak of."""
    name = path.rpartition("/")[2]
    return (
        path.startswith(_EXTENSIONS)
        and name.endswith(".raw")
        and any(fnmatchcase(name.removesuffix(".raw"), one) or name.startswith(f"{one}-") for one in SUITS_SYSEXT)
    )
