"""A node's delivery -> what its files configure: interfaces, kernel parameters, rulesets."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.text.natural import natural_key
from netwright.text.report import printable
from netwright.verify.reading.commands import IP, NFT, SYSCTL, Command, parse_setting
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.handoff import handoff_ruleset, read_handoff
from netwright.verify.reading.formats.ifcfg import read_ifcfg
from netwright.verify.reading.formats.ignition import UNIT_FOLDER
from netwright.verify.reading.formats.k3s import K3sSetting, read_k3s
from netwright.verify.reading.formats.keepalived import KEEPALIVED, Instance, read_keepalived
from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.reading.formats.libvirt import read_libvirt
from netwright.verify.reading.formats.masq_agent import AGENT_FILE, read_masq_agent
from netwright.verify.reading.formats.netdev import read_netdev
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.reading.formats.nft_refusals import REFUSED
from netwright.verify.reading.formats.nm_conf import Unmanaged, in_order, read_nm_conf
from netwright.verify.reading.formats.sysctl import merge_order, read_sysctl
from netwright.verify.reading.formats.wireguard import KEYS_SCRIPT, read_keys
from netwright.verify.reading.load_order import Loading, find_late_flush, in_load_order, undecided_flushes
from netwright.verify.reading.nft_judge import TOO_LONG, find_refused
from netwright.verify.reading.running.areas import FileKind
from netwright.verify.reading.running.places import find_place
from netwright.verify.reading.startup import Window, find_window
from netwright.verify.reading.what_runs import WhatRuns, what_runs
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Device, Kind, LibvirtNetwork, Link, Origin, Reading, Setting, Unknown
from netwright.verify.values.nftables import Ruleset

NETWORKD, IFCFG = "/etc/systemd/network/", "/etc/sysconfig/network-scripts/"
KEYFILES, NFTABLES = "/etc/NetworkManager/system-connections/", "/etc/nftables/"
_NFT_COMMAND = re.compile(r"^ExecStart=(?:/usr)?/sbin/nft -f (\S+)$", re.MULTILINE)
_UUID = re.compile(r"""^(?:uuid|UUID)=["']?([0-9A-Fa-f-]{36})""", re.MULTILINE)
_PROFILES = (NETWORKD, IFCFG, KEYFILES)
_OTHER = (NETWORKD, IFCFG, KEYFILES, "/etc/NetworkManager/", "/etc/sysconfig/nftables", "/etc/iptables")


class Configuration(Struct, frozen=True, kw_only=True):
    """Settings of a node's files, by subject. `unknown` holds the lines that prevent a proof.

    `loaded` are the files that nft is to load, `unmanaged` what NetworkManager leaves alone, `window` a time in which
    packets pass without the rules, `late_flush` what wipes those of other programs, `trusted` the files that are
    vouched for and that run; with `bridge_filter` br_netfilter is loaded. `agent` holds the rules of
    ip-masq-agent, `vrrp` are keepalived's instances, `k3s` is what K3s is told, by its keys.

    `changes` are ip's commands on a machine that is up, `commanded` what sysctl sets there, `unloaded` the rulesets
    that nothing loads; with `is_long` the rules are too many to be shown to nft. `first` is the same on the first boot,
    where that differs, `idle` before any command has run, where some do on every boot.
    """

    node: str
    managed: bool
    links: tuple[Link, ...]
    networks: tuple[LibvirtNetwork, ...]
    settings: tuple[Setting, ...]
    ruleset: Ruleset
    unknown: tuple[Unknown, ...]
    loaded: tuple[Text, ...] = ()
    masks_firewalld: bool = False
    unmanaged: tuple[Unmanaged, ...] = ()
    window: Window | None = None
    fetched: bool = False
    trusted: tuple[str, ...] = ()
    bridge_filter: bool = False
    agent: Ruleset | None = None
    vrrp: tuple[Instance, ...] = ()
    k3s: Mapping[str, K3sSetting] = field(default_factory=lambda: MappingProxyType({}))
    late_flush: Origin | None = None
    devices: tuple[Device, ...] = ()
    changes: tuple[Command, ...] = ()
    commanded: tuple[Setting, ...] = ()
    unloaded: tuple[Unknown, ...] = ()
    is_long: bool = False
    first: "Configuration | None" = None
    idle: "Configuration | None" = None

    def on(self, boot: Boot) -> "Configuration":
        """The configuration on a boot: Boot.FIRST, Boot.BEFORE its commands have run, or any other."""
        return {Boot.FIRST: self.first, Boot.BEFORE: self.idle}.get(boot) or self


