"""Units, programs and names: what follows from the change of their files."""

import re
from collections.abc import Callable

from msgspec.structs import replace

from netwright.rollout.settings import changed_lines
from netwright.rollout.values import ChangedFile, Command, Consequence, Loss, Stage

_RELOAD = Command(Stage.UNITS, "systemctl daemon-reload")
_UNIT = re.compile(r"^/etc/systemd/system/([^/]+?)(?:\.d/[^/]+)?$")
_READ_AT_START = "/etc/systemd/system/firewalld.service.d/10-netwright.conf"
_RULES_UNIT = "netwright-nftables.service"


def unit(file: ChangedFile) -> Consequence:
    """A unit, or a drop-in of one."""
    found = _UNIT.match(file.path)
    name = found[1] if found is not None else file.path
    is_dropin = ".d/" in file.path
    if file.path == _READ_AT_START:
        return Consequence(commands=(_RELOAD,))
    if file.after is None and not is_dropin:
        leave = Command(Stage.LEAVE, f"systemctl disable --now {name}")
        return Consequence(commands=(leave, _RELOAD), loss=Loss.NONE if name == _RULES_UNIT else Loss.SHORT)
    if name == _RULES_UNIT:  # a restart would take the table away for a moment
        start = f"systemctl {'enable --now' if file.before is None else 'reload-or-restart'} {name}"
        return Consequence(commands=(_RELOAD, Command(Stage.RULES, start)))
    if file.before is None and not is_dropin:
        return Consequence(commands=(_RELOAD, Command(Stage.PROGRAMS, f"systemctl enable --now {name}")))
    restart = Command(Stage.PROGRAMS, f"systemctl try-restart {name}")
    return Consequence(commands=(_RELOAD, restart), loss=Loss.SHORT, notes=(f"{name} starts again",))


def program(name: str) -> Callable[[ChangedFile], Consequence]:
    """Return the rule for the configuration of a program that reloads it and keeps its connections."""
    service = f"{name}.service"

    def rule(file: ChangedFile) -> Consequence:
        if file.after is None:
            leave = Command(Stage.LEAVE, f"systemctl disable --now {service}")
            return Consequence(commands=(leave,), loss=Loss.SHORT, notes=(f"{name} stops",))
        verb = "enable --now" if file.before is None else "reload-or-restart"
        return Consequence(commands=(Command(Stage.PROGRAMS, f"systemctl {verb} {service}"),))

    return rule


def keepalived(file: ChangedFile) -> Consequence:
    """keepalived's configuration: a reload keeps the addresses of an instance, unless its number, peers or interface
    change (measured with 2.2: they are away for 3.6 s where no other holder takes them)."""
    found = program("keepalived")(file)
    was, now = (dict(_INSTANCE.findall(_TRACKED.sub("", text or ""))) for text in (file.before, file.after))
    if file.after is None:
        return found
    away = [name for name in was if not _keeps_addresses(was[name], now.get(name, ""))]
    notes = tuple(f"the address of {name} is away for seconds, unless another holder takes it" for name in away)
    return replace(found, loss=Loss.SHORT if away else Loss.NONE, notes=notes)


_INSTANCE = re.compile(r"^vrrp_instance (\S+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_TRACKED = re.compile(r"^\s*track_script \{.*?\}\n", re.MULTILINE | re.DOTALL)
_KEEPING = re.compile(r"[-+] (priority|advert_int) |\+ [\d.]+/\d+ ")
"""Changed lines by which an instance keeps its addresses; one with a length is an address of it."""


def _keeps_addresses(was: str, now: str) -> bool:
    lines = changed_lines(ChangedFile(path="", before=was, after=now))
    return all(_KEEPING.match(f"{line} ") for line in lines)


def restarted(name: str, stage: Stage = Stage.NAMES) -> Callable[[ChangedFile], Consequence]:
    """Return the rule for the configuration of a service that only its start reads, and that no packet passes."""
    return lambda _file: Consequence(commands=(Command(stage, f"systemctl restart {name}.service"),))


def k3s(service: str) -> Callable[[ChangedFile], Consequence]:
    """Return the rule for K3s's settings; pods go on running while it starts again."""
    command = Command(Stage.CLUSTER, f"systemctl restart {service}.service")
    if service != "k3s":
        return lambda _file: Consequence(commands=(command,))
    notes = ("its API server does not answer for some seconds; pods go on",)
    return lambda _file: Consequence(commands=(command,), loss=Loss.SHORT, notes=notes)


def hostname(file: ChangedFile) -> Consequence:
    """The name of the machine."""
    name = (file.after or "").strip()
    return Consequence(commands=(Command(Stage.NAMES, f"hostnamectl set-hostname {name}"),) if name else ())


def host_lines(file: ChangedFile) -> Consequence:
    """The lines that a script of ours puts into /etc/hosts."""
    if file.after is None:
        return Consequence(commands=(Command(Stage.NAMES, r"sed -i '/ # netwright$/d' /etc/hosts"),))
    return Consequence(commands=(Command(Stage.NAMES, "sh /etc/netwright/hosts.sh"),))


def no_command(_file: ChangedFile) -> Consequence:
    """A file that is read each time it is used, or stands for what another file's commands do."""
    return Consequence()


def read_again(_file: ChangedFile) -> Consequence:
    """The rules of ip-masq-agent, which looks at them each minute."""
    return Consequence(notes=("ip-masq-agent reads it within a minute",))


def first_boot(_file: ChangedFile) -> Consequence:
    """A file that only the first boot reads, or cloud-init."""
    return Consequence(moment="provisioning", notes=("read at the first boot only",))
