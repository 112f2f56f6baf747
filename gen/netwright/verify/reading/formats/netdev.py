"""systemd-networkd's .netdev files with their drop-ins (systemd.netdev(5)).

Seen with networkd 252: a file without Name= or Kind=, or a VLAN's without Id=, makes nothing, as does one with a kind
in capitals or a name of more than 15 bytes; of two files for one name the first counts.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from netwright.verify.reading.formats.placing import Placing
from netwright.verify.reading.formats.sections import Entry, Oddity, read_entries
from netwright.verify.reading.formats.wireguard import PeerWord, change_peer, parse_port
from netwright.verify.values.addresses import parse_number
from netwright.verify.values.facts import BondMode, Device, Kind, Origin, Peer, Reading, Stated

IRRELEVANT = {
    "NetDev": frozenset({"Description"}),
    "VLAN": frozenset(
        # What is told to a switch about tags that it may learn; the order of a header's parts and of what waits.
        {"GVRP", "MVRP", "ReorderHeader", "EgressQOSMaps", "IngressQOSMaps"}
        | {"LooseBinding"}  # whether it goes down with its parent; links are up in the proof
    ),
    "Bond": frozenset(
        # Which member sends, and how soon one is taken or left out.
        {"TransmitHashPolicy", "LACPTransmitRate", "MIIMonitorSec", "UpDelaySec", "DownDelaySec", "AdSelect"}
        | {"PrimaryReselectPolicy", "PacketsPerSlave", "DynamicTransmitLoadBalancing", "LearnPacketIntervalSec"}
        # How neighbours learn of a change, and the names by which LACP knows the machine.
        | {"PeerNotifyDelaySec", "GratuitousARP", "ResendIGMP"}
        | {"AdActorSystemPriority", "AdUserPortKey", "AdActorSystem"}
    ),
    "Bridge": frozenset(
        # The spanning tree leaves one way between any two ports; with or without it frames arrive.
        {"STP", "Priority", "ForwardDelaySec", "HelloTimeSec", "MaxAgeSec"}
        | {"AgeingTimeSec"}  # when what is learned is forgotten; what is not known goes to every port
        | {"MulticastQuerier", "MulticastSnooping", "MulticastIGMPVersion"}  # groups, but those of 224.0.0.0/24
        | {"GroupForwardMask"}  # frames of protocols between switches
    ),
    "WireGuard": frozenset({"RouteMetric"}),
}
"""Keys that decide nothing about where IPv4 packets go."""

_LAST_TAG = 4094
_LONGEST_NAME = 15


def read_netdev(parts: Sequence[tuple[str, str]]) -> Reading:
    """Return one device, from the (shown name, text) of the .netdev file and then its drop-ins in name order.

    Thousands of nodes have the same files, which are read once.
    """
    file, text = parts[0]
    shared = _read_shared(text) if len(parts) == 1 else None
    return Placing(file).reading(shared) if shared is not None else _read_parts(parts)


@lru_cache(maxsize=256)
def _read_shared(text: str) -> Reading | None:
    """Return the reading of a file; None if it has lines that are not known."""
    reading = _read_parts([("", text)])
    return reading if not reading.unknown else None


def _read_parts(parts: Sequence[tuple[str, str]]) -> Reading:
    reading = Reading()
    start = Origin(file=parts[0][0], line=1)
    entries: list[Entry] = []
    for file, text in parts:
        for entry in read_entries(text, file, "#;"):
            if isinstance(entry, Oddity):
                reading.note_unknown(entry.origin, entry.text, "not a line of a .netdev file")
            else:
                entries.append(entry)
    device = _begin(entries, start, reading)
    if device is None:
        return reading
    device = replace(device, peers=tuple(_peers(device, entries, reading)))
    for entry in entries:
        if entry.section == _PEER and device.kind is Kind.WIREGUARD:
            continue
        changed = _change(device, entry)
        if changed is None:
            reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")
        else:
            device = changed
    if device.kind is Kind.VLAN and device.tag is None:
        reading.note_unknown(start, "", "a VLAN without Id=: networkd makes nothing of the file")
    else:
        reading.devices.append(device)
    return reading


def _begin(entries: Sequence[Entry], start: Origin, reading: Reading) -> Device | None:
    """Return the device by its name and kind, None where one of them is missing or is none."""
    said = {entry.key: entry for entry in entries if entry.section == "NetDev"}
    name, kind = said.get("Name"), said.get("Kind")
    if name is None or kind is None:
        reading.note_unknown(start, "", f"no {'Name' if name is None else 'Kind'}=: networkd makes nothing of the file")
    elif not name.value or len(name.value.encode()) > _LONGEST_NAME or not set(name.value).isdisjoint(" \t/%"):
        reading.note_unknown(name.origin, f"Name={name.value}", "no name that an interface can have")
    elif kind.value not in Kind._value2member_map_:
        reading.note_unknown(kind.origin, f"Kind={kind.value}", "not a kind of device that is known")
    else:
        return Device(manager="networkd", name=name.value, kind=Kind(kind.value), origin=kind.origin)
    return None


def _peers(device: Device, entries: Sequence[Entry], reading: Reading) -> Iterator[Peer]:
    """Yield a WireGuard tunnel's peers; networkd leaves out one without a key."""
    found: dict[int, Peer] = {}
    for entry in entries if device.kind is Kind.WIREGUARD else ():
        if entry.section == _PEER:
            peer = found.setdefault(entry.number, Peer(origin=entry.origin))
            changed = change_peer(peer, entry, _PEER_WORDS)
            if changed is None:
                reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")
            found[entry.number] = changed or peer
    for peer in found.values():
        if peer.key is None:
            reading.note_unknown(peer.origin, "", "a peer without PublicKey=, which networkd leaves out")
        else:
            yield peer