def read_configuration(
    delivery: Delivery, trusted: frozenset[str] = frozenset(), *, docker: bool = False
) -> Configuration:
    """The node's configuration from its delivered files; the topology vouches for what the `trusted` ones run, and has
    whether Docker runs there."""
    readings = [*_link_readings(delivery), *(read_libvirt(text.shown, text.text) for text in delivery.libvirt)]
    readings += (read_sysctl(file.shown, file.text) for file in _sysctl_files(delivery.files))
    if delivery.handoff is not None:
        readings.append(read_handoff(delivery.handoff.shown, delivery.handoff.text))
    running = what_runs(delivery, trusted, docker=docker)
    unknown = [*delivery.unknown, *running.unknown]
    for reading in readings:
        unknown += reading.unknown
    links = tuple(link for reading in readings for link in reading.links)
    conf = Reading()
    files = [delivery.files[path] for path in in_order([*delivery.files])]
    unmanaged = read_nm_conf([(file.shown, file.text) for file in files], conf)
    unknown += conf.unknown
    unknown += (*_rivals(links), *_counted(links), *_namesakes(delivery.files))
    made = {device.name for reading in readings for device in reading.devices}
    unknown += _renamed(delivery, [link for link in links if link.name not in made])
    agent = delivery.files.get(AGENT_FILE)
    agent_rules = read_masq_agent(agent.shown, agent.text, unknown) if agent is not None else None
    holder = delivery.files.get(KEEPALIVED)
    vrrp = read_keepalived(holder.shown, holder.text, unknown) if holder is not None else ()
    shown = {path: (file.shown, file.text) for path, file in delivery.files.items()}
    k3s = read_k3s(shown, [(origin, order.line) for origin, order in delivery.commands], unknown)
    quiet = partial(
        Configuration,
        node=delivery.node,
        managed=delivery.handoff is None,
        links=links,
        networks=tuple(network for reading in readings for network in reading.networks),
        settings=tuple(setting for reading in readings for setting in reading.settings),
        devices=tuple(_with_keys(delivery, running, readings, unknown)),
        masks_firewalld="firewalld" in running.masked,
        unmanaged=unmanaged,
        fetched=delivery.fetched,
        trusted=running.trusted,
        bridge_filter=running.bridge_filter,
        agent=agent_rules,
        vrrp=vrrp,
        k3s=k3s,
    )
    return _boot(quiet, tuple(unknown), delivery, running)


_Quiet = partial[Configuration]
"""A configuration that lacks its rules, what commands change, and what is unknown."""


def _boot(quiet: _Quiet, unknown: tuple[Unknown, ...], delivery: Delivery, running: WhatRuns) -> Configuration:
    """The configuration with its rules and what commands change: from the second boot on, and on the first."""
    later = _at_boot(quiet, unknown, delivery, running, Boot.LATER)
    if not (running.commands or running.unloaded or running.late):
        return later
    first = _at_boot(quiet, unknown, delivery, running, Boot.FIRST)
    commanded = all(any(one.when in (Boot.EVERY, when) for one in running.commands) for when in Boot.EVERY.each())
    idle = _at_boot(quiet, unknown, delivery, replace(running, commands=()), Boot.LATER) if commanded else None
    return replace(later, first=first if first != later else None, idle=idle)


