"""Files in places from which something runs, kind by kind: which of their lines may change the network."""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

import yaml

from netwright.verify.reading.running.areas import FileKind
from netwright.verify.reading.running.formats_of_containers import judge_docker, judge_quadlet
from netwright.verify.reading.running.formats_of_manifests import judge_manifest
from netwright.verify.reading.running.formats_of_networks import judge_keepalived, judge_networkd, lines_with_content
from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.paths import GLOB, UNSURE, words_of
from netwright.verify.reading.running.places import refuse_mode
from netwright.verify.reading.running.rules_of_systems import refuse_module
from netwright.verify.reading.running.tables import CARDS_AND_RULES, MODULES
from netwright.verify.values.boots import Boot

_ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")


def judge_crontab(judge: Judge, path: str, text: str) -> None:
    """Five fields or @daily, a user in the system's tables, and a command of the shell."""
    judge.folder = None
    has_user = not path.startswith("/var/spool/cron/")
    anacron = path == "/etc/anacrontab"
    for number, line in lines_with_content(text):
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is not None:
            name, value = assignment[1], assignment[2].strip("\"'")
            shells = ("/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash")
            for reason in judge.assign(f"{name}={value}"):
                judge.note(number, line, reason)
            if name == "SHELL" and value not in shells:
                judge.note(number, line, "cron runs its commands by another program")
            continue
        count = 3 if anacron else (1 if line.startswith("@") else 5) + has_user
        words = line.split(None, count)
        if len(words) <= count:
            judge.note(number, line, "not a line of a crontab")
            continue
        judge.shell(words[count].partition("%")[0].replace("\\%", "%"), line=number)


_UDEV_KEYS: tuple[str, ...] = (
    "SYMLINK",
    "OWNER",
    "GROUP",
    "MODE",
    "TAG",
    "LABEL",
    "GOTO",
    "OPTIONS",
    "SECLABEL{*}",
    "ENV{ID_*}",
    "ENV{UDISKS_*}",
    "ENV{DM_*}",
)
_UDEV_KEYS += ("ATTR{queue/*}", "ATTR{bdi/*}", "ATTR{power/*}", "ATTR{device/timeout}")
_UDEV = re.compile(r"\s*([A-Za-z_]+(?:\{[^}]*\})?)\s*(==|!=|\+=|-=|:=|=)\s*(?:e|i)?\"((?:[^\"\\]|\\.)*)\"\s*,?")


_UDEV_OF_THE_SYSTEM = words_of("""
        50-udev-default.rules 60-net.rules 71-prefixdevname.rules 75-net-description.rules 80-net-setup-link.rules
        98-default-mac-none.rules 99-systemd.rules
    """)
"""Rules of the systems that name cards, or make units of them."""


def judge_udev(judge: Judge, path: str, text: str) -> None:
    """Names, owners and queues of devices are harmless; cards, programs and units are not."""
    if is_of_the_systems_udev(path):
        judge.note(0, "", "it takes the place of the system's own of that name, by which cards get their names")
    for number, line in _joined(text):
        place, parts = 0, []
        while place < len(line):
            found = _UDEV.match(line, place)
            if found is None:
                judge.note(number, line, "not a rule of udev that is understood")
                break
            parts.append((found[1], found[2], found[3]))
            place = found.end()
        for key, operator, _value in parts:
            if operator in ("==", "!="):
                if key.startswith(("PROGRAM", "IMPORT")):
                    judge.note(number, line, "udev runs a program")
            elif _is_of_network(key, _value) or not any(fnmatchcase(key, one) for one in _UDEV_KEYS):
                judge.note(number, line, "a rule of udev that is not known to leave the network alone")


def _is_of_network(key: str, value: str) -> bool:
    """Return whether an assignment decides about cards or units, though most of its kind do not: ENV{ID_NET_...} tells
    networkd which cards are another program's, and how they are called (systemd-networkd.service(8))."""
    return key.startswith(("ENV{ID_NET", "ENV{ID_*", "ENV{ID_RENAMING")) or (key == "TAG" and "systemd" in value)


def is_of_the_systems_udev(path: str) -> bool:
    """Return whether a file in this place keeps udev from reading the system's rules by which cards get their names."""
    folder, _, name = path.rpartition("/")
    return folder.endswith("/udev/rules.d") and name in _UDEV_OF_THE_SYSTEM


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """The lines with content, continued ones joined."""
    held, start = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        start = start or number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        whole = (held + line).strip()
        if whole and whole[0] not in "#;":
            yield start, whole
        held, start = "", 0


