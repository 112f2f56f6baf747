"""Network cards that `match` finds: each pattern fits one card, and a card gets a name that nothing else gives."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.model import CardMatch, Interface, Node, Setting

_KERNEL_NAME = re.compile(r"(eth|wlan|wwan|usb|ib|sit|tunl)[0-9]+")


def match_finds_one_card(survey: Survey) -> Iterator[Violation]:
    """What `match` states of a card fits no other card of the node.

    A file of systemd-networkd configures every card that it fits, all with the same address; NetworkManager takes the
    one that comes up first. A card without `match`, or with its `mac`, is told apart, unless the other gets a name.

    Fails:

        nodes:
          lb2:
            os: rocky10
            default_route: {via: 10.17.3.1}
            interfaces:
              ens3: {match: {driver: virtio_net}, network: front, address: 10.17.3.13}
              ens4: {match: {driver: "virtio*"}, network: back, address: 10.17.4.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            default_route: {via: 10.17.3.1}
            interfaces:
              ens3: {match: {path: "pci-0000:01:00.*"}, network: front, address: 10.17.3.13}
              ens4: {match: {path: "pci-0000:02:00.*"}, network: back, address: 10.17.4.13}
    """
    for node, _, match in _found(survey):
        if match.patterns and all(set(pattern.value) <= {"*", "?"} for pattern in match.patterns):
            message = f"every card of {node.name} fits, those that the topology does not have as well; narrow it"
            yield error(match.patterns[0].cause, message, node=node.name)
    for node in survey.nodes:
        for one, other in _pairs([link for link in node.links if link.device is None]):
            card, taken = (one, other) if _takes(one, other) else (other, one)
            if card.match is not None and _takes(card, taken):
                message = (
                    f"what finds {card.name} of {node.name} fits the card {taken.name} too; "
                    "state mac, or a path that only one of them has"
                )
                yield error(card.match.cause, message, node=node.name, related=(taken.cause,))


def _pairs(cards: Sequence[Interface]) -> Iterator[tuple[Interface, Interface]]:
    """Pairs of cards of which one is found by patterns, in the topology's order."""
    found = [number for number, card in enumerate(cards) if _is_found_by_patterns(card)]
    numbers = {(min(one, other), max(one, other)) for one in found for other in range(len(cards)) if one != other}
    return ((cards[one], cards[other]) for one, other in sorted(numbers))


def _is_found_by_patterns(card: Interface) -> bool:
    return card.match is not None and bool(card.match.patterns) and card.mac is None


def _takes(card: Interface, other: Interface) -> bool:
    """Return whether a card's file comes to another card as well, by what the topology states of that."""
    match = card.match
    if match is None or not _is_found_by_patterns(card):
        return False
    if not match.renames and _has_certain_file(other):
        return False
    stated = other.match
    names = stated.name.value if stated is not None and stated.name is not None else other.name
    return (
        (match.name is None or _overlap(match.name.value, names))
        and (match.driver is None or _both(match.driver, stated.driver if stated is not None else None))
        and (match.path is None or _both(match.path, stated.path if stated is not None else None))
    )


def _has_certain_file(card: Interface) -> bool:
    """Return whether a card's file is one that comes before those that find theirs by patterns."""
    return card.match is None or card.mac is not None or card.match.renames


def _both(pattern: Setting[str], other: Setting[str] | None) -> bool:
    """Return whether a text fits both; of a card of which nothing is stated nothing is known."""
    return other is not None and _overlap(pattern.value, other.value)


@lru_cache(maxsize=4096)
def _overlap(one: str, other: str) -> bool:
    """Return whether a text fits both patterns."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] == "*":
        return _overlap(other, one)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and _overlap(one[1:], other[1:])


def matched_card_has_the_name(survey: Survey) -> Iterator[Violation]:
    """The interface's name is one that `match` has as `name`, unless the card is renamed.

    Rules, kernel parameters and devices on the card have its name.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces: {lan: {match: {name: "en*"}, network: front, address: 10.17.3.13}}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces: {ens3: {match: {name: "en*"}, network: front, address: 10.17.3.13}}
    """
    for node, card, match in _found(survey):
        pattern = match.name
        if pattern is not None and not match.renames and not fnmatchcase(card.name, pattern.value):
            message = f"{card.name} of {node.name} is not called like {pattern.value}; give it such a name"
            yield error(pattern.cause, message, node=node.name)


def new_name_is_free(survey: Survey) -> Iterator[Violation]:
    """A card that is renamed gets no name that the kernel gives, and is not found by its name.

    The kernel may call another card eth0 before udev gives the name away (systemd.link). What a card is called before
    is a matter of the order in which the machine finds its cards.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces: {eth0: {match: {driver: virtio_net}, rename: true, network: front, address: 10.17.3.13}}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces: {lan0: {match: {driver: virtio_net}, rename: true, network: front, address: 10.17.3.13}}
    """
    for node, card, match in _found(survey):
        if match.rename is None or not match.renames:
            continue
        if _KERNEL_NAME.fullmatch(card.name):
            message = f"the kernel may call another card of {node.name} {card.name}; choose a name such as lan0"
            yield error(match.rename.cause, message, node=node.name)
        if match.name is not None:
            message = f"{card.name} of {node.name} is renamed, so its name can't find it; state mac, driver or path"
            yield error(match.name.cause, message, node=node.name)


def match_is_written(survey: Survey) -> Iterator[Violation]:
    """`match` and `rename` are for nodes whose files can have them.

    ifcfg files find a card by its name or MAC; the systemd of Enterprise Linux 8 renames none by its permanent MAC. Who
    configures an unmanaged device finds its cards.

    Fails:

        nodes:
          lb2:
            os: rocky8
            interfaces: {eth0: {match: {driver: virtio_net}, network: front, address: 10.17.3.13}}

    Passes:

        nodes:
          lb2:
            os: rocky8
            network_config: keyfile
            interfaces: {eth0: {match: {driver: virtio_net}, network: front, address: 10.17.3.13}}
    """
    for node, card, match in _found(survey):
        reason = _unwritten(node, match)
        if reason is not None:
            yield error(match.cause, f"{reason} ({card.name} of {node.name})", node=node.name, on_key=True)


def _unwritten(node: Node, match: CardMatch) -> str | None:
    formats = node.system.network_configs
    chosen = node.network_config.value if node.network_config is not None else next(iter(formats), None)
    if not node.is_managed:
        return "netwright writes no files for an unmanaged node; set mac, or nothing"
    if not match.patterns and not match.renames:
        return None
    if node.dropins_only is not None and node.dropins_only.value:
        return "with dropins_only others write what finds the card; remove match"
    if match.renames and not node.system.renames_cards:
        return f"the systemd of {node.system.name} is too old to rename a card safely; remove rename"
    if chosen == "ifcfg" and chosen in formats:
        return "ifcfg files find a card by its name or MAC only; set network_config: keyfile"
    return None


def _found(survey: Survey) -> Iterator[tuple[Node, Interface, CardMatch]]:
    """Yield each card with `match`, with its node."""
    for node in survey.nodes:
        for link in node.links:
            if link.match is not None:
                yield node, link, link.match


RULES = (match_finds_one_card, matched_card_has_the_name, new_name_is_free, match_is_written)
