"""udev's .link files with their drop-ins (systemd.link(5)): those that give network cards a name.

Of the files the first that fits a card counts, in the order of their names; 99-default.link fits all.
"""

from collections.abc import Sequence

from netwright.verify.reading.formats.card_patterns import read_pattern
from netwright.verify.reading.formats.netdev import parse_mac
from netwright.verify.reading.formats.sections import Entry, read_entries
from netwright.verify.values.facts import CardPatterns, Origin, Reading, Rename

_IRRELEVANT = frozenset({("Link", "Description"), ("Link", "WakeOnLan")})
"""Keys that decide nothing."""


def read_link(parts: Sequence[tuple[str, str]]) -> Reading:
    """Return the name that the (shown name, text) of a file and then its drop-ins give to a card."""
    reading = Reading()
    start = Origin(file=parts[0][0], line=1)
    name, mac, patterns, is_for_cards = "", None, CardPatterns(), False
    for entry in (entry for file, text in parts for entry in read_entries(text, file, "#;")):
        if not isinstance(entry, Entry):
            reading.note_unknown(entry.origin, entry.text, "not a line of a .link file")
            continue
        place = entry.section, entry.key
        changed = read_pattern(patterns, entry) if entry.section == "Match" and entry.key != "Name" else None
        if place == ("Link", "Name") and entry.value:
            name = entry.value
        elif changed is not None:
            patterns = changed
        elif place in _MACS and mac is None and parse_mac(entry.value):
            mac = parse_mac(entry.value)
            is_for_cards = is_for_cards or entry.key.startswith("Permanent")
        elif place == ("Match", "Type") and entry.value == "ether":
            is_for_cards = True
        elif place not in _IRRELEVANT:
            reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")
    if mac is None and patterns == CardPatterns():
        reading.note_unknown(
            start, "", "no [Match] by MACAddress=, Driver= or Path=: the file fits nothing, or everything"
        )
    elif not is_for_cards:
        reading.note_unknown(
            start, "", "without Type=ether it fits devices of software, too, which may have its address"
        )
    elif name:
        reading.renames.append(Rename(origin=start, name=name, mac=mac, patterns=patterns))
    else:
        reading.note_unknown(start, "", "a .link file without Name= keeps the system's own from naming the card")
    return reading


_MACS = (("Match", "MACAddress"), ("Match", "PermanentMACAddress"))
