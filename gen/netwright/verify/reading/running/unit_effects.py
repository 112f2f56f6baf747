"""What a unit does besides running commands: by its own settings, to other units and to other programs."""

from collections.abc import Iterator

from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.paths import words_of
from netwright.verify.reading.running.tables import UNITS
from netwright.verify.reading.running.unit_names import is_on_list, refuse_stopping, stem
from netwright.verify.reading.running.unit_text import Directive, split_words

ACTIONS = frozenset({"SuccessAction", "FailureAction", "StartLimitAction", "JobTimeoutAction"})
_ELSEWHERE = words_of("""
        RootDirectory RootImage BindPaths BindReadOnlyPaths MountImages ExtensionImages ExtensionDirectories
        ExecSearchPath OpenFile TemporaryFileSystem
    """)


_KEPT_OFF = words_of("""
        IPAddressDeny IPIngressFilterPath IPEgressFilterPath BPFProgram RestrictNetworkInterfaces SocketBindDeny
        PrivateNetwork NetworkNamespacePath
    """)
"""Settings that keep programs from the network (systemd.resource-control(5), systemd.exec(5))."""
_RIGHTS = words_of("""
        RestrictAddressFamilies CapabilityBoundingSet PrivateUsers ProtectKernelTunables ProtectKernelModules
        ProtectControlGroups RestrictNamespaces SystemCallFilter RestrictFileSystems User DynamicUser
        InaccessiblePaths NoExecPaths ReadOnlyPaths ProtectSystem MemoryDenyWriteExecute
    """)
"""Settings that take rights from programs."""
_OFF = ("", "no", "false", "0", "off")
_ALL_SERVICES = "service"
"""The name of drop-ins that are those of every service (service.d/)."""
_RESTING = frozenset({"multi-user", "network", "network-online"})
"""Units that others do not wait for in order to start."""


def reasons_beside_commands(judge: Judge, name: str, one: Directive, *, is_systems: bool) -> Iterator[str]:
    """Yield why an assignment of the unit `name` that is no command may change the network; `is_systems`: the unit is
    the system's, and the assignment in a drop-in."""
    if one.key in ACTIONS and one.value not in ("none", "reboot", "reboot-force", ""):
        yield "the machine is switched off"
    elif one.key in ("Conflicts", "PropagatesStopTo"):
        yield from filter(None, map(refuse_stopping, one.value.split()))
    elif one.key in ("StandardOutput", "StandardError") and ":" in one.value:
        yield from judge.write(one.value.partition(":")[2])
    elif one.key in ("Environment", "DefaultEnvironment"):
        for words in split_words(one.value):
            for word in words:
                yield from judge.assign(word)
    elif one.key == "Where":
        yield from judge.mount(one.value)
    elif one.key in _ELSEWHERE:
        yield f"{one.key}= puts other files in the place of those that are read"
    elif (
        one.key in ("Symlinks", "ListenFIFO", "ListenStream")
        and "/" in one.value
        and not one.value.startswith(("/run/", "/var/run/"))
    ):
        yield from judge.write(one.value.split()[0])
    else:
        yield from _limits(name, one, is_systems=is_systems)
        yield from _installs(name, one)


def _limits(name: str, one: Directive, *, is_systems: bool) -> Iterator[str]:
    """Yield why programs that the network depends on, or that answer, may not do so."""
    if one.value in _OFF:
        return
    many = name.endswith(".slice") or name == _ALL_SERVICES
    if one.key in _KEPT_OFF and (many or is_systems or refuse_stopping(name) or is_on_list(stem(name), UNITS)):
        yield f"{one.key}= keeps {'programs' if many else name} from the network"
    elif one.key in _RIGHTS and (name == _ALL_SERVICES or refuse_stopping(name)):
        yield f"{one.key}= takes rights that {'services' if many else name} may need for the network"


def _installs(name: str, one: Directive) -> Iterator[str]:
    """Yield what enabling a unit does to others: it takes their place, or keeps them from starting where it fails."""
    if one.section != "Install":
        return
    for unit in one.value.split():
        if one.key == "Alias" and refuse_stopping(unit):
            yield f"takes the place of {unit}, on which the network depends"
        elif one.key == "RequiredBy" and refuse_requiring(name, unit):
            yield f"where {name} fails, {unit} does not start, on which the network depends"


def refuse_requiring(name: str, unit: str) -> bool:
    """Return whether the network depends on a unit that does not start where the unit `name` fails: of a mount it is
    usual, and systemd's own way."""
    return name.endswith((".service", ".target")) and stem(unit) not in _RESTING and bool(refuse_stopping(unit))
