#!/bin/sh
# Prints what this machine has, for `netwright status` and `netwright verify --live`: addresses, routes, rules, sysctls,
# digests of its configuration files, states of its programs. It prints no file's content but /etc/os-release, flannel's
# subnet.env and Ignition's result of the provisioning, and writes nothing.
#
# On the machine:   sh collect.sh [FILE ...] > NODE.facts    FILE: further files of ours, and sysctls as /proc/sys/...
# From elsewhere:   ssh NODE sh -s < collect.sh > NODE.facts
#
# A line of the output is a fact: NAME, tab, what the command printed, tab, its complaints and then its exit status, both
# in base64. Output beyond 16 MiB is cut off, a command is ended after 30 seconds.
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin
export LC_ALL PATH

most=16777216
exec 3>&1

# What only root may read is asked by sudo, where that needs no password.
root=
if [ "$(id -u)" != 0 ] && sudo -n true </dev/null >/dev/null 2>&1; then root='sudo -n'; fi

fact() {
    name=$1
    shift
    printf '%s\t' "$name"
    complaints=$(
        { { timeout -k 5 30 "$@" 3>&-; echo " $?" >&2; } | head -c "$most" | base64 -w 0 >&3; } 2>&1 </dev/null | tail -c 4096
    )
    printf '\t%s\n' "$(printf '%s' "$complaints" | base64 -w 0)"
}

fact format echo 1
fact hostname uname -n
fact kernel uname -r
fact system cat /etc/os-release
fact boot cat /proc/sys/kernel/random/boot_id
fact user id -u
fact links ip -j -d link show
fact addresses ip -j -4 address show
fact routes ip -j -4 route show table all
fact rules ip -j -4 rule show
fact neighbours ip -j -4 neighbour show
# Public keys only.
fact wireguard-keys $root wg show all public-key
fact wireguard-peers $root wg show all allowed-ips
fact ruleset $root nft list ruleset
fact iptables $root iptables-save
fact networkd networkctl list --no-legend --no-pager
fact networkmanager nmcli -t -f DEVICE,TYPE,STATE,CONNECTION device
# Without D-Bus systemd answers root alone.
fact units $root systemctl show --no-pager -p Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload \
    '*.service' '*.timer' '*.socket' '*.path' '*.target'

fact nft-version nft --version
fact ip-version ip -V
fact systemd-version systemctl --version
fact keepalived-version keepalived --version
fact haproxy-version haproxy -v
fact k3s-version k3s --version

fact libvirt $root sh -c '
    command -v virsh >/dev/null || exit 127
    names=$(virsh -c qemu:///system net-list --name) || exit
    for name in $names; do virsh -c qemu:///system net-dumpxml "$name" || exit; done'
fact flannel cat /run/flannel/subnet.env
fact pod-networks $root k3s kubectl get nodes -o \
    'jsonpath={range .items[*]}{.metadata.name}{"\t"}{.spec.podCIDR}{"\n"}{end}'
fact ignition $root cat /etc/.ignition-result.json

# A file is a line "KIND MODE OWNER GROUP TARGET PATH" that ends in a zero byte, with tabs between; a digest is sha256sum's.
count=$#
for path in /etc/hostname /etc/hosts /etc/chrony.conf /etc/chrony.d /etc/cloud/cloud.cfg.d /etc/cni /etc/config \
    /etc/firewalld /etc/haproxy /etc/keepalived /etc/modules-load.d /etc/NetworkManager /etc/netwright /etc/nftables \
    /etc/nftables.conf /etc/rancher/k3s /etc/sysconfig/network /etc/sysconfig/network-scripts \
    /etc/sysconfig/nftables.conf /etc/sysctl.conf /etc/sysctl.d /etc/systemd/network /etc/systemd/networkd.conf.d \
    /etc/systemd/resolved.conf.d /etc/systemd/system /etc/systemd/system-preset /etc/systemd/timesyncd.conf.d \
    /etc/tmpfiles.d /etc/udev/rules.d; do
    set -- "$@" "$path"
done
parameters=
while [ "$count" -gt 0 ]; do
    path=$1
    shift
    case $path in
        /proc/sys/*[!A-Za-z0-9_./-]*) ;;
        /proc/sys/*) parameters="$parameters $path" ;;
        *) set -- "$@" "$path" ;;
    esac
    count=$((count - 1))
done
fact parameters grep -rHs --exclude=tcp_fastopen_key '' \
    /proc/sys/net/ipv4 /proc/sys/net/bridge /proc/sys/net/netfilter $parameters
fact asked printf '%s\0' "$@"
fact files $root find "$@" '(' -type f -o -type l ')' -printf '%y\t%m\t%u\t%g\t%l\t%p\0'
fact digests $root find "$@" -type f -exec sha256sum -z '{}' +
fact end true
