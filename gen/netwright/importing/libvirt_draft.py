"""libvirt's networks -> those of a draft, and the host that routes them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from netaddr import IPAddress

from netwright.importing.drafting import HOST, Drafting, Entry, Inline
from netwright.importing.libvirt import LibvirtDefinition, LibvirtRoute
from netwright.text.natural import natural_key
from netwright.text.report import printable

_LIBVIRT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,49}", re.ASCII)


def draft_host(drafting: Drafting, definitions: Sequence[LibvirtDefinition]) -> dict[str, Any]:
    """The KVM host with a bridge for each network that can be drafted; empty if there is none."""
    interfaces: dict[str, Inline] = {}
    drafted = []
    for definition in sorted(definitions, key=lambda definition: natural_key(definition.name)):
        own = _add_libvirt(drafting, definition, interfaces)
        if own:
            interfaces[definition.bridge] = _attachment(own)
            drafted.append(definition)
    if not drafted:
        return {}
    host: dict[str, Any] = {"os": "rocky9", "network_config": "keyfile", "forward": True, "interfaces": interfaces}
    routes = [Inline(_route(route)) for one in drafted for route in one.routes if _is_drafted(drafting, route)]
    return host | ({"routes": routes} if routes else {})


def _add_libvirt(drafting: Drafting, definition: LibvirtDefinition, bridges: Mapping[str, object]) -> dict[str, str]:
    """Draft the networks of one of libvirt's; return the host's address on each by name, none if it can't be had."""
    shown = printable(definition.name)
    if definition.bridge in bridges:
        drafting.left_out.append(f"network {shown}: another one has the bridge {definition.bridge}")
        return {}
    taken = [name for _, network in definition.addresses if (name := drafting.overlapping(network))]
    if taken:
        drafting.left_out.append(f"network {shown}: it has addresses of {taken[0]}")
        return {}
    own: dict[str, str] = {}
    first = drafting.name(definition.name)
    for number, (ip, network) in enumerate(definition.addresses):
        if any(network.first <= one.last and one.first <= network.last for _, one in definition.addresses[:number]):
            drafting.left_out.append(f"network {shown}: {ip}, another address in the same network")
            continue
        name = first if number == 0 else drafting.name(f"{first}-{number + 1}")
        value = Inline({"cidr": str(network), "router": HOST})
        if len(definition.addresses) > 1:
            value["segment"] = first
        if definition.mtu is not None:
            value["mtu"] = definition.mtu
        if number == 0:
            value["libvirt"] = _libvirt(drafting, definition, name)
        drafting.networks[name], drafting.prefixes[name] = Entry(value), network
        own[name] = drafting.routers[name] = str(ip)
    drafting.kept |= definition.served.kept
    if definition.left_out:
        drafting.networks[first].comments += (
            "libvirt has more, for which a topology has no key:",
            *definition.left_out,
        )
        drafting.left_out.append(f"network {shown}: {_kinds(definition.left_out)}, in comments")
    return own


def _libvirt(drafting: Drafting, definition: LibvirtDefinition, name: str) -> Inline:
    value = Inline({"bridge": definition.bridge, "forward": definition.forward})
    if definition.name != name and _LIBVIRT_NAME.fullmatch(definition.name):
        value["name"] = definition.name
    elif definition.name != name:
        drafting.left_out.append(f"network {printable(definition.name)}: its name, for which it is {name} here")
    served = definition.served
    if definition.dns:
        value["dns"] = True
        if served.names:
            value["dns_hosts"] = Inline({host: str(ip) for host, ip in served.names.items()})
    if served.domain is not None:
        value["domain"] = served.domain
    if served.leases:
        ends = _free_range(drafting, definition)
        value["dhcp"] = Inline({"range": [str(ip) for ip in ends]} if ends else {})
    return value


def _free_range(drafting: Drafting, definition: LibvirtDefinition) -> tuple[IPAddress, ...]:
    """The first and the last address of the range that libvirt leases; none if machines of the draft have some of them
    that are not kept for them."""
    own, network = definition.addresses[0]
    ends = definition.served.range
    if ends is None:
        return ()
    first, last = ends
    used = [ip for ip in (*drafting.used, own) if first <= ip <= last and ip not in definition.served.kept]
    if used or not network.first < int(first) <= int(last) < network.last:
        why = f"{used[0]} in it belongs to a machine" if used else f"it is not among the addresses of {network}"
        drafting.left_out.append(f"the range of leases {first} to {last}: {why}")
        return ()
    return ends


def note_kept(drafting: Drafting) -> None:
    """Note the addresses that libvirt keeps for machines of which the cluster knows nothing."""
    by_network: dict[str, list[str]] = {}
    for ip, mac in drafting.kept.items():
        network = drafting.network_of(ip)
        if network is not None:
            by_network.setdefault(network, []).append(f"{ip} for {mac}")
    for network, kept in by_network.items():
        drafting.networks[network].comments += ("libvirt keeps, for machines that are not drafted:", *kept)
        drafting.left_out.append(f"network {network}: addresses that are kept for other machines, in comments")


def _kinds(elements: Iterable[str]) -> str:
    """The names of XML elements, each once; IPv6 by its name."""
    kinds = ("IPv6" if 'family="ipv6"' in one else re.split(r"[\s/>]", one[1:], maxsplit=1)[0] for one in elements)
    return ", ".join(dict.fromkeys(kinds))


def _is_drafted(drafting: Drafting, route: LibvirtRoute) -> bool:
    """Return whether the draft can have the route: by a neighbour, to what is elsewhere."""
    name = drafting.network_of(route.via)
    possible = name is not None and drafting.overlapping(route.to) is None
    if not possible:
        reason = "its next hop is on no network" if name is None else "the host is connected to that network"
        drafting.left_out.append(f"the route to {route.to} by {route.via}: {reason}")
    return possible


def _route(route: LibvirtRoute) -> Iterator[tuple[str, Any]]:
    yield "to", str(route.to)
    yield "via", str(route.via)
    if route.metric is not None:
        yield "metric", route.metric


def _attachment(own: dict[str, str]) -> Inline:
    if len(own) == 1:
        ((network, address),) = own.items()
        return Inline({"network": network, "address": address})
    return Inline({"networks": Inline(own)})
