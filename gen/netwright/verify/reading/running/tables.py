"""Programs, modules, packages and units that cannot touch the network, each group with its reason."""

from collections.abc import Iterator, Mapping

from netwright.verify.reading.running.paths import words_of


def _each(groups: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for reason, names in groups.items():
        for name in names.split():
            yield name, reason


FREE = dict(
    _each(
        {
            "prints, reads or waits": """
                : true false echo printf test [ [[ (( sleep date cat head tail grep egrep fgrep zgrep cut wc tr
                nl tac rev column comm paste join fold expand basename dirname realpath readlink stat ls id
                whoami groups uname arch uptime nproc free df du ps pgrep pidof lsblk blkid lscpu lsmod lspci
                lsusb dmesg journalctl logger which type expr seq cmp diff md5sum sha1sum sha224sum
                sha256sum sha384sum sha512sum b2sum cksum base64 base32 jq bc printenv tput clear yes less more
                strings od xxd hexdump file getent locale ipcalc getconf tty who w last vmstat iostat mpstat sar
                top pstree lsof findmnt mountpoint netstat ping ping6 dig nslookup host tracepath traceroute
                wait-for-it envsubst systemd-detect-virt systemd-escape systemd-id128 systemd-path
                systemd-analyze systemd-notify systemd-machine-id-setup rpmquery needs-restarting
                dmidecode virt-what wall resolvectl
            """,
            "belongs to the shell itself": """
                exit return break continue shift set unset cd pwd pushd
                popd umask ulimit read getopts mapfile readarray wait jobs disown let shopt unalias bg fg
                times function
            """,
            "names, time and language of the machine": """
                hostname hostnamectl timedatectl localectl locale-gen loadkeys domainname dnsdomainname timedate
                hwclock chronyc
            """,
            "accounts and keys": """
                useradd usermod userdel groupadd groupmod groupdel adduser addgroup passwd chpasswd chage
                gpasswd newusers vipw loginctl ssh-keygen ssh-import-id update-ca-trust update-ca-certificates
                update-crypto-policies authselect
            """,
            "disks, file systems and swap": """
                fallocate mkswap swapon swapoff mkfs mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mke2fs tune2fs
                e2label xfs_admin resize2fs xfs_growfs btrfs growpart partprobe parted sgdisk sfdisk fdisk
                wipefs pvcreate vgcreate lvcreate lvextend vgextend pvresize lvs vgs pvs vgchange fstrim sync
                e2fsck fsck xfs_repair blockdev mdadm cryptsetup iscsiadm multipath losetup zpool zfs
            """,
            "SELinux": """
                setenforce getenforce restorecon setsebool getsebool chcon semanage fixfiles semodule sestatus
                matchpathcon touch-relabel
            """,
            "Flatcar's updates, whose images are the system's own": """
                update_engine_client locksmithctl systemd-sysupdate flatcar-update ue-rollback cgpt
            """,
            "reads what is delivered, which is judged itself": """
                systemd-tmpfiles systemd-sysusers systemd-sysext systemd-confext systemd-hwdb ldconfig mandb
                depmod
            """,
            "listens, and answers what the network brings": """
                haproxy nginx httpd traefik caddy envoy sshd chronyd crond rsyslogd etcd node_exporter
                prometheus alertmanager grafana-server vault coredns dnsmasq-exporter redis-server postgres
                postgresql mysqld mariadbd memcached registry minio qemu-ga promtail loki alloy vector
                fluent-bit telegraf filebeat metricbeat zabbix_agentd zabbix_agent2 tailon rngd haveged
                irqbalance smartd process_exporter blackbox_exporter haproxy_exporter statsd_exporter
            """,
            "K3s and its programs: their effect on the network is in the assumptions": """
                containerd containerd-shim-runc-v2 kubelet
            """,
            "keepalived and kube-vip: virtual addresses are on the nodes that hold them": "keepalived kube-vip",
            "sends copies away": "       mail sendmail mailx",
            "unpacks to its output": "  zcat   xzcat     zstdcat",
        }
    )
)
"""Programs that may be run with any arguments."""

CHANGERS = words_of("""
        ip ifconfig route ifup ifdown arp iptables iptables-restore iptables-nft iptables-legacy ip6tables
        iptables-save brctl bridge tc firewall-cmd firewall-offline-cmd ufw ebtables arptables ipset ipvsadm
        ethtool vconfig ifenslave wg wg-quick openvpn dhclient dhcpcd udhcpc nmtui nmstatectl teamd teamdctl
        conntrack arping ovs-vsctl ovs-ofctl bpftool iw iwconfig wpa_supplicant pppd mii-tool ifrename ifplugd
        netplan networkctl nmcli sysctl nft virsh docker
    """)
"""Programs that are there to change the network."""

MODULES = dict(
    _each(
        {
            "files, disks and memory": """
                overlay fuse loop nbd rbd ceph nfs nfsd cifs dm_* dm-* raid* zfs btrfs xfs ext4 squashfs udf
                cramfs freevxfs jffs2 hfs hfsplus vfat isofs iscsi_tcp nvme* scsi_* sd_mod sr_mod usb_storage
                usb-storage zram target_core* configfs libiscsi md_mod virtio_blk virtio_scsi gfs2 floppy
                firewire-core
            """,
            "virtual machines and devices": """
                kvm kvm_intel kvm_amd vfio* vhost* virtio_balloon virtio_rng virtio_console tun tap nvidia*
                nouveau i915 amdgpu radeon drm* pcspkr snd* bluetooth btusb uvcvideo softdog ipmi_* watchdog*
                i6300esb iTCO_wdt msr cpuid coretemp k10temp efi_pstore thunderbolt
            """,
            "adds a possibility of the kernel's, which something must use": """
                vxlan geneve veth dummy bonding 8021q wireguard ip_vs* nf_conntrack nf_conntrack_* nf_nat
                nf_tables nft_* ip_tables ip6_tables iptable_* ip6table_* xt_* ipt_* ip_set* x_tables tcp_*
                sch_* cls_* act_* ipip gre ip_gre sit tunnel4 fou ip_tunnel mpls_* sctp dccp rds tipc tls
                af_packet unix_diag tcp_diag inet_diag udp_diag crc32* aesni_intel libcrc32c bpfilter macvlan
                ipvlan team* llc stp bridge
            """,
        }
    )
)
"""Modules that may be loaded: what the loading of others does is not known."""

CARDS_AND_RULES = """
        vxlan bridge veth nf_* nft_* ip_tables iptable_* xt_* ip_vs* x_tables llc stp br_netfilter 8021q bonding
        wireguard
    """
"""Modules that the network needs: they may be loaded, but not kept from it."""

PACKAGES_BEYOND = dict(
    _each(
        {
            "starts a firewall at the next boot (Enterprise Linux enables it by its presets)": """
                firewalld ufw shorewall fail2ban fail2ban-server fail2ban-firewalld
            """,
            "configures cards besides NetworkManager": """
                network-scripts initscripts systemd-networkd dhcpcd dhcp-client NetworkManager-config-server
                NetworkManager-dispatcher-routing-rules netplan netplan.io ifupdown ifupdown2 connman wicked
            """,
            "adds rules and networks of its own": """
                docker docker-ce moby-engine docker.io podman-docker libvirt libvirt-daemon
                libvirt-daemon-config-network lxd lxc openvswitch calico cilium
            """,
            "changes kernel parameters": "tuned-profiles-* sysctl-hardening",
            "routes by itself": "frr bird bird2 quagga",
        }
    )
)
"""Packages that are more than files: what is installed otherwise, Enterprise Linux starts nothing of
(90-default.preset, then 99-default-disable.preset)."""

NETWORK_PACKAGES = "NetworkManager* nftables systemd* iproute* kernel* cloud-init* dbus* firewalld* glibc* iptables*"
"""Packages without which the network is another."""

UNITS = dict(
    _each(
        {
            "time, logs, mail and jobs that are judged themselves": """
                chronyd chrony ntpd systemd-timesyncd rsyslog systemd-journald* systemd-journal-* auditd crond
                cron atd anacron fstrim logrotate mlocate-updatedb man-db* dnf-automatic* dnf-makecache*
                dnf-system-upgrade packagekit* systemd-tmpfiles-* unbound-anchor postfix sysstat* smartd rngd
                haveged irqbalance kdump* abrt* mcelog psacct sssd* oddjobd rhsmcertd insights-client*
                raid-check* systemd-random-seed systemd-hostnamed systemd-localed systemd-timedated
                systemd-logind systemd-machined systemd-oomd systemd-coredump* debug-shell update-motd motdgen*
                issuegen* ca-certificates* serial-getty@* getty@* autovt@* console-getty user@* lingering*
                accounts-daemon
            """,
            "listens, and answers what the network brings": """
                sshd* ssh haproxy* nginx httpd apache2 traefik* caddy etcd* node_exporter node-exporter
                prometheus* grafana* alertmanager* redis* postgresql* mariadb* mysqld* memcached* registry*
                vault* minio* cockpit* rpcbind* nfs-server rpc-statd* nfs-mountd qemu-guest-agent zabbix-agent*
                promtail* loki* alloy* vector* fluent-bit* telegraf* filebeat* metricbeat* pcscd* vmtoolsd
                open-vm-tools amazon-ssm-agent google-guest-agent snmpd tftp* vsftpd smb nmb dovecot
            """,
            "disks": """
                iscsid* iscsi* iscsi-init multipathd* nfs-client nfs-utils rpc-gssd remote-fs lvm2-* mdmonitor*
                blk-availability zfs* nvmf-* stratisd* systemd-growfs* systemd-makefs* systemd-fsck* local-fs
                tgtd var-* mnt-* srv-* data* opt-* home-* swap* dev-*
            """,
            "K3s and its programs: their effect on the network is in the assumptions": """
                k3s k3s-agent containerd cri-o crio kubelet rke2-server rke2-agent
            """,
            "keepalived: virtual addresses are on the nodes that hold them": "keepalived",
            "podman does nothing until a container is started, and containers are judged": """
                podman podman-auto-update* podman-clean*
            """,
            "libvirt: its rules for our networks are assumed": """
                libvirtd* virtqemud* virtnetworkd* virtlogd* virtlockd* virtnodedevd* virtstoraged* virtsecretd*
                virtproxyd* virtinterfaced* virtnwfilterd* libvirt-guests
            """,
            "applies what is delivered, which is read": """
                NetworkManager NetworkManager-wait-online NetworkManager-dispatcher
                systemd-sysctl systemd-modules-load systemd-udevd* systemd-udev-* systemd-resolved
                systemd-networkd-wait-online* network-online network network-pre sysinit basic multi-user timers
                sockets paths cloud-init* cloud-config cloud-final dbus* polkit* systemd-sysext systemd-confext
                systemd-sysupdate* ensure-sysext
            """,
            "Flatcar's updates": """
                update-engine* locksmithd locksmith* flatcar-* coreos-* systemd-reboot reboot
                update-engine-stub* zincati rpm-ostreed* sshkeys coreos-metadata* afterburn* oem-*
            """,
            "tuned's own profiles set memory, schedulers and sizes of buffers": "tuned tuned-ppd",
            "SELinux": "restorecond selinux-autorelabel* setroubleshootd",
        }
    )
)
"""Units of the systems and of usual packages that may be started, by name without suffix."""

DOCKER = words_of("docker docker-ce moby-engine docker.io docker-ce-cli docker-compose-plugin docker-buildx-plugin")
"""Docker's units and packages: where the topology has `docker: true`, its rules are added."""

APPLIERS = frozenset(
    {"systemd-networkd", "systemd-sysctl", "NetworkManager", "nftables", "netwright-nftables", "systemd-udevd"}
    | {"systemd-modules-load", "dbus", "dbus-broker", "systemd-udev-trigger", "network", "network-pre", "sysinit"}
    | {"basic", "multi-user", "libvirtd", "virtnetworkd", "virtqemud", "k3s", "k3s-agent", "keepalived", "containerd"}
    | {"network-online", "local-fs", "systemd-tmpfiles-setup", "cloud-init-local", "cloud-init", "kubelet"}
)
"""Units that apply our files, or on which the assumptions count: they are not to be stopped or changed."""

OF_THE_SYSTEM = frozenset(
    {"systemd-networkd", "systemd-sysctl", "NetworkManager", "nftables", "systemd-udevd", "systemd-modules-load"}
    | {"dbus", "dbus-broker", "systemd-udev-trigger"}
)
"""Units of the systems that apply our files: neither they nor drop-ins of theirs are to be delivered."""

SURE_TARGETS = frozenset(
    {"multi-user.target", "basic.target", "sysinit.target", "default.target", "local-fs.target", "sockets.target"}
    | {"timers.target", "paths.target", "network.target"}
)
"""Targets that every boot reaches."""

SUITS_SYSEXT = (
    "k3s",
    "kubernetes",
    "containerd",
    "crio",
    "wasmtime",
    "wasmcloud",
    "nvidia",
    "nvidia-*",
    "python*",
    "ollama",
    "rke2",
)
"""System extensions of Flatcar's bakery that bring what the assumptions speak of, or only programs."""

DOWNLOADED = words_of("""
        k3s kubectl helm crictl ctr traefik haproxy caddy etcd etcdctl node_exporter prometheus jq yq vault
        restic runc crun containerd containerd-shim-runc-v2 kubelet promtail loki alloy vector coredns mc minio
        registry
    """)
"""Programs that people download: what arrives under these names is taken to be them."""