def _at_boot(
    quiet: _Quiet, unknown: tuple[Unknown, ...], delivery: Delivery, running: WhatRuns, boot: Boot
) -> Configuration:
    unloaded = {path: reason for path, when, reason in running.unloaded if when == boot}
    rulesets = [path for path in sorted(delivery.files) if path.startswith(NFTABLES) and path.endswith(".nft")]
    loadings = in_load_order([_loading(delivery, path) for path in rulesets if path not in unloaded])
    commands = [one for one in running.commands if one.when in (Boot.EVERY, boot)]
    loaded = [delivery.files[loading.path] for loading in loadings]
    windows = (find_window(file.path, _loaders(delivery, file.path), delivery.seed) for file in loaded)
    window = next(filter(None, windows), None)
    loaded += (_as_file(one) for one in commands if one.program == NFT)
    ruleset = Ruleset()
    if delivery.handoff is not None and (asked := handoff_ruleset(delivery.handoff.text)):
        read_nft(delivery.handoff.shown, asked, ruleset)
    for file in loaded:
        read_nft(file.shown, file.text, ruleset)
    if boot == Boot.FIRST and running.late:
        late = {delivery.files[path].shown for path in running.late}
        quiet = partial(quiet, settings=tuple(one for one in quiet.keywords["settings"] if one.origin.file not in late))
    return quiet(
        ruleset=ruleset,
        unknown=(*unknown, *undecided_flushes(loadings), *ruleset.unknown),
        loaded=tuple(loaded),
        window=window,
        late_flush=find_late_flush(loadings),
        changes=tuple(one for one in commands if one.program == IP),
        commanded=tuple(parse_setting(one) for one in commands if one.program == SYSCTL),
        unloaded=tuple(
            Unknown(origin=Origin(file=delivery.files[path].shown, line=0), text="", reason=reason)
            for path, reason in unloaded.items()
        ),
    )


def _as_file(command: Command) -> Text:
    """A command of nft's as a file, on the line on which it is written."""
    text = "\n" * (command.origin.line - 1) + command.words[0]
    return Text(path="", shown=command.origin.file, text=text, mode=None)


def _loading(delivery: Delivery, path: str) -> Loading:
    """The ruleset and what loads it; an empty unit where nothing does, which is named elsewhere."""
    file = delivery.files[path]
    unit, _, text = next(iter(_loaders(delivery, path)), ("", "", ""))
    return Loading(path=path, shown=file.shown, text=file.text, unit=unit, unit_text=text)


def _loaders(delivery: Delivery, ruleset: str) -> list[tuple[str, str, str]]:
    """The units that load a ruleset."""
    units = ((path.removeprefix(UNIT_FOLDER), file) for path, file in delivery.files.items() if UNIT_FOLDER in path)
    return [(name, file.shown, file.text) for name, file in units if ruleset in _NFT_COMMAND.findall(file.text)]


def ask_nft(configurations: Iterable[Configuration]) -> tuple[Configuration, ...]:
    """The configurations, where nft itself refuses one's rules without them; it is shown known words only."""
    told = list(configurations)
    asked = [form for one in told for form in (one, one.first, one.idle) if form is not None]
    texts = {id(one): _whole(one) for one in asked if one.loaded and not one.ruleset.unknown}
    complaints = find_refused(texts.values())

    def answered(one: Configuration) -> Configuration:
        complaint = complaints.get(texts.get(id(one), ""))
        if complaint is None:
            return one
        if TOO_LONG in complaint:
            return replace(one, is_long=True)
        return replace(one, unknown=(*one.unknown, _refused(one.loaded, complaint)))

    return tuple(
        answered(one)
        if one.first is None and one.idle is None
        else replace(answered(one), first=one.first and answered(one.first), idle=one.idle and answered(one.idle))
        for one in told
    )


def _whole(configuration: Configuration) -> str:
    return "\n".join(file.text for file in configuration.loaded)


def _refused(loaded: Sequence[Text], complaint: str) -> Unknown:
    origin = Origin(file=loaded[-1].shown, line=0)
    return Unknown(origin=origin, text="", reason=f"{REFUSED}: {printable(complaint)}")


