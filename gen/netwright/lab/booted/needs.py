"""Needs of a boot on this computer."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from netwright.lab.booted.delivery import ignition_program
from netwright.lab.namespaces import ENVIRONMENT, LabError
from netwright.verify.values.wiring import Wiring

_PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "systemctl": "systemd",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}


_LIBC = ctypes.CDLL(None, use_errno=True)
_INSTANCES = 6
"""Inotify instances that a machine takes: systemd three; D-Bus, polkit, networkd and NetworkManager the rest."""


def check_room(machines: int) -> None:
    """Raises LabError where the kernel has too few inotify instances left for root: units would fail here and there."""
    wanted = machines * _INSTANCES
    free = _count_instances(wanted)
    if free < wanted:
        raise LabError(
            f"{machines} machines need about {wanted} inotify instances, and the kernel has {free} left for root;"
            f" allow more: sysctl fs.inotify.max_user_instances={max(512, 2 * wanted)}"
        )


def check_cards(wiring: Wiring) -> None:
    """Raises LabError where a machine's files find cards by a driver or place: those of the machines here have none."""
    ports = (port for segment in wiring.segments for port in segment.ports)
    for port in ports:
        card = port.card
        if card is not None and not card.renamed and (card.driver is not None or card.path is not None):
            what = card.driver or card.path
            raise LabError(
                f"{port.node}'s card {port.interface} is found by {what}, which the cards of machines here are not; "
                "leave out --boot"
            )


def _count_instances(most: int) -> int:
    """Return how many can be had now."""
    opened: list[int] = []
    try:
        while len(opened) < most and (descriptor := _LIBC.inotify_init1(os.O_CLOEXEC)) >= 0:
            opened.append(descriptor)
        return len(opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def missing(*, debian: bool, ignition: bool) -> str | None:
    """Return why no machine can boot here, in words, None if one can; `debian` and `ignition` are further needs."""
    absent = dict(_absent({**_PACKAGES, **({"debootstrap": "debootstrap"} if debian else {})}))
    if ignition and ignition_program() is None:
        absent["ignition"] = "ignition"
    if absent:
        packages = ", ".join(sorted({*absent.values()}))
        return f"machines that boot need {', '.join(absent)}; install {packages} (so the packages are called in Debian)"
    if not _has_overlay():
        return (
            "machines that boot need overlayfs, which this kernel has not; load the module overlay (modprobe overlay)"
        )
    return None


def _absent(packages: dict[str, str]) -> Iterator[tuple[str, str]]:
    for program, package in packages.items():
        if shutil.which(program, path=ENVIRONMENT["PATH"]) is None:
            yield program, package


def _has_overlay() -> bool:
    """Return whether the kernel has it; it loads the module by itself when one is mounted, if there is one."""
    known = any(line.split()[-1] == "overlay" for line in Path("/proc/filesystems").read_text().splitlines())
    return known or any(Path("/lib/modules").glob("*/kernel/fs/overlayfs/overlay.ko*"))
