"""Programs that manage the system: what of them follows from files alone, or changes nothing."""

import re
from collections.abc import Iterator

from netwright.verify.reading.commands import IP, NFT, SYSCTL, is_settable
from netwright.verify.reading.running.arguments import has_flag, operands
from netwright.verify.reading.running.events import Systemctl
from netwright.verify.reading.running.judge import BEYOND, STRANGE, Arguments, Judge, ProgramRule
from netwright.verify.reading.running.paths import UNSURE, is_known, normalise, words_of
from netwright.verify.reading.running.tables import MODULES
from netwright.verify.reading.running.unit_names import (
    full_name,
    is_on_list,
    refuse_starting,
    refuse_stopping,
    stem,
    template_of,
)

_HARMLESS_VERBS = words_of("""
        daemon-reload daemon-reexec is-active is-enabled is-failed is-system-running show status list-units
        list-unit-files list-timers list-sockets list-dependencies list-jobs cat reset-failed get-default help
    """)
_STARTING = words_of("""
        enable start restart try-restart reload reload-or-restart try-reload-or-restart reenable unmask preset
    """)
_ENDING = words_of("stop disable mask kill")


def _systemctl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(
        arguments, valued="-t -p -s -n -o --type --property --signal --lines --output -H -M --job-mode --what"
    )
    now = "--now" in arguments
    if not words or words[0] in _HARMLESS_VERBS:
        return
    verb, units = words[0], words[1:]
    if verb in ("reboot", "soft-reboot"):
        return
    if verb == "set-default" and units in (["multi-user.target"], ["graphical.target"]):
        return
    if verb not in _STARTING | _ENDING or not {"-H", "-M", "--root", "--image", "--runtime"}.isdisjoint(arguments):
        yield STRANGE
        return
    for unit in units:
        judge.orders.append(Systemctl(verb=verb, unit=full_name(unit), now=now, sure=judge.sure, when=judge.when))
        _undo_by(judge, unit)
        judge.undo(f"start {full_name(unit)}")
        if verb in ("restart", "start") and stem(unit) == "systemd-sysctl" and judge.sure:
            judge.applied.add("")
        if full_name(unit) in judge.units or template_of(unit) in judge.units:
            continue  # what it does is judged where it stands
        reason = (
            refuse_stopping(unit, firewalld=judge.firewalld)
            if verb in _ENDING
            else refuse_starting(unit, docker=judge.docker, firewalld=judge.firewalld)
        )
        if reason is not None:
            yield reason


def _undo_by(judge: Judge, unit: str) -> None:
    """Keeps what a unit that is started or stopped may undo."""
    if stem(unit) in ("NetworkManager", "systemd-networkd", "network"):
        judge.undo(IP)
    elif stem(unit).startswith(("systemd-sysctl", "systemd-udev")):
        judge.undo(SYSCTL)
    elif full_name(unit) in judge.loaders or not is_known(unit):
        judge.undo(NFT)


_SET = re.compile(r"([^=\s]+)\s*=\s*(.*)", re.DOTALL)


def _sysctl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """Judge sysctl: from files it applies what is delivered; a key that is not known to be harmless is on no list."""
    flags = [one for one in arguments if one.startswith("-")]
    words = [one for one in arguments if not one.startswith("-")]
    if "--system" in flags:
        judge.undo(SYSCTL)
        if judge.sure:
            judge.applied.add("")
        return
    files = [one for one in flags if re.fullmatch(r"-[neqb]*p.*|--load.*", one)]
    if files:
        paths = [
            one.partition("=")[2] or one.lstrip("-neqb")[1:] for one in files if one not in ("-p", "--load")
        ] + words
        for path in [one for one in paths if one] or ["/etc/sysctl.conf"]:
            yield from _load_sysctl(judge, path)
        return
    for word in words:
        found = _SET.fullmatch(word)
        if found is not None or "w" in "".join(flags):
            reason = judge.refuse_parameter(*found.groups()) if found is not None and is_known(word) else BEYOND
            if (reason is not None or _has_set(judge)) and _sets(judge, word):
                continue
            if reason is not None:
                yield reason


