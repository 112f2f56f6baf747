"""Devices that profiles of NetworkManager make, and ports (nm-settings-keyfile(5)).

Seen with NetworkManager 1.42: an option of a bond that it does not know, or with a value that it does not take, is left
out without a word, and so is a VLAN's number; a port names its bond or bridge by its interface or by its profile's UUID
as it is written there, not by the id.
"""

from collections.abc import Iterator, Mapping

from netwright.verify.reading.formats.netdev import parse_mac
from netwright.verify.values.addresses import parse_number
from netwright.verify.values.facts import BondMode, Controller, Device, Kind, Origin, Stated

_FLAG, _COUNT, _ANY = r"true|false|0|1", r"[0-9]{1,9}", r".*"
VALUES: Mapping[str, str] = {
    "connection.master": r"[\w.:-]+",
    "connection.controller": r"[\w.:-]+",
    "connection.slave-type": r"bond|bridge",
    "connection.port-type": r"bond|bridge",
    "vlan.id": r"[0-9]{1,3}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-4]",
    "vlan.parent": r"[\w.:-]+",
    "vlan.flags": r"[0-9]|1[0-5]",  # the order of the header's parts, GVRP, MVRP, and a loose binding
    "vlan.protocol": r"802\.1Q",
    "vlan.ingress-priority-map": _ANY,
    "vlan.egress-priority-map": _ANY,
    "bond.mode": rf"[0-6]|{'|'.join(mode.value.replace('.', '[.]') for mode in BondMode)}",
    "bond.min_links": _COUNT,
    "bond.lacp_rate": r"slow|fast|0|1",
    "bond.xmit_hash_policy": r"[0-5]|layer2|layer2\+3|layer3\+4|encap2\+3|encap3\+4|vlan\+srcmac",
    "bond.ad_select": r"[0-2]|stable|bandwidth|count",
    "bond.primary": r"[\w.:-]+",
    "bond.primary_reselect": r"[0-2]|always|better|failure",
    "bond.active_slave": r"[\w.:-]+",
    "bond.fail_over_mac": r"0|none",
    "bond.all_slaves_active": r"0",
    "bond.arp_interval": r"0",
    **{
        f"bond.{key}": _COUNT
        for key in (
            *("miimon", "updelay", "downdelay", "peer_notif_delay", "use_carrier", "lp_interval", "resend_igmp"),
            *("num_grat_arp", "num_unsol_na", "packets_per_slave", "tlb_dynamic_lb"),
            *("ad_actor_sys_prio", "ad_user_port_key"),
        )
    },
    "bridge.stp": _FLAG,
    "bridge.priority": _COUNT,
    "bridge.forward-delay": r"0|[2-9]|[12][0-9]|30",
    "bridge.vlan-filtering": _FLAG,
    "bridge.vlan-default-pvid": r"[0-9]{1,4}",
    **{
        f"bridge.{key}": _COUNT
        for key in (
            *("hello-time", "max-age", "ageing-time", "group-forward-mask", "multicast-hash-max"),
            *("multicast-last-member-count", "multicast-startup-query-count"),
        )
    },
    "wireguard.listen-port": r"[1-9][0-9]{0,4}",
    "wireguard.peer-routes": r"false|0",
    "wireguard.private-key-flags": r"0",
    "wireguard.ip4-auto-default-route": r"0",
    "wireguard.ip6-auto-default-route": r"-1|0",
    "bridge.multicast-snooping": _FLAG,
    "bridge.multicast-querier": _FLAG,
}
"""Values of the keys of devices and ports that are known. But for those that are read here they decide nothing about
where IPv4 packets go: which member sends, how soon one is left out, what neighbours are told, the spanning tree."""

_SECTIONS = {
    Kind.VLAN: "vlan",
    Kind.BOND: "bond",
    Kind.BRIDGE: "bridge",
    Kind.DUMMY: "dummy",
    Kind.WIREGUARD: "wireguard",
}
_MODES = {str(number): mode for number, mode in enumerate(BondMode)} | {mode.value: mode for mode in BondMode}

Settings = Mapping[str, Stated[str]]
"""The last value of each SECTION.KEY."""


def kind_of(settings: Settings) -> Kind | None:
    """Return the kind of the device that a profile makes, None of one for a card."""
    stated = settings.get("connection.type")
    return Kind(stated.value) if stated is not None and stated.value in Kind._value2member_map_ else None


def read_device(settings: Settings, start: Origin) -> Device | None:
    """Return the device that a profile makes, None of one for a card, or that makes none. Without id= a VLAN has the
    number 0, without mode= a bond that of the kernel."""
    kind, name = kind_of(settings), settings.get("connection.interface-name")
    if kind is None or name is None or (kind is Kind.VLAN and "vlan.parent" not in settings):
        return None
    mac = settings.get("ethernet.cloned-mac-address") or settings.get("802-3-ethernet.cloned-mac-address")
    own = mac is not None and parse_mac(mac.value)
    return Device(
        manager="NetworkManager",
        name=name.value,
        kind=kind,
        origin=settings["connection.type"].origin,
        tag=_number(settings, "vlan.id") or Stated(value=0, origin=start) if kind is Kind.VLAN else None,
        parent=settings.get("vlan.parent"),
        mac=Stated(value=own, origin=mac.origin) if mac is not None and own else None,
        mode=_mode(settings),
        min_links=_number(settings, "bond.min_links"),
        port=_number(settings, "wireguard.listen-port"),
        filtering=_filtering(settings),
        default_pvid=_number(settings, "bridge.vlan-default-pvid"),
    )


