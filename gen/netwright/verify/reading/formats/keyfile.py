"""NetworkManager's keyfiles (nm-settings-keyfile(5))."""

import re
from collections.abc import Container, Iterable, Mapping
from functools import lru_cache

from msgspec.structs import replace

from netwright.verify.reading.formats.card_patterns import read_list
from netwright.verify.reading.formats.iproute import Misread, parse_rule
from netwright.verify.reading.formats.keyfile_devices import Settings, kind_of, read_controller, read_device
from netwright.verify.reading.formats.keyfile_routes import add_options, read_route, stated_number
from netwright.verify.reading.formats.keyfile_values import YES, is_understood, profile_faults
from netwright.verify.reading.formats.netdev import parse_mac
from netwright.verify.reading.formats.placing import Placing
from netwright.verify.reading.formats.port_vlans import read_vlans
from netwright.verify.reading.formats.sections import Entry, Oddity, read_entries
from netwright.verify.reading.formats.wireguard import PeerWord, change_peer, parse_key
from netwright.verify.values.addresses import (
    EVERYWHERE,
    NO_ADDRESS,
    AddressNumber,
    parse_address,
    parse_ip,
)
from netwright.verify.values.facts import (
    MAIN_TABLE,
    Address,
    CardPatterns,
    Lease,
    Link,
    Origin,
    Peer,
    Reading,
    Route,
    Stated,
    parse_mtu,
)

_NUMBERED = re.compile(r"(address|route|routing-rule)([0-9]+)(_options)?")


def read_keyfile(file: str, text: str) -> Reading:
    """One interface, and the device if the profile makes one.

    Thousands of nodes have profiles that differ in their UUIDs and addresses alone: what those have in common is read
    once.
    """
    found = [*_VARYING.finditer(text)]
    uuids, texts = ([one[number] for one in found if one[number]] for number in (1, 2))
    addresses = tuple(filter(None, map(parse_address, texts)))
    if len(uuids) == 1 and len(addresses) == len(texts) < _SEVERAL:
        shared = _read_shared(_VARYING.sub(_fill_in, text), len(addresses))
        if shared is not None:
            return Placing(file).reading(shared, addresses, uuids[0])
    return _read_whole(file, text)


_VARYING = re.compile(r"^(?:uuid=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|address1=([0-9./]+))$", re.MULTILINE)
_SEVERAL = 2


def _fill_in(varying: re.Match[str]) -> str:
    return "uuid=00000000-0000-0000-0000-000000000000" if varying[1] else "address1=0.0.0.0/0"


@lru_cache(maxsize=256)
def _read_shared(text: str, addresses: int) -> Reading | None:
    """The reading of a file with other values in the place of those that vary; None if it has lines that are not known.

    No other line's meaning hangs on those values.
    """
    reading = _read_whole("", text)
    link = reading.links[0]
    return reading if not reading.unknown and link.uuid and len(link.addresses) == addresses else None


def _read_whole(file: str, text: str) -> Reading:
    reading = Reading()
    start = Origin(file=file, line=1)
    entries, peers = _without_peers(_last_of_each(read_entries(text, file, "#")), reading)
    settings = _settings(entries)
    link = Link(
        manager="NetworkManager",
        origin=start,
        metric=stated_number(entries, "route-metric"),
        table=stated_number(entries, "route-table") or MAIN_TABLE,
        controller=read_controller(settings),
        kind=kind_of(settings),
        uuid=settings["connection.uuid"].value if "connection.uuid" in settings else None,
        lease=_lease(settings),
        zone=(settings["connection.zone"].value or None) if "connection.zone" in settings else None,
    )
    routes: dict[int, Route] = {}
    options: list[tuple[int, Entry]] = []
    for entry in entries:
        if isinstance(entry, Oddity):
            reading.note_unknown(entry.origin, entry.text, "not a line of a keyfile")
            continue
        if entry.padded:
            reading.note_unknown(
                entry.origin, f"{entry.key}={entry.value} ", "NetworkManager takes the blank at its end as well"
            )
            continue
        numbered = _NUMBERED.fullmatch(entry.key) if entry.section == "ipv4" else None
        if numbered and numbered[1] == "route" and numbered[3]:
            options.append((int(numbered[2]), entry))
            continue
        if numbered and numbered[1] == "route":
            route = read_route(entry, link)
            if route is not None:
                routes[int(numbered[2])] = route
                continue
        changed = None if numbered and numbered[1] == "route" else _change_link(link, entry, numbered)
        if changed is None:
            reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")
        else:
            link = changed
    if any(_says(entry, "ipv4.never-default", YES) for entry in entries):
        link = replace(link, routes=())
    for fault in profile_faults(text, settings):
        reading.note_unknown(start, "", fault)
    add_options(routes, options, reading)
    link = replace(link, routes=(*link.routes, *(routes[number] for number in sorted(routes))))
    if link.name is None and link.mac is None and link.patterns is None:
        reading.note_unknown(start, "", "neither interface-name nor mac-address: the file fits any card")
    reading.links.append(link)
    device = read_device(settings, start)
    if device is not None:
        reading.devices.append(replace(device, peers=peers))
    return reading


_PEER = "wireguard-peer."
_PEER_WORDS: Mapping[str, PeerWord] = {
    "allowed-ips": "allowed",
    "endpoint": "endpoint",
    "persistent-keepalive": "keepalive",
}


