"""The operating systems, and how each is configured."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

NetworkConfig = Literal["ifcfg", "keyfile"]
Provisioning = Literal["ignition", "cloud-init"]


class Family(StrEnum):
    """Operating systems that are configured alike."""

    FLATCAR = "flatcar"
    ROCKY = "rocky"
    UNMANAGED = "unmanaged"


class OperatingSystem(Struct, frozen=True, kw_only=True):
    """A value of `os`: its family, and what other code asks of it.

    `provisioning` is the program that puts files on the machine, None where a person applies a hand-off sheet.
    `network_configs` are the formats that its network configuration can have, the default first. `default_metric` is
    that of a route that sets none. `sysctl_globs`: its systemd takes `*` in the keys of sysctl.d (since 246).
    `says_controller`: NetworkManager takes `controller` and `port-type` in keyfiles (since 1.46) in every minor
    release, and not only `master` and `slave-type`. `has_wireguard`: its kernel has WireGuard.
    `has_balancers`: its packages have keepalived and HAProxy. `serves_time`: what sets its clock can serve others.
    `renames_cards`: its udev finds a card by the address that the card keeps (since systemd 245).
    `firewalld_has_destination_sets`: its firewalld takes an ipset as destination of a rich rule (since 1.0).
    `weighs_next_hops`: its network service takes several next hops of one route (NetworkManager since 1.42).
    """

    name: str
    family: Family
    provisioning: Provisioning | None = None
    network_configs: tuple[NetworkConfig, ...] = ()
    default_metric: int = 0
    runs_firewalld: bool = False
    firewalld_has_destination_sets: bool = False
    hosts_libvirt: bool = False
    sysctl_globs: bool = True
    says_controller: bool = False
    has_wireguard: bool = True
    has_balancers: bool = False
    serves_time: bool = False
    renames_cards: bool = True
    weighs_next_hops: bool = True

    @property
    def is_managed(self) -> bool:
        """Return whether netwright writes the files that configure it."""
        return self.provisioning is not None


_FORMATS: tuple[tuple[int, tuple[NetworkConfig, ...]], ...] = (
    (8, ("ifcfg", "keyfile")),
    (9, ("ifcfg", "keyfile")),  # ifcfg is deprecated here and gone in the next release
    (10, ("keyfile",)),
)

UNMANAGED = OperatingSystem(name="unmanaged", family=Family.UNMANAGED, sysctl_globs=False)
"""System assumed for a node without `os`; its missing key is an error of its own."""
NETWORKMANAGER_METRIC = 100
"""Written for the routes of a card that set no metric; NetworkManager itself uses it for its first wired card."""

OPERATING_SYSTEMS = {
    system.name: system
    for system in (
        OperatingSystem(name="flatcar", family=Family.FLATCAR, provisioning="ignition"),
        UNMANAGED,
        *(
            OperatingSystem(
                name=f"{clone}{release}",
                family=Family.ROCKY,
                provisioning="cloud-init",
                network_configs=formats,
                default_metric=NETWORKMANAGER_METRIC,
                runs_firewalld=True,
                firewalld_has_destination_sets=release >= 9,  # 8 has 0.9, they came with 1.0
                hosts_libvirt=True,
                has_balancers=True,
                serves_time=True,
                renames_cards=release >= 9,  # 8 has systemd 239
                sysctl_globs=release >= 9,  # 8 has systemd 239
                says_controller=release >= 10,  # 8 has 1.40, 9.0 1.36
                has_wireguard=release >= 9,  # 8 has Linux 4.18, and no backport
                weighs_next_hops=release >= 9,  # 8 has 1.40, 9.2 has 1.42
            )
            for clone in ("rocky", "almalinux")
            for release, formats in _FORMATS
        ),
    )
}
"""Every value of `os`."""
