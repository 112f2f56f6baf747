"""Files of interfaces -> what they configure, each read as its program would: whether it may read it at all, too."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from netwright.text.natural import natural_key
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.ifcfg import read_ifcfg
from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.reading.formats.netdev import read_netdev
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.reading.formats.nm_conf import in_order
from netwright.verify.reading.formats.udev_link import read_link
from netwright.verify.reading.running.areas import FileKind
from netwright.verify.reading.running.places import find_place
from netwright.verify.values.facts import Origin, Reading

NETWORKD = "/etc/systemd/network/"
IFCFG = "/etc/sysconfig/network-scripts/"
KEYFILES = "/etc/NetworkManager/system-connections/"
_PROFILES = (NETWORKD, IFCFG, KEYFILES)
_OTHER = (NETWORKD, IFCFG, KEYFILES, "/etc/NetworkManager/", "/etc/sysconfig/nftables", "/etc/iptables")


def read_links(delivery: Delivery) -> Iterator[Reading]:
    """Yield what each file of an interface configures, and at last the files that look like one and are none."""
    files = delivery.files
    taken = set(in_order([*files]))
    dropins_of = _dropins(files)
    for path in sorted((path for path in files if _folder(path) in _PROFILES), key=natural_key):
        name = path.rpartition("/")[2]
        of_networkd = path.startswith(NETWORKD) and not name.startswith(".")
        reader = _OF_NETWORKD.get(path[path.rfind(".") :]) if of_networkd else None
        if reader is not None:
            dropins = dropins_of[f"{path}.d"]
            taken.update((path, *dropins))
            yield _read_guarded([files[part] for part in (path, *dropins)], reader)
        elif path.startswith(IFCFG) and name.startswith("ifcfg-") and not name.endswith(_BACKUPS):
            routes = files.get(f"{IFCFG}route-{name.removeprefix('ifcfg-')}")
            taken.update((path, f"{IFCFG}route-{name.removeprefix('ifcfg-')}"))
            yield read_ifcfg(files[path].shown, files[path].text, (routes.shown, routes.text) if routes else None)
        elif path.startswith(KEYFILES) and path.endswith(".nmconnection") and not name.startswith("."):
            taken.add(path)
            yield _read_guarded_keyfile(files[path])
    yield _read_strays([file for path, file in files.items() if path not in taken and path.startswith(_OTHER)])


def _folder(path: str) -> str:
    """Return the path's folder, with its slash: no program looks into the folders below its own."""
    return path[: path.rfind("/") + 1]


def _dropins(files: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Return networkd's drop-ins by their folder."""
    dropins_of: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for path in files if path.startswith(NETWORKD) and path.endswith(".conf")):
        folder, _, name = path.rpartition("/")
        if not name.startswith("."):
            dropins_of[folder].append(path)
    return dropins_of


def _read_strays(files: Iterable[Text]) -> Reading:
    strays = Reading()
    for file in files:
        if _is_read(file.path):
            strays.note_unknown(Origin(file=file.shown, line=0), "", _stray_reason(file.path))
    return strays


_BACKUPS = (".bak", "~", ".orig", ".rej", ".rpmnew", ".augnew", ".augtmp")
"""Ends of names of ifcfg files that NetworkManager passes over (its ifcfg-rh plugin, utils_should_ignore_file)."""
_READ_BY_NETWORKD = re.compile(
    r"/etc/systemd/network/(?:[^/.][^/]*\.(?:network|netdev|link)|[^/]+\.(?:network|netdev|link)\.d/[^/.][^/]*\.conf)"
)


def _is_read(path: str) -> bool:
    if path.startswith(NETWORKD):
        return _READ_BY_NETWORKD.fullmatch(path) is not None
    if path.startswith(IFCFG) and path.endswith(_BACKUPS):
        return False
    if path.startswith("/etc/NetworkManager/conf.d/"):  # what is read there was taken before
        return False
    if path.startswith((IFCFG, KEYFILES)) and _folder(path) not in _PROFILES:
        return False
    place = find_place(path)
    return place is None or place.kind is FileKind.READ


def _stray_reason(path: str) -> str:
    if path.startswith(IFCFG) and "/route-" in path:
        return "a route file without its ifcfg file is never read"
    if path.startswith(NETWORKD) and ".network.d/" in path:
        return "a drop-in whose .network file is managed elsewhere"
    if path.startswith(NETWORKD) and ".link.d/" in path:
        return "a drop-in whose .link file is managed elsewhere"
    if path.startswith(NETWORKD) and ".netdev.d/" in path:
        return "a drop-in whose .netdev file is managed elsewhere"
    return "a file that changes the network in a way that is not known"


_NetworkdReader = Callable[[Sequence[tuple[str, str]]], Reading]
_OF_NETWORKD: Mapping[str, _NetworkdReader] = {".network": read_network, ".netdev": read_netdev, ".link": read_link}


def _read_guarded(parts: Sequence[Text], reader: _NetworkdReader) -> Reading:
    """The reading of a file of networkd's and its drop-ins; networkd is not root, and skips what it may not read."""
    for part in parts if reader is not read_link else ():  # udev is root
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
