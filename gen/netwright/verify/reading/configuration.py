"""A node's delivery -> what its files configure: interfaces, kernel parameters, rulesets."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.text.report import printable
from netwright.verify.reading.asking import Asking, read_asking
from netwright.verify.reading.balancing import read_balancer, read_instances
from netwright.verify.reading.commands import IP, NFT, SYSCTL, Command, parse_setting
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.firewalld import FIREWALLD, read_firewalld
from netwright.verify.reading.formats.handoff import (
    handoff_ruleset,
    read_handoff,
)
from netwright.verify.reading.formats.haproxy import Balancer
from netwright.verify.reading.formats.hosts import HostsFile, read_hosts
from netwright.verify.reading.formats.ignition import UNIT_FOLDER
from netwright.verify.reading.formats.k3s import K3sSetting, read_k3s
from netwright.verify.reading.formats.keepalived import Instance
from netwright.verify.reading.formats.kube_vip import KubeVip, read_kube_vip
from netwright.verify.reading.formats.libvirt import read_libvirt
from netwright.verify.reading.formats.masq_agent import AGENT_FILE, read_masq_agent
from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.reading.formats.nft_refusals import REFUSED
from netwright.verify.reading.formats.nm_conf import Unmanaged, in_order, read_nm_conf
from netwright.verify.reading.formats.sysctl import merge_order, read_sysctl
from netwright.verify.reading.link_doubts import (
    find_late_names,
    find_renamed,
    find_rivals,
    find_shared_uuids,
    find_uncertain_metrics,
)
from netwright.verify.reading.link_files import read_links
from netwright.verify.reading.load_order import Loading, find_late_flush, in_load_order, undecided_flushes
from netwright.verify.reading.nft_judge import TOO_LONG, find_refused
from netwright.verify.reading.startup import find_firewalld_window, find_window
from netwright.verify.reading.tunnel_keys import add_keys
from netwright.verify.reading.what_runs import WhatRuns, what_runs
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Device, LibvirtNetwork, Link, Origin, Reading, Rename, Setting, Unknown
from netwright.verify.values.firewalld import Firewalld
from netwright.verify.values.nftables import Ruleset
from netwright.verify.values.startup import Window
from netwright.verify.values.wiring import PublishedPorts

NFTABLES = "/etc/nftables/"
_NFT_COMMAND = re.compile(r"^ExecStart=(?:/usr)?/sbin/nft -f (\S+)$", re.MULTILINE)


class Configuration(Struct, frozen=True, kw_only=True):
    """Settings of a node's files, by subject. `unknown` holds the lines that prevent a proof.

    `loaded` are the files that nft is to load, `unmanaged` what NetworkManager leaves alone, `window` a time in which
    packets pass without the rules, `late_flush` what wipes those of other programs, `trusted` the files that are
    vouched for and that run; with `bridge_filter` br_netfilter is loaded. `agent` holds the rules of
    ip-masq-agent, `firewalld` are the zones and policies of firewalld, `vrrp` are keepalived's instances, `balancer` is
    what HAProxy does, `k3s` is what K3s is told, by its keys, `kube_vip` what kube-vip holds. `hosts` are the files
    with names, in the order in which they are looked in, `asking` the servers that are asked for names and the time.

    `changes` are ip's commands on a machine that is up, `commanded` what sysctl sets there, `unloaded` the rulesets
    that nothing loads, `late` the files of sysctl.d that come too late for the boot; with `is_long` the rules are too
    many to be shown to nft. `first` is the same on the first boot, where that differs, `idle` before any command has
    run, where some do on every boot.
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
    firewalld: Firewalld | None = None
    unmanaged: tuple[Unmanaged, ...] = ()
    window: Window | None = None
    fetched: bool = False
    trusted: tuple[str, ...] = ()
    bridge_filter: bool = False
    agent: Ruleset | None = None
    vrrp: tuple[Instance, ...] = ()
    balancer: Balancer | None = None
    k3s: Mapping[str, K3sSetting] = field(default_factory=lambda: MappingProxyType({}))
    kube_vip: tuple[KubeVip, ...] = ()
    hosts: tuple[HostsFile, ...] = ()
    asking: Asking = field(default_factory=Asking)
    late_flush: Origin | None = None
    devices: tuple[Device, ...] = ()
    renames: tuple[Rename, ...] = ()
    changes: tuple[Command, ...] = ()
    commanded: tuple[Setting, ...] = ()
    unloaded: tuple[Unknown, ...] = ()
    late: frozenset[str] = frozenset()
    is_long: bool = False
    first: "Configuration | None" = None
    idle: "Configuration | None" = None

    def on(self, boot: Boot) -> "Configuration":
        """The configuration on a boot: Boot.FIRST, Boot.BEFORE its commands have run, or any other."""
        return {Boot.FIRST: self.first, Boot.BEFORE: self.idle}.get(boot) or self


