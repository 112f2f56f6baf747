"""Files of interfaces that leave open which of them counts, or for which card."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from netwright.text.natural import natural_key
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.link_files import IFCFG, KEYFILES
from netwright.verify.reading.startup import Seed
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Kind, Link, Origin, Rename, Unknown

_UUID = re.compile(r"""^(?:uuid|UUID)=["']?([0-9A-Fa-f-]{36})""", re.MULTILINE)


def find_rivals(links: Iterable[Link]) -> Iterator[Unknown]:
    """Files for an interface that an earlier one configures: networkd leaves them out, NetworkManager takes either."""
    first: dict[object, Origin] = {}
    for link in links:
        key = link.mac or link.name or link.patterns
        if first.setdefault(key, link.origin) is not link.origin:
            yield Unknown(origin=link.origin, text="", reason=f"{first[key].file} configures the same interface")


def find_uncertain_metrics(links: Sequence[Link]) -> Iterator[Unknown]:
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


def find_renamed(delivery: Delivery, links: Iterable[Link]) -> Iterator[Unknown]:
    """Files that find a card by a name that it may not have by an argument of the kernel's."""
    kernels = {_NAMING[one] for argument in delivery.arguments for one in argument.split() if one in _NAMING}
    for link in links if kernels else ():
        names = (link.name,) if link.name is not None else link.patterns.names if link.patterns is not None else ()
        is_kernels = all(re.fullmatch(r"eth\d+", name) for name in names)
        if link.mac is None and names and link.kind is None and {not is_kernels} & kernels:
            reason = f"an argument of the kernel's decides how cards are called, and {names[0]} is found by its name"
            yield Unknown(origin=link.origin, text="", reason=reason)


def find_late_names(seed: Seed | None, renames: Iterable[Rename]) -> Iterator[Unknown]:
    """Names that cards do not get on the first boot: cloud-init writes the files when udev has named the cards."""
    commands = seed.bootcmd if seed is not None else ()
    written = commands.index(_WRITING) if _WRITING in commands else len(commands)
    asked = any(_ASKS_UDEV.fullmatch(command) for command in commands[written:])
    for rename in renames if seed is not None and not (asked and seed.early) else ():
        reason = f"nothing has udev give the name {rename.name} before the network starts ({Boot.FIRST})"
        yield Unknown(origin=rename.origin, text="", reason=reason)


_WRITING = "cloud-init single --name write_files"
_ASKS_UDEV = re.compile(r"udevadm trigger(?= .*--action=add)(?= .*--subsystem-match=net)(?= .*--settle)( --[\w=-]+)+")


def find_shared_uuids(files: Mapping[str, Text]) -> Iterator[Unknown]:
    """Profiles with the UUID of another: NetworkManager keeps one of them, and it is unknown which."""
    first: dict[str, Text] = {}
    for path in sorted((path for path in files if path.startswith((KEYFILES, IFCFG))), key=natural_key):
        found = _UUID.search(files[path].text)
        if found is not None and first.setdefault(found[1].lower(), files[path]) is not files[path]:
            line = files[path].text.count("\n", 0, found.start()) + 1
            reason = f"NetworkManager keeps one of two profiles; {first[found[1].lower()].shown} has the same UUID"
            yield Unknown(origin=Origin(file=files[path].shown, line=line), text=found[0], reason=reason)
