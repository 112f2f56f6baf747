"""systemd's units: what starts them, what they run, and what else they do to others."""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.paths import words_of
from netwright.verify.reading.running.tables import SURE_TARGETS
from netwright.verify.reading.running.unit_effects import ACTIONS, reasons_beside_commands
from netwright.verify.reading.running.unit_names import full_name, refuse_starting, stem, template_of
from netwright.verify.reading.running.unit_order import find_circle
from netwright.verify.reading.running.unit_text import Directive, read_unit, split_words

FOLDERS = tuple(
    f"{top}/systemd/{kind}/" for kind in ("system", "user") for top in ("/etc", "/run", "/usr/local/lib", "/usr/lib")
)
_EXEC = re.compile(r"Exec(?:Start|StartPre|StartPost|Condition|Reload|Stop|StopPre|StopPost)")
_AT_THE_END = frozenset({"ExecStop", "ExecStopPost", "ExecStopPre"})
"""Run once the main program ends, also by itself, where nothing remains of the service (systemd.service(5))."""
_ENDS_ITSELF = re.compile(r"[-@:+!|]*\S*/kill\s+(?:-\S+\s+)*\$(?:MAINPID|\{MAINPID\})")
_PULLING = words_of("""
        Wants Requires Requisite BindsTo Upholds OnFailure OnSuccess PropagatesReloadTo Unit Sockets Service
        Also
    """)
_INSTALLING = ("WantedBy", "RequiredBy", "UpheldBy")


def unit_of(path: str) -> tuple[str, bool] | None:
    """The unit that a file is of, and whether it is a drop-in; None for a path of no unit."""
    folder = next((one for one in FOLDERS if path.startswith(one)), None)
    if folder is None:
        return None
    name, _, inner = path.removeprefix(folder).partition("/")
    if not inner:
        return name, False
    return (name[:-2], True) if name.endswith(".d") and inner.endswith(".conf") else None


class Unit(Struct, frozen=True, kw_only=True):
    """A delivered unit: its own file (None where only drop-ins are delivered), and drop-ins, by path."""

    name: str
    files: Mapping[str, tuple[Directive, ...]]
    own: str | None

    def values(self, *keys: str, section: str | None = None) -> list[str]:
        """The words of all assignments of the keys."""
        return [
            word
            for directives in self.files.values()
            for one in directives
            if one.key in keys and (section is None or one.section == section)
            for word in one.value.split()
        ]

    def has(self, key: str, *values: str) -> bool:
        """Return whether the key is set to one of the values."""
        return any(one.key == key and one.value in values for file in self.files.values() for one in file)

    @property
    def is_installed(self) -> bool:
        """Return whether `enable` has an effect."""
        return bool(self.values(*_INSTALLING, "Also", "Alias", section="Install"))

    @property
    def is_surely_started(self) -> bool:
        """Return whether, once it is enabled, every boot starts it."""
        return not SURE_TARGETS.isdisjoint(self.values(*_INSTALLING, section="Install"))

    def pulls(self) -> Iterator[str]:
        """The units that it starts with itself, or by what it waits for."""
        yield from self.values(*_PULLING)
        if self.name.endswith((".timer", ".path", ".socket", ".automount")) and not self.values("Unit", "Service"):
            yield stem(self.name) + (".mount" if self.name.endswith(".automount") else ".service")

    def rulesets(self) -> Iterator[str]:
        """The files that it loads into nft."""
        for directives in self.files.values():
            for one in directives:
                if one.key == "ExecStart":
                    for words in split_words(one.value.lstrip("-@:+!|")):
                        if len(words) == 3 and words[0].rpartition("/")[2] == "nft" and words[1] in ("-f", "--file"):
                            yield words[2]


_SURE_KEYS = re.compile(
    r"Description|Documentation|Wants|Before|After|DefaultDependencies|Type|RemainAfterExit|ExecStart|ExecReload|ExecStop|"
    r"WantedBy|RequiredBy|StandardOutput|StandardError|TimeoutStartSec|Requires|PartOf|ReloadPropagatedFrom|SyslogIdentifier"
)


def doubts(unit: Unit) -> str | None:
    """Return why a unit that loads a ruleset may not do so though it is started, None if it does."""
    if any(path != unit.own for path in unit.files):
        return f"a drop-in that changes how {unit.name} applies files"
    for one in (directive for directives in unit.files.values() for directive in directives):
        if not _SURE_KEYS.fullmatch(one.key):
            return f"{one.key}= may keep {unit.name} from loading it"
        if one.key == "ExecStart" and not one.value.startswith(
            ("/usr/sbin/nft -f ", "/sbin/nft -f ", "/usr/bin/nft -f ")
        ):
            return f"{unit.name} does more than to load it"
        if one.key == "Requires" and refuse_starting(one.value) is not None:
            return f"{one.key}= may keep {unit.name} from loading it"
    if unit.values("ExecStop") and not unit.has("RemainAfterExit", "yes", "true", "1", "on"):
        return f"{unit.name} runs its ExecStop= at once: RemainAfterExit=yes is missing"
    if not unit.has("Type", "oneshot", "exec", "simple") and unit.values("Type"):
        return f"Type= may keep {unit.name} from loading it"
    return None


