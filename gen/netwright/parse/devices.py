"""The device that an interface is: what its key `vlan`, `bond`, `bridge` or `dummy` sets."""

from collections.abc import Mapping
from typing import Any

from netwright.model import Bond, Bridge, Device, Dummy, Setting, Vlan
from netwright.parse.layers import Layer, Layers, plain
from netwright.text.source import TopologyPath

_KINDS = ("vlan", "bond", "bridge", "dummy")


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
            return Bridge(
                members=_members(settings["bridge"], (*path, "bridge")),
                stp=settings["bridge"].get("stp", False),
                priority=own.strongest("priority", plain),
                forward_delay=own.strongest("forward_delay", plain),
            )
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


def _members(settings: Mapping[str, Any], path: TopologyPath) -> tuple[Setting[str], ...]:
    return tuple(
        Setting(value=name, cause=(*path, "members", number)) for number, name in enumerate(settings.get("members", ()))
    )
