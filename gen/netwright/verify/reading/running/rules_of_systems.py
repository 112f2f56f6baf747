"""Programs that manage the system and its network: what of them follows from files alone, or changes nothing."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from netwright.verify.reading.commands import IP, NFT, SYSCTL, is_change, is_flat, is_settable
from netwright.verify.reading.running.judge import (
    BEYOND,
    STRANGE,
    Arguments,
    Judge,
    Rule,
    Systemctl,
    has_flag,
    operands,
    option,
)
from netwright.verify.reading.running.paths import UNSURE, is_known, normalise, words_of
from netwright.verify.reading.running.tables import (
    APPLIERS,
    MODULES,
    UNITS,
)

_HARMLESS_VERBS = words_of("""
        daemon-reload daemon-reexec is-active is-enabled is-failed is-system-running show status list-units
        list-unit-files list-timers list-sockets list-dependencies list-jobs cat reset-failed get-default help
    """)
_STARTING = words_of("""
        enable start restart try-restart reload reload-or-restart try-reload-or-restart reenable unmask preset
    """)
_ENDING = words_of("stop disable mask kill")
_SUFFIXES = (
    ".service",
    ".target",
    ".socket",
    ".timer",
    ".path",
    ".mount",
    ".automount",
    ".swap",
    ".slice",
    ".scope",
    ".device",
)


def stem(unit: str) -> str:
    """The name of a unit without its suffix."""
    return next((unit.removesuffix(suffix) for suffix in _SUFFIXES if unit.endswith(suffix)), unit)


def full_name(unit: str) -> str:
    """The name of a unit with its suffix, a service's by default."""
    return unit if unit.endswith(_SUFFIXES) else f"{unit}.service"


def template_of(unit: str) -> str:
    """The template that a unit is an instance of: x@1.service is one of x@.service."""
    whole = full_name(unit)
    head, at, tail = whole.partition("@")
    return f"{head}@.{tail.rpartition('.')[2]}" if at else whole


def is_on_list(name: str, patterns: "dict[str, str] | tuple[str, ...] | frozenset[str]") -> bool:
    """Return whether a name, or a pattern that it suits, is on a list."""
    return name in patterns or any(fnmatchcase(name, one) for one in patterns if "*" in one)


def refuse_starting(unit: str, *, docker: bool = False) -> str | None:
    """Return why a system's or a package's unit may change the network at its start, None if it cannot, or if what it
    does is modelled: Docker where the topology has it."""
    if is_known(unit) and is_on_list(stem(unit), UNITS):
        return None
    if stem(unit) == "docker":
        return None if docker else f"starts {unit}, which adds rules; state docker: true for the node"
    return f"starts {unit.replace(UNSURE, '...')}, which is not known to leave the network alone"


def refuse_stopping(unit: str) -> str | None:
    """Return why a unit must not be stopped, None if nothing depends on it."""
    if not is_known(unit) or stem(unit) in APPLIERS:
        return f"stops {unit.replace(UNSURE, '...')}, on which the network depends"
    return None


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
        reason = refuse_stopping(unit) if verb in _ENDING else refuse_starting(unit, docker=judge.docker)
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