def _has_set(judge: Judge) -> bool:
    """Return whether a command before has set a parameter: this one may set it to the value in a file."""
    return any(event.program == SYSCTL and event.words for event in judge.events)


def _sets(judge: Judge, word: str) -> bool:
    """Return whether a parameter is set for sure. NetworkManager loosens reverse path filters as it comes up, before
    commands that wait for the network."""
    waits = IP in judge.programs
    return is_settable(word) and (waits or "rp_filter" not in word) and judge.carry_out(SYSCTL, [word])


def _load_sysctl(judge: Judge, path: str) -> Iterator[str]:
    judge.undo(SYSCTL)
    plain = normalise(judge.locate(path)) if is_known(judge.locate(path)) else UNSURE
    if not is_known(plain) or not (plain == "/etc/sysctl.conf" or "/sysctl.d/" in plain):
        yield BEYOND
    elif judge.sure:
        judge.applied.add(plain)


def _apply_sysctl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """systemd-sysctl itself."""
    if any(one.startswith("--prefix") for one in arguments):
        yield BEYOND
    elif arguments:
        for path in arguments:
            yield from _load_sysctl(judge, path)
    elif judge.sure:
        judge.applied.add("")


def refuse_module(name: str) -> str | None:
    """Return why loading a module may change the network, None if it cannot."""
    if is_known(name) and is_on_list(name, MODULES):
        return None
    if name in ("br_netfilter", "br-netfilter"):
        return None
    return f"loads {name.replace(UNSURE, '...')}, a module that is not known to leave the network alone"


def _modprobe(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if has_flag(arguments, "r", "--remove") or any(one.startswith(("-C", "--config", "-d", "-S")) for one in arguments):
        yield BEYOND
        return
    words = operands(arguments)
    for name in words if has_flag(arguments, "a", "--all") else words[:1]:
        judge.modules.append((name, judge.when))
        reason = refuse_module(name)
        if reason is not None:
            yield reason


def _shutdown(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if not has_flag(arguments, "r", "--reboot") and not has_flag(arguments, "c"):
        yield "the machine is switched off"


def _free(_judge: Judge, _arguments: Arguments) -> Iterator[str]:
    """reboot: later boots are judged as well."""
    return iter(())


def _cloud_init(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """The files it writes are judged with the user-data."""
    words = operands(arguments, valued="--file --frequency")
    if words[:1] not in (["status"], ["query"], ["schema"], ["analyze"]) and words != ["single", "write_files"]:
        yield STRANGE


def _udevadm(judge: Judge, arguments: Arguments) -> Iterator[str]:
    judge.undo(SYSCTL)
    if arguments[:1] not in (["control"], ["trigger"], ["settle"], ["info"], ["test"], ["monitor"], ["wait"]):
        yield STRANGE


def _systemd_run(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = [*arguments]
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if (
            word
            in (
                "-p",
                "--property",
                "-u",
                "--unit",
                "-M",
                "--machine",
                "-H",
                "-E",
                "--setenv",
                "--description",
                "--on-calendar",
                "--on-boot",
                "--on-active",
                "--slice",
                "--uid",
                "--gid",
            )
            and words
        ):
            words.pop(0)
    yield from judge.nested(words)


def _alternatives(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if any(one in ("iptables", "nft", "ip", "ifup") for one in arguments):
        yield BEYOND


RULES_OF_SYSTEMS: dict[str, ProgramRule] = {
    "systemctl": _systemctl,
    "sysctl": _sysctl,
    "systemd-sysctl": _apply_sysctl,
    **dict.fromkeys(("modprobe", "insmod"), _modprobe),
    "shutdown": _shutdown,
    "reboot": _free,
    "udevadm": _udevadm,
    "cloud-init": _cloud_init,
    "systemd-run": _systemd_run,
    **dict.fromkeys(("alternatives", "update-alternatives"), _alternatives),
}
