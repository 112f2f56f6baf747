#!/bin/sh
# Record the rules of a libvirt that writes nftables by itself (10.4 and later; Debian 12 has 9.0):
#   libvirt_nftables.sh ROOT FOLDER > RULES
# ROOT is a folder for Debian 13's packages, which are fetched on the first run; FOLDER has the XML files of a host.
# Everything runs in namespaces of its own, as root. Checksums of DHCP, which libvirt has tc correct, decide about no
# packet that is forwarded, and not every kernel can do so: tc does nothing here.
set -eu
root=$1 xml=$2
packages=libvirt-daemon,libvirt-daemon-driver-network,libvirt-clients,dnsmasq-base,nftables,dbus,iproute2
if [ ! -e "$root/fetched" ]; then
    debootstrap --variant=minbase --download-only --include=$packages trixie "$root" http://deb.debian.org/debian >&2
    for package in "$root"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
    rm -rf "$root/var/run"
    ln -s /run "$root/var/run"
    printf '#!/bin/sh\nexit 0\n' > "$root/usr/sbin/tc"
    printf '%s:x:%s:%s::/:/bin/false\n' root 0 0 messagebus 100 100 libvirt-qemu 64055 64055 libvirt-dnsmasq 117 117 \
        > "$root/etc/passwd"
    printf '%s:x:%s:\n' root 0 messagebus 100 kvm 107 libvirt-dnsmasq 117 libvirt 118 libvirt-qemu 64055 > "$root/etc/group"
    cat > "$root/etc/bus.conf" << 'EOF'
<busconfig>
  <type>system</type> <listen>unix:path=/run/dbus/system_bus_socket</listen> <auth>EXTERNAL</auth>
  <policy context="default"> <allow own="*"/> <allow user="*"/> <allow send_destination="*"/> </policy>
</busconfig>
EOF
    touch "$root/fetched"
fi
exec unshare --net --mount --pid --fork --kill-child --propagation=private sh -euc '
    mount -t proc proc "$1/proc"
    mount -t sysfs -o ro sysfs "$1/sys"
    mount --bind /dev "$1/dev"
    for folder in run tmp var/lib/libvirt etc/libvirt; do mount -t tmpfs tmpfs "$1/$folder"; done
    mkdir -p "$1/run/dbus" "$1/run/libvirt" "$1/var/lib/libvirt/dnsmasq" "$1/etc/libvirt/qemu/networks"
    cp "$2"/*.xml "$1/tmp/"
    chroot "$1" sh -c "
        ip link set lo up
        dbus-daemon --config-file=/etc/bus.conf --nofork --nopidfile > /tmp/bus.log 2>&1 &
        while [ ! -e /run/dbus/system_bus_socket ]; do sleep 0.1; done
        libvirtd > /tmp/log 2>&1 &
        while [ ! -e /run/libvirt/libvirt-sock ]; do sleep 0.1; done
        for file in /tmp/*.xml; do
            virsh -q -c network:///system net-define \$file >&2 || exit
            virsh -q -c network:///system net-start \$(sed -n \"s:.*<name>\(.*\)</name>.*:\1:p\" \$file) >&2 || exit
        done
        nft --stateless list table ip libvirt_network
    "
' sh "$root" "$xml"
