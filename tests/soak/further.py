"""Damage that came later, found by hand: kept apart, so that a seed of before still makes the network of before."""

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.soak.damage import Damage, deliver, pick, save

FURTHER_FROM = 1_000_000

_FORWARD, _POST = "type filter hook forward priority filter", "type nat hook postrouting priority srcnat"
_CHAINS = (
    f"{_FORWARD}\n\t\tmeta l4proto {{ tcp, udp }} th dport 8080 drop",
    f"{_FORWARD}\n\t\tth dport != 8080 drop",
    f"{_FORWARD}\n\t\treject with tcp reset",
    f'{_FORWARD}\n\t\tip saddr 10.42.0.0/16 log prefix "pods: " counter drop',
    f"{_FORWARD}\n\t\tct state != {{ established, related }} ip daddr 10.17.2.0/24 drop",
    f'{_FORWARD}\n\t\tiifname {{ "cni0", "virbr*" }} drop',
    f'{_FORWARD}\n\t\tiif "virbr-n2" drop',
    f"{_POST}\n\t\tmasquerade persistent",
    f"{_POST}\n\t\tsnat to 10.17.1.40-10.17.1.41",
    f"{_POST}\n\t\tmeta l4proto tcp masquerade to :20000-30000",
    "type filter hook postrouting priority srcnat\n\t\tip saddr 10.17.0.0/16 ip daddr 10.42.0.0/16 drop",
    "type filter hook prerouting priority dstnat\n\t\tip daddr 10.42.3.0/24 drop",
    "type nat hook prerouting priority dstnat\n\t\tip daddr 10.17.1.77 dnat to 10.42.3.7",
    "type nat hook prerouting priority dstnat\n\t\tip daddr 10.17.1.77 tcp dport 80 redirect to :8080",
    "type filter hook prerouting priority raw\n\t\tudp dport 8472 notrack",
)


def _add_chain(dice: Random, folder: Path) -> str | None:
    """A table that somebody writes by hand, before ours or behind it."""
    path = pick(dice, folder, "rootfs/etc/nftables/*.nft")
    if path is None:
        return None
    chain = dice.choice(_CHAINS)
    before = path.read_text()
    table = f"table ip hand{before.count('table ip hand')} {{\n\tchain c {{\n\t\t{chain}\n\t}}\n}}\n"
    save(folder, path, before + table if dice.random() < 0.5 else table + before)
    return f"by hand: {' '.join(chain.split())}"


def _spoil_file(dice: Random, folder: Path) -> str | None:
    """A ruleset of which nft loads nothing."""
    path = pick(dice, folder, "rootfs/etc/nftables/*.nft")
    if path is None:
        return None
    line = dice.choice(
        ("delete table inet gone", "flush table ip gone", "table ip t {\n\tchain c {\n\t\tjump c\n\t}\n}")
    )
    save(folder, path, f"{path.read_text()}{line}\n")
    return f"a file that nft refuses: {' '.join(line.split())}"


_SECTIONS = (
    "[Match]\nName=eth1",
    "[Network]\nAddress=10.17.9.9/32",
    "[Address]\nAddress=10.17.9.1/24\nAddress=10.17.8.1/24",
    "[Route]\nDestination=10.17.2.0/24\nGateway=10.17.1.40\nGatewayOnLink=True",
    "[Route]\nDestination=10.17.2.0/24\nGateway=10.17.1.40\nScope=link",
    "[Route]\nDestination=10.17.2.0/24\nScope=link",
    "[Route]\nDestination=10.42.0.0/16\nType=unreachable\nMetric=9",
    "[Route]\nDestination=10.17.2.0/24\nGateway=10.17.1.40\nPreferredSource=10.99.0.1",
    "[Route]\nDestination=10.17.2.0/24\nGateway=10.17.1.40\nTable=default",
    "[Route]\nDestination=10.17.2.0/24\nGateway=10.17.1.40\nTable=local",
    "[RoutingPolicyRule]\nPriority=90\nTo=10.42.0.0/16\nType=prohibit",
    "[RoutingPolicyRule]\nPriority=90\nFamily=ipv6\nType=blackhole",
    "[RoutingPolicyRule]\nPriority=90\nIncomingInterface=cni0\nTable=77\n[Route]\nGateway=10.17.1.254\nTable=77",
    "[RoutingPolicyRule]\nPriority=90\nTable=254\nSuppressPrefixLength=0\n[Route]\nDestination=0.0.0.0/0\nType=blackhole",
)


