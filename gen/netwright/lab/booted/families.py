"""Families: turning a Debian into something like Flatcar or Enterprise Linux, as far as the network can tell.

Every line is something that the system's image has and a Debian has not; what can't be had so is in docs/lab.md.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.network_model.parameters import SYSTEM_FILES, SYSTEM_SYSCTLS

_PRESET = "/usr/lib/systemd/system-preset/80-netwright-lab.preset"
_STAND_IN = "/usr/local/libexec/netwright-ifcfg"


# There are no logins there; each of these takes some of the few inotify instances that the kernel gives root.
_MASKS = tuple(
    ("ln", "-sfn", "/dev/null", f"/etc/systemd/system/{unit}")
    for unit in (
        *("systemd-logind.service", "console-getty.service"),
        *("systemd-ask-password-console.path", "systemd-ask-password-wall.path"),
    )
)


class RootChanges(Struct, frozen=True, kw_only=True):
    """Files to add, paths to take away, and programs to run in the root."""

    files: tuple[tuple[str, str], ...]
    absent: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


def family_of(system: str, *, firewalld: bool) -> RootChanges:
    """Return the contents of a system's image; whether firewalld is among it depends on the topology alone."""
    if system == "flatcar":
        return replace(_FLATCAR, commands=(*_FLATCAR.commands, *_MASKS))
    ifcfg = () if system.endswith("10") else _IFCFG
    units = (*_EL_UNITS, *(("firewalld.service",) if firewalld else ()))
    return RootChanges(
        files=(*_EL, *ifcfg, _sysctl(system), (_PRESET, _preset(*units))),
        absent=("/etc/NetworkManager/dispatcher.d/01-ifupdown", _ID_OF_DBUS),
        # where Enterprise Linux has it
        commands=(("mkdir", "-p", "/etc/rc.d"), ("ln", "-s", "rc.d/rc.local", "/etc/rc.local"), *_MASKS),
    )


def _sysctl(system: str) -> tuple[str, str]:
    return f"/usr/lib/sysctl.d/{SYSTEM_FILES[system]}", SYSTEM_SYSCTLS[system]


def _preset(*units: str) -> str:
    """Behind what is delivered, before Debian's own, which enables all that is installed."""
    return "".join(f"enable {unit}\n" for unit in units) + "disable *\n"


# Every machine makes an id of its own on its first boot, as from real images, and bonds and bridges their hardware
# addresses of it. systemd takes D-Bus's first, where that is.
_ID_OF_DBUS = "/var/lib/dbus/machine-id"

# zz-default.network leaves out drivers of virtual links; here every card is one.
_FLATCAR = RootChanges(
    files=(
        ("/usr/lib/systemd/network/zz-default.network", "[Match]\nName=eth* en*\n\n[Network]\nDHCP=yes\n"),
        (
            "/usr/lib/systemd/network/yy-cni.network",
            "[Match]\nName=cni* flannel* cali* cilium* lxc* veth*\n\n[Link]\nUnmanaged=yes\n",
        ),
        (
            "/usr/lib/systemd/networkd.conf.d/10-foreign.conf",
            "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n",
        ),
        _sysctl("flatcar"),
        (_PRESET, _preset("systemd-networkd.service")),
    ),
    absent=("/etc/machine-id", _ID_OF_DBUS),
    commands=(("useradd", "--create-home", "--shell", "/bin/bash", "core"),),
)

_EL_UNITS = (
    *("NetworkManager.service", "NetworkManager-wait-online.service", "NetworkManager-dispatcher.service"),
    *("cloud-init-local.service", "cloud-init.service", "cloud-config.service", "cloud-final.service"),
    "cron.service",
)

# Modules that install, resize, or speak to a cloud have nothing to do here.
_CLOUD = """\
datasource_list: [NoCloud]
disable_root: false
cloud_init_modules: [bootcmd, write-files, set_hostname, update_hostname, update_etc_hosts, users-groups]
cloud_config_modules: [runcmd]
cloud_final_modules:
  - write-files-deferred
  - scripts-vendor
  - scripts-per-once
  - scripts-per-boot
  - scripts-per-instance
  - scripts-user
system_info:
  network: {renderers: [network-manager]}
"""

