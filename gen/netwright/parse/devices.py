"""The device that an interface is: what its key `vlan`, `bond`, `bridge`, `dummy` or `wireguard` sets."""

from collections.abc import Mapping
from typing import Any

from netwright.model import DEFAULT_WIREGUARD_PORT, Bond, Bridge, BridgePort, Device, Dummy, Setting, Vlan, Wireguard
from netwright.parse.layers import Layer, Layers, plain
from netwright.text.source import TopologyPath

_KINDS = ("vlan", "bond", "bridge", "dummy", "wireguard")


def parse_device(settings: Mapping[str, Any], path: TopologyPath, networks: Layers) -> Device | None:
    """Return the device of an interface, None for a network card; `networks` are the interface's."""
    kind = next((kind for kind in _KINDS if kind in settings), None)
    if kind is None:
        return None
    own = Layers((Layer((*path, kind), settings[kind]),))
    match kind:
        case "vlan":
            return _vlan(settings["vlan"], (*path, "vlan"), own, networks)
        case "bond":
            return _bond(settings["bond"], (*path, "bond"), own)
        case "bridge":
            return _bridge(settings["bridge"], (*path, "bridge"), own)
        case "wireguard":
            return _wireguard(settings["wireguard"], (*path, "wireguard"), own, networks.below("wireguard"))
        case _:
            return Dummy()


def _vlan(settings: Mapping[str, Any], path: TopologyPath, own: Layers, networks: Layers) -> Vlan:
    tag = own.strongest("id", plain) or networks.strongest("vlan", plain)
    return Vlan(parent=Setting(value=settings["on"], cause=(*path, "on")), tag=tag)


def _bond(settings: Mapping[str, Any], path: TopologyPath, own: Layers) -> Bond:
    return Bond(
        members=_members(settings, path),
        mode=own.strongest("mode", plain),
        lacp_rate=own.strongest("lacp_rate", plain),
        transmit_hash=own.strongest("hash", plain),
        primary=own.strongest("primary", plain),
        min_links=own.strongest("min_links", plain),
        miimon=own.strongest("miimon", plain),
        up_delay=own.strongest("up_delay", plain),
        down_delay=own.strongest("down_delay", plain),
    )


def _bridge(settings: Mapping[str, Any], path: TopologyPath, own: Layers) -> Bridge:
    return Bridge(
        members=_members(settings, path),
        stp=settings.get("stp", False),
        priority=own.strongest("priority", plain),
        forward_delay=own.strongest("forward_delay", plain),
        vlan_filtering=settings.get("vlan_filtering", False),
        untagged=own.strongest("untagged", plain),
        ports=tuple(
            BridgePort(
                name=Setting(value=name, cause=(*path, "ports", name)),
                untagged=Layers((Layer((*path, "ports", name), port),)).strongest("untagged", plain),
                tagged=tuple(
                    Setting(value=tag, cause=(*path, "ports", name, "tagged", number))
                    for number, tag in enumerate(port.get("tagged", ()))
                ),
            )
            for name, port in settings.get("ports", {}).items()
        ),
    )


def _wireguard(settings: Mapping[str, Any], path: TopologyPath, own: Layers, network: Layers) -> Wireguard:
    """Return the end of a tunnel; what its `network` sets holds where the interface sets nothing."""
    file = f"/etc/wireguard/{path[-2]}.key"
    return Wireguard(
        public_key=Setting(value=settings["public_key"], cause=(*path, "public_key")),
        private_key_file=own.strongest("private_key_file", plain) or Setting(value=file, cause=path),
        port=own.strongest("port", plain)
        or network.strongest("port", plain)
        or Setting(value=DEFAULT_WIREGUARD_PORT, cause=path),
        endpoint=own.strongest("endpoint", plain),
        keepalive=own.strongest("keepalive", plain) or network.strongest("keepalive", plain),
    )


def _members(settings: Mapping[str, Any], path: TopologyPath) -> tuple[Setting[str], ...]:
    return tuple(
        Setting(value=name, cause=(*path, "members", number)) for number, name in enumerate(settings.get("members", ()))
    )
