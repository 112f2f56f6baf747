# ruff: noqa: E501, ISC004
"""Commands of a delivery: understood, on a list of what cannot touch the network, or named as unknown."""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import read_delivery
from netwright.verify.values.boots import Boot
from netwright.verify.values.wiring import PublishedPorts

UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/nftables/netwright.nft
ExecStop=/usr/sbin/nft delete table inet netwright
"""
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
LOADER = {"name": "netwright-nftables.service", "enabled": True, "contents": UNIT + INSTALL}
RULES = {"path": "/etc/nftables/netwright.nft", "contents": {"source": "data:,table%20inet%20netwright%20%7B%0A%7D%0A"}}


def _reasons(out: Path, *, trusted: Sequence[str] = ()) -> list[str]:
    read = read_configuration(read_delivery(out, "n"), frozenset(trusted))
    return [*dict.fromkeys(str(unknown) for form in (read, read.on(Boot.FIRST)) for unknown in form.unknown)]


def _ignite(
    out: Path, *units: dict[str, object], links: Sequence[dict[str, str]] = (), files: Sequence[dict[str, object]] = (),
    trusted: Sequence[str] = (), **more: object,
) -> list[str]:  # fmt: skip
    storage = {"files": [RULES, *files], "links": links}
    document = {"ignition": {"version": "3.3.0"}, "storage": storage, "systemd": {"units": [LOADER, *units]}, **more}
    (out / "n").mkdir(exist_ok=True)
    (out / "n/n.ign").write_text(json.dumps(document))
    return _reasons(out, trusted=trusted)


def _carried(path: str, text: str, mode: int = 0o644) -> dict[str, object]:
    return {"path": path, "mode": mode, "contents": {"source": f"data:,{quote(text)}"}}


def _seed(out: Path, trusted: Sequence[str] = (), /, **user_data: object) -> list[str]:
    (out / "n/cloud-init").mkdir(parents=True, exist_ok=True)
    (out / "n/cloud-init/user-data").write_text("#cloud-config\n" + yaml.safe_dump(user_data, sort_keys=False))
    (out / "n/cloud-init/network-config").write_text("network:\n  config: disabled\n")
    (out / "n/cloud-init/meta-data").write_text("instance-id: n\n")
    return _reasons(out, trusted=trusted)


@pytest.mark.parametrize(
    "command",
    [
        "ip route flush table main",
        "ip route add 10.0.0.0/8 via $X",
        "test -f /x && ip route add 10.0.0.0/8 via 10.1.0.1",
        "[ -f /x ] && exit 0; ip route add 10.0.0.0/8 via 10.1.0.1",
        "set -e; false; ip route add 10.0.0.0/8 via 10.1.0.1",
        "trap 'ip route add 10.0.0.0/8 via 10.1.0.1' EXIT",
        "su -c 'ip route add 10.0.0.0/8 via 10.1.0.1' nobody",
        "xargs -a /opt/x ip route add 10.0.0.0/8 via",
        "ip -n x route add 10.0.0.0/8 via 10.1.0.1",
        "ip route add 10.0.0.0/8 via 10.1.0.1; nmcli connection up eth0",
        "sysctl -w net.ipv4.ip_forward=1; sysctl --system",
        "sysctl -w net.ipv4.conf.all.strange=1",
        "nft flush ruleset",
        "sh -c 'sleep 1; ip link set eth0 down'",
        "test -f /x && iptables -P FORWARD DROP",
        "sudo -u x sysctl -w net.ipv4.ip_forward=0",
        "echo x > /etc/sudoers.d/x; sudo sysctl -w net.ipv4.ip_forward=0",
        "sudo ip route flush table main",
        "echo 'flannel-backend: none' >> /etc/rancher/k3s/config.yaml",
        "chmod 700 /etc/systemd/network",
        "chmod -x /etc/systemd",
        "chmod o-rx /etc",
        "install -d -m 0750 /etc/systemd/network",
        "virsh net-start default",
        "sysctl -p /opt/x.conf",
        "nmcli connection modify eth0 ipv4.gateway 10.1.0.1",
        "nft -f /srv/rules.nft",
        "systemctl mask systemd-networkd.service",
        "systemctl disable --now netwright-nftables",
        "systemctl start firewalld",
        "systemctl enable --now strange.service",
        "systemctl enable --now nm-cloud-setup.timer",
        "systemctl isolate rescue.target",
        "echo 0 > /proc/sys/net/ipv4/ip_forward",
        "echo 0 | tee /proc/sys/net/ipv4/ip_forward",
        "printf 0 >> /proc/../proc/sys/net/ipv4/ip_forward",
        "echo 'net.ipv4.ip_forward=0' > /etc/sysctl.d/99-x.conf",
        "cp /opt/x.nft /etc/nftables/netwright.nft",
        "sed -i s/1/0/ /etc/sysctl.d/90-netwright.conf",
        "sed -n '1e ip link set eth0 down' /etc/hosts",
        "ln -s /opt/x /etc/cron.daily/x",
        "ln -s /etc /opt/e",
        "ln -s /opt/x /etc/cron.daily",
        "ln -sfn /opt/x /etc/NetworkManager/conf.d",
        "rm -rf /etc/NetworkManager",
        "mv /etc/systemd /etc/x",
        "chmod 000 /etc/NetworkManager/system-connections/eth0.nmconnection",
        "mount --bind /opt/x /etc",
        "python3 -c 'import os; os.system(\"ip link set eth0 down\")'",
        "perl -e 1",
        "base64 -d /opt/x | sh",
        "curl -fsSL https://example.com/x.sh | bash -",
        "curl -fsSL -o /etc/cron.d/x https://example.com/x",
        "curl -o /usr/bin/nft https://example.com/nft",
        "curl -o /usr/local/bin/ip https://example.com/ip",
        "wget -O /opt/x.sh https://example.com/x && sh /opt/x.sh",
        "/opt/x.sh",
        "sh /opt/x.sh",
        ". /opt/x.sh",
        "eval \"$X\"",
        "$X route add default via 10.0.0.1",
        "echo x > $X",
        "echo x > /tmp/$X",
        "x=ip; $x link set eth0 down",
        "echo $(ip link set eth0 down)",
        "echo `ip link set eth0 down`",
        "echo \"$(ip link set eth0 down)\"",
        "f() { ip link set eth0 down; }; f",
        "for f in a b; do ip link set $f down; done",
        "if true; then ip link set eth0 down; fi",
        "case x in y) ip link set eth0 down;; esac",
        "cat <<EOF\n$(ip link set eth0 down)\nEOF",
        "bash <<'EOF'\nip link set eth0 down\nEOF",
        "diff <(ip link set eth0 down) /dev/null",
        "trap 'ip link set eth0 down' EXIT",
        "timeout 5 ip link set eth0 down",
        "env X=1 ip link set eth0 down",
        "PATH=/opt/x:$PATH ls",
        "LD_PRELOAD=/opt/x.so ls",
        "find /opt -name x -exec ip link set eth0 down ';'",
        "echo eth0 | xargs -I{} ip link set {} down",
        "awk 'BEGIN { system(\"ip link set eth0 down\") }'",
        "systemd-run ip link set eth0 down",
        "modprobe -r br_netfilter",
        "modprobe strange",
        "dnf install -y https://example.com/x.rpm",
        "dnf install -y firewalld",
        "dnf remove -y NetworkManager",
        "podman run -d --privileged --network host x",
        "podman run -d -p 80:80 x",
        "docker run -d x",
        "kubectl apply -f https://example.com/x.yaml",
        "crontab /opt/x",
        "at now -f /opt/x",
        "poweroff",
        "shutdown -h now",
        "kill 1",
        "busybox ip link set eth0 down",
        "ethtool -K eth0 rx-vlan-filter off",
        "unclosed 'quote",
        "alias ls='ip link set eth0 down'; ls",
        "export LD_PRELOAD=/opt/x.so",
        "ss -K dst 10.0.0.1",
        "xargs -a /opt/x ip",
        "touch /etc/{cron.d/x,motd}",
        "cd /etc/sysctl.d && echo net.ipv4.ip_forward=0 > 99-x.conf",
        "cd /etc; cp /opt/x sysctl.d/99-x.conf",
        "cd $X; echo x > y",
        "cd /opt; ./x.sh",
    ],
)  # fmt: skip
def test_a_command_that_is_not_known_to_be_harmless_is_named(tmp_path: Path, command: str) -> None:
    reasons = _seed(tmp_path, runcmd=[command])

    assert reasons
    assert all(reason.endswith("down") or "(on the first boot)" in reason for reason in reasons)


@pytest.mark.parametrize(
    "command",
    [
        "ip route show",
        "ip -br addr",
        "dnf install -y iptables nftables tmux",
        "echo route add",
        "systemctl mask --now firewalld.service",
        "systemctl daemon-reload",
        "systemctl restart systemd-sysctl.service",
        "systemctl enable --now sshd.service chronyd haproxy",
        "systemctl enable --now k3s-agent",
        "systemctl disable --now dnf-makecache.timer",
        "systemctl restart sshd || true",
        "nmcli connection reload",
        "nmcli connection up eth0",
        "nmcli dev reapply eth0",
        "sysctl --system",
        "sysctl -w vm.swappiness=10 net.core.somaxconn=4096",
        "mkdir -p /opt/app /etc/rancher/k3s",
        "touch /var/lib/x",
        "chmod 0600 /etc/rancher/k3s/config.yaml",
        "chown -R core:core /home/core",
        "install -d -m 0755 /opt/x",
        "install -m 0644 /opt/a /opt/b",
        "cp /opt/a /etc/motd",
        "ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime",
        "echo 'nothing' > /etc/motd",
        "echo x > /dev/null 2>&1",
        "sed -i 's/^#PermitRootLogin .*/PermitRootLogin no/' /etc/ssh/sshd_config",
        "curl -fsSL -o /opt/data.json https://example.com/data.json",
        "curl -sfL https://example.com/k3s -o /usr/local/bin/k3s && chmod +x /usr/local/bin/k3s",
        "hostnamectl set-hostname x",
        "timedatectl set-timezone UTC",
        "usermod -aG wheel ops",
        "setenforce 0",
        "sleep 5",
        "until ping -c 1 10.1.0.1; do sleep 1; done",
        "if [ ! -f /var/swap ]; then fallocate -l 1G /var/swap; mkswap /var/swap; fi",
        "swapon /var/swap",
        "cat <<EOF > /etc/motd\nhello $(hostname)\nEOF",
        "modprobe br_netfilter overlay",
        "modprobe -a overlay ip_vs",
        "DIR=/opt/x; mkdir -p $DIR; echo y > $DIR/y",
        "tar -C /opt -xzf /tmp/x.tgz",
        "tar czf /var/backups/etc-$(date +%F).tgz /etc",
        "podman pull docker.io/traefik:v3",
        "podman run -d --name traefik --network host docker.io/traefik:v3",
        "kubectl get nodes",
        "update-ca-trust",
        "restorecon -R /opt",
        "chmod 755 /etc/systemd/network /etc",
        "chmod a+rX /etc/systemd",
        "chmod 700 /root",
        "ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf",
        "resolvectl flush-caches",
        "ethtool -K flannel.1 tx-checksum-ip-generic off",
        "ethtool -G eth0 rx 4096",
        "ethtool eth0",
        "virsh net-list --all",
        "sudo ip link set eth0 up",
        "reboot",
        "cd /opt; echo x > y",
        "mkdir -p /opt/{a,b}",
        "sed -i '/swap/d' /etc/fstab",
        "sed -i -e '/ # mine$/d' -e '$a\\' /etc/hosts; cat /etc/mine/hosts >> /etc/hosts",
        "sed -i 's/SELINUX=enforcing/SELINUX=permissive/' /etc/selinux/config",
        "find /var/log -name '*.gz' -delete",
        "",
    ],
)  # fmt: skip
def test_a_command_that_is_known_to_be_harmless_is_left_alone(tmp_path: Path, command: str) -> None:
    assert _seed(tmp_path, runcmd=[command]) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("/etc/cron.d/x", "*/5 * * * * root ip link set eth0 down\n", id="cron"),
        pytest.param("/etc/crontab", "@reboot root iptables -P FORWARD DROP\n", id="crontab"),
        pytest.param("/etc/cron.daily/x", "#!/bin/sh\niptables -F\n", id="cron.daily"),
        pytest.param("/var/spool/cron/root", "@reboot ip link set eth0 down\n", id="user's crontab"),
        pytest.param("/var/spool/at/x", "#!/bin/sh\ntrue\n", id="at"),
        pytest.param("/etc/udev/rules.d/99-x.rules", 'SUBSYSTEM=="net", RUN+="/bin/ip link set eth0 down"\n', id="udev"),
        pytest.param("/etc/udev/rules.d/99-x.rules", 'SUBSYSTEM=="net", NAME="lan0"\n', id="udev name"),
        pytest.param("/etc/udev/rules.d/99-x.rules", 'KERNEL=="x", ENV{SYSTEMD_WANTS}="x.service"\n', id="udev unit"),
        pytest.param("/etc/tmpfiles.d/x.conf", "w /proc/sys/net/ipv4/ip_forward - - - - 0\n", id="tmpfiles"),
        pytest.param("/usr/local/lib/tmpfiles.d/x.conf", "r /etc/sysctl.d/90-netwright.conf\n", id="tmpfiles removes"),
        pytest.param("/etc/modprobe.d/x.conf", "blacklist vxlan\n", id="modprobe"),
        pytest.param("/etc/modprobe.d/x.conf", "install nf_tables /bin/true\n", id="modprobe install"),
        pytest.param("/etc/modules-load.d/x.conf", "strange\n", id="modules-load"),
        pytest.param("/etc/rc.local", "#!/bin/sh\nip link set eth0 down\n", id="rc.local"),
        pytest.param("/etc/rc.d/rc.local", "#!/bin/sh\nip link set eth0 down\n", id="rc.d"),
        pytest.param("/etc/init.d/x", "#!/bin/sh\nip link set eth0 down\n", id="init.d"),
        pytest.param("/etc/NetworkManager/dispatcher.d/10-x", "#!/bin/sh\nip rule add table 5\n", id="dispatcher"),
        pytest.param("/etc/networkd-dispatcher/routable.d/x", "#!/bin/sh\nip rule add table 5\n", id="networkd-dispatcher"),
        pytest.param("/etc/systemd/system-generators/x", "#!/bin/sh\ntrue\n", id="generator"),
        pytest.param("/usr/local/lib/systemd/system-generators/x", "#!/bin/sh\ntrue\n", id="generator in local"),
        pytest.param("/etc/systemd/system-preset/00-x.preset", "disable *\n", id="preset"),
        pytest.param("/etc/systemd/system-preset/00-x.preset", "disable netwright-nftables.service\n", id="preset of ours"),
        pytest.param("/etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultEnvironment=LD_PRELOAD=/x\n", id="manager"),
        pytest.param("/etc/profile.d/x.sh", "ip link set eth0 down\n", id="profile"),
        pytest.param("/etc/environment", "LD_PRELOAD=/opt/x.so\n", id="environment"),
        pytest.param("/etc/ld.so.preload", "/opt/x.so\n", id="preload"),
        pytest.param("/etc/fstab", "/dev/vdb /etc ext4 defaults 0 0\n", id="fstab"),
        pytest.param("/etc/logrotate.d/x", "/var/log/x {\n postrotate\n  ip link set eth0 down\n endscript\n}\n", id="logrotate"),
        pytest.param("/var/lib/cloud/scripts/per-boot/x", "#!/bin/sh\nip link set eth0 down\n", id="per-boot"),
        pytest.param("/etc/cloud/cloud.cfg.d/x.cfg", "bootcmd: [ip link set eth0 down]\n", id="cloud.cfg"),
        pytest.param("/etc/containers/systemd/x.container", "[Container]\nImage=x\nPublishPort=80:80\n", id="quadlet"),
        pytest.param("/etc/libvirt/hooks/network", "#!/bin/sh\niptables -F\n", id="libvirt hook"),
        pytest.param("/etc/systemd/networkd.conf.d/x.conf", "[Network]\nManageForeignRoutes=yes\n", id="networkd.conf"),
        pytest.param("/run/systemd/network/05-x.network", "[Match]\nName=eth0\n", id="network in run"),
        pytest.param("/usr/lib/systemd/network/05-x.network", "[Match]\nName=eth0\n", id="network in lib"),
        pytest.param("/etc/./sysctl.d/x.conf", "net.ipv4.conf.eth0.forwarding=0\n", id="dotted path"),
        pytest.param("/etc/sysctl.d/../cron.d/x", "@reboot root iptables -F\n", id="path with a step back"),
        pytest.param("//etc//cron.d/x", "@reboot root iptables -F\n", id="slashes"),
        pytest.param("/lib/udev/rules.d/x.rules", 'RUN+="/opt/x"\n', id="lib"),
        pytest.param("/var/lib/extensions/x/usr/lib/systemd/system/x.service", "[Service]\n", id="sysext"),
        pytest.param("/usr/local/bin/systemctl", "#!/bin/sh\n/usr/bin/systemctl stop NetworkManager\n", id="shadow"),
        pytest.param("/usr/bin/nft", "#!/bin/sh\ntrue\n", id="system's program"),
        pytest.param("/boot/grub2/user.cfg", "x\n", id="boot"),
        pytest.param("/home/core/.bashrc", "sudo ip link set eth0 down\n", id="user's bashrc"),
        pytest.param("/etc/ssh/sshrc", "ip link set eth0 down\n", id="sshrc"),
        pytest.param("/etc/binfmt.d/x.conf", ":x:M::x::/opt/x:\n", id="binfmt"),
        pytest.param("/etc/keepalived/keepalived.conf", "vrrp_instance x {\n notify \"/sbin/ip link set eth0 down\"\n}\n", id="keepalived script"),
        pytest.param("/etc/keepalived/keepalived.conf", "vrrp_instance x {\n virtual_routes {\n }\n}\n", id="keepalived routes"),
        pytest.param("/etc/keepalived/keepalived.conf", "global_defs {\n vrrp_strict\n}\n", id="keepalived strict"),
        pytest.param("/etc/keepalived/keepalived.conf", "vrrp_instance x { no_accept }\n", id="keepalived accepts nothing"),
        pytest.param("/etc/systemd/networkd.conf", "[DHCPv4]\nDUIDType=link-layer\n", id="networkd's leases"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: DaemonSet\nspec: {template: {spec: {hostNetwork: true}}}\n", id="manifest"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: NetworkPolicy\n", id="network policy"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Service\nspec: {externalIPs: [10.1.0.1]}\n", id="service at an address of a node"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Service\nspec: {type: LoadBalancer}\n", id="service at all nodes"),
        pytest.param("/var/lib/rancher/k3s/agent/etc/cni/net.d/x.conflist", "{}\n", id="plugins of pods"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", 'kind: Namespace\n---\n{"kind": "Pod", "spec": {"hostNetwork": true}}\n', id="pod in JSON behind another document"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Namespace\n---\n  kind: NetworkPolicy\n", id="policy that is indented"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: List\nitems:\n- kind: Pod\n  spec: {hostNetwork: yes}\n", id="pod in a list"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Pod\nx: &a true\nspec: {hostNetwork: *a}\n", id="pod by an anchor"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Pod\nspec: {containers: [{securityContext: {capabilities: {add: [NET_ADMIN]}}}]}\n", id="pod with a power"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: ConfigMap\nmetadata: {name: ip-masq-agent}\n", id="settings of the agent"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Pod\n  x: [\n", id="manifest that is no YAML"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Pod\na: &a [x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 12)}]\n" for n in range(8)), id="manifest of many aliases"),
        pytest.param("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Pod\na: &a [*a]\n", id="manifest that holds itself"),
        pytest.param("/etc/udev/rules.d/x.rules", 'SUBSYSTEM=="net", ENV{ID_NET_MANAGED_BY}="me"\n', id="udev keeps networkd off"),
        pytest.param("/etc/rsyslog.d/x.conf", 'action(type="omprog" binary="/opt/x")\n', id="rsyslog's program"),
        pytest.param("/etc/rsyslog.d/x.conf", "*.* /proc/sys/net/ipv4/ip_forward\n", id="rsyslog's file"),
        pytest.param("/etc/udev/rules.d/80-net-setup-link.rules", "", id="udev names no card"),
        pytest.param("/etc/passwd", "root:x:0:0::/root:/bin/sh\n", id="accounts"),
        pytest.param("/etc/machine-id", "0123456789abcdef0123456789abcdef\n", id="the same id on all machines"),
        pytest.param("/etc/nmstate/x.yml", "interfaces: []\n", id="nmstate"),
        pytest.param("/etc/systemd/logind.conf.d/x.conf", "[Login]\nIdleAction=poweroff\n", id="logind"),
        pytest.param("/usr/local/sbin/iptables", "#!/bin/sh\ntrue\n", id="a program that others find first"),
        pytest.param("/etc/systemd/system/-.slice.d/x.conf", "[Slice]\nIPAddressDeny=any\n", id="all programs kept off"),
        pytest.param("/etc/systemd/system/system.slice.d/x.conf", "[Slice]\nIPAddressDeny=10.0.0.0/8\n", id="services kept off"),
        pytest.param("/etc/systemd/system/service.d/x.conf", "[Service]\nPrivateNetwork=yes\n", id="each service kept off"),
        pytest.param("/etc/systemd/system/service.d/x.conf", "[Service]\nCapabilityBoundingSet=CAP_CHOWN\n", id="each service without rights"),
        pytest.param("/etc/systemd/system/k3s-agent.service.d/x.conf", "[Service]\nRestrictNetworkInterfaces=lo\n", id="K3s kept off"),
        pytest.param("/etc/systemd/system/haproxy.service.d/x.conf", "[Service]\nSocketBindDeny=any\n", id="a server kept off"),
        pytest.param("/etc/systemd/system/k3s.service.d/x.conf", "[Service]\nUser=nobody\n", id="K3s without rights"),
    ],
)  # fmt: skip
def test_what_lies_where_something_runs_is_named(tmp_path: Path, path: str, text: str) -> None:
    assert _seed(tmp_path, write_files=[{"path": path, "content": text, "permissions": "0755"}])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/cron.d/x", "MAILTO=root\n5 1 * * * root tar czf /var/backups/x.tgz /opt\n"),
        ("/etc/udev/rules.d/60-x.rules", 'ACTION=="add", SUBSYSTEM=="block", ATTR{queue/scheduler}="none"\n'),
        ("/etc/tmpfiles.d/x.conf", "d /run/x 0755 root root -\nw /sys/kernel/mm/transparent_hugepage/enabled - - - - never\n"),
        ("/etc/modprobe.d/x.conf", "# CIS\ninstall cramfs /bin/true\nblacklist usb-storage\noptions kvm_intel nested=1\n"),
        ("/etc/modules-load.d/k8s.conf", "overlay\nbr_netfilter\n"),
        ("/etc/profile.d/x.sh", 'export EDITOR=vim\nexport PATH="$PATH:/opt/bin"\nalias k=kubectl\n'),
        ("/etc/environment", "http_proxy=http://10.1.0.1:3128\n"),
        ("/etc/fstab", "LABEL=x / xfs defaults 0 0\n/dev/vdb /var/lib/rancher ext4 defaults 0 0\n"),
        ("/etc/logrotate.d/x", "/var/log/x {\n daily\n postrotate\n  systemctl reload haproxy\n endscript\n}\n"),
        ("/etc/containers/systemd/x.container", "[Container]\nImage=traefik\nNetwork=host\n[Install]\nWantedBy=default.target\n"),
        ("/etc/systemd/journald.conf.d/x.conf", "[Journal]\nSystemMaxUse=1G\n"),
        ("/etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultLimitNOFILE=65536\n"),
        ("/etc/rancher/k3s/registries.yaml", "mirrors: {}\n"),
        ("/etc/chrony.conf", "server 10.1.0.1\n"),
        ("/etc/sudoers.d/ops", "ops ALL=(ALL) NOPASSWD: ALL\n"),
        ("/etc/traefik/traefik.yaml", "entryPoints: {}\n"),
        ("/etc/haproxy/haproxy.cfg", "global\n"),
        ("/etc/keepalived/keepalived.conf", "vrrp_script up {\n script \"/usr/bin/pgrep haproxy\"\n}\nvrrp_instance x {\n interface eth0\n virtual_router_id 7\n virtual_ipaddress {\n  10.1.0.9\n }\n}\n"),
        ("/var/lib/rancher/k3s/server/manifests/x.yaml", "apiVersion: v1\nkind: Namespace\n---\napiVersion: apps/v1\nkind: Deployment\n"),
        ("/etc/kubernetes/manifests/kube-vip.yaml", "kind: Pod\nspec:\n  hostNetwork: true\n  containers:\n  - image: ghcr.io/kube-vip/kube-vip:v0.8.0\n"),
        ("/var/lib/rancher/k3s/server/manifests/x.yaml", "kind: Deployment\nspec:\n  capabilities:\n    drop:\n    - ALL\n    add: [NET_BIND_SERVICE]\n---\n# none\n---\nkind: List\nitems: []\n"),
        ("/var/lib/rancher/k3s/server/manifests/x.yaml", '{"kind": "ConfigMap", "metadata": {"name": "coredns-custom"}}\n'),
        ("/etc/rsyslog.d/x.conf", "# to the collector\n*.* @@10.1.0.5:514\nmail.* -/var/log/maillog\n"),
        ("/etc/logrotate.d/y", "/var/log/x {\n postrotate\n  /bin/kill -HUP `cat /run/x.pid 2>/dev/null` 2>/dev/null || true\n endscript\n}\n"),
        ("/etc/systemd/network/10-eth0.network.bak", "[Match]\nName=eth0\n"),
        ("/etc/systemd/network/.10-eth0.network.swp", "x\n"),
        ("/etc/sysconfig/network-scripts/ifcfg-eth0.bak", "DEVICE=eth0\nBOOTPROTO=dhcp\n"),
        ("/etc/flatcar/update.conf", "REBOOT_STRATEGY=off\n"),
        ("/opt/x/data.sh", "not run by anything: ip link set eth0 down\n"),
        ("/etc/systemd/system-preset/50-x.preset", "enable haproxy.service\ndisable cups.service\n"),
        ("/etc/machine-id", "uninitialized\n"),
        ("/etc/systemd/networkd.conf.d/x.conf", "[Network]\nManageForeignRoutes = no\nManageForeignRoutingPolicyRules=no\nSpeedMeter=yes\n"),
        ("/etc/keepalived/keepalived.conf", "# vrrp_strict\nvrrp_instance x {\n virtual_router_id 7\n strict_mode off\n interface eth0 # not no_accept\n}\n"),
        ("/etc/systemd/logind.conf.d/x.conf", "[Login]\nIdleAction=ignore\nKillUserProcesses=no\n"),
        ("/etc/systemd/system/sshd.service.d/x.conf", "[Service]\nProtectSystem=full\nUser=root\n"),
        ("/etc/systemd/system/k3s.service.d/x.conf", "[Service]\nMemoryMax=2G\nPrivateNetwork=no\n"),
        ("/etc/systemd/system/app.slice", "[Slice]\nMemoryMax=2G\n"),
    ],
)  # fmt: skip
def test_what_is_known_to_be_harmless_where_something_runs_is_left_alone(tmp_path: Path, path: str, text: str) -> None:
    assert _seed(tmp_path, write_files=[{"path": path, "content": text}]) == []


def test_an_executable_file_is_read_wherever_it_lies(tmp_path: Path) -> None:
    script = "#!/bin/bash\nset -e\nfallocate -l 1G /var/swap && mkswap /var/swap\n"

    assert _ignite(tmp_path, files=[_carried("/opt/x", script, 0o755)]) == []
    (reason,) = _ignite(tmp_path, files=[_carried("/opt/x", script + "ip link set eth0 down\n", 0o755)])

    assert reason.startswith("n/n.ign:/opt/x:4: a command that changes the network")


@pytest.mark.parametrize(
    ("text", "said"),
    [("#!/usr/bin/python3\nprint()\n", "a language that is not read"), ("\x7fELF\0", "delivered and not read")],
)
def test_a_program_that_is_no_shell_script_is_named(tmp_path: Path, text: str, said: str) -> None:
    (reason,) = _ignite(tmp_path, files=[_carried("/opt/x", text, 0o755)])

    assert said in reason


SCRIPT = "#!/bin/sh\niptables -I FORWARD -j DROP\n"
RUNS = "[Service]\nType=oneshot\nExecStart=/bin/sh /opt/fw.sh\n"


@pytest.mark.parametrize(
    "units",
    [
        pytest.param([("x.service", True, RUNS + INSTALL)], id="service"),
        pytest.param([("x.timer", True, "[Timer]\nOnBootSec=1\n" + INSTALL), ("x.service", False, RUNS)], id="timer"),
        pytest.param([("y.timer", True, "[Timer]\nOnBootSec=1\nUnit=x.service\n" + INSTALL), ("x.service", False, RUNS)], id="timer of another"),
        pytest.param([("x.path", True, "[Path]\nPathExists=/x\n" + INSTALL), ("x.service", False, RUNS)], id="path"),
        pytest.param([("x.socket", True, "[Socket]\nListenStream=99\n" + INSTALL), ("x.service", False, RUNS)], id="socket"),
        pytest.param([("y.service", True, "[Unit]\nWants=x.service\n[Service]\nExecStart=/bin/true\n" + INSTALL), ("x.service", False, RUNS)], id="wanted"),
        pytest.param([("y.service", True, "[Unit]\nOnFailure=x.service\n[Service]\nExecStart=/bin/true\n" + INSTALL), ("x.service", False, RUNS)], id="on failure"),
        pytest.param([("sshd.service", False, RUNS)], id="a system's unit replaced"),
        pytest.param([("x@.service", False, RUNS), ("y.service", True, "[Unit]\nWants=x@1.service\n[Service]\nExecStart=/bin/true\n" + INSTALL)], id="template"),
        pytest.param([("x.service", True, "[Service]\nExecStart=/bin/true\nExecStartPost=+-/opt/fw.sh\n" + INSTALL)], id="post"),
        pytest.param([("x.service", True, "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStop=/bin/sh /opt/fw.sh\n" + INSTALL)], id="stop at once"),
        pytest.param([("x.service", True, "[Service]\nExecStart=/bin/true ; /bin/sh /opt/fw.sh\n" + INSTALL)], id="second command"),
        pytest.param([("x.service", True, "[Service]\nExecStart=/bin/sh \\\n  /opt/fw.sh\n" + INSTALL)], id="continued"),
        pytest.param([("x.service", True, "[Service]\nExecStart=/bin/sh -c \"ls; /opt/fw.sh\"\n" + INSTALL)], id="in a shell"),
    ],
)  # fmt: skip
def test_a_script_that_a_unit_runs_is_read(tmp_path: Path, units: list[tuple[str, bool, str]]) -> None:
    given = [{"name": name, "enabled": enabled, "contents": text} for name, enabled, text in units]

    reasons = _ignite(tmp_path, *given, files=[_carried("/opt/fw.sh", SCRIPT)])

    assert reasons == [
        "n/n.ign:/opt/fw.sh:2: a command that changes the network in a way that is not known: iptables -I FORWARD -j DROP"
    ]


def test_a_drop_in_of_a_systems_unit_is_read(tmp_path: Path) -> None:
    dropin = {"name": "10-x.conf", "contents": "[Service]\nExecStartPost=/sbin/ip link set eth0 down\n"}

    (reason,) = _ignite(tmp_path, {"name": "sshd.service", "dropins": [dropin]})

    assert reason.startswith(
        "n/n.ign:/etc/systemd/system/sshd.service.d/10-x.conf:2: a command that changes the network"
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/etc/systemd/system/systemd-networkd.service.d/10-x.conf", "a drop-in that changes how"),
        ("/usr/local/lib/systemd/system/systemd-sysctl.service", "a unit in the place of the system's"),
    ],
)
def test_what_applies_files_is_not_to_be_changed(tmp_path: Path, path: str, said: str) -> None:
    (reason,) = _ignite(tmp_path, files=[_carried(path, "[Unit]\nConditionPathExists=/x\n")])

    assert said in reason


def test_a_drop_in_of_all_services_is_read(tmp_path: Path) -> None:
    path = "/etc/systemd/system/service.d/10-x.conf"

    (reason,) = _ignite(tmp_path, files=[_carried(path, "[Service]\nExecStartPre=/sbin/ip link set eth0 down\n")])

    assert reason.startswith(f"n/n.ign:{path}:2: a command that changes the network")


def test_a_link_to_a_folder_from_which_something_runs_is_named(tmp_path: Path) -> None:
    assert "goes to /etc" in _ignite(tmp_path, links=[{"path": "/opt/x", "target": "/etc"}])[0]


def test_a_unit_in_another_folder_is_read(tmp_path: Path) -> None:
    link = {
        "path": "/etc/systemd/system/multi-user.target.wants/x.service",
        "target": "/usr/local/lib/systemd/system/x.service",
    }
    unit = _carried("/usr/local/lib/systemd/system/x.service", "[Service]\nExecStart=/sbin/ip link set eth0 down\n")

    (reason,) = _ignite(tmp_path, files=[unit], links=[link])

    assert reason.startswith("n/n.ign:/usr/local/lib/systemd/system/x.service:2: a command that changes the network")


@pytest.mark.parametrize(
    "contents", ["[Service]\nExecStart=/sbin/ip route flush\n", "[Service]\nExecStart=/sbin/ip route flush\n" + INSTALL]
)
def test_a_unit_that_nothing_starts_does_nothing(tmp_path: Path, contents: str) -> None:
    enabled = "[Install]" not in contents  # without [Install] it has no effect

    assert _ignite(tmp_path, {"name": "x.service", "enabled": enabled, "contents": contents}) == []


@pytest.mark.parametrize(
    "contents",
    [
        "[Service]\nExecStart=/usr/local/bin/k3s server\nEnvironment=A=b\n",
        "[Service]\nType=notify\nExecStart=/usr/bin/podman run --rm --network=host --name x docker.io/traefik:v3\nExecStop=/usr/bin/podman stop x\n",
        "[Service]\nUser=app\nNoNewPrivileges=yes\nExecStart=/opt/app/bin/server --port 80\n",
        "[Service]\nDynamicUser=yes\nExecStart=/opt/app/bin/server --port 80\n",
        "[Service]\nType=oneshot\nExecStart=/usr/bin/sh -c \"readlink --canonicalize /etc/extensions/k3s.raw > /tmp/k3s\"\n"
        "ExecStart=/usr/lib/systemd/systemd-sysupdate -C k3s update\n"
        "ExecStart=/usr/bin/sh -c \"if ! cmp --silent /tmp/k3s /tmp/k3s-new; then touch /run/reboot-required; fi\"\n",
        "[Unit]\nWants=network-online.target\nRequires=containerd.service\n[Service]\nExecStart=/usr/bin/sleep infinity\n",
        "[Service]\nExecStart=/usr/bin/sleep 5\nExecStop=-/bin/kill -TERM $MAINPID\nIPAddressDeny=any\nPrivateNetwork=yes\n",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/sbin/ip link set eth0 down\n",
        "[Service]\nExecStart=/bin/true\n[Install]\nAlias=y.service\nRequiredBy=multi-user.target app.target\n",
    ],
)  # fmt: skip
def test_a_unit_that_is_known_to_be_harmless_is_left_alone(tmp_path: Path, contents: str) -> None:
    assert _ignite(tmp_path, {"name": "x.service", "enabled": True, "contents": contents + INSTALL}) == []


@pytest.mark.parametrize(
    "contents",
    [
        "[Unit]\nConflicts=systemd-networkd.service\n[Service]\nExecStart=/bin/true\n",
        "[Unit]\nSuccessAction=poweroff\n[Service]\nType=oneshot\nExecStart=/bin/true\n",
        "[Service]\nExecStart=/bin/echo 0\nStandardOutput=truncate:/proc/sys/net/ipv4/ip_forward\n",
        "[Service]\nEnvironment=LD_PRELOAD=/opt/x.so\nExecStart=/bin/true\n",
        "[Service]\nRootDirectory=/opt/x\nExecStart=/bin/true\n",
        "[Service]\nUser=app\nExecStart=/opt/app/bin/server\n",
        "[Service]\nUser=app\nNoNewPrivileges=yes\nAmbientCapabilities=CAP_NET_ADMIN\nExecStart=/opt/app/bin/server\n",
        "[Service]\nUser=app\nNoNewPrivileges=yes\nExecStartPre=+/opt/app/bin/server\nExecStart=/bin/true\n",
        "[Service]\nExecStart=/bin/sh -c '${CMD}'\n",
        "[Service]\nExecStart=/bin/sh\nStandardInput=file:/opt/x\n",
        "[Unit]\nRequires=strange.service\n[Service]\nExecStart=/bin/true\n",
        "[Service]\nExecStart=/bin/echo x\nExecStop=/sbin/ip link set eth0 down\n",
        "[Service]\nExecStart=/bin/true\n[Install]\nAlias=systemd-networkd.service\n",
        "[Service]\nDynamicUser=yes\nExecStart=/bin/false\n[Install]\nRequiredBy=sysinit.target\n",
    ],
)  # fmt: skip
def test_a_unit_that_is_not_known_to_be_harmless_is_named(tmp_path: Path, contents: str) -> None:
    assert _ignite(tmp_path, {"name": "x.service", "enabled": True, "contents": contents + INSTALL})


def test_a_unit_that_the_network_requires_is_named(tmp_path: Path) -> None:
    unit: dict[str, object] = {"name": "x.service", "contents": "[Service]\nType=oneshot\nExecStart=/bin/false\n"}
    required, wanted = (
        {
            "path": f"/etc/systemd/system/systemd-networkd.service.{kind}/x.service",
            "target": "/etc/systemd/system/x.service",
        }
        for kind in ("requires", "wants")
    )

    assert (
        "where x.service fails, systemd-networkd.service does not start" in _ignite(tmp_path, unit, links=[required])[0]
    )
    assert _ignite(tmp_path, unit, links=[wanted]) == []


@pytest.mark.parametrize("version", [None, "2.3.0", "3.6.0-experimental", "4.0.0"])
def test_a_config_of_a_version_that_ignition_may_not_take_is_named(tmp_path: Path, version: str | None) -> None:
    reasons = _ignite(tmp_path, ignition={"version": version} if version is not None else {})

    assert "not a version of the Ignition specification" in reasons[0]


def test_files_on_a_file_system_that_nothing_mounts_are_named(tmp_path: Path) -> None:
    files = [RULES, _carried("/opt/x/y", "z")]
    storage = {"files": files, "filesystems": [{"device": "/dev/vdb", "path": "/opt/x"}]}
    mount = {"name": "opt-x.mount", "enabled": True, "contents": f"[Mount]\nWhat=/dev/vdb\nWhere=/opt/x\n{INSTALL}"}
    table = {**storage, "files": [*files, _carried("/etc/fstab", "# x\n/dev/vdb /opt/x ext4 defaults 0 2\n")]}

    (reason,) = _ignite(tmp_path, storage=storage)
    assert "nothing mounts /opt/x once Ignition is through, on which /opt/x/y lies" in reason
    assert _ignite(tmp_path, mount, storage=storage) == []
    assert _ignite(tmp_path, storage=table) == []
    assert _ignite(tmp_path, storage={**storage, "filesystems": [{"device": "/dev/vda9", "path": "/"}]}) == []


def test_an_account_that_is_removed_is_named(tmp_path: Path) -> None:
    (reason,) = _ignite(
        tmp_path, passwd={"users": [{"name": "core"}, {"name": "systemd-network", "shouldExist": False}]}
    )

    assert reason.endswith("systemd-network")


def test_rules_of_udev_that_a_link_takes_away_are_named(tmp_path: Path) -> None:
    names, others = ({"path": f"/etc/udev/rules.d/{name}", "target": "/dev/null"}
                     for name in ("80-net-setup-link.rules", "60-drm.rules"))  # fmt: skip

    assert _ignite(tmp_path, links=[names])
    assert _ignite(tmp_path, links=[others]) == []


def test_a_mount_over_what_the_network_needs_is_named(tmp_path: Path) -> None:
    over, apart = ({"name": name, "enabled": True, "contents": f"[Mount]\nWhat=/dev/vdb\nWhere={where}\n{INSTALL}"}
                   for name, where in (("etc.mount", "/etc"), ("var-lib-rancher.mount", "/var/lib/rancher")))  # fmt: skip

    assert _ignite(tmp_path, apart) == []
    assert "Where=/etc" in _ignite(tmp_path, over)[0]


# the rules that a unit loads


def test_the_unit_that_loads_our_rules_is_known(tmp_path: Path) -> None:
    assert _ignite(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((INSTALL, ""), "has no [Install] section"),
        (("multi-user.target", "rescue.target"), "is wanted by no target that every boot reaches"),
        (("[Service]\n", "[Unit]\nConditionPathExists=/x\n[Service]\n"), "ConditionPathExists= may keep"),
        (("RemainAfterExit=yes\n", ""), "runs its ExecStop= at once"),
        (("[Service]\n", "[Service]\nUser=nobody\n"), "User= may keep"),
        (("[Service]\n", "[Service]\nExecStartPre=/bin/false\n"), "ExecStartPre= may keep"),
        (("[Service]\n", "[Unit]\nRequires=strange.service\n[Service]\n"), "Requires= may keep"),
    ],
)
def test_a_unit_that_may_not_load_our_rules_is_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    before, after = change
    loader = {**LOADER, "contents": (UNIT + INSTALL).replace(before, after, 1)}
    (tmp_path / "n").mkdir()
    document = {"ignition": {"version": "3.3.0"}, "storage": {"files": [RULES]}, "systemd": {"units": [loader]}}
    (tmp_path / "n/n.ign").write_text(json.dumps(document))

    assert any(said in reason for reason in _reasons(tmp_path))


def test_a_drop_in_of_the_unit_that_loads_our_rules_is_named(tmp_path: Path) -> None:
    dropin = {"name": "10-x.conf", "contents": "[Service]\nExecStart=\n"}

    (tmp_path / "n").mkdir()
    units = {"units": [{**LOADER, "dropins": [dropin]}]}
    document = {"ignition": {"version": "3.3.0"}, "storage": {"files": [RULES]}, "systemd": units}
    (tmp_path / "n/n.ign").write_text(json.dumps(document))

    (reason,) = _reasons(tmp_path)

    assert reason.endswith("a drop-in that changes how netwright-nftables.service applies files")


@pytest.mark.parametrize("way", ["mask", "link", "disabled"])
def test_a_masked_networkd_is_named(tmp_path: Path, way: str) -> None:
    unit = "systemd-networkd.service"
    units = {"mask": ({"name": unit, "mask": True},), "disabled": ({"name": unit, "enabled": False},)}.get(way, ())
    links = ({"path": f"/etc/systemd/system/{unit}", "target": "/dev/null"},) if way == "link" else ()

    (reason,) = _ignite(tmp_path, *units, links=links)

    assert "systemd-networkd" in reason


def test_a_masked_unit_of_others_is_nothing(tmp_path: Path) -> None:
    assert _ignite(tmp_path, {"name": "update-engine.service", "mask": True}) == []


def test_rules_that_are_loaded_and_not_delivered_are_named(tmp_path: Path) -> None:
    contents = "[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables/x.nft\n" + INSTALL

    assert _ignite(tmp_path, {"name": "x.service", "enabled": True, "contents": contents}) == [
        "/etc/nftables/x.nft: a unit loads it, but nothing delivers it"
    ]


# the first boot and later ones


def _seeded_loader(unit: str) -> list[dict[str, str]]:
    return [
        {"path": "/etc/systemd/system/netwright-nftables.service", "content": unit},
        {"path": "/etc/nftables/netwright.nft", "content": "table inet netwright {\n}\n"},
    ]


@pytest.mark.parametrize(
    ("unit", "command", "said"),
    [
        (UNIT + INSTALL, "systemctl enable --now netwright-nftables.service", None),
        (UNIT, "systemctl enable --now netwright-nftables.service", "has no [Install] section: nothing ever starts it, and it loads no rules (from the second boot on)"),
        (UNIT + INSTALL, "systemctl enable netwright-nftables.service", "nothing starts netwright-nftables.service (on the first boot)"),
        (UNIT + INSTALL, "systemctl start netwright-nftables.service", "no enabled unit loads this ruleset (from the second boot on)"),
        (UNIT + INSTALL, "test -f /x && systemctl enable --now netwright-nftables.service", "nothing starts"),
        (UNIT + INSTALL, "nft -f /etc/nftables/netwright.nft", "no enabled unit loads this ruleset (from the second boot on)"),
    ],
)  # fmt: skip
def test_rules_count_if_both_the_first_and_later_boots_load_them(
    tmp_path: Path, unit: str, command: str, said: str | None
) -> None:
    reasons = _seed(tmp_path, write_files=_seeded_loader(unit), runcmd=[command])

    assert (said is None and not reasons) or any(said is not None and said in reason for reason in reasons), reasons


def test_rc_local_runs_from_the_second_boot_on(tmp_path: Path) -> None:
    script = {"path": "/etc/rc.local", "content": "#!/bin/sh\nip link set eth0 down\n", "permissions": "0755"}

    (reason,) = _seed(tmp_path, write_files=[script])

    assert "(from the second boot on)" in reason


def test_what_is_enabled_and_not_started_runs_from_the_second_boot_on(tmp_path: Path) -> None:
    unit = {"path": "/etc/systemd/system/x.service", "content": "[Service]\nExecStart=/sbin/ip rule flush\n" + INSTALL}

    (later,) = _seed(tmp_path, write_files=[unit], runcmd=["systemctl enable x"])
    (always,) = _seed(tmp_path, write_files=[unit], runcmd=["systemctl enable --now x"])
    (first,) = _seed(tmp_path, write_files=[unit], runcmd=["systemctl start x"])

    assert "(from the second boot on)" in later
    assert "boot" not in always
    assert "(on the first boot)" in first


def test_a_boot_command_runs_on_every_boot(tmp_path: Path) -> None:
    (reason,) = _seed(tmp_path, bootcmd=["ip rule flush"])

    assert "boot)" not in reason


_SYSCTL = {"path": "/etc/sysctl.d/90-x.conf", "content": "net.ipv4.ip_forward = 1\n"}


@pytest.mark.parametrize(
    ("commands", "applied"),
    [(["systemctl restart systemd-sysctl"], True), (["sysctl --system"], True), ([], False), (["sysctl -p"], False)],
)
def test_kernel_parameters_hold_on_the_first_boot_if_something_applies_them(
    tmp_path: Path, commands: list[str], applied: bool
) -> None:
    harmless = {"path": "/etc/sysctl.d/80-x.conf", "content": "vm.swappiness = 10\n"}

    assert _seed(tmp_path, write_files=[harmless, _SYSCTL], runcmd=commands) == []

    read = read_configuration(read_delivery(tmp_path, "n"))
    keys = {boot: [one.key[-1] for one in read.on(boot).settings] for boot in (Boot.FIRST, Boot.LATER)}
    assert keys[Boot.LATER] == ["swappiness", "ip_forward"]
    assert keys[Boot.FIRST] == (keys[Boot.LATER] if applied else ["swappiness"])


@pytest.mark.parametrize(
    ("key", "commands"),
    [("net.ipv4.conf.eth0.forwarding", []), ("net.ipv4.ip_forward", ["ip route add 10.0.0.0/8 via 10.1.0.1"])],
    ids=["of-an-interface-that-may-come-later", "beside-what-commands-change"],
)
def test_kernel_parameters_that_may_hold_on_the_first_boot_are_named(
    tmp_path: Path, key: str, commands: list[str]
) -> None:
    file = {"path": "/etc/sysctl.d/90-x.conf", "content": f"{key} = 1\n"}

    (reason,) = _seed(tmp_path, write_files=[file], runcmd=commands)

    said = "n/cloud-init/user-data:/etc/sysctl.d/90-x.conf:1: nothing applies it (on the first boot)"
    assert reason.startswith(said)


@pytest.mark.parametrize(("value", "known"), [("1", True), ("0", False)])
def test_a_command_may_set_what_a_file_says(tmp_path: Path, value: str, known: bool) -> None:
    file = {"path": "/etc/sysctl.d/90-x.conf", "content": "net.ipv4.ip_forward = 1\n"}
    commands = ["sysctl --system", f"sysctl -w net.ipv4.ip_forward={value}"]

    assert _seed(tmp_path, write_files=[file], runcmd=commands) == []
    read = read_configuration(read_delivery(tmp_path, "n"))
    assert (read.on(Boot.FIRST) is read) is known
    assert [one.value for one in read.on(Boot.FIRST).commanded] == ([] if known else [value])


# what else the carriers say


@pytest.mark.parametrize(
    "section",
    [
        {"packages": ["podman", "tmux", ["haproxy", "2.8"]]},
        {"users": [{"name": "ops", "sudo": "ALL=(ALL) NOPASSWD:ALL"}]},
        {"power_state": {"mode": "reboot"}},
        {"swap": {"filename": "/swapfile", "size": "1G"}},
        {"mounts": [["/dev/vdb", "/var/lib/rancher"], ["swap", "none", "swap"]]},
        {"ntp": {"servers": ["10.1.0.1"]}},
        {"timezone": "UTC", "package_update": True, "ssh_authorized_keys": ["x"]},
    ],
)
def test_a_section_of_cloud_init_that_is_harmless_is_left_alone(tmp_path: Path, section: dict[str, object]) -> None:
    assert _seed(tmp_path, **section) == []


@pytest.mark.parametrize(
    "section",
    [
        {"packages": ["firewalld"]},
        {"packages": ["https://example.com/x.rpm"]},
        {"power_state": {"mode": "poweroff"}},
        {"mounts": [["/dev/vdb", "/etc"]]},
        {"wireguard": {"interfaces": []}},
        {"lxd": {}},
        {"ansible": {}},
        {"cloud_final_modules": []},
        {"strange": 1},
    ],
)
def test_a_section_of_cloud_init_that_is_not_known_is_named(tmp_path: Path, section: dict[str, object]) -> None:
    (reason,) = _seed(tmp_path, timezone="UTC", **section)

    assert reason.startswith("n/cloud-init/user-data:3: ")


def test_a_firewall_that_is_masked_may_be_installed(tmp_path: Path) -> None:
    assert _seed(tmp_path, packages=["firewalld"], runcmd=["systemctl mask --now firewalld.service"]) == []


@pytest.mark.parametrize(
    ("argument", "known"), [("console=ttyS0,115200n8", True), ("systemd.mask=systemd-networkd", False)]
)
def test_arguments_of_the_kernel(tmp_path: Path, argument: str, known: bool) -> None:
    assert (_ignite(tmp_path, kernelArguments={"shouldExist": [argument]}) == []) is known


@pytest.mark.parametrize(
    ("argument", "match", "known"),
    [
        ("net.ifnames=0", "Name=eth0", True),
        ("net.ifnames=0", "Name=ens3", False),
        ("quiet biosdevname=0", "Name=ens3", False),
        ("net.ifnames=1", "Name=eth0", False),
        ("net.ifnames=0", "MACAddress=52:54:00:00:00:01\nType=ether", True),
    ],
)
def test_an_argument_of_the_kernel_may_rename_a_card(tmp_path: Path, argument: str, match: str, known: bool) -> None:
    file = _carried("/etc/systemd/network/10-x.network", f"[Match]\n{match}\n[Network]\nAddress=10.1.0.1/24\n")

    reasons = _ignite(tmp_path, files=[file], kernelArguments={"shouldExist": [argument]})

    assert (reasons == []) is known
    assert known or "is found by its name" in reasons[0]


def test_what_an_ignition_config_says_is_named_with_its_line(tmp_path: Path) -> None:
    link = {"path": "/etc/cron.daily", "target": "/opt/x"}
    _ignite(tmp_path, links=[link], kernelArguments={"shouldExist": ["ip=dhcp"]})
    config = tmp_path / "n/n.ign"
    config.write_text(json.dumps(json.loads(config.read_text()), indent=1))

    found = {int(reason.split(":")[1]) for reason in _reasons(tmp_path)}

    lines = config.read_text().split("\n")
    assert found == {number for number, line in enumerate(lines, start=1) if '"ip=dhcp"' in line or "cron" in line}


@pytest.mark.parametrize(("name", "known"), [("k3s.raw", True), ("containerd-2.0.raw", True), ("strange.raw", False)])
def test_an_image_that_extends_the_system_is_known_by_its_name(tmp_path: Path, name: str, known: bool) -> None:
    link = {"path": f"/etc/extensions/{name}", "target": f"/opt/extensions/{name}"}

    assert (_ignite(tmp_path, links=[link]) == []) is known


def test_a_program_that_is_fetched_is_known_by_its_name(tmp_path: Path) -> None:
    def fetch(path: str) -> dict[str, object]:
        return {"path": path, "mode": 0o755, "contents": {"source": "https://example.com/x"}}

    assert _ignite(tmp_path, files=[fetch("/opt/bin/kubectl")]) == []
    assert "cannot be read" in _ignite(tmp_path, files=[fetch("/opt/bin/strange")])[0]


@pytest.mark.parametrize("key", ["runcmd", "bootcmd"])
@pytest.mark.parametrize("command", ["ip addr flush dev eth0", ["ip", "route", "flush"]], ids=["text", "list"])
def test_a_command_of_cloud_init_is_named(tmp_path: Path, key: str, command: object) -> None:
    (reason,) = _seed(tmp_path, **{key: [command]})

    assert reason.startswith("n/cloud-init/user-data:3: a command that changes the network")


_WRITTEN = """\
#cloud-config
runcmd:
  - systemctl daemon-reload

  # why
  - |
    echo one
    ip link set eth0 down
  -
    - ip
    - rule
    - flush
