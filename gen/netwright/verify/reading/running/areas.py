"""Table of places on a machine: those from which something runs, and those that cannot touch the network."""

from enum import StrEnum

from msgspec import Struct


class FileKind(StrEnum):
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
    NETWORKD = "networkd"
    IDENTITY = "identity"
    RSYSLOG = "rsyslog"


class Area(Struct, frozen=True, kw_only=True):
    """Files at one of some paths, or below where a path ends with a slash, and the reason for their kind."""

    paths: str
    kind: FileKind
    reason: str


def _systemd(folder: str, *, user: bool = False) -> str:
    """systemd's places for a kind of files."""
    own = f"/etc/systemd/{folder}/ /run/systemd/{folder}/ /usr/local/lib/systemd/{folder}/ /usr/lib/systemd/{folder}/"
    return own + (" /root/.config/systemd/user/" if user else "")


def _config(folder: str) -> str:
    """The places of other programs that have the same order."""
    return f"/etc/{folder}/ /run/{folder}/ /usr/local/lib/{folder}/ /usr/lib/{folder}/"


PLACES = (
    Area(
        paths=f"""
            /etc/systemd/network/ /etc/sysconfig/network-scripts/ /etc/sysconfig/nftables
            /etc/sysconfig/nftables.conf /etc/NetworkManager/system-connections/ /etc/NetworkManager/conf.d/
            /etc/NetworkManager/NetworkManager.conf /etc/sysctl.conf {_config("sysctl.d")} /etc/nftables/
            /etc/iptables/ /etc/rancher/k3s/config.yaml /etc/rancher/k3s/config.yaml.d/ /etc/default/k3s
            /etc/default/k3s-agent /etc/sysconfig/k3s /etc/sysconfig/k3s-agent /etc/config/ip-masq-agent
        """,
        kind=FileKind.READ,
        reason="it decides about the network",
    ),
    # where something runs
    Area(
        paths=f"""
            {_systemd("system")} {_systemd("user", user=True)}
            /etc/systemd/system.control/ /etc/systemd/system.attached/
        """,
        kind=FileKind.UNIT,
        reason="systemd runs what stands there",
    ),
    Area(
        paths=f"{_systemd('system-preset')} {_systemd('user-preset')}",
        kind=FileKind.PRESET,
        reason="it decides which units start",
    ),
    Area(
        paths=f"""
            {_systemd("system-generators")} {_systemd("user-generators")}
            {_systemd("system-environment-generators")} {_systemd("user-environment-generators")}
        """,
        kind=FileKind.BLIND,
        reason="a generator writes units of its own at every boot",
    ),
    Area(
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
        kind=FileKind.SCRIPT,
        reason="the system runs what stands there",
    ),
    Area(
        paths="/etc/crontab /etc/anacrontab /etc/cron.d/ /var/spool/cron/",
        kind=FileKind.CRONTAB,
        reason="cron runs what stands there",
    ),
    Area(paths="/var/spool/at/ /var/spool/anacron/", kind=FileKind.BLIND, reason="at runs what stands there"),
    Area(paths=_config("udev/rules.d"), kind=FileKind.UDEV, reason="udev does what stands there"),
    Area(paths=_config("udev"), kind=FileKind.BLIND, reason="udev does what stands there"),
    Area(
        paths=f"{_config('tmpfiles.d')} /etc/user-tmpfiles.d/", kind=FileKind.TMPFILES, reason="it writes at every boot"
    ),
    Area(paths=f"{_config('modules-load.d')} /etc/modules", kind=FileKind.MODULES, reason="it loads modules"),
    Area(paths=_config("modprobe.d"), kind=FileKind.MODPROBE, reason="it decides what loading a module does"),
    Area(paths="/etc/logrotate.conf /etc/logrotate.d/", kind=FileKind.LOGROTATE, reason="logrotate runs its scripts"),
    Area(
        paths=f"/etc/environment {_config('environment.d')} /etc/security/pam_env.conf",
        kind=FileKind.ENVIRONMENT,
        reason="it decides what programs mean by names",
    ),
    Area(paths="/etc/rsyslog.d/ /etc/rsyslog.conf", kind=FileKind.RSYSLOG, reason="rsyslog may run programs by it"),
    Area(paths="/etc/fstab", kind=FileKind.FSTAB, reason="it mounts at every boot"),
    Area(paths="/etc/cloud/", kind=FileKind.CLOUD, reason="cloud-init does what stands there"),
    Area(
        paths="/etc/containers/systemd/ /run/containers/systemd/ /usr/share/containers/systemd/ "
        "/root/.config/containers/systemd/",
        kind=FileKind.QUADLET,
        reason="podman runs what stands there",
    ),
    Area(
        paths=f"""
            /etc/systemd/system.conf {_systemd("system.conf.d")} /etc/systemd/user.conf {_systemd("user.conf.d")}
            /etc/systemd/logind.conf {_systemd("logind.conf.d")}
        """,
        kind=FileKind.MANAGER,
        reason="it decides how systemd starts units",
    ),
    Area(
        paths="""
            /var/lib/rancher/k3s/server/manifests/ /var/lib/rancher/k3s/agent/pod-manifests/ /etc/kubernetes/manifests/
            /var/lib/rancher/rke2/server/manifests/ /var/lib/rancher/rke2/agent/pod-manifests/
            /var/lib/rancher/k3s/agent/etc/cni/
        """,
        kind=FileKind.MANIFEST,
        reason="Kubernetes runs what stands there",
    ),
    Area(paths="/etc/keepalived/", kind=FileKind.KEEPALIVED, reason="keepalived runs what stands there"),
    Area(paths="/etc/docker/daemon.json", kind=FileKind.DOCKER, reason="Docker makes networks and rules by it"),
    Area(paths=_config("binfmt.d"), kind=FileKind.BLIND, reason="the kernel runs programs by it"),
    Area(
        paths="/etc/hostname /etc/hosts /etc/motd /etc/motd.d/ /etc/issue /etc/machine-info /etc/rancher/ /etc/config/",
        kind=FileKind.DATA,
        reason="names, greetings, and what readers of their own take",
    ),
    Area(
        paths="/etc/firewalld/zones/ /etc/firewalld/policies/ /etc/firewalld/ipsets/ /etc/firewalld/firewalld.conf",
        kind=FileKind.READ,
        reason="firewalld loads rules by it",
    ),
    Area(
        paths=f"/etc/systemd/networkd.conf {_systemd('networkd.conf.d')}",
        kind=FileKind.NETWORKD,
        reason="systemd-networkd does more or less by it than its files of interfaces say",
    ),
    # what is too far-reaching to be read
    Area(
        paths=f"""
            {_systemd("network")} /run/NetworkManager/ /etc/NetworkManager/ /usr/lib/NetworkManager/
            /etc/sysconfig/iptables /etc/sysconfig/ip6tables
            /etc/sysconfig/network /etc/sysconfig/firewalld /etc/sysconfig/kernel /etc/sysconfig/ebtables
            /etc/firewalld/ /etc/network/ /etc/netplan/ /etc/wireguard/ /etc/openvpn/ /etc/ipsec.conf
            /etc/ipsec.d/ /etc/strongswan/ /etc/swanctl/ /etc/frr/ /etc/bird.conf /etc/bird/ /etc/quagga/
            /etc/ufw/ /etc/shorewall/ /etc/fail2ban/ /etc/ppp/ /etc/dhcp/ /etc/dhcpcd.conf /etc/ethtool/
            /etc/ethers /etc/nftables.conf /etc/cni/ /etc/tuned/ /usr/lib/tuned/ /etc/openvswitch/ /etc/vconfig/
            /etc/arptables.conf /etc/nmstate/ /etc/teamd/
        """,
        kind=FileKind.BLIND,
        reason="a program changes the network by it",
    ),
    Area(
        paths="/etc/libvirt/network.conf /etc/libvirt/qemu/networks/ /var/lib/libvirt/network/ /etc/libvirt/nwfilter/",
        kind=FileKind.BLIND,
        reason="libvirt makes networks and rules of it",
    ),
    Area(
        paths="""
            /etc/extensions/ /run/extensions/ /var/lib/extensions/ /usr/lib/extensions/
            /usr/local/lib/extensions/ /etc/confexts/ /run/confexts/ /var/lib/confexts/ /usr/lib/confexts/
        """,
        kind=FileKind.BLIND,
        reason="an image that adds any files, units among them",
    ),
    Area(
        paths="""
            /etc/ld.so.preload /etc/ld.so.conf /etc/ld.so.conf.d/ /etc/dbus-1/ /usr/share/dbus-1/
            /etc/audit/plugins.d/ /etc/pam.d/ /etc/security/namespace.init /etc/xdg/autostart/
            /etc/polkit-1/rules.d/ /etc/inittab /etc/init/ /etc/ansible/
            /etc/puppet/ /etc/salt/ /etc/chef/
        """,
        kind=FileKind.BLIND,
        reason="programs that start by themselves load or run what stands there",
    ),
    Area(
        paths="""
            /boot/ /etc/default/grub /etc/grub.d/ /etc/kernel/ /etc/dracut.conf /etc/dracut.conf.d/
            /etc/sysconfig/grub /usr/share/oem/ /oem/
        """,
        kind=FileKind.BLIND,
        reason="it decides how the kernel starts",
    ),
    Area(
        paths="/usr/local/bin/ /usr/local/sbin/ /opt/bin/",
        kind=FileKind.DATA,
        reason="programs are judged where they run",
    ),
    Area(paths="/etc/machine-id", kind=FileKind.IDENTITY, reason="devices have hardware addresses by it"),
    Area(
        paths="/etc/passwd /etc/group /etc/userdb/ /run/userdb/ /usr/lib/userdb/",
        kind=FileKind.BLIND,
        reason="the system's daemons run as users that stand there",
    ),
    Area(
        paths="/usr/local/share/ /usr/local/etc/ /usr/share/ca-certificates/ /usr/share/keyrings/",
        kind=FileKind.DATA,
        reason="data of programs",
    ),
    Area(paths="/usr/", kind=FileKind.BLIND, reason="it belongs to the system's programs"),
    Area(
        paths="/sys/kernel/mm/ /sys/block/ /sys/class/block/ /sys/devices/system/cpu/ /sys/module/zswap/ /sys/power/",
        kind=FileKind.DATA,
        reason="memory, disks and processors",
    ),
    Area(paths="/proc/sys/vm/", kind=FileKind.DATA, reason="memory"),
    Area(paths="/proc/ /sys/", kind=FileKind.BLIND, reason="the kernel does what is written there"),
    Area(
        paths="""
            /dev/null /dev/zero /dev/stdout /dev/stderr /dev/stdin /dev/fd/ /dev/tty /dev/console /dev/kmsg
            /dev/shm/ /dev/pts/ /proc/self/fd/
        """,
        kind=FileKind.DATA,
        reason="nothing keeps what is written there",
    ),
    Area(paths="/dev/", kind=FileKind.BLIND, reason="a device does what is written there"),
    Area(
        paths="/var/lib/cloud/ /var/lib/NetworkManager/ /run/cloud-init/",
        kind=FileKind.BLIND,
        reason="cloud-init or NetworkManager acts by it",
    ),
    Area(
        paths="/run/systemd/ /run/udev/ /run/NetworkManager/ /run/dbus/",
        kind=FileKind.BLIND,
        reason="daemons act by it",
    ),
)
"""The first that holds a path counts, of places of which one holds the other the inner."""
