#!/usr/bin/env python3
"""Writes NetworkManager keyfiles for the ifcfg files of a machine whose NetworkManager has no plugin that reads them.

It runs on the machine itself, before NetworkManager and before each nmcli, and uses nothing but Python. What is not
known to it is logged, and the connection is left out as a whole: a card without a network shows itself.
"""

import ipaddress
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path("/etc/sysconfig/network-scripts")
KEYFILES = Path("/run/NetworkManager/system-connections")
LOG = Path("/run/netwright-ifcfg.log")

IGNORED = frozenset({"NM_CONTROLLED", "USERCTL", "PROXY_METHOD", "BROWSER_ONLY", "PEERDNS", "IPV6_DISABLED"})
NO_GATEWAY = "0.0.0.0"  # noqa: S104
ROUTE_OPTIONS = {"table": "table", "src": "src", "mtu": "mtu", "advmss": "advmss", "onlink": "onlink"}


class NotKnownError(Exception):
    """Something in a file of which this program does not know what NetworkManager would do."""


def read_variables(text: str) -> dict[str, str]:
    """The assignments of an ifcfg file."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        name, equals, value = words[0].partition("=")
        if len(words) > 1 or not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise NotKnownError(f"line {number}: {line}")
        found[name] = value
    return found


def connection(variables: dict[str, str], routes: str) -> str:
    """The keyfile for the variables and the lines of the route file."""
    left = dict(variables)
    if left.pop("TYPE", "Ethernet") != "Ethernet":
        raise NotKnownError(f"TYPE={variables['TYPE']}")
    lines = ["[connection]", "type=ethernet", *_about_connection(left), "", "[ethernet]", *_about_card(left)]
    lines += ["", "[ipv4]", *_about_addresses(left), *_about_routes(routes), *_about_rules(left)]
    method = "disabled" if _is_off(left.pop("IPV6INIT", "no")) else "auto"
    lines += ["", "[ipv6]", f"method={method}", ""]
    unknown = sorted(left.keys() - IGNORED)
    if unknown:
        raise NotKnownError(f"{unknown[0]}={left[unknown[0]]}")
    return "\n".join(lines)


def _about_connection(left: dict[str, str]) -> Iterator[str]:
    device = left.pop("DEVICE", "")
    yield f"id={left.pop('NAME', '') or f'System {device}'}"
    if "UUID" in left:
        yield f"uuid={left.pop('UUID')}"
    if device:
        yield f"interface-name={device}"
    if "AUTOCONNECT_PRIORITY" in left:
        yield f"autoconnect-priority={left.pop('AUTOCONNECT_PRIORITY')}"
    if _is_off(left.pop("ONBOOT", "yes")):
        yield "autoconnect=false"


def _about_card(left: dict[str, str]) -> Iterator[str]:
    if "HWADDR" in left:
        yield f"mac-address={left.pop('HWADDR')}"
    if "MTU" in left:
        yield f"mtu={left.pop('MTU')}"


def _about_addresses(left: dict[str, str]) -> Iterator[str]:
    addresses = [*_addresses(left)]
    protocol = left.pop("BOOTPROTO", "none").lower()
    if protocol == "dhcp":
        yield "method=auto"
    elif protocol in ("none", "static"):
        yield "method=manual" if addresses else "method=disabled"
    else:
        raise NotKnownError(f"BOOTPROTO={protocol}")
    yield from (f"address{number}={address}" for number, address in enumerate(addresses, start=1))
    if "GATEWAY" in left:
        yield f"gateway={left.pop('GATEWAY')}"
    if "IPV4_ROUTE_METRIC" in left:
        yield f"route-metric={left.pop('IPV4_ROUTE_METRIC')}"
    if _is_off(left.pop("DEFROUTE", "yes")):
        yield "never-default=true"
    servers = [left.pop(name) for name in sorted(left) if re.fullmatch(r"DNS\d*", name)]
    if servers:
        yield f"dns={';'.join(servers)};"
    if "DOMAIN" in left:
        yield f"dns-search={';'.join(left.pop('DOMAIN').split())};"


def _addresses(left: dict[str, str]) -> Iterator[str]:
    for number in ("", *map(str, range(256))):
        ip, prefix, mask = (left.pop(f"{name}{number}", "") for name in ("IPADDR", "PREFIX", "NETMASK"))
        if ip and not prefix and not mask:
            raise NotKnownError(f"IPADDR{number}={ip} without PREFIX{number}")
        if ip:
            yield str(ipaddress.ip_interface(f"{ip}/{prefix or mask}"))


def _about_rules(left: dict[str, str]) -> Iterator[str]:
    names = sorted(name for name in left if re.fullmatch(r"ROUTING_RULE_\d+", name))
    yield from (f"routing-rule{number}={left.pop(name)}" for number, name in enumerate(names, start=1))


def _about_routes(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for number, line in enumerate(lines, start=1):
        yield from _about_route(f"route{number}", line)


def _about_route(key: str, line: str) -> Iterator[str]:
    words = line.split()
    kind = words.pop(0) if words[0] in ("blackhole", "unreachable", "prohibit", "throw") else ""
    target = words.pop(0)
    via, metric = "", ""
    options = [f"type={kind}"] if kind else []
    while words:
        word = words.pop(0)
        if word == "onlink":
            options.append("onlink=true")
            continue
        if not words:
            raise NotKnownError(line)
        value = words.pop(0)
        if word == "via":
            via = value
        elif word == "metric":
            metric = value
        elif word in ROUTE_OPTIONS:
            options.append(f"{ROUTE_OPTIONS[word]}={value}")
        elif word != "dev":
            raise NotKnownError(line)
    target = "0.0.0.0/0" if target == "default" else target
    yield f"{key}={','.join([target, via or NO_GATEWAY, *([metric] if metric else [])])}"
    if options:
        yield f"{key}_options={','.join(options)}"


def _is_off(word: str) -> bool:
    return word.lower() in ("no", "n", "false", "f", "0", "off")


def main() -> None:
    """Writes a keyfile for each ifcfg file, or reports why there is none."""
    KEYFILES.mkdir(parents=True, exist_ok=True)
    log = []
    for path in sorted(SCRIPTS.glob("ifcfg-*")):
        name = path.name.removeprefix("ifcfg-")
        routes = path.with_name(f"route-{name}")
        keyfile = KEYFILES / f"ifcfg-{name}.nmconnection"
        try:
            text = connection(read_variables(path.read_text()), routes.read_text() if routes.exists() else "")
        except (NotKnownError, ValueError) as error:
            log.append(f"{path}: {error}")
            keyfile.unlink(missing_ok=True)
            continue
        keyfile.touch(mode=0o600)
        keyfile.write_text(text)
    LOG.write_text("".join(f"{line}\n" for line in log))


if __name__ == "__main__":
    main()
