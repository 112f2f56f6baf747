"""Damage to the files of OUT, of the kinds that hands and other programs do.

(dice, node's folder) -> what was done, None if the node has nothing that can be damaged so.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import yaml

Damage = Callable[[Random, Path], str | None]


def damage(dice: Random, out: Path, kinds: Sequence[Damage] | None = None) -> str:
    """Damages one node's files in one of some ways. What was done."""
    folders = sorted(path for path in out.iterdir() if path.is_dir())
    while True:
        folder = dice.choice(folders)
        done = dice.choice(kinds or DAMAGES)(dice, folder)
        if done is not None:
            return f"{folder.name}: {done}"


def deliver(folder: Path, path: str, text: str) -> None:
    """Writes a file of the node, in rootfs/ and in what carries it to the machine."""
    copy = folder / "rootfs" / path.lstrip("/")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
    source = "data:;base64," + base64.b64encode(text.encode()).decode()
    ignition, seed = folder / f"{folder.name}.ign", folder / "cloud-init/user-data"
    if ignition.exists():
        document = json.loads(ignition.read_text())
        files = document.setdefault("storage", {}).setdefault("files", [])
        _entry(files, path)["contents"] = {"source": source}
        ignition.write_text(json.dumps(document))
    elif seed.exists():
        document = yaml.safe_load(seed.read_text())
        _entry(document.setdefault("write_files", []), path)["content"] = text
        seed.write_text("#cloud-config\n" + yaml.safe_dump(document))


def _entry(files: list[dict[str, object]], path: str) -> dict[str, object]:
    """The carrier's entry for the file, made if there is none."""
    found = next((file for file in files if file["path"] == path), None)
    if found is None:
        found = {"path": path}
        files.append(found)
    return found


def pick(dice: Random, folder: Path, *patterns: str) -> Path | None:
    found = sorted(path for pattern in patterns for path in folder.glob(pattern))
    return dice.choice(found) if found else None


def save(folder: Path, file: Path, text: str) -> None:
    rootfs = folder / "rootfs"
    if file.is_relative_to(rootfs):
        deliver(folder, f"/{file.relative_to(rootfs)}", text)
    else:
        file.write_text(text)


_ROUTES = (
    ("rootfs/etc/systemd/network/**/*.network", re.compile(r"\n\[Route\]\n(?:[^\[\n].*\n)+")),
    ("rootfs/etc/systemd/network/**/*.conf", re.compile(r"\n\[Route\]\n(?:[^\[\n].*\n)+")),
    ("rootfs/etc/sysconfig/network-scripts/route-*", re.compile(r"^[^#\n].*\n", re.MULTILINE)),
    ("rootfs/etc/NetworkManager/**/*.nmconnection", re.compile(r"^(?:route\d+|gateway)=.*\n", re.MULTILINE)),
    ("libvirt/*.xml", re.compile(r"^ *<route .*\n", re.MULTILINE)),
    ("handoff.md", re.compile(r"^ *ip route .*\n", re.MULTILINE)),
)


def _some_route(dice: Random, folder: Path) -> tuple[Path, str, re.Match[str]] | None:
    """A file with a route, and the route in it."""
    found = [
        (path, text, match)
        for pattern, shape in _ROUTES
        for path in sorted(folder.glob(pattern))
        for text in [path.read_text()]
        for match in shape.finditer(text)
    ]
    return dice.choice(found) if found else None


def _drop_route(dice: Random, folder: Path) -> str | None:
    found = _some_route(dice, folder)
    if found is None:
        return None
    path, text, match = found
    save(folder, path, text[: match.start()] + "\n" * match[0].startswith("\n") + text[match.end() :])
    return f"drops {' '.join(match[0].split())}"


def _misroute(dice: Random, folder: Path) -> str | None:
    """Another node of the network in the place of a next hop: the wrong owner, a stranger, nobody."""
    found = _some_route(dice, folder)
    if found is None:
        return None
    path, text, match = found
    hop = re.search(r'(?:Gateway=|gateway="|via |gateway=|,)(\d+\.\d+\.\d+)\.\d+\b(?!/)', match[0])
    if hop is None:
        return None
    last = dice.choice((1, 2, 21, 22, 23, 40, 101, 102, 77))
    changed = match[0][: hop.end(1)] + f".{last}" + match[0][hop.end() :]
    save(folder, path, text[: match.start()] + changed + text[match.end() :])
    return f"{' '.join(match[0].split())} goes by .{last}"


def _tune(dice: Random, folder: Path) -> str | None:
    """One more file for sysctl.d, before or after ours."""
    if not (folder / "rootfs").exists():
        return None
    key, values = dice.choice(
        (
            ("net.ipv4.ip_forward", (0, 1)),
            ("net.ipv4.conf.all.rp_filter", (0, 1, 2)),
            ("net.ipv4.conf.default.rp_filter", (0, 1, 2)),
            ("net.ipv4.conf.eth0.rp_filter", (0, 1, 2)),
            ("net.ipv4.conf.eth0.forwarding", (0, 1)),
            ("net/ipv4/conf/eth1/forwarding", (0, 1)),
            ("net.ipv4.conf.*.rp_filter", (0, 1, 2)),
            ("-net.ipv4.conf.eth0.proxy_arp", (1,)),
            ("net.ipv4.conf.all.arp_ignore", (1, 2)),
        )
    )
    name = dice.choice(("10-before.conf", "99-zzz-after.conf", "99-zz-netwright.conf.local.conf"))
    line = f"{key} = {dice.choice(values)}"
    deliver(folder, f"/etc/sysctl.d/{name}", f"{line}\n")
    return f"{name}: {line}"


