"""The network cards that files find by patterns of their driver, place or name, as far as the topology states these.

systemd-networkd gives a card the first file that fits it, in the order of their names, and each file to all cards that
it fits; NetworkManager the profile of the highest autoconnect-priority. udev takes the first .link file that fits
(systemd.network(5), systemd.link(5), nm-settings(5)).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from netwright.text.counting import list_some
from netwright.verify.network_model.device_faults import DeviceFault
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.facts import CardPatterns, Link, Rename, Unknown
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import Port, StatedCard

_NAMED = 5
_NOTHING = StatedCard()
_LAST_LINK_FILE = "99-default.link"
"""The system's own file for all cards: those behind it are never asked (systemd, network/99-default.link)."""

Fits = bool | None
"""Whether patterns fit a card, None where that is not known."""


def fits(patterns: CardPatterns, port: Port) -> Fits:
    """Return whether patterns fit an interface by what is known of it: its name, and what the topology states."""
    card = port.card or _NOTHING
    if _is_statement(patterns, card):
        return True
    named = not patterns.names or any(fnmatchcase(port.interface, glob) for glob in patterns.names)
    return _all(named, _fits_one(patterns.drivers, card.driver), _fits_one(patterns.paths, card.path))


def _is_statement(patterns: CardPatterns, card: StatedCard) -> bool:
    """Return whether the patterns are those by which the topology finds the card."""
    stated = (card.driver, card.path, card.name)
    found = (patterns.drivers, patterns.paths, patterns.names)
    return any(stated) and found == tuple((one,) if one is not None else () for one in stated)


def _fits_one(globs: Sequence[str], stated: str | None) -> Fits:
    if not globs or stated in globs:
        return True
    if stated is None or set(stated) & set("*?"):
        return None
    return any(fnmatchcase(stated, glob) for glob in globs)


def _all(*parts: Fits) -> Fits:
    if False in parts:
        return False
    return None if None in parts else True


def find_by_patterns(
    link: Link, patterns: CardPatterns, ports: Sequence[Port], certain: Mapping[str, Link]
) -> tuple[str | None, str]:
    """Return why a file without a name or hardware address is that of no card, None if it is of one, and the card's
    name. `certain` are the files that find a card by these, by its name."""
    verdicts = {port.interface: _fits_link(link, patterns, port) for port in ports}
    if any(port.mac is None and _is_statement(patterns, port.card or _NOTHING) for port in ports):
        # The topology's patterns fit one card of the machine, and no other of which they are not known to.
        verdicts = {name: verdict or False for name, verdict in verdicts.items()}
    for name, verdict in verdicts.items():
        own = certain.get(name)
        if verdict is not False and own is not None:
            if not _precedes(own, link):
                return f"it {_takes(verdict)} {name} before {own.origin.file} does", name
            verdicts[name] = False
    taken = [name for name, verdict in verdicts.items() if verdict]
    doubtful = [name for name, verdict in verdicts.items() if verdict is None]
    if len(taken) == 1 and not doubtful:
        return None, taken[0]
    if len(taken) > 1:
        return f"it takes {list_some(taken, _NAMED)}: one file is for one card", taken[0]
    if doubtful:
        return f"it may take {list_some(doubtful, _NAMED)}, of which the topology does not tell", doubtful[0]
    return "no card of the node is known to fit", ""


def _takes(verdict: Fits) -> str:
    return "takes" if verdict else "may take"


def _fits_link(link: Link, patterns: CardPatterns, port: Port) -> Fits:
    """Return whether a file fits an interface: a device only one of networkd's by its name, without Type=ether."""
    if port.kind is not None and (link.cards_only or link.manager != "networkd" or patterns.drivers or patterns.paths):
        return False
    return fits(patterns, port)


def _precedes(one: Link, other: Link) -> bool:
    if one.manager == "NetworkManager":
        return one.priority > other.priority
    return _basename(one.origin.file) < _basename(other.origin.file)


def _basename(file: str) -> str:
    return file.rpartition("/")[2]


def check_names(
    configuration: Configuration, ports: Iterable[Port], unknown: list[Unknown]
) -> Iterator[tuple[str, DeviceFault]]:
    """Yield the cards that are not called as in the topology, by their names there; adds to `unknown` what may be."""
    if not configuration.managed:
        return
    ordered = sorted(configuration.renames, key=lambda one: _basename(one.origin.file))
    used = [one for one in ordered if _basename(one.origin.file) < _LAST_LINK_FILE]
    cards = [port for port in ports if port.kind is None]
    first: dict[str, str] = {}
    for port in cards:
        rename, verdict = _first_rename(used, port, cards)
        if rename is None:
            if port.card is not None and port.card.renamed:
                yield port.interface, _misnamed(f"no file gives a card the name {port.interface}", None)
        elif verdict is None:
            reason = f"it may be for {port.interface}, of which the topology does not tell"
            unknown.append(Unknown(origin=rename.origin, text="", reason=reason))
        elif first.setdefault(rename.name, port.interface) != port.interface:
            reason = f"it is for {first[rename.name]} and {port.interface}, of which one gets the name {rename.name}"
            unknown.append(Unknown(origin=rename.origin, text="", reason=reason))
        elif rename.name != port.interface:
            yield port.interface, _misnamed(f"the file gives {port.interface} the name {rename.name}", rename)


def _misnamed(cause: str, rename: Rename | None) -> DeviceFault:
    return DeviceFault(outcome=Outcome.NO_DEVICE, cause=cause, origin=rename.origin if rename is not None else None)


def _first_rename(renames: Sequence[Rename], port: Port, cards: Sequence[Port]) -> tuple[Rename | None, Fits]:
    """Return the first file that fits a card, or may fit it."""
    for rename in renames:
        verdict = _is_for(rename, port)
        if verdict is None and any(_is_for(rename, other) and _states(rename, other) for other in cards):
            verdict = False
        if verdict is not False:
            return rename, verdict
    return None, False


def _is_for(rename: Rename, port: Port) -> Fits:
    """Return whether a file fits a card; names of before are not known, but those that the topology has."""
    mac = None if port.mac is None else rename.mac == port.mac
    patterns = rename.patterns
    others: Fits = True if patterns == CardPatterns() else None if patterns.names else fits(patterns, port)
    return _all(mac if rename.mac is not None else True, others)


def _states(rename: Rename, port: Port) -> bool:
    """Return whether the topology finds a card just as the file does."""
    return (rename.mac or "") == (port.mac or "") and (
        rename.patterns == CardPatterns() or _is_statement(rename.patterns, port.card or _NOTHING)
    )
