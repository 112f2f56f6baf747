"""Loading of rules on the way up: before the network, or when packets pass already.

On the first boot of Enterprise Linux cloud-init writes files before NetworkManager starts only if the seed's meta-data
has `dsmode: local`; its stages are then: bootcmd, write_files, the network, runcmd. On every other boot the ruleset's
unit decides, if it comes before network-pre.target and pulls that in: nothing else does for sure (systemd.special(7)).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from netwright.verify.values.facts import Origin
from netwright.verify.values.startup import Window

_WRITES = re.compile(r"cloud-init single (?:--name|-n)[= ](?:cc_)?write[_-]files")
_BEFORE, _WANTS = (
    re.compile(rf"^(?:{keys})=.*\bnetwork-pre\.target(?:\s|$)", re.MULTILINE) for keys in ("Before", "Wants|Requires")
)

_STARTS = re.compile(r"systemctl (?:start|restart|enable --now)")


class Seed(Struct, frozen=True, kw_only=True):
    """Application of a seed by cloud-init: `early` before the network, and the commands of bootcmd in their order."""

    shown: str
    early: bool
    bootcmd: tuple[str, ...]


def find_window(ruleset: str, units: Sequence[tuple[str, str, str]], seed: Seed | None) -> Window | None:
    """The window of a ruleset, None if there is none; `units` are those that load it, as name, shown name and text."""
    for _, shown, text in units:
        if not comes_before_network(text):
            cause = "on every boot, until the ruleset's unit starts: it lacks Before= and Wants=network-pre.target"
            return Window(cause=cause, origin=Origin(file=shown, line=0))
    if seed is None or not units:
        return None
    origin = Origin(file=seed.shown, line=0)
    if not seed.early:
        cause = "on the first boot, until runcmd: without `dsmode: local` in meta-data the network comes first"
        return Window(cause=cause, origin=origin)
    if not _loads_early(seed.bootcmd, ruleset, [name for name, _, _ in units]):
        return Window(cause="on the first boot, until runcmd: bootcmd does not load the rules", origin=origin)
    return None


def find_firewalld_window(files: Mapping[str, str], seed: Seed | None) -> Window | None:
    """The window of firewalld's rules, None if there is none but the one until it is installed.

    firewalld takes its name on the bus, for which systemd waits, before it loads its rules: 1.7 s before, here (1.3,
    ran; 2.4 loads them first). Only who asks it for its state waits for that.
    """
    dropins = [text for path, text in files.items() if path.startswith(_DROPINS) and path.endswith(".conf")]
    if not any(_WAITS.search(text) for text in dropins):
        cause = "on every boot, until firewalld has loaded its rules: no drop-in has its unit wait for that"
        return Window(cause=cause, origin=Origin(file=seed.shown if seed is not None else "firewalld", line=0))
    if seed is not None and any("sysctl" in command for command in seed.bootcmd):
        cause = "on the first boot, until runcmd: bootcmd applies the parameters, and firewalld has no rules by then"
        return Window(cause=cause, origin=Origin(file=seed.shown, line=0))
    return None


_DROPINS = "/etc/systemd/system/firewalld.service.d/"
_WAITS = re.compile(r"^ExecStartPost=-?/usr/bin/firewall-cmd --state$", re.MULTILINE)


@lru_cache(maxsize=256)
def comes_before_network(unit: str) -> bool:
    """Return whether a unit is through before any interface is configured."""
    return _BEFORE.search(unit) is not None and _WANTS.search(unit) is not None


def _loads_early(commands: Iterable[str], ruleset: str, units: Sequence[str]) -> bool:
    """Return whether bootcmd has the files written, and then the ruleset loaded."""
    written = False
    for command in commands:
        words = command.split()
        written = written or _WRITES.fullmatch(command.strip()) is not None
        loads = [word.rpartition("/")[2] for word in words[:1]] == ["nft"] and words[1:] == ["-f", ruleset]
        starts = _STARTS.fullmatch(" ".join(words[:-1])) is not None and words[-1] in units
        if written and (loads or starts):
            return True
    return False
