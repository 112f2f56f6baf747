# The work of the emulated machine (tests/rigs/emulator.py) for tunnels: machines of network namespaces, configured by
# their real network service, or by wg-quick from a sheet. /mnt is shared with the host: /mnt/machines has a folder for each
# machine, with its files and its private key; /mnt/cables and /mnt/hosts are for `ip`, /mnt/pings are the questions.
set -eu
work=/mnt/machines
left=/dev/shm/results
path=/usr/sbin:/usr/bin:/sbin:/bin

doze() {
    sleep 0.5
}

# The machine's own file systems, its files and key, and its rules; then its network service, until the tunnel is there.
machine() {
    name=$1
    here=$work/$name
    hostname "$name"
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/etc/dbus-1 /run/etc/wireguard
    cp /etc/ld.so.cache /run/etc/
    printf '%s\n' root:x:0:0::/root:/bin/sh systemd-network:x:998:998::/:/bin/false > /run/etc/passwd
    printf '%s\n' root:x:0: systemd-network:x:998: > /run/etc/group
    echo 0123456789abcdef0123456789abcdef > /run/etc/machine-id
    for folder in /etc /var/lib /var/log /usr/lib/systemd/network /usr/lib/NetworkManager/conf.d \
        /usr/lib/NetworkManager/system-connections /usr/lib/NetworkManager/dispatcher.d /usr/share/dbus-1/system-services; do
        [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 tmpfs "$folder"
    done
    mv /run/etc/* /etc/
    mount -t proc proc /proc
    mkdir /run/sysfs
    mount -t sysfs sysfs /run/sysfs
    mount -o bind /run/sysfs /sys
    mount -o remount,bind,ro /sys
    mount -o bind /run/sysfs/devices /sys/devices
    /usr/sbin/ip link set dev lo up
    [ ! -d "$here/rootfs" ] || cp -r "$here/rootfs/etc/." /etc/
    cp "$here/key" /etc/wireguard/wg0.key
    chown 0:998 /etc/wireguard/wg0.key
    chmod 0640 /etc/wireguard/wg0.key
    [ ! -e /etc/nftables/netwright.nft ] || /usr/sbin/nft -f /etc/nftables/netwright.nft
    echo 1 > /proc/sys/net/ipv4/ip_forward
    "$(cat "$here/service")"
    until wg show wg0 > /dev/null 2>&1 && /usr/sbin/ip -4 address show dev wg0 | grep -q inet; do doze; done
    : > "$left/$name.settled"
    exec sleep infinity
}

networkd() {
    mkdir -p /run/systemd/netif
    chown 998:998 /run/systemd/netif
    SYSTEMD_LOG_TARGET=console-prefixed /lib/systemd/systemd-networkd > "$left/$name.log" 2>&1 &
    /lib/systemd/systemd-networkd-wait-online --timeout=200
}

networkmanager() {
    find /etc/NetworkManager -type f -exec chmod 0600 {} +
    sh /etc/netwright/wireguard-keys.sh
    mkdir /run/dbus
    dbus-daemon --config-file=/etc/dbus-1/system.conf --nofork --nopidfile > "$left/$name.bus" 2>&1 &
    until [ -e /run/dbus/system_bus_socket ]; do doze; done
    NetworkManager --debug > "$left/$name.log" 2>&1 &
    until nmcli -t -f DEVICE,STATE device 2> /dev/null | grep -qx wg0:connected; do doze; done
    nmcli -t -f NAME,FILENAME connection show > "$left/$name.profiles"
}

# What a person does with a hand-off sheet.
sheet() {
    cp "$here/wg0.conf" /etc/wireguard/
    sh "$here/addresses"
    WG_QUICK_USERSPACE_IMPLEMENTATION=none wg-quick up wg0 > "$left/$name.log" 2>&1
    sh "$here/routes"
}

inside() {
    name=$1
    shift
    nsenter --net="/run/netns/$name" "$@"
}

if [ $# -gt 0 ]; then
    PATH=$path
    machine "$1"
fi
mkdir "$left"
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
/usr/sbin/modprobe -a wireguard veth nf_tables nft_ct
/usr/sbin/ip -batch /mnt/cables
inside isp sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
inside isp /usr/sbin/nft -f /mnt/isp.nft
for folder in "$work"/*; do
    name=${folder##*/}
    inside "$name" /usr/bin/unshare --mount --uts --pid --fork --propagation=private \
        busybox sh /mnt/main "$name" > "$left/$name.output" 2>&1 &
done
for folder in "$work"/*; do
    until [ -e "$left/${folder##*/}.settled" ]; do
        read -r now _ < /proc/uptime
        if [ "${now%.*}" -gt 150 ]; then
            cat "$left"/*.output "$left"/*.log
            exit 1
        fi
        doze
    done
done
while read -r from to options; do
    status=0
    inside "$from" /usr/bin/ping -n -q -c 1 -i 0.5 -w 20 $options "$to" > /dev/null 2>&1 || status=$?
    echo "$from $to $status" >> "$left/pings"
done < /mnt/pings
for folder in "$work"/*; do
    name=${folder##*/}
    inside "$name" wg show wg0 dump > "$left/$name.dump"
    /usr/sbin/ip -n "$name" -json -details address show dev wg0 > "$left/$name.link"
    /usr/sbin/ip -n "$name" -json -4 route show dev wg0 > "$left/$name.routes"
    /usr/sbin/ip -n "$name" -json -4 rule > "$left/$name.rules"
done
# What does not come from where its sender is, and what is for no peer.
errors=/sys/class/net/wg0/statistics/rx_errors
inside site2 /usr/bin/unshare --mount sh -c "mount -t sysfs sysfs /sys && cat $errors" > "$left/errors"
/usr/sbin/ip -n site1 address add 10.77.0.1/32 dev lo
inside site1 /usr/bin/ping -n -q -c 2 -i 0.5 -w 4 -I 10.77.0.1 10.2.0.5 > /dev/null 2>&1 || :
inside site2 /usr/bin/unshare --mount sh -c "mount -t sysfs sysfs /sys && cat $errors" >> "$left/errors"
/usr/sbin/ip -n site1 route add 10.99.0.0/24 dev wg0
inside site1 /usr/bin/ping -n -c 1 -w 2 10.99.0.1 > "$left/stranger" 2>&1 || :
cp -r "$left" /mnt/results
