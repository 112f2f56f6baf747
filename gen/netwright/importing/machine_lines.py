"""Lines of a machine's files that decide nothing about where IPv4 packets go, but that a draft would lose."""

import re
from collections.abc import Iterable

from netwright.verify.reading.formats.networkd import IRRELEVANT
from netwright.verify.reading.formats.sections import Entry
from netwright.verify.values.facts import Kind

_DRAFTED = frozenset(
    {
        *(("Network", key) for key in ("DNS", "Domains", "Description", "PrimarySlave", "ConfigureWithoutCarrier")),
        *(("Link", "RequiredForOnline"), ("Address", "Label"), ("Route", "Protocol")),
    }
)
"""Keys of networkd's that a draft holds, or that netwright writes by itself."""
_OFF = frozenset({"no", "false", "off", "0", "disabled", "ignore"})
_DEVICES = frozenset({"Bond", "Bridge", "bond", "bridge"})
_CARDS = frozenset({"ethernet", "802-3-ethernet"})
_IPV6 = re.compile(r"(?:^|[\s,;])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*(?:\.\d+|/\d+|[\s,;%]|$)")
_OF_THE_PROOF = frozenset(
    {
        *(("Bridge", key) for key in ("VLANFiltering", "DefaultPVID")),
        *(("bridge", key) for key in ("vlan-filtering", "vlan-default-pvid", "vlans")),
    }
)


def find_lost(entry: Entry, *, is_taken: bool) -> str | None:
    """Return the line as a draft's comment has it, None if the draft holds it, or if the reader names it itself.

    `is_taken` is an option of a device that the draft has.
    """
    section, key, value = entry.section, entry.key, entry.value
    what = None
    if section in _DEVICES and not is_taken and (section, key) not in _OF_THE_PROOF:
        what = f"an option of a {section.lower()} for which a topology has no key"
    elif section == "ipv6":
        harmless = key in ("addr-gen-mode", "ip6-privacy", "may-fail") or (key == "method" and value in _OFF)
        what = None if harmless else "IPv6, for which a topology has no key"
    elif section in ("Network", "Address", "Route", "RoutingPolicyRule") and key != "DNS" and _IPV6.search(value):
        what = "IPv6, for which a topology has no key"
    elif key in IRRELEVANT.get(section, ()) and (section, key) not in _DRAFTED and value.lower() not in _OFF:
        what = "no key of a topology"
    return f"{entry.origin}: {what}: {key}={value}" if what is not None else None


def odd_devices(entries: Iterable[Entry]) -> set[str]:
    """Return the names of the devices that a file makes and that no topology has: neither a card nor one of its kinds,
    "" for one whose profile leaves the name to NetworkManager."""
    settings = {(entry.section, entry.key): entry.value for entry in entries}
    kinds = {kind.value for kind in Kind}
    if ("NetDev", "Kind") in settings:
        return {settings.get(("NetDev", "Name"), "")} if settings["NetDev", "Kind"] not in kinds else set()
    kind, name = settings.get(("connection", "type")), settings.get(("connection", "interface-name"), "")
    if kind is None or kind in _CARDS:
        return set()
    return {name} if kind not in kinds or not name else set()
