"""A machine's files -> its cards: which file configures which, and which may not."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence

from netwright.verify.network_model.card_patterns import find_by_patterns, fits
from netwright.verify.network_model.fib import LOOPBACK
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.facts import CardPatterns, Kind, Link, Unknown
from netwright.verify.values.wiring import Port


def named_links(
    configuration: Configuration, ports: Sequence[Port], unknown: list[Unknown]
) -> Iterator[tuple[str, Link]]:
    """The links with the names of the interfaces that they configure; adds to `unknown` those that configure none. Of a
    file that names no card at all its reader has reported that."""
    by_mac: dict[str, list[Port]] = defaultdict(list)
    for port in ports:
        by_mac[(port.mac or "").lower()].append(port)
    cards = {LOOPBACK, *(port.interface for port in ports)}
    exact = [one for one in configuration.links if one.name is not None or one.mac is not None]
    found = {id(link): _find_card(link, by_mac, cards) for link in exact}
    certain = {found[id(link)][1]: link for link in exact if found[id(link)][0] is None}
    for link in configuration.links:
        if link.patterns is None and id(link) not in found:
            continue
        if link.patterns is None:
            fault, name = found[id(link)]
        elif id(link) in found:
            fault, name = _also_fits(link.patterns, *found[id(link)], ports)
        else:
            fault, name = find_by_patterns(link, link.patterns, ports, certain)
        fault = fault or _left_alone(configuration, link, name)
        if fault is None:
            yield name, link
        else:
            unknown.append(Unknown(origin=link.origin, text="", reason=fault))


def _also_fits(patterns: CardPatterns, fault: str | None, name: str, ports: Sequence[Port]) -> tuple[str | None, str]:
    """The reason why a file is not that of the card that it names, whose driver or place it names as well."""
    port = next((one for one in ports if one.interface == name), None)
    if fault is not None or port is None:
        return fault, name
    verdict = fits(patterns, port)
    if verdict:
        return None, name
    known = "the topology has another" if verdict is False else "nothing is known of it"
    return f"it is for {name} with a driver, place or name of which {known}", name


def _find_card(link: Link, by_mac: Mapping[str, Sequence[Port]], cards: Container[str]) -> tuple[str | None, str]:
    """The reason why the link is that of no card, None if it is of one, and the card's name."""
    known = by_mac.get(link.mac, ()) if link.mac else ()
    owners = [port.interface for port in known] if link.mac else [link.name or ""]
    # A VLAN has the address of the card below it, and so has a bond or a bridge.
    cards_among = [port.interface for port in known if port.kind is None] or owners
    name = min(cards_among, key=lambda owner: owner.count("."), default="")
    if not owners or (link.name is not None and name != link.name):
        return f"no card of the node has the hardware address {link.mac}", name
    others = [card for card in owners if card != name] if link.loose else []
    if others:
        return f"MACAddress= without Type=ether also takes {', '.join(others)}, which has the same address", name
    if name not in cards:
        return f"the node has no card {name}", name
    if name == LOOPBACK and any(address.length < 32 for address in link.addresses):
        return "every address of a network on lo is the node's", name
    return None, name


def _left_alone(configuration: Configuration, link: Link, name: str) -> str | None:
    """The reason why NetworkManager does not touch the card, None if it does."""
    if link.manager != "NetworkManager":
        return None
    for setting in configuration.unmanaged:
        taken = setting.takes(name, link.mac, link.kind)
        if taken is not False:
            kept = "keeps" if taken else "may keep"
            return f"{setting.origin} {kept} NetworkManager away from {name}"
    return None


def plugin_interfaces_taken(configuration: Configuration) -> Iterator[Unknown]:
    """Yield what has NetworkManager take flannel's interfaces, where its files say at all what it is to leave alone: of
    several lists the last counts, unless it adds to those before (`unmanaged-devices+`)."""
    settings = configuration.unmanaged
    taken = [
        name for name in _PLUGIN_INTERFACES if all(one.takes(name, None, Kind.BRIDGE) is False for one in settings)
    ]
    if settings and taken:
        reason = f"NetworkManager may take {' and '.join(taken)} from the network plugin; add to the list by +="
        yield Unknown(origin=settings[0].origin, text="unmanaged-devices", reason=reason)


_PLUGIN_INTERFACES = ("cni0", "flannel.1")


def rivals(links: Sequence[tuple[str, Link]]) -> Iterator[Unknown]:
    """Files of which one finds by hardware address or patterns the card that another finds by other means."""
    first: dict[str, Link] = {}
    for name, link in links:
        other = first.setdefault(name, link)
        ways = [(one.mac is None, one.patterns) for one in (other, link)]
        if other is not link and ways[0] != ways[1]:
            reason = f"{other.origin.file} configures {name} too: one finds it by its name, one by hardware address"
            if link.patterns is not None or other.patterns is not None:
                reason = f"{other.origin.file} configures {name} too: they find it by different patterns"
            yield Unknown(origin=link.origin, text="", reason=reason)


def image_rivals(links: Sequence[tuple[str, Link]], system: str) -> Iterator[Unknown]:
    """Profiles that do not come before what the images of Enterprise Linux 8 and 9 have for their first card."""
    for name, link in links if system.endswith(("8", "9")) else ():
        replaced = link.origin.file.endswith(_IMAGE_PROFILE)
        if link.manager == "NetworkManager" and name == "eth0" and link.priority <= 0 and not replaced:
            reason = f"the image's own {_IMAGE_PROFILE} (DHCP) may win: state an autoconnect-priority above its 0"
            yield Unknown(origin=link.origin, text="", reason=reason)


_IMAGE_PROFILE = "/etc/sysconfig/network-scripts/ifcfg-eth0"
