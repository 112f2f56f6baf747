"""Files of links of which it is not known what they do where a machine has bonds, bridges or VLANs."""

from collections.abc import Iterator, Sequence

from netwright.verify.values.facts import Kind, Link, Unknown
from netwright.verify.values.wiring import AssignedLink


def doubtful_links(links: Sequence[tuple[str, Link]], stated: Sequence[AssignedLink], system: str) -> Iterator[Unknown]:
    """Yield the files with the reason; `links` are the files' by their interfaces' names, `stated` the topology's."""
    kinds = {link.name: link.kind for link in stated}
    carrying = {lower for link in stated for lower in link.below}
    for name, link in links:
        found = (
            _doubt_of_member(name, link, system) if link.controller is not None else None,
            _doubt_of_match(name, link, kinds.get(name), carries=name in carrying or bool(link.vlans)),
        )
        for reason in filter(None, found):
            yield Unknown(origin=link.origin, text="", reason=reason)


def _doubt_of_member(name: str, link: Link, system: str) -> str | None:
    controller = link.controller
    if controller is None:
        return None
    if link.addresses or link.routes or link.rules or link.lease is not None:
        return f"{name} is a member of {controller.name}, which is to have the addresses and routes; it has some itself"
    if link.current and controller.kind is Kind.BOND:
        # A bond gives its hardware address to members (bonding.rst), and networkd chooses files by the present one.
        return f"MACAddress= does not find {name} once it is a member of {controller.name}; PermanentMACAddress= does"
    if controller.recent and system.endswith(("8", "9")):
        return f"NetworkManager knows controller= and port-type= since 1.46, which not every {system} has"
    return None


def _doubt_of_match(name: str, link: Link, kind: Kind | None, *, carries: bool) -> str | None:
    if link.loose and (carries or link.controller is not None):
        return f"MACAddress= without Type=ether also takes what is on {name}, which may have the same address"
    if link.cards_only and kind is not None:
        return f"the file takes network cards alone, and {name} is a {kind}"
    return None