def waits_for_network(unit: Unit) -> bool:
    """Return whether a unit that is started runs its commands for sure, in their order, and once the network is up."""
    directives = [one for directives in unit.files.values() for one in directives]
    return (
        set(unit.files) == {unit.own}
        and all(_SURE_KEYS.fullmatch(one.key) for one in directives)
        and unit.has("Type", "oneshot")
        and {*unit.values("Requires")} <= {_ONLINE}
        and _ONLINE in unit.values("After")
        and _ONLINE in unit.values("Wants", "Requires")
        and (not unit.values("ExecStop") or unit.has("RemainAfterExit", "yes", "true", "1", "on"))
    )


_ONLINE = "network-online.target"


def judge_unit(judge: Judge, unit: Unit, *, surely: bool = False) -> None:
    """Judge a unit that starts; `surely` where it is certain that it does: a command behind one that may fail is
    not."""
    circle = find_circle(unit.name, unit.values("Before"), unit.values("After"), unit.values("DefaultDependencies"))
    if circle is not None:
        with judge.at(unit.own or next(iter(unit.files))):
            judge.note(0, unit.name, circle)
    has_no_power = _has_no_power(unit)
    stays = unit.has("RemainAfterExit", "yes", "true", "1", "on")
    for path, directives in unit.files.items():
        with judge.at(path):
            judge.sure = surely
            for one in directives:
                if has_no_power and one.section != "Install":
                    continue
                judge.line, before = one.line, len(judge.events)
                for reason in _reasons(judge, unit, one, stays=stays):
                    judge.note(one.line, f"{one.key}={one.value}", reason)
                if one.key == "ExecStart" and not one.value.startswith("-") and len(judge.events) == before:
                    judge.sure = False


def _has_no_power(unit: Unit) -> bool:
    """Return whether its programs run, and stay, as a user who cannot change the network: that takes CAP_NET_ADMIN."""
    capabilities = unit.values("AmbientCapabilities", "CapabilityBoundingSet")
    users = unit.values("User")
    dynamic = unit.has("DynamicUser", "yes", "true", "1", "on")
    bound = dynamic or unit.has("NoNewPrivileges", "yes", "true", "1", "on")
    plain = not any(
        (one.key.startswith("Exec") and one.value.lstrip("-@:|").startswith(("+", "!")))
        or one.key in ("StandardOutput", "StandardError", "PAMName", *ACTIONS, "Conflicts")
        for directives in unit.files.values()
        for one in directives
    )
    named = bool(users) and not {"root", "0"} & {*users} and all("%" not in one for one in users)
    return bound and (dynamic or named) and plain and {*capabilities} <= {"CAP_NET_BIND_SERVICE", "CAP_NET_RAW"}


def _reasons(judge: Judge, unit: Unit, one: Directive, *, stays: bool) -> Iterator[str]:
    if not _EXEC.fullmatch(one.key):
        yield from reasons_beside_commands(judge, unit.name, one, is_systems=unit.own is None)
    elif one.key == "ExecReload" or (one.key in _AT_THE_END and (stays or _ENDS_ITSELF.fullmatch(one.value))):
        return
    elif one.value:
        for words in split_words(one.value.lstrip("-@:+!|")):
            if one.value.lstrip("-:+!|").startswith("@") and len(words) > 1:
                del words[1]
            if words:
                yield from judge.run(words)


def group_units(files: Mapping[str, str]) -> dict[str, Unit]:
    """The delivered units by name, each with its drop-ins."""
    gathered: dict[str, dict[str, tuple[Directive, ...]]] = {}
    owns: dict[str, str] = {}
    for path, text in files.items():
        found = unit_of(path)
        if found is None:
            continue
        name, is_dropin = found
        gathered.setdefault(name, {})[path] = read_unit(text)
        if not is_dropin:
            owns[name] = path
    return {name: Unit(name=name, files=parts, own=owns.get(name)) for name, parts in gathered.items()}


def find_template(units: Mapping[str, Unit], name: str) -> Unit | None:
    """The unit of that name, or the template that it is an instance of."""
    return units.get(full_name(name)) or units.get(template_of(name))


def pulled(units: Mapping[str, Unit], started: Sequence[str]) -> Iterator[str]:
    """All delivered units that are started with some."""
    waiting, seen = [*started], set[str]()
    while waiting:
        name = waiting.pop()
        unit = units.get(name) or find_template(units, name)  # service.d/ is of no unit in particular
        if unit is not None and unit.name not in seen:
            seen.add(unit.name)
            yield unit.name
            waiting += unit.pulls()