def _rivals(links: Iterable[Link]) -> Iterator[Unknown]:
    """Files for an interface that an earlier one configures: networkd leaves them out, NetworkManager takes either."""
    first: dict[str, Origin] = {}
    for link in links:
        key = link.mac or link.name or ""
        if first.setdefault(key, link.origin) is not link.origin:
            yield Unknown(origin=link.origin, text="", reason=f"{first[key].file} configures the same interface")


def _counted(links: Sequence[Link]) -> Iterator[Unknown]:
    """Cards next to others whose metrics NetworkManager counts up, in the order in which they happen to come up."""
    managed = [link for link in links if link.manager == "NetworkManager"]
    cards = [link for link in managed if link.addresses or link.routes or link.lease is not None]
    for link in cards:
        if link.metric is None and (len(cards) > 1 or link.kind is Kind.DUMMY):
            reason = "no route-metric: which of the node's cards is preferred depends on which comes up first"
            if link.kind is Kind.DUMMY:
                reason = "no route-metric: the one that NetworkManager gives a dummy device is not known"
            yield Unknown(origin=link.origin, text="", reason=reason)


_NAMING = {"net.ifnames=0": True, "biosdevname=0": True, "net.ifnames=1": False}
"""Arguments of the kernel by which cards have the kernel's names, eth0 and so on, or others (systemd-udevd(8))."""


def _renamed(delivery: Delivery, links: Iterable[Link]) -> Iterator[Unknown]:
    """Files that find a card by a name that it may not have by an argument of the kernel's."""
    kernels = {_NAMING[one] for argument in delivery.arguments for one in argument.split() if one in _NAMING}
    for link in links if kernels else ():
        is_kernels = re.fullmatch(r"eth\d+", link.name or "") is not None
        if link.mac is None and link.name is not None and link.kind is None and {not is_kernels} & kernels:
            reason = f"an argument of the kernel's decides how cards are called, and {link.name} is found by its name"
            yield Unknown(origin=link.origin, text="", reason=reason)


def _namesakes(files: Mapping[str, Text]) -> Iterator[Unknown]:
    """Profiles with the UUID of another: NetworkManager keeps one of them, and it is unknown which."""
    first: dict[str, Text] = {}
    for path in sorted((path for path in files if path.startswith((KEYFILES, IFCFG))), key=natural_key):
        found = _UUID.search(files[path].text)
        if found is not None and first.setdefault(found[1].lower(), files[path]) is not files[path]:
            line = files[path].text.count("\n", 0, found.start()) + 1
            reason = f"NetworkManager keeps one of two profiles; {first[found[1].lower()].shown} has the same UUID"
            yield Unknown(origin=Origin(file=files[path].shown, line=line), text=found[0], reason=reason)


def _with_keys(
    delivery: Delivery, running: WhatRuns, readings: Iterable[Reading], unknown: list[Unknown]
) -> Iterator[Device]:
    """Yield the devices, NetworkManager's tunnels with the private key that a script adds to their profiles."""
    script = delivery.files.get(KEYS_SCRIPT)
    keys = (read_keys(script.shown, script.text) or {}) if script is not None else {}
    for device in (device for reading in readings for device in reading.devices):
        if device.kind is not Kind.WIREGUARD or device.manager != "NetworkManager":
            unknown += _unreadable(delivery, device)
            yield device
            continue
        key = keys.get(device.name)
        missing = [when for when in Boot.EVERY.each() if when not in running.keyed]
        if key is None or missing or not _is_early(delivery):
            when = f" ({missing[0]})" if key is not None and missing else ""
            reason = f"nothing gives NetworkManager the private key of {device.name} before it starts{when}"
            unknown.append(Unknown(origin=device.origin, text="", reason=reason))
        yield replace(device, key_file=key)


def _unreadable(delivery: Delivery, device: Device) -> Iterator[Unknown]:
    """Yield that networkd, which is not root, can't read a private key that is delivered."""
    file = delivery.files.get(device.key_file.value) if device.key_file is not None else None
    if file is not None and file.mode is not None and not file.mode & 0o044:
        reason = f"systemd-networkd can't read mode {file.mode:04o}: 0640 of root:systemd-network is right"
        yield Unknown(origin=Origin(file=file.shown, line=0), text="", reason=reason)


