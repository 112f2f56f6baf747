"""Programs of a delivery: which are unknown, on which boot, and what follows for the machine."""

import re
from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.reading.commands import Command
from netwright.verify.reading.delivery import Delivery
from netwright.verify.reading.formats.sysctl import CONF, merge_order, read_sysctl
from netwright.verify.reading.harmless_keys import is_harmless
from netwright.verify.reading.running.areas import FileKind
from netwright.verify.reading.running.events import Complaint, Event
from netwright.verify.reading.running.paths import normalise
from netwright.verify.reading.running.places import find_place
from netwright.verify.reading.running.programme import Programme, Running
from netwright.verify.reading.running.programme_run import judge_programme
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.wiring import PublishedPorts


class WhatRuns(Struct, frozen=True, kw_only=True):
    """Unknown commands, trusted files that are there or needed, whether br_netfilter is loaded, the units that are
    masked, without suffix, the commands that surely change the network, the rulesets that nothing loads: path, boot
    and reason, and the `late` files of kernel parameters, which hold from the second boot on, and maybe before."""

    unknown: tuple[Unknown, ...]
    commands: tuple[Command, ...] = ()
    unloaded: frozenset[tuple[str, str, str]] = frozenset()
    late: frozenset[str] = frozenset()
    trusted: tuple[str, ...] = ()
    bridge_filter: bool = False
    masked: frozenset[str] = frozenset()
    enables_firewalld: bool = False
    keyed: frozenset[Boot] = frozenset()
    """The boots on which NetworkManager gets private keys before it starts."""


def what_runs(
    delivery: Delivery,
    trusted: frozenset[str],
    *,
    docker: bool = False,
    published: tuple[PublishedPorts, ...] = (),
    firewalld: bool = False,
) -> WhatRuns:
    """Return what the delivery runs; with `docker` and `firewalld` the node has them, whose rules are added, with those
    for what containers publish."""
    if delivery.handoff is not None:
        return WhatRuns(unknown=())
    named = {normalise(path): path for path in trusted}
    programme = _programme(delivery, frozenset(named))
    running = judge_programme(replace(programme, docker=docker, published=published, firewalld=firewalld))
    unknown = [_unknown(delivery, complaint) for complaint in running.complaints]
    unknown += (
        Unknown(origin=Origin(file=path, line=0), text="", reason="a unit loads it, but nothing delivers it")
        for path in running.missing
    )
    unapplied = dict(_unapplied(delivery, running))
    alone = not (running.changes or running.unloaded) and not any(
        _is_of_one(path, delivery.files[path].text) for path in unapplied
    )
    unknown += () if alone else unapplied.values()
    return WhatRuns(
        unknown=tuple(unknown),
        trusted=tuple(sorted(named[path] for path in running.used)),
        masked=running.masked,
        enables_firewalld=running.enables_firewalld,
        keyed=running.keyed,
        commands=tuple(
            Command(program=one.program, words=one.words, origin=_origin(delivery, one), when=one.when)
            for one in running.changes
        ),
        unloaded=running.unloaded,
        late=frozenset(unapplied) if alone else frozenset(),
        bridge_filter=not {"br_netfilter", "br-netfilter"}.isdisjoint(running.modules),
    )


def _programme(delivery: Delivery, trusted: frozenset[str]) -> Programme:
    """Return what may run; what is read, or always harmless, is the same for all nodes, so that most share one."""
    files, read = [], set()
    for path, file in delivery.files.items():
        place = find_place(path)
        kind = place.kind if place is not None else None
        executable = bool((file.mode or 0) & 0o111)
        if kind is FileKind.READ:
            read.add(path)
        elif kind is not FileKind.DATA or executable or path.startswith(("/usr/local/", "/opt/bin/")):
            files.append((path, file.text, executable))
    return Programme(
        files=tuple(files),
        remote=delivery.remote,
        read=frozenset(path for path in read if path.startswith("/etc/nftables/")),
        links=delivery.links,
        enabled=delivery.enabled,
        orders=tuple(order for _, order in delivery.commands),
        sections=tuple(one for one in delivery.sections if one[0] not in ("hostname", "fqdn")),
        arguments=delivery.arguments,
        filesystems=delivery.filesystems,
        trusted=trusted,
        stated=_stated(delivery),
        seeded=delivery.seeded,
        bare=not delivery.carrier and not any(kind_of(path) is FileKind.UNIT for path in delivery.files),
    )


def _stated(delivery: Delivery) -> frozenset[tuple[tuple[str, ...], str]]:
    """The kernel parameters that the files set, each to one value alone; asked for only where a command sets some."""
    if not any(_SETTING.search(str(order.text)) for _, order in delivery.commands):
        return frozenset()
    values: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in merge_order({path: file.text for path, file in delivery.files.items()}):
        for setting in read_sysctl(path, delivery.files[path].text).settings:
            if setting.value is not None:
                values[setting.key].add(setting.value)
    return frozenset((key, next(iter(every))) for key, every in values.items() if len(every) == 1)


_SETTING = re.compile(r"\bsysctl['\"]?,?\s")


def kind_of(path: str) -> FileKind | None:
    """Return how a file of that path is judged."""
    place = find_place(path)
    return place.kind if place is not None else None


def _unknown(delivery: Delivery, complaint: Complaint) -> Unknown:
    when = f" ({complaint.when})" if complaint.when else ""
    origin = _origin(delivery, complaint)
    return Unknown(origin=origin, text=complaint.text, reason=f"{complaint.reason}{when}")


def _origin(delivery: Delivery, found: Complaint | Event) -> Origin:
    if found.path:
        file = delivery.files.get(found.path)
        return Origin(file=file.shown if file else f"{delivery.carrier}:{found.path}", line=found.line)
    if found.command:
        command = delivery.commands[found.command - 1][0]
        return replace(command, line=command.line + max(found.line - 1, 0))
    about = found.text if isinstance(found, Complaint) else ""
    names = (about, about.partition(":")[0], about.partition(" ")[0])
    return Origin(file=delivery.carrier, line=next((delivery.lines[one] for one in names if one in delivery.lines), 1))


def _unapplied(delivery: Delivery, running: Running) -> Iterator[tuple[str, Unknown]]:
    """The sysctl files that cloud-init writes and that no command applies before the next boot.

    Something else may: tuned (reapply_sysctl) and packages that bring such files do, all at once.
    """
    if not delivery.seeded or "" in running.applied:
        return
    for path in merge_order({path: file.text for path, file in delivery.files.items()}):
        file = delivery.files[path]
        for setting in read_sysctl(file.shown, file.text).settings if path not in running.applied else ():
            if setting.value is not None and not is_harmless(setting.key, setting.value):
                text = f"{'.'.join(setting.key)} = {setting.value}"
                yield path, Unknown(origin=setting.origin, text=text, reason=f"nothing applies it ({Boot.FIRST})")
                break


def _is_of_one(path: str, text: str) -> bool:
    """Return whether a file names interfaces: udev applies it to one that appears, alone."""
    keys = (setting.key for setting in read_sysctl(path, text).settings)
    return any(key[:3] == CONF and key[3:4] not in (("all",), ("default",)) for key in keys)