def _turn_parameter(dice: Random, folder: Path) -> str | None:
    """A parameter of ours with another value, or without the line."""
    path = pick(dice, folder, "rootfs/etc/sysctl.d/*netwright.conf")
    if path is None:
        return None
    text = path.read_text()
    match = dice.choice([*re.finditer(r"^(net\.ipv4.* = )([012])\n", text, re.MULTILINE)] or [None])
    if match is None:
        return None
    line = "" if dice.random() < 0.3 else f"{match[1]}{(int(match[2]) + 1) % 2}\n"
    save(folder, path, text[: match.start()] + line + text[match.end() :])
    return f"{match[0].strip()} becomes {line.strip() or 'nothing'}"


def _spoil_rules(dice: Random, folder: Path) -> str | None:
    """Our ruleset without one of its rules, with two of them in another order, or with another policy."""
    path = pick(dice, folder, "rootfs/etc/nftables/*.nft", "rootfs/etc/sysconfig/nftables/*.nft")
    if path is None:
        return None
    lines = path.read_text().splitlines(keepends=True)
    rules = [number for number, line in enumerate(lines) if line.startswith("\t\t") and "type " not in line]
    heads = [number for number, line in enumerate(lines) if "policy " in line]
    draw = dice.random()
    if draw < 0.4 and rules:
        done = f"drops the rule {lines.pop(dice.choice(rules)).strip()}"
    elif draw < 0.7 and len(rules) > 1:
        at = dice.randrange(len(rules) - 1)
        one, other = rules[at], rules[at + 1]
        if other != one + 1:
            return None
        lines[one], lines[other] = lines[other], lines[one]
        done = f"swaps {lines[other].strip()} and its follower"
    elif heads:
        at = dice.choice(heads)
        old, new = ("drop", "accept") if "policy drop" in lines[at] else ("accept", "drop")
        lines[at] = lines[at].replace(f"policy {old}", f"policy {new}")
        done = f"policy {new} in {lines[at - 1].strip()}"
    else:
        return None
    save(folder, path, "".join(lines))
    return done


_FOREIGN = (
    "type nat hook postrouting priority srcnat; masquerade",
    'type nat hook postrouting priority srcnat; oifname "eth0" masquerade',
    "type nat hook postrouting priority 90; ip saddr 10.42.0.0/16 ip daddr 10.17.0.0/16 snat ip to ip saddr",
    "type filter hook forward priority filter; policy drop; ct state established,related accept",
    "type filter hook forward priority 10; ct state invalid drop",
    "type filter hook forward priority -10; meta l4proto icmp accept; tcp dport 8080 drop",
    "type filter hook prerouting priority raw; notrack",
    "type filter hook input priority filter; policy drop; ct state established accept; udp dport 53 accept",
    "type filter hook output priority filter; ip daddr 10.42.0.0/16 reject",
)


def _add_foreign_table(dice: Random, folder: Path) -> str | None:
    """A table of another program's, behind ours in the same ruleset."""
    path = pick(dice, folder, "rootfs/etc/nftables/*.nft", "rootfs/etc/sysconfig/nftables/*.nft")
    if path is None:
        return None
    head, *rules = dice.choice(_FOREIGN).split("; ")
    body = "".join(f"\t\t{line}\n" for line in (f"{head};", *rules))
    body = body.replace("\t\tpolicy drop\n", "\t\tpolicy drop;\n")
    before = path.read_text()
    name = f"foreign{before.count('table ip foreign')}"
    save(folder, path, f"{before}table ip {name} {{\n\tchain c {{\n{body}\t}}\n}}\n")
    return f"foreign table: {head}; {'; '.join(rules)}"


def _change_libvirt(dice: Random, folder: Path) -> str | None:
    path = pick(dice, folder, "libvirt/*.xml")
    if path is None:
        return None
    text = path.read_text()
    mode = dice.choice(("open", "route", "nat"))
    changed = re.sub(r'<forward mode="\w+"', f'<forward mode="{mode}"', text)
    if changed == text:
        return None
    path.write_text(changed)
    return f"{path.name} becomes {mode}"


def _add_dropin(dice: Random, folder: Path) -> str | None:
    """A drop-in of somebody else's for a networkd file."""
    path = pick(dice, folder, "rootfs/etc/systemd/network/*.network")
    if path is None:
        return None
    network, hop = f"10.17.{dice.randint(1, 4)}", dice.choice((40, 101, 254))
    lines = dice.choice(
        (
            ("[Route]", f"Destination={network}.0/24", f"Gateway=10.17.1.{hop}", "GatewayOnLink=yes"),
            ("[Route]", f"Destination=10.42.{dice.choice((3, 6, 9))}.0/24", "Type=blackhole"),
            ("[Network]", f"Address={network}.{dice.randint(120, 130)}/24"),
            ("[RoutingPolicyRule]", "Priority=100", "From=10.42.0.0/16", "Table=100",
             "[Route]", f"Destination={network}.0/24", "Type=unreachable", "Table=100"),
        )
    )  # fmt: skip
    body = "".join(f"{line}\n" for line in lines)
    deliver(folder, f"/etc/systemd/network/{path.name}.d/90-foreign.conf", body)
    return f"drop-in for {path.name}: {' '.join(body.split())}"


DAMAGES: Sequence[Damage] = (
    *(_drop_route,) * 3,
    *(_misroute,) * 3,
    *(_tune,) * 3,
    _turn_parameter,
    _turn_parameter,
    *(_spoil_rules,) * 2,
    *(_add_foreign_table,) * 2,
    _change_libvirt,
    _add_dropin,
)
