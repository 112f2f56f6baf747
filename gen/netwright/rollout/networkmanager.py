"""Files of NetworkManager, keyfiles and those of Enterprise Linux 8: what follows from their change.

`nmcli device reapply` takes routes, addresses, rules and name servers without interruption, and refuses most else
(nmcli(1), org.freedesktop.NetworkManager.Device.Reapply).
"""

import re

from netwright.rollout.settings import lost_addresses, read_settings, touched
from netwright.rollout.values import ChangedFile, Command, Consequence, Loss, Stage

_RELOAD = Command(Stage.READ, "nmcli connection reload")
_KEYS = "/etc/netwright/wireguard-keys.sh"
_COPY = Command(Stage.READ, "systemctl restart netwright-wireguard.service")

_REAPPLIED_SECTIONS = frozenset({"ipv4", "ipv6"})
_REAPPLIED = frozenset(
    {("connection", "autoconnect-priority"), ("connection", "zone"), ("connection", "id"), ("ethernet", "mtu")}
)
_IFCFG_REAPPLIED = re.compile(
    r"(IPADDR|PREFIX|GATEWAY|DNS|IPV4_ROUTE_METRIC|DOMAIN|ROUTING_RULE_|MTU|ZONE|AUTOCONNECT_PRIORITY)\d*$"
)


def keyfile(file: ChangedFile) -> Consequence:
    """A profile as a keyfile."""
    name = file.path.rpartition("/")[2].removesuffix(".nmconnection")
    reads = (_COPY, _RELOAD) if "[wireguard]" in (file.after or "") else (_RELOAD,)
    gentle = all(section in _REAPPLIED_SECTIONS or (section, key) in _REAPPLIED for section, key in touched(file))
    return _profile(name, file, reads, lost_addresses(file, "address"), is_gentle=gentle)


def ifcfg(file: ChangedFile) -> Consequence:
    """A profile of Enterprise Linux 8, which is named as its interface."""
    name = file.path.rpartition("/")[2].removeprefix("ifcfg-")
    gentle = all(_IFCFG_REAPPLIED.match(key) for _, key in touched(file))
    return _profile(name, file, (_RELOAD,), lost_addresses(file, "IPADDR"), is_gentle=gentle)


def route_file(file: ChangedFile) -> Consequence:
    """The routes of a profile of Enterprise Linux 8."""
    name = file.path.rpartition("/")[2].removeprefix("route-")
    return Consequence(commands=(_RELOAD, Command(Stage.LINKS, f"nmcli device reapply {name}")))


def _profile(
    name: str, file: ChangedFile, reads: tuple[Command, ...], lost: tuple[str, ...], *, is_gentle: bool
) -> Consequence:
    if file.after is None:
        down = Command(Stage.LEAVE, f"nmcli connection down {name}")
        return Consequence(commands=(down, *reads), loss=Loss.SHORT, notes=(f"{name} is not configured any more",))
    reapply = f"nmcli device reapply {_device(name, file.after)}"
    up = f"nmcli connection up {name}"
    commands = (*reads, Command(Stage.LINKS, reapply if is_gentle and file.before is not None else up))
    if file.before is None:
        return Consequence(commands=commands)
    keys = ", ".join(sorted({f"[{section}] {key}" if section else key for section, key in touched(file)}))
    notes = (*lost, *(() if is_gentle else (f"reapply does not take {keys}: {name} is activated again",)))
    return Consequence(commands=commands, loss=Loss.SHORT if notes else Loss.NONE, notes=notes)


def _device(profile: str, text: str) -> str:
    """The name of a profile's device, or what asks for it: a card found by its hardware address has any name."""
    keys = {(section, key) for section, key, _ in read_settings(text)}
    if keys.isdisjoint({("connection", "interface-name"), ("", "DEVICE")}):
        return f'"$(nmcli -g GENERAL.DEVICES connection show {profile})"'
    return profile


def configuration(_file: ChangedFile) -> Consequence:
    """A file of NetworkManager's own configuration."""
    return Consequence(commands=(Command(Stage.READ, "nmcli general reload conf"),))


def tunnel_keys(_file: ChangedFile) -> Consequence:
    """The script that gives profiles of tunnels their keys."""
    return Consequence(commands=(_COPY, _RELOAD))