_NEW_FOLDERS = ("d", "v", "q", "Q", "e")


def judge_tmpfiles(judge: Judge, _path: str, text: str) -> None:
    """Each line by its path: a directory that is made is harmless, what is written or removed is by where it lies."""
    for number, line in lines_with_content(text):
        words = line.split(None, 6)
        kind, path = words[0].rstrip("+!=~^-$?"), words[1].strip("\"'") if len(words) > 1 else UNSURE
        known = re.sub(r"%.", GLOB, path.replace("*", GLOB).replace("?", GLOB))
        if kind in ("x", "X"):
            continue
        if kind in _NEW_FOLDERS and (len(words) < 6 or words[5] == "-"):
            fault = refuse_mode(path, words[2].lstrip("~:")) if len(words) > 2 and words[2] != "-" else None
            if fault is not None:
                judge.note(number, line, fault)
            continue
        for reason in judge.write(known, wholly=kind in ("R", "r", "D", "C", "Z", "z", "L", *_NEW_FOLDERS)):
            judge.note(number, line, reason)
        source = words[6] if len(words) > 6 else ""
        if kind == "L" and source and not source.startswith("/usr/share/"):
            for reason in judge.write(source, wholly=True):
                judge.note(number, line, reason)


def judge_modules(judge: Judge, _path: str, text: str) -> None:
    """Names of modules."""
    for number, line in lines_with_content(text, "#;"):
        name = line.split()[0]
        judge.modules.append((name, judge.when))
        reason = refuse_module(name)
        if reason is not None:
            judge.note(number, line, reason)


def judge_modprobe(judge: Judge, _path: str, text: str) -> None:
    """Modules without which the network stays as it is may be left out or get options."""
    for number, line in _joined(text):
        words = line.split()
        verb, name = words[0], words[1] if len(words) > 1 else UNSURE
        apart = any(fnmatchcase(name, one) for one in MODULES) and not any(
            fnmatchcase(name, one) for one in CARDS_AND_RULES.split()
        )
        command = " ".join(words[2:]) if verb in ("install", "remove") else "/bin/true"
        if not apart or command not in ("/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false"):
            judge.note(number, line, "a module that is not known to leave the network alone")


def judge_logrotate(judge: Judge, _path: str, text: str) -> None:
    """Scripts up to `endscript`, and files that are read as well."""
    script: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        word = line.split()[:1]
        if start and word == ["endscript"]:
            judge.shell("\n".join(script), line=start + 1)
            script, start = [], 0
        elif start:
            script.append(line)
        elif word and word[0] in ("postrotate", "prerotate", "firstaction", "lastaction", "preremove"):
            start = number
        elif word and word[0] in ("mail", "compresscmd", "uncompresscmd", "shred"):
            judge.note(number, line.strip(), "logrotate runs a program")
        elif word and word[0] in ("include", "olddir"):
            for reason in judge.write(line.split()[1] if len(line.split()) > 1 else UNSURE):
                if word[0] == "olddir":
                    judge.note(number, line.strip(), reason)


def judge_environment(judge: Judge, _path: str, text: str) -> None:
    """Variables that every program gets."""
    for number, line in lines_with_content(text):
        found = _ASSIGNMENT.fullmatch(line.removeprefix("export "))
        reasons = (
            ["not a line of an environment"] if found is None else judge.assign(f"{found[1]}={found[2].strip(chr(34))}")
        )
        for reason in reasons:
            judge.note(number, line, reason)


def judge_fstab(judge: Judge, _path: str, text: str) -> None:
    """A mount must not hide files that the network needs."""
    for number, line in lines_with_content(text):
        words = line.split()
        where = words[1] if len(words) > 1 else UNSURE
        if where in ("/", "none", "swap", "/boot", "/boot/efi", "/home", "/tmp", "/var/log"):  # noqa: S108
            continue
        for reason in judge.mount(where):
            judge.note(number, line, reason)


_CLOUD_KEYS = words_of("""
        network datasource_list datasource preserve_hostname manage_etc_hosts manage_resolv_conf ssh_pwauth
        disable_root locale timezone output reporting warnings ssh_deletekeys ssh_genkeytypes resize_rootfs
        growpart
    """)


