"""NetworkManager.conf and conf.d: which devices NetworkManager leaves alone (NetworkManager.conf(5))."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from netwright.verify.reading.formats.sections import Entry, Oddity, read_entries
from netwright.verify.values.facts import Kind, Origin, Reading

FOLDER, MAIN_FILE = "/etc/NetworkManager/conf.d/", "/etc/NetworkManager/NetworkManager.conf"
_HARMLESS = re.compile(
    r"main\.(dns|rc-manager|no-auto-default|auth-polkit|systemd-resolved|hostname-mode|dhcp|monitor-connection-files"
    r"|autoconnect-retries-default|ignore-carrier|firewall-backend)"
    r"|keyfile\.hostname|logging\..*|device[^.]*\.(wifi\..*|match-device)|connectivity\.enabled=false"
)
_PLUGINS = frozenset({"keyfile,ifcfg-rh", "ifcfg-rh,keyfile"})
"""Plugin lists that Enterprise Linux 8 and 9 have by themselves; without one of them its files are not read."""
_NO = frozenset({"0", "false", "no", "off"})


class Unmanaged(Struct, frozen=True, kw_only=True):
    """Devices that one setting keeps NetworkManager away from."""

    specs: tuple[str, ...]
    origin: Origin

    def takes(self, name: str, mac: str | None, kind: Kind | None) -> bool | None:
        """Return whether it names an Ethernet card, or a device of that kind; None if that can't be told."""
        answers = [
            (spec.startswith("except:"), _suits(spec.removeprefix("except:"), name, mac, kind)) for spec in self.specs
        ]
        if any(suits is None for _, suits in answers):
            return None
        if any(spared and suits for spared, suits in answers):
            return False
        named = [suits for spared, suits in answers if not spared]
        # Seen with 1.42: exceptions alone stand for everything else.
        return any(named) if named else bool(answers)


def _suits(spec: str, name: str, mac: str | None, kind: Kind | None) -> bool | None:
    word, colon, value = spec.partition(":")
    word = word.lower() if colon else ""
    if spec == "*":
        return True
    if word == "interface-name":
        return name == value[1:] if value.startswith("=") else fnmatchcase(name, value.removeprefix("~"))
    if word == "type":
        return value in (("ethernet", "802-3-ethernet") if kind is None else (kind.value,))
    if word == "mac" or _MAC.fullmatch(spec):
        wanted = (value if word == "mac" else spec).lower()
        return wanted == mac if mac is not None else None
    return spec == name if not colon else None


_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")


def read_nm_conf(files: Iterable[tuple[str, str]], reading: Reading) -> tuple[Unmanaged, ...]:
    """Return what keeps NetworkManager away from devices, of the (shown name, text) of its files in their order."""
    listed = Unmanaged(specs=(), origin=Origin(file="", line=0))
    others: list[Unmanaged] = []
    for file, text in files:
        entries = tuple(read_entries(text, file, "#"))
        matches = {entry.number: entry.value for entry in entries
                   if isinstance(entry, Entry) and entry.key == "match-device"}  # fmt: skip
        for entry in entries:
            if isinstance(entry, Oddity):
                reading.note_unknown(entry.origin, entry.text, "not a line of NetworkManager.conf")
                continue
            place = f"{entry.section}.{entry.key}"
            if place in ("keyfile.unmanaged-devices", "keyfile.unmanaged-devices+"):
                before = listed.specs if place.endswith("+") else ()
                listed = Unmanaged(specs=(*before, *_split(entry.value)), origin=entry.origin)
            elif _is_device(entry) and entry.key == "managed" and entry.value in _NO:
                others.append(Unmanaged(specs=_split(matches.get(entry.number, "*")), origin=entry.origin))
            elif not _is_harmless(place, entry.value):
                reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")
    return (*([listed] if listed.specs else ()), *others)


def _is_device(entry: Entry) -> bool:
    return entry.section == "device" or entry.section.startswith("device-")


def _is_harmless(place: str, value: str) -> bool:
    if place == "main.plugins":
        return value.replace(" ", "").rstrip(",;") in _PLUGINS
    return _HARMLESS.fullmatch(place) is not None or _HARMLESS.fullmatch(f"{place}={value}") is not None


def _split(value: str) -> tuple[str, ...]:
    return tuple(spec for part in re.split("[;,]", value) if (spec := part.strip()))


def in_order(paths: Sequence[str]) -> list[str]:
    """The paths of NetworkManager's files in the order in which it reads them."""
    found = [path for path in paths if path[: path.rfind("/") + 1] == FOLDER and path.endswith(".conf")]
    return [path for path in paths if path == MAIN_FILE] + sorted(found)
