"""Places on a machine: those from which something runs, and those that cannot touch the network."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from netwright.verify.reading.running.paths import GLOB, UNSURE, normalise, show


class Kind(StrEnum):
    """Way in which a file in a place is judged."""

    READ = "read"  # by one of gen/netwright/verify/reading/formats
    DATA = "data"
    BLIND = "blind"
    UNIT = "unit"
    PRESET = "preset"
    SCRIPT = "script"
    CRONTAB = "crontab"
    UDEV = "udev"
    TMPFILES = "tmpfiles"
    MODULES = "modules"
    MODPROBE = "modprobe"
    LOGROTATE = "logrotate"
    ENVIRONMENT = "environment"
    FSTAB = "fstab"
    CLOUD = "cloud"
    QUADLET = "quadlet"
    MANAGER = "manager"
    MANIFEST = "manifest"
    KEEPALIVED = "keepalived"
    DOCKER = "docker"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Files at one of some paths, or below where a path ends with a slash, and the reason for their kind."""

    paths: str
    kind: Kind
    reason: str


def _systemd(folder: str, *, user: bool = False) -> str:
    """systemd's places for a kind of files."""
    own = f"/etc/systemd/{folder}/ /run/systemd/{folder}/ /usr/local/lib/systemd/{folder}/ /usr/lib/systemd/{folder}/"
    return own + (" /root/.config/systemd/user/" if user else "")


def _config(folder: str) -> str:
    """The places of other programs that have the same order."""
    return f"/etc/{folder}/ /run/{folder}/ /usr/local/lib/{folder}/ /usr/lib/{folder}/"


