"""Everything one delivery runs is judged as a whole, once for all nodes with the same."""

import re
from fnmatch import fnmatchcase
from functools import lru_cache

from netwright.verify.reading.commands import IP, NFT, SYSCTL
from netwright.verify.reading.running.areas import FileKind
from netwright.verify.reading.running.events import Event, Script, Systemctl
from netwright.verify.reading.running.formats import JUDGES, is_of_the_systems_udev
from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.lasting import COMMANDS, lasting_changes
from netwright.verify.reading.running.places import find_place, holds_places, takes_place
from netwright.verify.reading.running.programme import Order, Programme, Running, UnitLink
from netwright.verify.reading.running.rules import RULES
from netwright.verify.reading.running.rulesets import Rulesets
from netwright.verify.reading.running.sections import judge_section, refuse_kernel_argument
from netwright.verify.reading.running.shell import may_end
from netwright.verify.reading.running.starts import Starts
from netwright.verify.reading.running.tables import APPLIERS, DOWNLOADED, OF_THE_SYSTEM, SUITS_SYSEXT
from netwright.verify.reading.running.unit_effects import refuse_requiring
from netwright.verify.reading.running.unit_names import full_name, refuse_starting, refuse_stopping, stem, template_of
from netwright.verify.reading.running.units import (
    Unit,
    find_template,
    group_units,
    judge_unit,
    unit_of,
    waits_for_network,
)
from netwright.verify.reading.startup import comes_before_network
from netwright.verify.values.boots import Boot

_EXTENSIONS = ("/etc/extensions/", "/var/lib/extensions/", "/run/extensions/")
_MASKING = re.compile(r"\bsystemctl\s+(?:-\S+\s+)*mask\b([^;&|\n]*)")
_SUDO = re.compile(r'"sudo": (?!null|false|\[?"ALL=\(ALL(?::ALL)?\) ?(?:NOPASSWD: ?)?ALL"\]?[,}])')
"""A rule for sudo that is not one of the usual: sudo refuses everything if it can't read one."""


@lru_cache(maxsize=1024)
def judge_programme(programme: Programme) -> Running:
    """Judge what the programme may do to the network."""
    return _ProgrammeRun(programme).hold()