def _number(settings: Settings, key: str) -> Stated[int] | None:
    stated = settings.get(key)
    number = parse_number(stated.value, 0xFFFFFFFF) if stated is not None else None
    return Stated(value=number, origin=stated.origin) if stated is not None and number is not None else None


def _filtering(settings: Settings) -> Stated[bool] | None:
    stated = settings.get("bridge.vlan-filtering")
    return Stated(value=stated.value in ("true", "1"), origin=stated.origin) if stated is not None else None


def _mode(settings: Settings) -> Stated[BondMode] | None:
    stated = settings.get("bond.mode")
    if stated is None or stated.value not in _MODES:
        return None
    return Stated(value=_MODES[stated.value], origin=stated.origin)


def read_controller(settings: Settings) -> Controller | None:
    """Return the bond or bridge of which a profile makes its device a port; the newer keys came with 1.46."""
    for controller, port_type, recent in (("master", "slave-type", False), ("controller", "port-type", True)):
        name, kind = settings.get(f"connection.{controller}"), settings.get(f"connection.{port_type}")
        if name is not None and kind is not None and kind.value in ("bond", "bridge"):
            return Controller(name=name.value, kind=Kind(kind.value), origin=name.origin, recent=recent)
    return None


def is_port(settings: Settings) -> bool:
    """Return whether the profile is one of a port, to which NetworkManager gives no address."""
    return any(f"connection.{key}" in settings for key in ("master", "controller"))


def device_faults(settings: Settings) -> Iterator[str]:
    """Yield reasons for which NetworkManager refuses a profile of a device or port, or makes something else of it."""
    kind = kind_of(settings)
    for other in {name.partition(".")[0] for name in settings} & {*_SECTIONS.values()}:
        if kind is None or other != _SECTIONS[kind]:
            yield f"[{other}] stands in a profile of another type"
    if kind is not None and "connection.interface-name" not in settings:
        yield "NetworkManager refuses the file: no interface-name= of a device"
    if kind is Kind.VLAN and "vlan.parent" not in settings:
        yield "NetworkManager refuses the file: no parent= in [vlan]"
    if kind is Kind.WIREGUARD and not {"wireguard.peer-routes", "wireguard.ip4-auto-default-route"} <= settings.keys():
        yield "peer-routes=false and ip4-auto-default-route=0 are needed, or NetworkManager adds routes of its own"
    yield from _port_faults(settings)
    yield from _bond_faults(settings)
    delay, stp = (settings[key].value if key in settings else "" for key in ("bridge.forward-delay", "bridge.stp"))
    if delay == "0" and stp not in ("false", "0"):
        yield "NetworkManager refuses the file: forward-delay=0 is for a bridge with stp=false"


def _port_faults(settings: Settings) -> Iterator[str]:
    older, newer = ([f"connection.{key}" in settings for key in keys] for keys in _PORT_KEYS)
    if any(older) and any(newer):
        yield "master, slave-type and the newer names controller, port-type are mixed"
    for keys, there in zip(_PORT_KEYS, (older, newer), strict=True):
        if any(there) and not all(there):
            yield f"NetworkManager refuses the file: {keys[0]}= and {keys[1]}= are needed both"


_PORT_KEYS = (("master", "slave-type"), ("controller", "port-type"))


def _bond_faults(settings: Settings) -> Iterator[str]:
    mode = stated.value if (stated := _mode(settings)) is not None else BondMode.BALANCE_RR
    rate = settings["bond.lacp_rate"].value if "bond.lacp_rate" in settings else "slow"
    if rate not in ("slow", "0") and mode is not BondMode.LACP:
        yield "NetworkManager refuses the file: lacp_rate is for mode=802.3ad"
    if "bond.primary" in settings and mode not in _WITH_PRIMARY:
        yield "NetworkManager refuses the file: primary is for mode=active-backup"
    waits = any(settings[f"bond.{key}"].value != "0" for key in ("updelay", "downdelay") if f"bond.{key}" in settings)
    if waits and "bond.miimon" in settings and settings["bond.miimon"].value == "0":
        yield "NetworkManager refuses the file: updelay and downdelay need miimon"
    counts = {settings[f"bond.{key}"].value for key in ("num_grat_arp", "num_unsol_na") if f"bond.{key}" in settings}
    if len(counts) > 1:
        yield "NetworkManager refuses the file: num_grat_arp and num_unsol_na differ"


_WITH_PRIMARY = (BondMode.ACTIVE_BACKUP, BondMode.BALANCE_TLB, BondMode.BALANCE_ALB)
