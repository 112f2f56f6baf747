"""The rule for each kind of file: what must follow on the machine when one changes."""

import re
from collections.abc import Callable

from msgspec import Struct

from netwright.rollout import filtering, networkd, networkmanager, programs
from netwright.rollout.libvirt import Guests, network_xml
from netwright.rollout.provisioning import sheet
from netwright.rollout.values import ChangedFile, Consequence

Rule = Callable[[ChangedFile], Consequence]

K3S = re.compile(r"/etc/rancher/k3s/.+")
LIBVIRT = re.compile(r"libvirt/.+\.xml")

RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"/etc/systemd/network/.+\.network(\.d/.+\.conf)?", networkd.network_file),
        (r"/etc/systemd/network/.+\.netdev(\.d/.+\.conf)?", networkd.netdev_file),
        (r"/etc/systemd/network/.+\.link(\.d/.+\.conf)?", networkd.link_file),
        (r"/etc/NetworkManager/system-connections/.+\.nmconnection", networkmanager.keyfile),
        (r"/etc/NetworkManager/(conf\.d/.+\.conf|NetworkManager\.conf)", networkmanager.configuration),
        (r"/etc/netwright/wireguard-keys\.sh", networkmanager.tunnel_keys),
        (r"/etc/sysconfig/network-scripts/ifcfg-.+", networkmanager.ifcfg),
        (r"/etc/sysconfig/network-scripts/route-.+", networkmanager.route_file),
        (r"/etc/nftables/.+\.nft", filtering.ruleset),
        (r"/etc/firewalld/.+\.xml", filtering.firewalld),
        (r"/etc/sysctl\.d/.+\.conf|/etc/sysctl\.conf", filtering.sysctl),
        (r"/etc/systemd/system-preset/.+", programs.no_command),
        (r"/etc/systemd/system/.+", programs.unit),
        (r"/etc/keepalived/.+", programs.keepalived),
        (r"/etc/haproxy/.+", programs.program("haproxy")),
        (r"/etc/chrony(\.conf|\.d/.+)", programs.restarted("chronyd")),
        (r"/etc/systemd/timesyncd\.conf(\.d/.+)?", programs.restarted("systemd-timesyncd")),
        (r"/etc/hostname", programs.hostname),
        (r"/etc/hosts", programs.no_command),
        (r"/etc/netwright/hosts(\.sh)?", programs.host_lines),
        (r"/etc/config/ip-masq-agent", programs.read_again),
        (r"/etc/cloud/.+|cloud-init/.+", programs.first_boot),
        (r"handoff\.md", sheet),
    )
)
"""By the path on the machine, or beside rootfs/; the first pattern that fits the whole of it."""

_UNKNOWN = Consequence(moment="person", notes=("netwright knows no command for it",))


class Host(Struct, frozen=True, kw_only=True):
    """What rules know of a machine: its K3s service, and the nodes that hang on each of its bridges."""

    k3s: str | None = None
    guests: Guests = {}


def judge_file(file: ChangedFile, host: Host) -> Consequence:
    """The consequence of one changed file."""
    if K3S.fullmatch(file.path) and host.k3s is not None:
        return programs.k3s(host.k3s)(file)
    if LIBVIRT.fullmatch(file.path):
        return network_xml(file, host.guests)
    return next((rule(file) for pattern, rule in RULES if pattern.fullmatch(file.path)), _UNKNOWN)
