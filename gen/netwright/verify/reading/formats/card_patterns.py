"""Patterns of network cards in the [Match] sections of systemd and NetworkManager (glob(7))."""

from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.reading.formats.sections import Entry
from netwright.verify.values.facts import CardPatterns

_OF_SYSTEMD: Mapping[str, str] = {"Name": "names", "OriginalName": "names", "Driver": "drivers", "Path": "paths"}
_OF_NETWORKMANAGER: Mapping[str, str] = {"interface-name": "names", "driver": "drivers", "path": "paths"}
_NEGATIONS = frozenset('!\\&|"')
"""What makes more of a list than its members: a negation, an escape, and NetworkManager's operators."""


def is_plain(text: str) -> bool:
    """Return whether a text is one name, and no pattern."""
    return bool(text) and not set(text) & set("*?[]!; \t")


def read_pattern(patterns: CardPatterns, entry: Entry) -> CardPatterns | None:
    """Return the patterns with those of a line of systemd's, None if it has none that are known; a second line of the
    same key would add some."""
    key = _OF_SYSTEMD.get(entry.key)
    return _add(patterns, key, entry.value.split()) if key is not None else None


def read_list(patterns: CardPatterns, key: str, value: str) -> CardPatterns | None:
    """Return the patterns with those of a key of NetworkManager's, None if they are not known."""
    return _add(patterns, _OF_NETWORKMANAGER[key], [one for one in value.split(";") if one])


def _add(patterns: CardPatterns, key: str, globs: list[str]) -> CardPatterns | None:
    if not globs or getattr(patterns, key) or any(_NEGATIONS & set(one) for one in globs):
        return None
    return replace(patterns, **{key: tuple(globs)})
