"""Interfaces of a node, with the settings of their networks merged in."""

from collections.abc import Mapping
from typing import Any

from netwright.model import Attachment, CardMatch, Interface, Setting, SysctlSetting
from netwright.parse.devices import parse_device
from netwright.parse.layers import Layer, Layers, plain
from netwright.parse.values import Values, one_or_more, read_ip
from netwright.text.source import TopologyPath

CONF = ("net", "ipv4", "conf")


def parse_interface(
    name: str,
    settings: Mapping[str, Any],
    path: TopologyPath,
    *,
    networks: Mapping[str, Mapping[str, Any]],
    node_layers: Layers,
    values: Values,
) -> Interface:
    """An interface; a key it does not set is taken from its first network, then (proxy_arp only) from its node."""
    attachments = tuple(_attachments(settings, path))
    if "network" in settings and not attachments and not settings.get("dhcp"):
        message = '"address" is missing; it is an IPv4 address, or a list of them; or set dhcp: true'
        values.error(path, "interface_has_an_address", message)
    own = Layers((Layer(path, settings),))
    around = tuple(
        Layer(("networks", network), networks[network])
        for network in dict.fromkeys(attachment.network for attachment in reversed(attachments))
        if network in networks
    )
    layers = Layers((*around, *own.layers))
    found_by = own.below("match")
    return Interface(
        name=name,
        attachments=attachments,
        mac=(found_by if "match" in settings else own).strongest("mac", lambda mac, _path: str(mac).lower()),
        mtu=layers.strongest("mtu", plain),
        rp_filter=layers.strongest("rp_filter", plain),
        proxy_arp=layers.strongest("proxy_arp", plain) or node_layers.strongest("proxy_arp", plain),
        arp_ignore=own.strongest("arp_ignore", plain),
        arp_announce=own.strongest("arp_announce", plain),
        dns=own.strongest("dns", lambda ips, _path: tuple(map(read_ip, ips))),
        sysctls=tuple(
            SysctlSetting(key=(*CONF, name, key), value=str(value), cause=(*path, "sysctl", key))
            for key, value in settings.get("sysctl", {}).items()
        ),
        cause=path,
        match=_match(own, found_by, path) if "match" in settings else None,
        optional=settings.get("optional", False),
        device=parse_device(settings, path, Layers(around)),
        dhcp=Setting(value=settings["network"], cause=(*path, "dhcp")) if settings.get("dhcp") else None,
    )


def _match(own: Layers, found_by: Layers, path: TopologyPath) -> CardMatch:
    return CardMatch(
        driver=found_by.strongest("driver", plain),
        path=found_by.strongest("path", plain),
        name=found_by.strongest("name", plain),
        rename=own.strongest("rename", plain),
        cause=(*path, "match"),
    )


def _attachments(settings: Mapping[str, Any], path: TopologyPath) -> list[Attachment]:
    if "address" in settings:
        by_network = {settings["network"]: (settings["address"], (*path, "address"))}
    else:
        by_network = {
            network: (addresses, (*path, "networks", network))
            for network, addresses in settings.get("networks", {}).items()
        }
    return [
        Attachment(
            network=network,
            ip=read_ip(ip),
            cause=(*place, number) if isinstance(addresses, list) else place,
        )
        for network, (addresses, place) in by_network.items()
        for number, ip in enumerate(one_or_more(addresses))
    ]