def read_configuration(
    delivery: Delivery,
    trusted: frozenset[str] = frozenset(),
    *,
    docker: bool = False,
    published: tuple[PublishedPorts, ...] = (),
    firewalld: bool = False,
) -> Configuration:
    """The node's configuration from its delivered files; the topology vouches for what the `trusted` ones run, and has
    whether Docker and firewalld run there, and what containers publish."""
    readings = _readings(delivery)
    links = tuple(link for reading in readings for link in reading.links)
    running = what_runs(delivery, trusted, docker=docker, published=published, firewalld=firewalld)
    unknown = [*delivery.unknown, *running.unknown, *(one for reading in readings for one in reading.unknown)]
    unmanaged = _read_unmanaged(delivery, unknown)
    unknown += _link_doubts(delivery, readings, links)
    quiet = partial(
        Configuration,
        node=delivery.node,
        managed=delivery.handoff is None,
        links=links,
        networks=tuple(network for reading in readings for network in reading.networks),
        settings=tuple(setting for reading in readings for setting in reading.settings),
        masks_firewalld="firewalld" in running.masked,
        firewalld=_read_firewalld(delivery, running),
        unmanaged=unmanaged,
        fetched=delivery.fetched,
        trusted=running.trusted,
        bridge_filter=running.bridge_filter,
        agent=_read_agent(delivery, unknown),
        vrrp=read_instances(delivery, unknown),
        balancer=read_balancer(delivery),
        k3s=_read_k3s(delivery, unknown),
        kube_vip=read_kube_vip(_shown(delivery)),
        hosts=read_hosts(_shown(delivery)),
        asking=read_asking(_shown(delivery)),
        devices=tuple(add_keys(delivery, running, readings, unknown)),
        renames=tuple(rename for reading in readings for rename in reading.renames),
    )
    return _boot(quiet, tuple(unknown), delivery, running)


def _readings(delivery: Delivery) -> Sequence[Reading]:
    """Return what each file configures that stands for itself."""
    readings = [*read_links(delivery), *(read_libvirt(text.shown, text.text) for text in delivery.libvirt)]
    readings += (read_sysctl(file.shown, file.text) for file in _sysctl_files(delivery.files))
    if delivery.handoff is not None:
        readings.append(read_handoff(delivery.handoff.shown, delivery.handoff.text))
    return readings


def _read_unmanaged(delivery: Delivery, unknown: list[Unknown]) -> tuple[Unmanaged, ...]:
    conf = Reading()
    files = [delivery.files[path] for path in in_order([*delivery.files])]
    unmanaged = read_nm_conf([(file.shown, file.text) for file in files], conf)
    unknown += conf.unknown
    return unmanaged


def _link_doubts(delivery: Delivery, readings: Sequence[Reading], links: Sequence[Link]) -> Iterator[Unknown]:
    yield from find_rivals(links)
    yield from find_uncertain_metrics(links)
    yield from find_shared_uuids(delivery.files)
    renames = [rename for reading in readings for rename in reading.renames]
    given = {device.name for reading in readings for device in reading.devices} | {one.name for one in renames}
    yield from find_renamed(delivery, [link for link in links if link.name not in given])
    yield from find_late_names(delivery.seed, renames)


def _read_firewalld(delivery: Delivery, running: WhatRuns) -> Firewalld | None:
    """Return firewalld's own configuration, None where it has no file of ours and runs as the system has it."""
    files = [(path, file.shown, file.text) for path, file in delivery.files.items() if path.startswith(FIREWALLD)]
    if not files:
        return None
    found = read_firewalld(files)
    texts = {path: file.text for path, file in delivery.files.items()}
    return replace(found, enabled=running.enables_firewalld, window=find_firewalld_window(texts, delivery.seed))


def _read_agent(delivery: Delivery, unknown: list[Unknown]) -> Ruleset | None:
    file = delivery.files.get(AGENT_FILE)
    return read_masq_agent(file.shown, file.text, unknown) if file is not None else None


def _read_k3s(delivery: Delivery, unknown: list[Unknown]) -> Mapping[str, K3sSetting]:
    return read_k3s(_shown(delivery), [(origin, order.line) for origin, order in delivery.commands], unknown)


def _shown(delivery: Delivery) -> Mapping[str, tuple[str, str]]:
    return {path: (file.shown, file.text) for path, file in delivery.files.items()}


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
    late = frozenset(delivery.files[path].shown for path in running.late if boot == Boot.FIRST)
    if late:
        quiet = partial(quiet, settings=tuple(one for one in quiet.keywords["settings"] if one.origin.file not in late))
    return quiet(
        late=late,
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


def _sysctl_files(files: Mapping[str, Text]) -> Iterator[Text]:
    for path in merge_order({path: text.text for path, text in files.items()}):
        yield files[path]