def _without_peers(
    entries: Iterable[Entry | Oddity], reading: Reading
) -> tuple[tuple[Entry | Oddity, ...], tuple[Peer, ...]]:
    """Return the entries without those of WireGuard's peers, and the peers."""
    peers: dict[str, Peer] = {}
    rest = []
    for entry in entries:
        if isinstance(entry, Oddity) or entry.padded or not entry.section.startswith(_PEER):
            rest.append(entry)
        else:
            peers[entry.section] = _peer(peers.get(entry.section), entry, reading)
    return tuple(rest), tuple(peers.values())


def _peer(known: Peer | None, entry: Entry, reading: Reading) -> Peer:
    """Return a peer with the entry of its section, whose name has its key."""
    key = parse_key(entry.section.removeprefix(_PEER))
    if key is None and known is None:
        reading.note_unknown(entry.origin, f"[{entry.section}]", "not the public key of a peer")
    peer = known or Peer(origin=entry.origin, key=Stated(value=key or "", origin=entry.origin))
    changed = change_peer(peer, entry, _PEER_WORDS)
    if changed is None:
        reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", "not known of a peer")
    return changed or peer


def _lease(settings: Settings) -> Lease | None:
    """What the profile takes from a lease. Its routes include a default route, which never-default alone keeps out, and
    the others, which ignore-auto-routes alone does (NetworkManager 1.42, ran)."""
    method = settings.get("ipv4.method")
    if method is None or method.value != "auto":
        return None
    kept_out = [
        name in settings and settings[name].value in YES for name in ("ipv4.ignore-auto-routes", "ipv4.never-default")
    ]
    return Lease(origin=method.origin, brings_routes=not all(kept_out))


def _settings(entries: Iterable[Entry | Oddity]) -> Settings:
    return {
        f"{entry.section}.{entry.key}": Stated(value=entry.value, origin=entry.origin)
        for entry in entries
        if isinstance(entry, Entry)
    }


def _last_of_each(entries: Iterable[Entry | Oddity]) -> tuple[Entry | Oddity, ...]:
    """The entries without those whose key is repeated in a section of the same name; addresses by their numbers."""
    kept: dict[object, Entry | Oddity] = {}
    for entry in entries:
        key: object = (entry.section, entry.key) if isinstance(entry, Entry) else entry.origin
        kept.pop(key, None)
        kept[key] = entry
    return tuple(sorted(kept.values(), key=_place))


def _place(entry: Entry | Oddity) -> int:
    numbered = _NUMBERED.fullmatch(entry.key) if isinstance(entry, Entry) else None
    return int(numbered[2]) if numbered and numbered[1] == "address" else -1


def _change_link(link: Link, entry: Entry, numbered: re.Match[str] | None) -> Link | None:
    """The link with the entry, None if it is not known."""
    name, value = f"{entry.section}.{entry.key}", entry.value
    if name == "connection.interface-name":
        return replace(link, name=value)
    if name in ("ethernet.mac-address", "802-3-ethernet.mac-address"):
        return replace(link, mac=value.lower()) if link.kind is None else None
    if name in ("ethernet.cloned-mac-address", "802-3-ethernet.cloned-mac-address") and parse_mac(value):
        return link if link.kind is not None else None
    if name in ("ethernet.mtu", "802-3-ethernet.mtu", "wireguard.mtu"):
        mtu = parse_mtu(value, entry.origin)
        return replace(link, mtu=mtu) if mtu is not None or value == "0" else None
    if name == "connection.autoconnect-priority" and is_understood(name, value):
        return replace(link, priority=int(value))
    if name in ("match.driver", "match.path") or (name == "match.interface-name" and not _ONE_NAME.fullmatch(value)):
        patterns = read_list(link.patterns or CardPatterns(), entry.key, value)
        return replace(link, patterns=patterns) if patterns is not None and link.kind is None else None
    if name == "match.interface-name" and _ONE_NAME.fullmatch(value) and link.name in (None, value.rstrip(";")):
        return replace(link, name=value.rstrip(";"))
    if name in ("bridge.vlans", "bridge-port.vlans"):
        vlans = read_vlans(value, entry.origin)
        return replace(link, port_vlans=vlans) if vlans is not None else None
    if name == "ipv4.gateway":
        gateway = parse_ip(value)
        return _lead_out(link, gateway, entry.origin) if gateway is not None else None
    if numbered and numbered[1] == "address" and not numbered[3]:
        return _add_address(link, entry)
    if numbered and numbered[1] == "routing-rule" and not numbered[3]:
        try:
            return replace(link, rules=(*link.rules, parse_rule(value.split(), entry.origin)))
        except Misread:
            return None
    return link if is_understood(name, value) else None


def _lead_out(link: Link, gateway: AddressNumber, origin: Origin) -> Link:
    """The link with a default route by its gateway."""
    default = Route(to=EVERYWHERE, gateway=gateway, metric=link.default_metric, origin=origin, table=link.table)
    return replace(link, routes=(*link.routes, default))


def _add_address(link: Link, entry: Entry) -> Link | None:
    """The link with IP/LENGTH[,GATEWAY], None if that is no address; of several gateways, and with gateway=, which is
    read before, the first counts (NetworkManager 1.42, ran)."""
    text, comma, behind = entry.value.partition(",")
    address, gateway = parse_address(text), parse_ip(behind) if comma else NO_ADDRESS
    if address is None or gateway is None:
        return None
    added = Address(ip=address[0], length=address[1], origin=entry.origin)
    link = replace(link, addresses=(*link.addresses, added))
    return _lead_out(link, gateway, entry.origin) if gateway and not link.routes else link


_ONE_NAME = re.compile(r"[\w.:-]+;?")


def _says(entry: Entry | Oddity, name: str, values: Container[str]) -> bool:
    return isinstance(entry, Entry) and f"{entry.section}.{entry.key}" == name and entry.value in values
