"""NetworkManager's demands on a keyfile's values, and those without which it takes none of the file.

Each was seen with NetworkManager 1.42: it refuses a profile as a whole, or ignores a value and logs that.
"""

import re
from collections.abc import Iterator, Mapping

from netwright.verify.reading.formats.keyfile_devices import VALUES, Settings, device_faults, is_port
from netwright.verify.values.addresses import parse_number

YES, _NO = frozenset({"true", "1"}), frozenset({"false", "0"})
_NUMBER, _SWITCH, _TEXT = r"-?[0-9]+", r"true|false|0|1", r".*"
_IPS = r"(?:[0-9]+(?:\.[0-9]+){3}[;,]?)*"
_VALUES: Mapping[str, str] = {
    "connection.id": r".+",
    "connection.uuid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "connection.type": r"ethernet|802-3-ethernet|vlan|bond|bridge|dummy|wireguard",
    "connection.autoconnect": r"true|1",
    "connection.autoconnect-priority": r"-?[0-9]{1,3}",
    "connection.permissions": r"",
    "connection.stable-id": _TEXT,
    "connection.zone": r"[\w-]*",
    "connection.read-only": _SWITCH,
    **{
        f"connection.{key}": _NUMBER
        for key in (
            *("timestamp", "llmnr", "mdns", "lldp", "metered", "multi-connect", "dns-over-tls", "auth-retries"),
            *("autoconnect-retries", "autoconnect-slaves", "wait-device-timeout", "gateway-ping-timeout"),
        )
    },
    "ethernet.auto-negotiate": _SWITCH,
    "ethernet.duplex": r"half|full|",
    "ethernet.speed": r"[0-9]+",
    "ethernet.wake-on-lan": r"[0-9]+",
    "ethernet.cloned-mac-address": r"permanent|preserve",
    "ethernet.mac-address-blacklist": r"",
    "ipv4.method": r"manual|disabled|auto",
    "ipv4.dns": _IPS,
    "ipv4.dns-search": _TEXT,
    "ipv4.dns-options": _TEXT,
    "ipv4.dns-priority": _NUMBER,
    "ipv4.may-fail": _SWITCH,
    "ipv4.never-default": _SWITCH,
    "ipv4.ignore-auto-routes": _SWITCH,
    "ipv4.ignore-auto-dns": _SWITCH,
    "ipv4.route-metric": r"-1|[0-9]+",
    "ipv4.route-table": r"[0-9]+",
    "ipv4.dad-timeout": _NUMBER,
    "ipv4.required-timeout": _NUMBER,
    "ipv4.link-local": r"[012]",
    "ipv6.method": r"auto|dhcp|link-local|manual|ignore|disabled",
    "ipv6.may-fail": r"true|1",
    "ipv6.never-default": _SWITCH,
    "ipv6.ignore-auto-routes": _SWITCH,
    "ipv6.ignore-auto-dns": _SWITCH,
    "ipv6.addr-gen-mode": r"[0-3]|eui64|stable-privacy|default|default-or-eui64",
    "ipv6.ip6-privacy": r"-1|[0-2]",
    "ipv6.dns": r"[0-9A-Fa-f:;,]*",
    "ipv6.dns-search": _TEXT,
    "ipv6.dns-options": _TEXT,
    "ipv6.dns-priority": _NUMBER,
    "ipv6.route-metric": r"-1|[0-9]+",
    "ipv6.ra-timeout": _NUMBER,
    "ipv6.gateway": r"[0-9A-Fa-f:]+",
    "proxy.method": r"[01]",
    "proxy.browser-only": _SWITCH,
    **VALUES,
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _VALUES.items()}
_FAMILIES = (
    (
        re.compile(r"ipv[46]\.dhcp-(?:client-id|hostname|fqdn|timeout|iaid|duid|vendor-class-identifier)"),
        re.compile(_TEXT),
    ),
    (re.compile(r"ipv[46]\.dhcp-send-hostname"), re.compile(_SWITCH)),
    (re.compile(r"ipv6\.address[0-9]*"), re.compile(r"[0-9A-Fa-f:]+/[0-9]{1,3}")),
    (re.compile(r"ipv6\.route[0-9]+"), re.compile(r"[0-9A-Fa-f:]+/[0-9]{1,3}(?:,[0-9A-Fa-f:]+(?:,[0-9]+)?)?")),
    (re.compile(r"user\..*"), re.compile(_TEXT)),
)
_REQUIRED = ("connection.type", "ipv4.method")
"""Without id= the profile is called as its file is; without uuid= it gets one from the file's path."""
_LONGEST_NAME = 15
_LOCAL_TABLE = 255


def is_understood(name: str, value: str) -> bool:
    """Return whether the value of SECTION.KEY is one that NetworkManager takes and that decides nothing unknown."""
    pattern = _PATTERNS.get(name.replace("802-3-ethernet.", "ethernet."))
    if pattern is None:
        return any(names.fullmatch(name) and values.fullmatch(value) for names, values in _FAMILIES)
    number = parse_number(value, 0xFFFFFFFF)
    if pattern.fullmatch(value) is None or (name == "ipv4.route-table" and number in (None, _LOCAL_TABLE)):
        return False
    return name != "ipv4.route-metric" or value == "-1" or number is not None


def profile_faults(text: str, settings: Settings) -> Iterator[str]:
    """Reasons for which NetworkManager refuses the whole file, whatever its lines are one by one."""
    values = {name: stated.value for name, stated in settings.items()}
    for name in _REQUIRED if not is_port(settings) else _REQUIRED[:1]:
        if name not in settings:
            section, _, key = name.partition(".")
            yield f"NetworkManager refuses the file: no {key}= in [{section}]"
    if _IPV6.search(text) and "ipv6.method" not in settings:
        yield "NetworkManager refuses the file: no method= in [ipv6]"
    numbered = {name.rstrip("0123456789") for name in settings}
    yield from _method_faults(values, has_address="ipv4.address" in numbered, port=is_port(settings))
    if "ipv6.address" not in numbered and (values.get("ipv6.method") == "manual" or "ipv6.gateway" in settings):
        yield "NetworkManager refuses the file: an address is missing in [ipv6]"
    if len(values.get("connection.interface-name", "").encode()) > _LONGEST_NAME:
        yield "NetworkManager refuses the file: interface-name is longer than any interface's"
    yield from device_faults(settings)


def _method_faults(values: Mapping[str, str], *, has_address: bool, port: bool) -> Iterator[str]:
    """Yield what is wrong with [ipv4]: an interface without IPv4 is given up if IPv6 does not come up either."""
    method = values.get("ipv4.method")
    if method == "disabled":
        if has_address or "ipv4.gateway" in values:
            yield "NetworkManager refuses the file: method=disabled with an address"
        if not port and values.get("ipv6.method") not in ("disabled", "ignore"):
            yield "without IPv4 the profile stands or falls with IPv6: method=disabled in [ipv6] is right"
    elif method == "auto":
        if not has_address and "ipv4.gateway" in values:
            yield "NetworkManager refuses the file: gateway= without an address"
        if values.get("ethernet.mtu", "0") == "0" and {values.get("ipv4.never-default", "")} <= YES:
            yield "the lease decides the MTU where [ethernet] has none"
    elif not has_address and (method is not None or not port):
        yield "NetworkManager refuses the file: method=manual without an address"


_IPV6 = re.compile(r"^\s*\[ipv6\]", re.MULTILINE)