def _is_early(delivery: Delivery) -> bool:
    """Return whether the units that run the script with the keys come before NetworkManager."""
    units = [file.text for path, file in delivery.files.items() if UNIT_FOLDER in path and KEYS_SCRIPT in file.text]
    return all(_BEFORE.search(text) for text in units)


_BEFORE = re.compile(r"^Before=NetworkManager\.service$", re.MULTILINE)


def _sysctl_files(files: Mapping[str, Text]) -> Iterator[Text]:
    for path in merge_order({path: text.text for path, text in files.items()}):
        yield files[path]


def _link_readings(delivery: Delivery) -> Iterator[Reading]:
    files = delivery.files
    taken = set(in_order([*files]))
    dropins_of: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for path in files if path.startswith(NETWORKD) and path.endswith(".conf")):
        for number in (at for at, char in enumerate(path) if char == "/"):
            dropins_of[path[:number]].append(path)
    for path in sorted((path for path in files if path.startswith(_PROFILES)), key=natural_key):
        name = path.rpartition("/")[2]
        reader = _OF_NETWORKD.get(path[path.rfind(".") :]) if path.startswith(NETWORKD) else None
        if reader is not None:
            dropins = dropins_of[f"{path}.d"]
            taken.update((path, *dropins))
            yield _read_guarded([files[part] for part in (path, *dropins)], reader)
        elif path.startswith(IFCFG) and name.startswith("ifcfg-"):
            routes = files.get(f"{IFCFG}route-{name.removeprefix('ifcfg-')}")
            taken.update((path, f"{IFCFG}route-{name.removeprefix('ifcfg-')}"))
            yield read_ifcfg(files[path].shown, files[path].text, (routes.shown, routes.text) if routes else None)
        elif path.startswith(KEYFILES) and path.endswith(".nmconnection") and not name.startswith("."):
            taken.add(path)
            yield _read_guarded_keyfile(files[path])
    misdirected = Reading()
    for path in files:
        if path not in taken and path.startswith(_OTHER) and _is_read(path):
            misdirected.note_unknown(Origin(file=files[path].shown, line=0), "", _stray_reason(path))
    yield misdirected


def _is_read(path: str) -> bool:
    place = find_place(path)
    return place is None or place.kind is FileKind.READ


def _stray_reason(path: str) -> str:
    if path.startswith(IFCFG) and "/route-" in path:
        return "a route file without its ifcfg file is never read"
    if path.startswith(NETWORKD) and ".network.d/" in path:
        return "a drop-in whose .network file is managed elsewhere"
    if path.startswith(NETWORKD) and ".netdev.d/" in path:
        return "a drop-in whose .netdev file is managed elsewhere"
    return "a file that changes the network in a way that is not known"


_NetworkdReader = Callable[[Sequence[tuple[str, str]]], Reading]
_OF_NETWORKD: Mapping[str, _NetworkdReader] = {".network": read_network, ".netdev": read_netdev}


def _read_guarded(parts: Sequence[Text], reader: _NetworkdReader) -> Reading:
    """The reading of a file of networkd's and its drop-ins; networkd is not root, and skips what it may not read."""
    for part in parts:
        if part.mode is not None and not part.mode & 0o004:
            reading = Reading()
            reason = f"systemd-networkd can't read mode {part.mode:04o}; it runs as systemd-network: 0644 is right"
            reading.note_unknown(Origin(file=part.shown, line=0), "", reason)
            return reading
    return reader([(part.shown, part.text) for part in parts])


def _read_guarded_keyfile(file: Text) -> Reading:
    fault = None
    if file.mode is not None and file.mode & 0o077:
        fault = f"NetworkManager refuses mode {file.mode:04o}; it must be 0600"
    elif file.owner not in _ROOT:
        fault = f"NetworkManager refuses a file of {file.owner}; it must be root's"
    if fault is None:
        return read_keyfile(file.shown, file.text)
    reading = Reading()
    reading.note_unknown(Origin(file=file.shown, line=0), "", fault)
    return reading


_ROOT = frozenset({"root", "0"})
