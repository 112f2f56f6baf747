# The work of the emulated machine (tests/rigs/emulator.py): machines of network namespaces, configured by their real
# network service, all at the same time. /mnt is the folder that is shared with the host: what to do lies there in files,
# one folder a machine, and the answers of programs are left there as they are.
#
# To start a program costs more than what it does: so this is busybox's shell, whose own commands are in the same program.
set -eu
work=/mnt/machines
left=/dev/shm
patience=300
pings=
questions=

# The machine's own file systems, as in netwright.lab.machine; its files; its network service, until all is settled.
machine() {
    name=$1
    here=$work/$name
    hostname "$name"
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/etc/dbus-1 /run/lock
    cp /etc/ld.so.cache /run/etc/
    printf '%s\n' root:x:0:0::/root:/bin/sh systemd-network:x:998:998::/:/bin/false > /run/etc/passwd
    printf '%s\n' root:x:0: systemd-network:x:998: > /run/etc/group
    # networkd makes the MACs of bonds and bridges of it.
    echo "$name" | md5sum | cut -c 1-32 > /run/etc/machine-id
    for folder in /etc /var/lib /var/log /usr/lib/systemd/network /usr/lib/NetworkManager/conf.d \
        /usr/lib/NetworkManager/system-connections /usr/lib/NetworkManager/dispatcher.d /usr/share/dbus-1/system-services; do
        [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 tmpfs "$folder"
    done
    mv /run/etc/* /etc/
    mount -t proc proc /proc
    # Read-only, /sys tells the services that there is no udev to wait for; NetworkManager sets bonds and bridges there.
    mkdir /run/sysfs
    mount -t sysfs sysfs /run/sysfs
    mount -o bind /run/sysfs /sys
    mount -o remount,bind,ro /sys
    mount -o bind /run/sysfs/devices /sys/devices
    /usr/sbin/ip link set dev lo up
    cp -r "$here/rootfs/etc/." /etc/
    name_cards
    "$(cat "$here/service")" || echo "the service failed" >> "$left/$name/log"
    : > "$left/$name/settled"
    exec sleep infinity 9<&-
}

# Has udev's own code give cards the names that .link files have for them; nothing sends it the kernel's events here.
name_cards() {
    [ -n "$(find /etc/systemd/network -name '*.link' 2> /dev/null)" ] || return 0
    mkdir -p /run/udev
    for card in /sys/class/net/x-*; do
        udevadm test --action=add "$card" > "$left/$name/udev" 2>&1 || :
    done
}

# Half a second, without a process of its own: that would take most of it.
doze() {
    read -r -t 0.5 -u 9 _ || :
}

# Whether it is later than $1 seconds after the boot.
is_past() {
    read -r now _ < /proc/uptime
    [ "${now%.*}" -ge "$1" ]
}

# Waits for the machine's planned links, as nothing waits for one that its service has not made.
await_links() {
    for link in $(cat "$here/links"); do
        until [ -e "/sys/class/net/$link" ] || is_past "$deadline"; do doze; done
    done
}

networkd() {
    mkdir -p /run/systemd/netif
    chown 998:998 /run/systemd/netif
    SYSTEMD_LOG_TARGET=console-prefixed /lib/systemd/systemd-networkd > "$left/$name/log" 2>&1 &
    await_links
    status=0
    /lib/systemd/systemd-networkd-wait-online --timeout=$patience > "$left/$name/waited" 2>&1 || status=$?
    echo "$status" > "$left/$name/online"
    until [ -z "$(grep -LE '^ADMIN_STATE=(configured|failed|unmanaged)$' /run/systemd/netif/links/*)" ] ||
        is_past "$deadline"; do doze; done
    for link in $(cat "$here/links"); do
        state=$(grep ^ADMIN_STATE= "/run/systemd/netif/links/$(cat "/sys/class/net/$link/ifindex")" || true)
        echo "$link:${state#*=}"
    done > "$left/$name/states"
}

networkmanager() {
    mkdir /run/dbus
    dbus-daemon --config-file=/etc/dbus-1/system.conf --nofork --nopidfile > "$left/$name/bus" 2>&1 &
    until [ -e /run/dbus/system_bus_socket ]; do doze; done
    NetworkManager --debug > "$left/$name/log" 2>&1 &
    await_links
    status=0
    nm-online -s -q -t $patience > "$left/$name/waited" 2>&1 || status=$?
    echo "$status" > "$left/$name/online"
    # nm-online does not wait for a VLAN on a bridge that has only now got its carrier.
    until are_connected || is_past "$deadline"; do sleep 2; done
}

# Whether NetworkManager is done with all planned links; their states are left for the test to judge.
are_connected() {
    nmcli -t -f DEVICE,STATE device > "$left/$name/states"
    for link in $(cat "$here/links"); do
        grep -qxF "$(printf %s "$link" | sed 's/:/\\\\:/g'):connected" "$left/$name/states" || return 1
    done
}

# Every question as `MACHINE ADDRESS OPTIONS...`, all at the same time; the answers to file $1 as `MACHINE ADDRESS STATUS`.
# What is not answered is asked again for $3 seconds: ping ends with the first error, such as an ARP that a bond lost while
# it negotiates with the switch, whatever its -w is.
ping_all() {
    read -r now _ < /proc/uptime
    last=$((${now%.*} + $3))
    while read -r from to options; do
        (
            status=0
            until nsenter --net="/run/netns/$from" /usr/bin/ping -n -q -c 1 -i 0.5 $options "$to" > /dev/null 2>&1; do
                status=1
                ! is_past "$last" || break
                status=0
                doze
            done
            echo "$from $to $status" >> "$left/$1"
        ) < /dev/null &
        pings="$pings $!"
    done < "/mnt/$2"
    [ -z "$pings" ] || wait $pings
    pings=
}

# What the machines' kernels say; $2 has the questions of `ip`, each answer is a file of its own.
ask_kernels() {
    for folder in "$work"/*; do
        name=${folder##*/}
        while read -r question options; do
            /usr/sbin/ip -n "$name" -json $options > "$left/$name/$1.$question"
        done < "/mnt/$2" &
        questions="$questions $!"
    done
    wait $questions
    questions=
    for folder in "$work"/*; do
        name=${folder##*/}
        bridge -n "$name" -json vlan show > "$left/$name/$1.vlans"
    done
}