final_message: |
  runcmd:
    - not a command
bootcmd: [echo one, ip addr flush dev eth0]
"""


def test_a_command_of_cloud_init_is_named_with_its_line(tmp_path: Path) -> None:
    _seed(tmp_path)
    (tmp_path / "n/cloud-init/user-data").write_text(_WRITTEN)

    lines = [reason.partition(": ")[0] for reason in _reasons(tmp_path)]

    assert lines == [f"n/cloud-init/user-data:{number}" for number in (16, 8, 10)]


def test_a_network_of_cloud_inits_own_is_named(tmp_path: Path) -> None:
    assert _seed(tmp_path, runcmd=["nmcli connection up eth0"]) == []
    (tmp_path / "n/cloud-init/network-config").write_text("version: 2\nethernets: {eth0: {dhcp4: true}}\n")

    (reason,) = _reasons(tmp_path)

    assert reason.startswith("n/cloud-init/network-config: cloud-init writes a network of its own by it")


# Docker


def _docker(out: Path, *, stated: bool, **user_data: object) -> list[str]:
    _seed(out, **user_data)
    return [str(one) for one in read_configuration(read_delivery(out, "n"), docker=stated).unknown]


@pytest.mark.parametrize(
    "user_data",
    [
        pytest.param({"runcmd": ["systemctl enable --now docker"]}, id="service"),
        pytest.param({"runcmd": ["systemctl restart docker.socket"]}, id="socket"),
        pytest.param({"runcmd": ["dnf install -y docker-ce docker-ce-cli containerd.io"]}, id="dnf"),
        pytest.param({"packages": ["docker-ce"]}, id="packages"),
        pytest.param({"runcmd": ["docker run -d --restart always nginx"]}, id="container on the default bridge"),
    ],
)
def test_docker_is_known_where_the_topology_has_it(tmp_path: Path, user_data: dict[str, object]) -> None:
    assert _docker(tmp_path, stated=False, **user_data)
    assert _docker(tmp_path, stated=True, **user_data) == []


@pytest.mark.parametrize(
    "command",
    [
        "docker run -d -p 80:80 nginx",
        "docker run -dp 80:80 nginx",
        "docker run --publish=80:80 nginx",
        "docker run -P nginx",
        "docker run --network shop nginx",
        "docker run --privileged nginx",
        "docker network create shop",
        "docker compose up -d",
    ],
)
def test_what_docker_publishes_or_makes_beside_its_default_bridge_is_not_known(tmp_path: Path, command: str) -> None:
    assert _docker(tmp_path, stated=True, runcmd=[command])


_STATED = (
    PublishedPorts(protocol="tcp", ports=(80, 80)),
    PublishedPorts(protocol="tcp", ports=(443, 443), to_port=8443),
    PublishedPorts(protocol="udp", ports=(5000, 5010)),
)


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        ("-p 80:80", True),
        ("-dp 80:80/tcp --publish=443:8443", True),
        ("--publish 5000-5004:5000-5004/udp -p80:80", True),
        ("-p 80:8080", False),
        ("-p 443:443", False),
        ("-p 80:80/udp", False),
        ("-p 80:80 -p 81:81", False),
        ("-p 5000-5011:5000-5011/udp", False),
        ("-p 127.0.0.1:80:80", False),
        ("-p 80", False),
        ("-P", False),
        ("--ip 172.17.0.9 -p 80:80", False),
        ("--privileged -p 80:80", False),
    ],
)
def test_what_docker_publishes_is_known_where_the_topology_has_it(tmp_path: Path, arguments: str, known: bool) -> None:
    _seed(tmp_path, runcmd=[f"docker run {arguments} nginx"])

    found = read_configuration(read_delivery(tmp_path, "n"), docker=True, published=_STATED).unknown
    assert (found == ()) is known


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('{"log-driver": "journald", "registry-mirrors": ["https://mirror.example"]}', True),
        ('{"iptables": false}', False),
        ('{"bip": "172.31.0.1/16"}', False),
        ("{", False),
    ],
)
def test_an_option_of_docker_may_change_its_rules(tmp_path: Path, text: str, known: bool) -> None:
    file = {"path": "/etc/docker/daemon.json", "content": text}

    assert (_docker(tmp_path, stated=True, write_files=[file]) == []) is known


# what somebody vouches for


@pytest.mark.parametrize(
    ("path", "commands"),
    [
        ("/opt/fw.sh", ["/opt/fw.sh"]),
        ("/opt/fw.sh", ["sh /opt/fw.sh"]),
        ("/etc/cron.d/x", []),
        ("/opt/image/tool", ["/opt/image/tool -x"]),
    ],
)
def test_a_file_that_is_trusted_is_not_read(tmp_path: Path, path: str, commands: list[str]) -> None:
    files = [{"path": path, "content": SCRIPT, "permissions": "0755"}] if "image" not in path else []

    assert _seed(tmp_path, write_files=files, runcmd=commands)
    assert _seed(tmp_path, [path], write_files=files, runcmd=commands) == []
    assert read_configuration(read_delivery(tmp_path, "n"), frozenset([path, "/x"])).trusted == (path,)


def test_a_trusted_unit_is_not_read(tmp_path: Path) -> None:
    unit = {"name": "x.service", "enabled": True, "contents": "[Service]\nExecStart=/sbin/ip rule flush\n" + INSTALL}

    assert _ignite(tmp_path, unit)
    assert _ignite(tmp_path, unit, trusted=["/etc/systemd/system/x.service"]) == []


SECTIONS: dict[str, tuple[object, object]] = {
    "swap": ({"filename": "/etc/nftables/netwright.nft", "size": 1024}, {"filename": "/swap", "size": 1024}),
    "locale_configfile": ("/etc/sysctl.d/99-x.conf", "/etc/locale.conf"),
    "yum_repo_dir": ("/etc/NetworkManager/conf.d", "/etc/yum.repos.d"),
    "random_seed": ({"file": "/proc/sys/net/ipv4/ip_forward", "data": "0"}, {"file": "/dev/urandom", "data": "x"}),
    "output": ({"all": "| tee -a /etc/sysctl.d/99-x.conf"}, {"all": "| tee -a /var/log/cloud-init-output.log"}),
    "disk_setup": ({"/dev/vda": {"overwrite": True}}, {"/dev/vdb": {"table_type": "gpt", "layout": True}}),
    "fs_setup": ([{"device": "/dev/vda1", "overwrite": True}], [{"device": "/dev/vdb1", "filesystem": "xfs"}]),
    "rsyslog": ({"config_dir": "/etc/sysctl.d", "configs": ["x"]}, {"remotes": {"a": "10.1.0.9"}, "configs": ["*.* @10.1.0.9"]}),
}  # fmt: skip


@pytest.mark.parametrize("key", SECTIONS)
def test_a_section_writes_and_runs_what_it_is_told(tmp_path: Path, key: str) -> None:
    harmful, harmless = SECTIONS[key]

    assert len(_seed(tmp_path / "harmful", **{key: harmful})) == 1
    assert _seed(tmp_path / "harmless", **{key: harmless}) == []


@pytest.mark.parametrize(
    ("key", "harmful", "harmless"),
    [
        ("random_seed", {"command": ["ip", "link", "set", "eth0", "down"]}, {"command": ["date"]}),
        ("output", {"init": [">> /etc/sysctl.d/99-x.conf", "&1"]}, {"init": ["> /var/log/x", "&1"]}),
        ("output", {"init": {"output": "| ip link set eth0 down"}}, {"init": {"output": ">> /var/log/x"}}),
        ("rsyslog", {"configs": ["*.* ^/opt/x"]}, {"configs": []}),
    ],
)
def test_a_section_in_another_form(tmp_path: Path, key: str, harmful: object, harmless: object) -> None:
    assert len(_seed(tmp_path / "harmful", **{key: harmful})) == 1
    assert _seed(tmp_path / "harmless", **{key: harmless}) == []