def _add_section(dice: Random, folder: Path) -> str | None:
    path = pick(dice, folder, "rootfs/etc/systemd/network/*.network")
    if path is None:
        return None
    section = dice.choice(_SECTIONS)
    deliver(folder, f"/etc/systemd/network/{path.name}.d/95-hand.conf", f"{section}\n")
    return f"drop-in by hand: {' '.join(section.split())}"


def _add_loopback(dice: Random, folder: Path) -> str | None:
    if pick(dice, folder, "rootfs/etc/systemd/network/*.network") is None:
        return None
    address = f"10.17.{dice.randint(1, 3)}.{dice.randint(90, 99)}/32"
    deliver(folder, "/etc/systemd/network/05-lo.network", f"[Match]\nName=lo\n[Network]\nAddress={address}\n")
    return f"lo has {address}"


_KEYS = (
    "gateway=10.17.1.77",
    "address2=10.17.9.9/24",
    "address0=10.17.9.8/24",
    "route7=10.42.0.0/16,10.17.1.40\nroute7_options=table=77\nrouting-rule1=priority 90 to 10.42.0.0/16 table 77",
    "route7=10.42.0.0/16\nroute7_options=type=prohibit",
    "route7=10.42.0.0/16,10.17.1.40,5\nroute7_options=src=10.99.0.1",
    "route7=10.42.0.0/16,10.17.9.40,5",
    "never-default=true",
)


def _add_keys(dice: Random, folder: Path) -> str | None:
    """Lines in a keyfile's [ipv4], behind those of the same name or before them."""
    path = pick(dice, folder, "rootfs/etc/NetworkManager/system-connections/*.nmconnection")
    if path is None:
        return None
    keys, text = dice.choice(_KEYS), path.read_text()
    place = "[ipv6]" if dice.random() < 0.5 else "method=manual\n"
    save(folder, path, text.replace(place, f"{keys}\n{place}" if place == "[ipv6]" else f"{place}{keys}\n"))
    return f"{path.name}: {' '.join(keys.split())} at {place.strip()}"


_SETTINGS = (
    "net.ipv4.conf.eth?.rp_filter = 1",
    "net.ipv4.conf.eth[01].forwarding = 0",
    "\n".join(f"net.ipv4.{one}" for one in ("conf.eth0.forwarding = 0", "ip_forward = 1", "conf.eth0.forwarding = 0")),
    "net.ipv4.conf.default.forwarding = 0",
    "net/ipv4/conf/flannel.1/rp_filter = 1",
    "net.ipv4.conf.cni0.forwarding = 0",
    "net.ipv4.conf.all.arp_ignore = 3",
    "net.ipv4.ip_nonlocal_bind = 1",
)


def _set(dice: Random, folder: Path) -> str | None:
    if not (folder / "rootfs").exists():
        return None
    name, lines = dice.choice(("05-hand.conf", "99-zzz-hand.conf")), dice.choice(_SETTINGS)
    deliver(folder, f"/etc/sysctl.d/{name}", f"{lines}\n")
    return f"{name}: {'; '.join(lines.split(chr(10)))}"


def _change_libvirt(dice: Random, folder: Path) -> str | None:
    """A second address, or no way out at all."""
    path = pick(dice, folder, "libvirt/*.xml")
    if path is None:
        return None
    text = path.read_text()
    if dice.random() < 0.5:
        changed = text.replace("  <ip ", '  <ip family="ipv4" address="10.17.99.1" prefix="24"/>\n  <ip ', 1)
    else:
        changed = re.sub(r"\s*<forward [^>]*/>", "", text)
    path.write_text(changed)
    return (
        f"{path.name} has {'two addresses' if '10.17.99.1' in changed else 'no forward'}" if changed != text else None
    )


FURTHER: Sequence[Damage] = (
    *(_add_chain,) * 3,
    _spoil_file,
    *(_add_section,) * 3,
    _add_loopback,
    *(_add_keys,) * 2,
    *(_set,) * 2,
    _change_libvirt,
)