# What cloud-init's own unit templates come to for rhel and rocky: Debian's units come before all of the network.
_LOCAL_STAGE = """\
[Unit]
Description=cloud-init's local stage, as Enterprise Linux orders it
DefaultDependencies=no
Wants=network-pre.target
After=systemd-remount-fs.service dbus.socket
Requires=dbus.socket
Before=NetworkManager.service network-pre.target firewalld.target shutdown.target
Conflicts=shutdown.target
RequiresMountsFor=/var/lib/cloud
ConditionPathExists=!/etc/cloud/cloud-init.disabled

[Service]
Type=oneshot
ExecStart=/usr/bin/cloud-init init --local
RemainAfterExit=yes
TimeoutSec=0

[Install]
WantedBy=cloud-init.target
"""
_NETWORK_STAGE = """\
[Unit]
Description=cloud-init's network stage, as Enterprise Linux orders it
Wants=cloud-init-local.service
After=cloud-init-local.service NetworkManager.service NetworkManager-wait-online.service
Before=network-online.target sshd.service systemd-user-sessions.service
ConditionPathExists=!/etc/cloud/cloud-init.disabled

[Service]
Type=oneshot
ExecStart=/usr/bin/cloud-init init
RemainAfterExit=yes
TimeoutSec=0

[Install]
WantedBy=cloud-init.target
"""

# NetworkManager's udev rule leaves veth links alone, which guests, pods and the internet have here: without udev it
# would take them from their bridges and ask for addresses there.
_UNMANAGED = """\
[device-netwright-lab]
match-device=interface-name:vnet*;interface-name:cni0;interface-name:internet
managed=0
"""
_NFTABLES = """\
[Service]
ExecStart=
ExecStart=/sbin/nft -f /etc/sysconfig/nftables.conf
ExecReload=
ExecReload=/sbin/nft 'flush ruleset; include "/etc/sysconfig/nftables.conf";'
"""

# Debian's NetworkManager sets what a bridge does below /sys, which is read-only in a container: the part that has the
# machine's own links becomes writable.
_LINKS_OF_SYSFS = """\
[Unit]
Description=Let NetworkManager write below /sys what its bridges do
DefaultDependencies=no
Before=NetworkManager.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=mkdir -p /run/netwright-sysfs
ExecStart=mount -t sysfs sysfs /run/netwright-sysfs
ExecStart=mount -o remount,rw /run/netwright-sysfs
ExecStart=mount --bind /run/netwright-sysfs/devices/virtual/net /sys/devices/virtual/net
ExecStart=umount /run/netwright-sysfs
"""

_EL = (
    ("/etc/machine-id", ""),
    ("/etc/cloud/cloud.cfg.d/90-netwright-lab.cfg", _CLOUD),
    ("/etc/systemd/system/cloud-init-local.service", _LOCAL_STAGE),
    ("/etc/systemd/system/cloud-init.service", _NETWORK_STAGE),
    ("/etc/NetworkManager/NetworkManager.conf", "[main]\nplugins=keyfile\n"),
    ("/usr/lib/NetworkManager/conf.d/10-netwright-lab.conf", _UNMANAGED),
    ("/etc/systemd/system/netwright-sysfs.service", _LINKS_OF_SYSFS),
    (
        "/etc/systemd/system/NetworkManager.service.d/sysfs.conf",
        "[Unit]\nWants=netwright-sysfs.service\nAfter=netwright-sysfs.service\n",
    ),
    # Enterprise Linux's nftables.service
    (
        "/etc/systemd/system/nftables.service.d/el.conf",
        _NFTABLES,
    ),
)

_IFCFG = (
    (_STAND_IN, Path(__file__).with_name("ifcfg.py").read_text(encoding="utf-8")),
    (
        "/etc/systemd/system/netwright-ifcfg.service",
        f"""\
[Unit]
Description=Give NetworkManager the ifcfg files, which Debian's does not read
After=cloud-init-local.service
Before=NetworkManager.service

[Service]
Type=oneshot
ExecStart={_STAND_IN}
""",
    ),
    (
        "/etc/systemd/system/NetworkManager.service.d/ifcfg.conf",
        "[Unit]\nWants=netwright-ifcfg.service\n",
    ),
    ("/usr/local/bin/nmcli", f'#!/bin/sh\n{_STAND_IN}\nexec /usr/bin/nmcli "$@"\n'),
)

IFCFG_LOG = "/run/netwright-ifcfg.log"
"""Place where the stand-in reports what it does not understand."""

DOES_NOTHING: Mapping[str, str] = {
    "/etc/udev/rules.d": "udev does not run in a container",
    "/etc/modprobe.d": "a container loads no modules",
    "/etc/modules-load.d": "a container loads no modules",
}
"""Folders of which nothing is done on a machine of the lab, and why."""