class _ProgrammeRun:
    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._files = {path: Script(text=text, executable=executable) for path, text, executable in programme.files}
        self._units = group_units(
            {path: script.text for path, script in self._files.items() if path not in programme.trusted}
        )
        self._judge = Judge(
            files=self._files,
            trusted=programme.trusted,
            rules=RULES,
            seeded=programme.seeded,
            docker=programme.docker,
            published=programme.published,
            firewalld=programme.firewalld,
            sudo=all(not _SUDO.search(value) for key, value in programme.sections if key in ("users", "user")),
            masked=self._masked(),
            filesystems=programme.filesystems,
            stated=programme.stated,
            loaders=frozenset(unit.name for unit in self._units.values() if [*unit.rulesets()]),
            units=frozenset(found[0] for path in self._files if (found := unit_of(path)) is not None and not found[1]),
        )
        self._starts = Starts(programme=programme, units=self._units, files=self._files, orders=self._judge.orders)

    def _masked(self) -> frozenset[str]:
        """The units that an order masks for sure, without suffix."""
        texts = (one.text if isinstance(one.text, str) else " ".join(one.text) for one in self._programme.orders)
        found = (names for text in texts for names in _MASKING.findall(text))
        return frozenset(stem(unit) for names in found for unit in names.split() if not unit.startswith("-"))

    def hold(self) -> Running:
        """Everything in its turn: the carrier's orders come first, as they decide what starts."""
        self._judge_orders()
        self._judge_config()
        for path in self._files:
            self._judge_place(path)
        self._judge_enabled()
        self._judge_remote()
        self._judge_links()
        self._judge_units()
        self._judge_scripts()
        changes = lasting_changes(self._judge)
        rulesets = Rulesets(programme=self._programme, judge=self._judge, starts=self._starts)
        return self._found(changes, rulesets.judge_all(), rulesets.missing())

    def _found(
        self, changes: tuple[Event, ...], unloaded: frozenset[tuple[str, str, str]], missing: tuple[str, ...]
    ) -> Running:
        judge = self._judge
        return Running(
            complaints=judge.noted(),
            used=frozenset(judge.used | (self._programme.trusted & self._files.keys())),
            changes=changes,
            unloaded=unloaded,
            applied=frozenset(judge.applied),
            missing=missing,
            modules=frozenset(name for name, _ in judge.modules),
            masked=judge.masked,
            enables_firewalld=any(_enables_firewalld(order) for order in judge.orders),
            keyed=frozenset(when for one in judge.keyed for when in one.each()),
        )

    def _judge_orders(self) -> None:
        judge, ended = self._judge, set[bool]()
        for number, order in enumerate(self._programme.orders, start=1):
            with judge.at(command=number, when=Boot.EVERY if order.every_boot else Boot.FIRST):
                # cloud-init makes one script of all commands of a kind; those of bootcmd come before the network.
                judge.sure = order.every_boot not in ended
                judge.programs = frozenset() if order.every_boot else frozenset({IP, NFT, SYSCTL})
                judge.stream, judge.line = "" if order.every_boot else COMMANDS, 1
                self._judge_order(order)
            if isinstance(order.text, str) and may_end(order.text):
                ended.add(order.every_boot)
        judge.stream = "else"

    def _judge_config(self) -> None:
        """Judge sections of user-data, and arguments of the kernel."""
        judge = self._judge
        for key, value in self._programme.sections:
            with judge.at(when=Boot.FIRST):
                judge_section(judge, key, value)
        for argument in self._programme.arguments:
            reason = refuse_kernel_argument(argument)
            if reason is not None:
                judge.note(1, argument, reason)

    def _judge_scripts(self) -> None:
        """Judge scripts that nothing known runs: something else may, at any time."""
        for path, script in self._files.items():
            place = find_place(path)
            if script.executable and path not in self._programme.trusted and takes_place(path):
                with self._judge.at(path):
                    self._judge.note(0, "", "programs that call the system's program of that name may find this one")
            if script.executable and (place is None or place.kind is FileKind.DATA) and path not in self._judge.seen:
                with self._judge.aside():
                    self._judge.script(path)

    def _judge_order(self, order: Order) -> None:
        if isinstance(order.text, str):
            self._judge.shell(order.text)
        elif order.text:
            for reason in self._judge.run(order.text):
                self._judge.note(1, " ".join(order.text), reason)

    def _refuse_starting(self, unit: str) -> str | None:
        return refuse_starting(unit, docker=self._programme.docker, firewalld=self._programme.firewalld)

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
        for name in sorted({*self._programme.enabled, *self._starts.linked()}):
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
            elif not _is_known_extension(link.path) and (
                link.target != "/dev/null" or is_of_the_systems_udev(link.path)
            ):
                for reason in self._judge.write(link.path, wholly=True):
                    self._judge.note(1, f"{link.path} -> {link.target}", reason)
                inner = holds_places(link.target)
                if inner is not None:
                    goes = f"what is written there goes to {link.target}: {inner.reason}"
                    self._judge.note(1, f"{link.path} -> {link.target}", goes)

    def _judge_unit_link(self, link: UnitLink) -> None:
        name = link.path.rpartition("/")[2]
        if ".wants/" in link.path or ".requires/" in link.path or ".upholds/" in link.path:
            wanting = link.path.rpartition("/")[0].rpartition("/")[2].removesuffix(".requires")
            if ".requires/" in link.path and refuse_requiring(name, wanting):
                said = f"where {name} fails, {wanting} does not start, on which the network depends"
                self._judge.note(1, f"{link.path} -> {link.target}", said)
            return
        if link.target == "/dev/null":
            if stem(name) in APPLIERS or name in self._units or "generators/" in link.path:
                self._judge.note(1, f"{link.path} -> {link.target}", f"masks {name}, on which the network depends")
        elif name == "default.target" and link.target.endswith("/multi-user.target"):
            return
        elif name != link.target.rpartition("/")[2] and refuse_stopping(name):
            said = f"takes the place of {name}, on which the network depends"
            self._judge.note(1, f"{link.path} -> {link.target}", said)
        elif link.target not in self._files and self._refuse_starting(link.target.rpartition("/")[2]) is not None:
            self._judge.note(1, f"{link.path} -> {link.target}", "a link in the place of a unit")

    # units

    def _judge_units(self) -> None:
        done: set[tuple[str, str]] = set()
        while True:
            orders = len(self._judge.orders)
            first, later = self._starts.started(Boot.FIRST), self._starts.started(Boot.LATER)
            for name in dict.fromkeys((*first, *later)):
                when = Boot.EVERY if name in first and name in later else (Boot.FIRST if name in first else Boot.LATER)
                if (name, when) not in done:
                    done.add((name, when))
                    self._judge_unit(self._units[name], when)
            if len(self._judge.orders) == orders:
                return

    def _judge_unit(self, unit: Unit, when: Boot) -> None:
        surely = waits_for_network(unit) and all(self._starts.objection(unit, one) is None for one in (when.each()))
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


_RC_LOCAL = "/etc/rc.d/rc.local"
_NO_UNITS = frozenset({"-.mount"})


def _enables_firewalld(order: Systemctl) -> bool:
    return order.verb == "enable" and order.unit == "firewalld.service" and order.sure


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
