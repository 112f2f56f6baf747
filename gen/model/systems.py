"""The operating systems, and how each is configured."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

NetworkConfig = Literal["ifcfg", "keyfile"]


class Family(StrEnum):
    """Operating systems that are configured alike."""

    FLATCAR = "flatcar"
    ROCKY = "rocky"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingSystem:
    """A value of `os`: its family, and the formats that its network configuration can have, the default first.

    `sysctl_globs`: its systemd takes `*` in the keys of sysctl.d (since 246).
    """

    name: str
    family: Family
    network_configs: tuple[NetworkConfig, ...] = ()
    sysctl_globs: bool = True


_FORMATS: tuple[tuple[int, tuple[NetworkConfig, ...]], ...] = (
    (8, ("ifcfg", "keyfile")),
    (9, ("ifcfg", "keyfile")),  # ifcfg is deprecated here and gone in the next release
    (10, ("keyfile",)),
)

OPERATING_SYSTEMS = {
    system.name: system
    for system in (
        OperatingSystem(name="flatcar", family=Family.FLATCAR),
        OperatingSystem(name="unmanaged", family=Family.UNMANAGED, sysctl_globs=False),
        *(
            OperatingSystem(
                name=f"{clone}{release}",
                family=Family.ROCKY,
                network_configs=formats,
                sysctl_globs=release >= 9,  # 8 has systemd 239
            )
            for clone in ("rocky", "almalinux")
            for release, formats in _FORMATS
        ),
    )
}
"""Every value of `os`."""