PLACES = (
    Place(
        paths=f"""
            /etc/systemd/network/ /etc/sysconfig/network-scripts/ /etc/sysconfig/nftables
            /etc/sysconfig/nftables.conf /etc/NetworkManager/system-connections/ /etc/NetworkManager/conf.d/
            /etc/NetworkManager/NetworkManager.conf /etc/sysctl.conf {_config("sysctl.d")} /etc/nftables/
            /etc/iptables/
        """,
        kind=Kind.READ,
        reason="it decides about the network",
    ),
    # where something runs
    Place(
        paths=f"""
            {_systemd("system")} {_systemd("user", user=True)}
            /etc/systemd/system.control/ /etc/systemd/system.attached/
        """,
        kind=Kind.UNIT,
        reason="systemd runs what stands there",
    ),
    Place(
        paths=f"{_systemd('system-preset')} {_systemd('user-preset')}",
        kind=Kind.PRESET,
        reason="it decides which units start",
    ),
    Place(
        paths=f"""
            {_systemd("system-generators")} {_systemd("user-generators")}
            {_systemd("system-environment-generators")} {_systemd("user-environment-generators")}
        """,
        kind=Kind.BLIND,
        reason="a generator writes units of its own at every boot",
    ),
    Place(
        paths=f"""
            /etc/rc.d/ /etc/rc.local.d/ {_systemd("system-shutdown")} {_systemd("system-sleep")}
            /etc/cron.hourly/ /etc/cron.daily/ /etc/cron.weekly/ /etc/cron.monthly/
            /etc/NetworkManager/dispatcher.d/ /run/NetworkManager/dispatcher.d/
            /usr/lib/NetworkManager/dispatcher.d/ {_config("networkd-dispatcher")} /etc/dhcp/dhclient.d/
            /etc/dhcp/dhclient-exit-hooks.d/ /etc/dhcp/dhclient-enter-hooks.d/ /etc/dhcp/dhclient-up-hooks
            /etc/dhcp/dhclient-down-hooks /etc/ppp/ip-up.d/ /etc/ppp/ip-down.d/ /etc/network/if-up.d/
            /etc/network/if-down.d/ /etc/network/if-pre-up.d/ /etc/network/if-post-down.d/ /etc/libvirt/hooks/
            /etc/kernel/install.d/ /etc/kernel/postinst.d/ /etc/sysconfig/modules/ /etc/X11/xinit/
            /var/lib/cloud/scripts/per-boot/ /var/lib/cloud/scripts/per-instance/
            /var/lib/cloud/scripts/per-once/ /var/lib/cloud/scripts/vendor/ /etc/update-motd.d/ /etc/profile
            /etc/profile.d/ /etc/bashrc /etc/bash.bashrc /etc/zshrc /etc/bash/ /root/.bashrc /root/.bash_profile
            /root/.profile /root/.bash_login /root/.bash_logout /etc/ssh/sshrc
        """,
        kind=Kind.SCRIPT,
        reason="the system runs what stands there",
    ),
    Place(
        paths="/etc/crontab /etc/anacrontab /etc/cron.d/ /var/spool/cron/",
        kind=Kind.CRONTAB,
        reason="cron runs what stands there",
    ),
    Place(paths="/var/spool/at/ /var/spool/anacron/", kind=Kind.BLIND, reason="at runs what stands there"),
    Place(paths=_config("udev/rules.d"), kind=Kind.UDEV, reason="udev does what stands there"),
    Place(paths=_config("udev"), kind=Kind.BLIND, reason="udev does what stands there"),
    Place(paths=f"{_config('tmpfiles.d')} /etc/user-tmpfiles.d/", kind=Kind.TMPFILES, reason="it writes at every boot"),
    Place(paths=f"{_config('modules-load.d')} /etc/modules", kind=Kind.MODULES, reason="it loads modules"),
    Place(paths=_config("modprobe.d"), kind=Kind.MODPROBE, reason="it decides what loading a module does"),
    Place(paths="/etc/logrotate.conf /etc/logrotate.d/", kind=Kind.LOGROTATE, reason="logrotate runs its scripts"),
    Place(
        paths=f"/etc/environment {_config('environment.d')} /etc/security/pam_env.conf",
        kind=Kind.ENVIRONMENT,
        reason="it decides what programs mean by names",
    ),
    Place(paths="/etc/fstab", kind=Kind.FSTAB, reason="it mounts at every boot"),
    Place(paths="/etc/cloud/", kind=Kind.CLOUD, reason="cloud-init does what stands there"),
    Place(
        paths="/etc/containers/systemd/ /run/containers/systemd/ /usr/share/containers/systemd/ "
        "/root/.config/containers/systemd/",
        kind=Kind.QUADLET,
        reason="podman runs what stands there",
    ),
    Place(
        paths="/etc/systemd/system.conf /etc/systemd/system.conf.d/ /etc/systemd/user.conf /etc/systemd/user.conf.d/",
        kind=Kind.MANAGER,
        reason="it decides how systemd starts units",
    ),
    Place(
        paths="""
            /var/lib/rancher/k3s/server/manifests/ /var/lib/rancher/k3s/agent/pod-manifests/ /etc/kubernetes/manifests/
            /var/lib/rancher/rke2/server/manifests/ /var/lib/rancher/rke2/agent/pod-manifests/
        """,
        kind=Kind.MANIFEST,
        reason="Kubernetes runs what stands there",
    ),
    Place(paths="/etc/keepalived/", kind=Kind.KEEPALIVED, reason="keepalived runs what stands there"),
    Place(paths="/etc/docker/daemon.json", kind=Kind.DOCKER, reason="Docker makes networks and rules by it"),
    Place(paths=_config("binfmt.d"), kind=Kind.BLIND, reason="the kernel runs programs by it"),
    Place(
        paths="/etc/hostname /etc/hosts /etc/motd /etc/motd.d/ /etc/issue /etc/machine-info /etc/rancher/ /etc/config/",
        kind=Kind.DATA,
        reason="names, greetings, and what readers of their own take",
    ),
    # what is too far-reaching to be read
    Place(
        paths=f"""
            {_systemd("network")} /etc/systemd/networkd.conf {_systemd("networkd.conf.d")} /run/NetworkManager/
            /etc/NetworkManager/ /usr/lib/NetworkManager/ /etc/sysconfig/iptables /etc/sysconfig/ip6tables
            /etc/sysconfig/network /etc/sysconfig/firewalld /etc/sysconfig/kernel /etc/sysconfig/ebtables
            /etc/firewalld/ /etc/network/ /etc/netplan/ /etc/wireguard/ /etc/openvpn/ /etc/ipsec.conf
            /etc/ipsec.d/ /etc/strongswan/ /etc/swanctl/ /etc/frr/ /etc/bird.conf /etc/bird/ /etc/quagga/
            /etc/ufw/ /etc/shorewall/ /etc/fail2ban/ /etc/ppp/ /etc/dhcp/ /etc/dhcpcd.conf /etc/ethtool/
            /etc/ethers /etc/nftables.conf /etc/cni/ /etc/tuned/ /usr/lib/tuned/ /etc/openvswitch/ /etc/vconfig/
            /etc/arptables.conf
        """,
        kind=Kind.BLIND,
        reason="a program changes the network by it",
    ),
    Place(
        paths="/etc/libvirt/network.conf /etc/libvirt/qemu/networks/ /var/lib/libvirt/network/ /etc/libvirt/nwfilter/",
        kind=Kind.BLIND,
        reason="libvirt makes networks and rules of it",
    ),
    Place(
        paths="""
            /etc/extensions/ /run/extensions/ /var/lib/extensions/ /usr/lib/extensions/
            /usr/local/lib/extensions/ /etc/confexts/ /run/confexts/ /var/lib/confexts/ /usr/lib/confexts/
        """,
        kind=Kind.BLIND,
        reason="an image that adds any files, units among them",
    ),
    Place(
        paths="""
            /etc/ld.so.preload /etc/ld.so.conf /etc/ld.so.conf.d/ /etc/dbus-1/ /usr/share/dbus-1/
            /etc/audit/plugins.d/ /etc/pam.d/ /etc/security/namespace.init /etc/xdg/autostart/
            /etc/polkit-1/rules.d/ /etc/rsyslog.d/ /etc/rsyslog.conf /etc/inittab /etc/init/ /etc/ansible/
            /etc/puppet/ /etc/salt/ /etc/chef/
        """,
        kind=Kind.BLIND,
        reason="programs that start by themselves load or run what stands there",
    ),
    Place(
        paths="""
            /boot/ /etc/default/grub /etc/grub.d/ /etc/kernel/ /etc/dracut.conf /etc/dracut.conf.d/
            /etc/sysconfig/grub /usr/share/oem/ /oem/
        """,
        kind=Kind.BLIND,
        reason="it decides how the kernel starts",
    ),
    Place(
        paths="/usr/local/bin/ /usr/local/sbin/ /opt/bin/", kind=Kind.DATA, reason="programs are judged where they run"
    ),
    Place(
        paths="/usr/local/share/ /usr/local/etc/ /usr/share/ca-certificates/ /usr/share/keyrings/",
        kind=Kind.DATA,
        reason="data of programs",
    ),
    Place(paths="/usr/", kind=Kind.BLIND, reason="it belongs to the system's programs"),
    Place(
        paths="/sys/kernel/mm/ /sys/block/ /sys/class/block/ /sys/devices/system/cpu/ /sys/module/zswap/ /sys/power/",
        kind=Kind.DATA,
        reason="memory, disks and processors",
    ),
    Place(paths="/proc/sys/vm/", kind=Kind.DATA, reason="memory"),
    Place(paths="/proc/ /sys/", kind=Kind.BLIND, reason="the kernel does what is written there"),
    Place(
        paths="""
            /dev/null /dev/zero /dev/stdout /dev/stderr /dev/stdin /dev/fd/ /dev/tty /dev/console /dev/kmsg
            /dev/shm/ /dev/pts/ /proc/self/fd/
        """,
        kind=Kind.DATA,
        reason="nothing keeps what is written there",
    ),
    Place(paths="/dev/", kind=Kind.BLIND, reason="a device does what is written there"),
    Place(
        paths="/var/lib/cloud/ /var/lib/NetworkManager/ /run/cloud-init/",
        kind=Kind.BLIND,
        reason="cloud-init or NetworkManager acts by it",
    ),
    Place(
        paths="/run/systemd/ /run/udev/ /run/NetworkManager/ /run/dbus/", kind=Kind.BLIND, reason="daemons act by it"
    ),
)
"""The first that holds a path counts, of places of which one holds the other the inner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Index:
    exact: dict[str, Place]
    below: dict[str, Place]


def _index(places: Iterable[Place]) -> _Index:
    exact: dict[str, Place] = {}
    below: dict[str, Place] = {}
    for place in places:
        for path in place.paths.split():
            (below if path.endswith("/") else exact).setdefault(path, place)
    return _Index(exact=exact, below=below)


_INDEX = _index(PLACES)
_OF_USERS = frozenset({".bashrc", ".bash_profile", ".profile", ".bash_login", ".bash_logout", ".zshrc", ".zprofile"})


@lru_cache(maxsize=4096)
def find_place(path: str) -> Place | None:
    """The place of a normalised path, None where nothing runs and nothing that starts by itself reads."""
    if path in _INDEX.exact:
        return _INDEX.exact[path]
    if path.startswith("/home/") and path.rpartition("/")[2] in _OF_USERS:
        return _INDEX.exact["/root/.bashrc"]
    folder = path
    while folder not in ("", "/"):
        folder = folder.rstrip("/").rpartition("/")[0] + "/"
        if folder in _INDEX.below:
            return _INDEX.below[folder]
    return None


def holds_places(path: str) -> Place | None:
    """A place below a normalised path from which something runs, None if there is no such place."""
    inner = path.rstrip("/") + "/"
    for place in PLACES:
        if place.kind not in (Kind.DATA, Kind.MANIFEST) and any(one.startswith(inner) for one in place.paths.split()):
            return place
    return None


@lru_cache(maxsize=4096)
def refuse_writing(path: str, *, wholly: bool = False) -> str | None:
    """Return why something that is written to the path may change the network, None if it cannot.

    `wholly` where a directory and all below it is meant.
    """
    if UNSURE in path:
        return "writes to a place that is not known"
    known, glob, _ = path.partition(GLOB)
    if glob:
        folder = normalise(known.rpartition("/")[0] or "/")
        return refuse_writing(f"{folder}/x") or refuse_writing(folder, wholly=True)
    plain = normalise(path)
    place = find_place(plain) or (holds_places(plain) if wholly else None)
    if place is None or place.kind is Kind.DATA:
        return None
    return f"writes to {show(plain)}: {place.reason}"