def _nft(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = [*arguments]
    while words and re.fullmatch(r"-[ansjcNSTy]+|--(check|json|handle|numeric|stateless|terse|echo)", words[0]):
        if "c" in words[0].lstrip("-")[:9] and words[0] in ("-c", "--check"):
            return
        words.pop(0)
    if words[:1] == ["list"] or words in (["-v"], ["--version"]):
        return
    target = option(words, "-f", "--file")
    if len(words) == 2 and target and is_known(target) and normalise(judge.locate(target)).startswith("/etc/nftables/"):
        judge.loaded.append((normalise(judge.locate(target)), judge.sure, judge.when))
        judge.undo(NFT)
    elif not (_runs_file(judge, target, words) or (is_flat(arguments) and judge.carry_out(NFT, [" ".join(arguments)]))):
        yield BEYOND


def _runs_file(judge: Judge, target: str | None, words: Arguments) -> bool:
    """Return whether nft carries out a delivered file that is no ruleset, and none that wipes other programs' rules."""
    path = normalise(judge.locate(target)) if target and is_known(target) else ""
    script = judge.files.get(path) if len(words) == 2 else None
    if script is None or path in judge.trusted or re.search(r"flush\s+ruleset|include", script.text):
        return False
    return judge.carry_out(NFT, [script.text], path=path)


def _ip(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = _behind_flags(arguments)
    changes = words[1:2] and words[1] not in _SHOWING
    if not all(map(is_known, arguments)) or not {"-b", "-batch"}.isdisjoint(arguments):
        yield BEYOND
    elif changes:
        plain = words == arguments or arguments == ["-4", *words]  # noqa: PLR1714
        if not (plain and is_change(words) and judge.carry_out(IP, words)):
            yield BEYOND


_SHOWING = frozenset({"show", "list", "get", "ls", "s", "sh", "lst", "save"})


def _behind_flags(arguments: Arguments) -> Arguments:
    words = [*arguments]
    while words and words[0].startswith("-"):
        words.pop(0)
    return words


_NMCLI = re.compile(
    r"(?:connection|con|c) (?:reload|up|load|show)\b.*|(?:device|dev|d) (?:reapply|status|show|connect)\b.*|"
    r"(?:general|g)(?: status)?|networking on|(?:connection|con|c|device|dev|d)"
)


def _nmcli(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = [one for one in arguments if not one.startswith("-")]
    values = option(arguments, "-f", "-g", "-w", "--wait", "--fields", "--get-values")
    if values in words:
        words.remove(values)
    if words and not _NMCLI.fullmatch(" ".join(words)):
        yield BEYOND
    elif words[1:] and words[1] not in ("show", "status"):
        judge.undo(IP)


def _networkctl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    judge.undo(IP)
    if _behind_flags(arguments)[:1] not in ([], ["reload"], ["reconfigure"], ["list"], ["status"], ["renew"]):
        yield BEYOND


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


_LISTING = frozenset({"-L", "-S", "-nL", "-nvL", "-vnL", "-Ln", "-V", "--version", "--list", "--list-rules"})


def _lists(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """iptables: only what lists."""
    if _LISTING.isdisjoint(arguments) or not {"-F", "-X", "-Z", "-A", "-I", "-D", "-P", "-R", "-N"}.isdisjoint(
        arguments
    ):
        yield BEYOND


def _firewall_cmd(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if not arguments or any(
        not one.startswith(("--state", "--list", "--get", "--query", "--version")) for one in arguments
    ):
        yield BEYOND


_OFFLOADS = re.compile(r"tx|rx|sg|tso|ufo|gso|gro|lro|(?:tx-checksum|tx-udp|tx-gso|rx-gro|generic-|large-)\S*")
_OF_CARDS = frozenset({"-i", "-k", "-g", "-c", "-S", "-a", "-l", "-G", "-C", "--version"})


def _ethtool(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """What shows, the sizes of rings, how often a card interrupts, and which work it does for the kernel."""
    verb = arguments[0] if arguments else ""
    offloads = verb in ("-K", "--offload", "--features") and all(map(_OFFLOADS.fullmatch, arguments[2::2]))
    shows = len(arguments) == 1 and not verb.startswith("-")
    if not (offloads or shows or verb in _OF_CARDS):
        yield BEYOND


def _virsh(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(arguments, valued="-c --connect")
    if not words or not re.fullmatch(r"(?:net-)?(?:list|info|dumpxml|uuid)|dom\w*stats?|version|nodeinfo", words[0]):
        yield BEYOND


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


RULES_OF_SYSTEMS: dict[str, Rule] = {
    "systemctl": _systemctl,
    "nft": _nft,
    "ip": _ip,
    "nmcli": _nmcli,
    "networkctl": _networkctl,
    "sysctl": _sysctl,
    "systemd-sysctl": _apply_sysctl,
    **dict.fromkeys(("iptables", "ip6tables", "iptables-nft", "iptables-legacy", "ebtables"), _lists),
    "firewall-cmd": _firewall_cmd,
    "ethtool": _ethtool,
    "virsh": _virsh,
    **dict.fromkeys(("modprobe", "insmod"), _modprobe),
    "shutdown": _shutdown,
    "reboot": _free,
    "udevadm": _udevadm,
    "cloud-init": _cloud_init,
    "systemd-run": _systemd_run,
    **dict.fromkeys(("alternatives", "update-alternatives"), _alternatives),
}
