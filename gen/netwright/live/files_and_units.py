"""Files and units of a machine, compared with what OUT wants."""

import re
from collections.abc import Iterator, Mapping, Sequence

from netwright.live.difference import Aspect, Difference, DifferenceKind
from netwright.live.wanted import Wanted, WantedFile
from netwright.verify.values.live import LiveFile, LiveState, LiveUnit

_SHOWN_DIGITS = 12
_RUNNING_FROM_START = frozenset({"enabled", "enabled-runtime", "static", "alias", "generated", "indirect", "linked"})
"""systemctl's words for units that are started at boot, or by what starts them."""
_WATCHED = (
    *("systemd-networkd.service", "NetworkManager.service", "firewalld.service", "keepalived.service"),
    *("haproxy.service", "docker.service", "k3s.service", "k3s-agent.service", "systemd-sysctl.service"),
)
"""Units by which the network stands or falls, wherever they come from."""
_READ: Mapping[str, re.Pattern[str]] = {
    "/etc/systemd/network": re.compile(r".*\.(network|netdev|link)"),
    "/etc/NetworkManager/system-connections": re.compile(r"[^.].*"),
    "/etc/sysconfig/network-scripts": re.compile(r"(ifcfg|route|rule)-(?!lo$).*"),
    "/etc/sysctl.d": re.compile(r"(?!99-sysctl\.conf$).*\.conf"),
}
"""Folders where every file of such a name has a part in the network, whoever wrote it; those of the system aside."""


def compare_files(wanted: Wanted, state: LiveState) -> Iterator[Difference]:
    """Yield the files that are missing, have other bytes, mode or owner, or are there beside those that are wanted."""
    found = state.files
    if found is None:
        return
    for path, file in wanted.files.items():
        if path in found:
            yield from _compare_file(path, file, found[path])
        elif _was_asked_for(path, state.asked):
            yield Difference(aspect=Aspect.FILES, kind="missing", what=path)
    yield from (Difference(aspect=Aspect.FILES, kind="extra", what=path) for path in _extra(found, wanted))


def uncollected_files(wanted: Wanted, state: LiveState) -> tuple[str, ...]:
    """Return the wanted files for which the script did not look."""
    found = state.files or {}
    return tuple(path for path in wanted.files if path not in found and not _was_asked_for(path, state.asked))


def _was_asked_for(path: str, asked: Sequence[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in asked)


def _compare_file(path: str, wanted: WantedFile, found: LiveFile) -> Iterator[Difference]:
    if found.target is not None:
        yield _other(path, "a file", f"a symbolic link to {found.target}")
        return
    if wanted.digest is not None and found.digest is not None and wanted.digest != found.digest:
        yield _other(path, f"sha256 {wanted.digest[:_SHOWN_DIGITS]}", f"sha256 {found.digest[:_SHOWN_DIGITS]}")
    if wanted.mode not in (None, found.mode):
        yield _other(path, f"mode {wanted.mode:04o}", f"mode {found.mode:04o}")
    if wanted.owner not in (None, found.owner):
        yield _other(path, f"owner {wanted.owner}", f"owner {found.owner}")


def _other(path: str, expected: str, found: str) -> Difference:
    return Difference(aspect=Aspect.FILES, kind="different", what=path, expected=expected, found=found)


def _extra(found: Mapping[str, LiveFile], wanted: Wanted) -> Iterator[str]:
    for path in found:
        folder, _, name = path.rpartition("/")
        if path not in wanted.files and folder in _READ and _READ[folder].fullmatch(name):
            yield path


def compare_units(wanted: Wanted, state: LiveState) -> Iterator[Difference]:
    """Yield the units that should be started and are not, and those of the network that have failed."""
    units = state.units
    if units is None:
        return
    for name in sorted(wanted.enabled):
        fault = _fault(units.get(name))
        if fault is not None:
            kind, found = fault
            yield Difference(aspect=Aspect.UNITS, kind=kind, what=name, expected="enabled", found=found)
    for name in sorted(wanted.masked & units.keys()):
        if units[name].load != "masked":
            found = f"{units[name].load}, {units[name].active}"
            yield Difference(aspect=Aspect.UNITS, kind="different", what=name, expected="masked", found=found)
    for name in _WATCHED:
        if name in units and name not in wanted.enabled and units[name].active == "failed":
            yield Difference(aspect=Aspect.UNITS, kind="different", what=name, expected="no failure", found="failed")


def _fault(unit: LiveUnit | None) -> tuple[DifferenceKind, str | None] | None:
    if unit is None or unit.load == "not-found":
        return "missing", None
    if unit.load != "loaded":
        return "different", unit.load
    if unit.active == "failed":
        return "different", "failed"
    if unit.enabled not in _RUNNING_FROM_START:
        return "different", unit.enabled or "not enabled"
    if unit.stale:
        return "different", "an older form of its file: systemctl daemon-reload is due"
    return None