at() {
    read -r now _ < /proc/uptime
    echo "$now $*"
}

make_networks() {
    /usr/sbin/modprobe -a 8021q bonding bridge dummy veth virtio_net
    for folder in "$work"/* /mnt/switches/*; do
        /usr/sbin/ip netns add "${folder##*/}"
        mkdir -p "$left/${folder##*/}"
    done
    for folder in /mnt/switches/*; do
        # A switch talks no IPv6 of its own; each of its ports would.
        nsenter --net="/run/netns/${folder##*/}" sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
    done
    # Cards of hardware, each for the machine that is to have its MAC.
    grep . /sys/class/net/*/address | while IFS=: read -r path mac; do
        card=${path%/address}
        grep "^$mac " /mnt/cards | while read -r _ owner name; do
            /usr/sbin/ip link set dev "${card##*/}" netns "$owner" name "$name"
        done
    done
    # Only now: what is made for another namespace may not have the name of a card that is still here.
    /usr/sbin/ip -batch /mnt/cables
    for folder in /mnt/switches/*; do
        /usr/sbin/ip -n "${folder##*/}" -batch "$folder/ip"
        bridge -n "${folder##*/}" -batch "$folder/bridge"
    done
}

start_machines() {
    read -r now _ < /proc/uptime
    deadline=$((${now%.*} + patience))
    for folder in "$work"/*; do
        name=${folder##*/}
        {
            nsenter --net="/run/netns/$name" /usr/bin/unshare --mount --uts --pid --fork --propagation=private \
                busybox sh /mnt/main "$name" "$deadline" || : > "$left/$name/settled"
        } > "$left/$name/output" 2>&1 &
    done
    for folder in "$work"/*; do
        until [ -e "$left/${folder##*/}/settled" ] || is_past $((deadline + 30)); do doze; done
    done
}

pull_cables() {
    for folder in /mnt/switches/*; do
        while read -r port; do
            /usr/sbin/ip -n "${folder##*/}" link set dev "$port" down
        done < "$folder/pulled"
    done
}

[ $# -gt 0 ] || mkfifo $left/silence
exec 9<> $left/silence
if [ $# -gt 0 ]; then
    deadline=$2
    machine "$1"
fi
at start
make_networks
at networks are made
start_machines
at machines are settled
ask_kernels before questions
ping_all talk talk $patience
ask_kernels talking links
at machines talk
ping_all silent silent 0
at machines keep silent
pull_cables
sleep 2
ping_all survive talk $patience
ask_kernels survived links
at machines talk again
rm $left/silence
cp -r "$left" /mnt/results