_PEER = "WireGuardPeer"
_PEER_WORDS: Mapping[str, PeerWord] = {
    "PublicKey": "key",
    "AllowedIPs": "allowed",
    "Endpoint": "endpoint",
    "PersistentKeepalive": "keepalive",
}


_Reader = Callable[[Device, Entry], Device | None]


def _change(device: Device, entry: Entry) -> Device | None:
    """Return the device with the entry, None if it is not known."""
    if entry.section not in ("NetDev", _SECTIONS.get(device.kind)):
        return None
    if entry.key in IRRELEVANT[entry.section]:
        return device
    reader = _READERS.get((entry.section, entry.key))
    return reader(device, entry) if reader is not None else None


def _name(device: Device, entry: Entry) -> Device | None:
    return device if entry.value == device.name else None


def _kind(device: Device, entry: Entry) -> Device | None:
    """Return the device; of two kinds the first holds, and of two names the last."""
    return device if entry.value == device.kind.value else None


def _mac(device: Device, entry: Entry) -> Device | None:
    mac = parse_mac(entry.value)
    return None if mac is None else replace(device, mac=Stated(value=mac, origin=entry.origin))


def parse_mac(text: str) -> str | None:
    """Return a hardware address of Ethernet in small letters with colons, None for any other text."""
    return text.lower().replace("-", ":") if _MAC.fullmatch(text) else None


_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}")


def _tag(device: Device, entry: Entry) -> Device | None:
    tag = parse_number(entry.value, _LAST_TAG)
    return None if tag is None else replace(device, tag=Stated(value=tag, origin=entry.origin))


def _mode(device: Device, entry: Entry) -> Device | None:
    if entry.value not in BondMode._value2member_map_:
        return None
    return replace(device, mode=Stated(value=BondMode(entry.value), origin=entry.origin))


def _min_links(device: Device, entry: Entry) -> Device | None:
    number = parse_number(entry.value, 0xFFFFFFFF)
    return None if number is None else replace(device, min_links=Stated(value=number, origin=entry.origin))


def _filtering(device: Device, entry: Entry) -> Device | None:
    if entry.value not in (*_YES, *_NO):
        return None
    return replace(device, filtering=Stated(value=entry.value in _YES, origin=entry.origin))


def _default_pvid(device: Device, entry: Entry) -> Device | None:
    number = 0 if entry.value == "none" else parse_number(entry.value, _LAST_TAG)
    return None if number is None else replace(device, default_pvid=Stated(value=number, origin=entry.origin))


def _key_file(device: Device, entry: Entry) -> Device | None:
    path = entry.value
    return replace(device, key_file=Stated(value=path, origin=entry.origin)) if path.startswith("/") else None


def _listen_port(device: Device, entry: Entry) -> Device | None:
    port = parse_port(entry.value)
    return None if port is None else replace(device, port=Stated(value=port, origin=entry.origin))


def _only(*values: str) -> _Reader:
    """Return the reader of a key that decides nothing with one of the values."""
    return lambda device, entry: device if entry.value in values else None


_YES, _NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off")
_SECTIONS = {Kind.VLAN: "VLAN", Kind.BOND: "Bond", Kind.BRIDGE: "Bridge", Kind.WIREGUARD: "WireGuard"}
_READERS: Mapping[tuple[str, str], _Reader] = {
    ("NetDev", "Name"): _name,
    ("NetDev", "Kind"): _kind,
    ("NetDev", "MACAddress"): _mac,
    ("VLAN", "Id"): _tag,
    ("VLAN", "Protocol"): _only("802.1q"),
    ("Bond", "Mode"): _mode,
    ("Bond", "MinLinks"): _min_links,
    ("Bond", "FailOverMACPolicy"): _only("none"),
    ("Bond", "AllSlavesActive"): _only(*_NO),
    ("Bridge", "VLANFiltering"): _filtering,
    ("Bridge", "DefaultPVID"): _default_pvid,
    ("WireGuard", "PrivateKeyFile"): _key_file,
    ("WireGuard", "ListenPort"): _listen_port,
    ("WireGuard", "RouteTable"): _only(*_NO),
}