def judge_cloud(judge: Judge, path: str, text: str) -> None:
    """cloud-init's own configuration: what it does besides the user-data."""
    if not path.endswith(".cfg"):
        if "/templates/" not in path:
            judge.note(0, "", "cloud-init acts by it in a way that is not known")
        return
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        judge.note(1, text.partition("\n")[0], "cloud-init acts by it in a way that is not known")
        return
    for key, value in document.items():
        if key not in _CLOUD_KEYS or (key == "network" and value != {"config": "disabled"}):
            judge.note(1, str(key), "cloud-init acts by it in a way that is not known")


_MANAGER_KEYS = re.compile(
    r"Default(?:Limit\w+|TasksMax|\w+Accounting|Timeout\w+|StartLimit\w+|RestartSec|OOM\w+|StandardOutput|StandardError|Memory\w+)|"
    r"RuntimeWatchdog\w+|RebootWatchdog\w+|ShutdownWatchdog\w+|Log\w+|ShowStatus|DumpCore|CrashReboot|StatusUnitFormat|\w*CtrlAltDel\w*|"
    r"KExecWatchdog\w+|TimerSlackNSec|ConfirmSpawn"
)


def judge_manager(judge: Judge, path: str, text: str) -> None:
    """systemd's own configuration: limits and times; of logind, what it does to an idle machine."""
    for number, line in lines_with_content(text, "#;["):
        key, value = (part.strip() for part in (*line.split("=", 1), "")[:2])
        if "/logind.conf" in path:
            if key == "IdleAction" and value not in ("ignore", "lock", ""):
                judge.note(number, line, "the machine is switched off while it is idle")
        elif not _MANAGER_KEYS.fullmatch(key):
            judge.note(number, line, "it decides how systemd starts units")


_RSYSLOG_RUNS = re.compile(
    r"\b(?:omprog|ommail|mmexternal|improg|omuxsock|include)\b|\$IncludeConfig|^\S+\s+\^", re.MULTILINE
)
_RSYSLOG_WRITES = re.compile(r"""(?:[\s"]-?)(/[\w./-]+)""")


def judge_rsyslog(judge: Judge, _path: str, text: str) -> None:
    """rsyslog runs programs by some modules and by ^, and writes to files; what it sends changes nothing."""
    for number, line in lines_with_content(text):
        if _RSYSLOG_RUNS.search(line):
            judge.note(number, line, "rsyslog runs a program, or reads another file")
        for path in _RSYSLOG_WRITES.findall(line):
            for reason in judge.write(path):
                judge.note(number, line, reason)


def judge_identity(judge: Judge, _path: str, text: str) -> None:
    """The machine's id, by which systemd-udevd gives devices that have none a hardware address (systemd.link(5),
    MACAddressPolicy=persistent): flannel's among them."""
    if text.strip() not in ("", "uninitialized"):
        reason = "machines with the same id have the same hardware addresses of devices; the first boot makes one"
        judge.note(1, "", reason)


def judge_script(judge: Judge, path: str, _text: str) -> None:
    """A script that the system runs; rc.local for the first time on the boot after it was written."""
    if path.startswith("/etc/rc.d/") and judge.seeded:
        judge.when = Boot.LATER
    judge.script(path)


JUDGES: Mapping[FileKind, Callable[[Judge, str, str], None]] = {
    FileKind.SCRIPT: judge_script,
    FileKind.CRONTAB: judge_crontab,
    FileKind.UDEV: judge_udev,
    FileKind.TMPFILES: judge_tmpfiles,
    FileKind.MODULES: judge_modules,
    FileKind.MODPROBE: judge_modprobe,
    FileKind.LOGROTATE: judge_logrotate,
    FileKind.ENVIRONMENT: judge_environment,
    FileKind.FSTAB: judge_fstab,
    FileKind.CLOUD: judge_cloud,
    FileKind.QUADLET: judge_quadlet,
    FileKind.MANAGER: judge_manager,
    FileKind.MANIFEST: judge_manifest,
    FileKind.KEEPALIVED: judge_keepalived,
    FileKind.NETWORKD: judge_networkd,
    FileKind.DOCKER: judge_docker,
    FileKind.IDENTITY: judge_identity,
    FileKind.RSYSLOG: judge_rsyslog,
}
