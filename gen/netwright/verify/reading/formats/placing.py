"""Facts of files that differ in a few values alone: read once, and given the file and the values of each."""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.facts import (
    Address,
    Controller,
    Device,
    Lease,
    Link,
    Mtu,
    Origin,
    Peer,
    PolicyRule,
    PortVlans,
    Reading,
    Route,
    Stated,
)

_Fact = TypeVar("_Fact", Route, PolicyRule, Mtu, Controller, Lease, PortVlans, Stated[str])


class Placing(Struct, frozen=True):
    """The file in which facts are that were read from another one like it."""

    file: str

    def place(self, origin: Origin) -> Origin:
        """Return the same line of this file."""
        return Origin(file=self.file, line=origin.line)

    def link(self, shared: Link, addresses: Sequence[tuple[AddressNumber, int]], uuid: str | None) -> Link:
        """Return a link with these addresses, each with the length of its network, and this UUID of its profile."""
        return replace(
            shared,
            origin=self.place(shared.origin),
            uuid=uuid,
            addresses=tuple(
                Address(ip=ip, length=length, origin=self.place(one.origin))
                for one, (ip, length) in zip(shared.addresses, addresses, strict=True)
            ),
            routes=self._all(shared.routes),
            rules=self._all(shared.rules),
            vlans=self._all(shared.vlans),
            mtu=self._one(shared.mtu),
            controller=self._one(shared.controller),
            lease=self._one(shared.lease),
            port_vlans=self._one(shared.port_vlans),
            down=self._one(shared.down),
        )

    def device(self, shared: Device) -> Device:
        """Return a device."""
        tag, mode, least = shared.tag, shared.mode, shared.min_links
        filters, pvid = shared.filtering, shared.default_pvid
        return Device(
            manager=shared.manager,
            name=shared.name,
            kind=shared.kind,
            origin=self.place(shared.origin),
            tag=tag and Stated(value=tag.value, origin=self.place(tag.origin)),
            parent=self._one(shared.parent),
            mac=self._one(shared.mac),
            mode=mode and Stated(value=mode.value, origin=self.place(mode.origin)),
            min_links=least and Stated(value=least.value, origin=self.place(least.origin)),
            key_file=self._one(shared.key_file),
            port=shared.port and Stated(value=shared.port.value, origin=self.place(shared.port.origin)),
            peers=tuple(map(self.peer, shared.peers)),
            filtering=filters and Stated(value=filters.value, origin=self.place(filters.origin)),
            default_pvid=pvid and Stated(value=pvid.value, origin=self.place(pvid.origin)),
        )

    def peer(self, shared: Peer) -> Peer:
        """Return a peer of a WireGuard tunnel."""
        seconds = shared.keepalive
        return Peer(
            origin=self.place(shared.origin),
            key=self._one(shared.key),
            allowed=tuple(Stated(value=one.value, origin=self.place(one.origin)) for one in shared.allowed),
            endpoint=self._one(shared.endpoint),
            keepalive=seconds and Stated(value=seconds.value, origin=self.place(seconds.origin)),
        )

    def _all(self, facts: tuple[_Fact, ...]) -> tuple[_Fact, ...]:
        return tuple(replace(one, origin=self.place(one.origin)) for one in facts) if facts else ()

    def _one(self, fact: _Fact | None) -> _Fact | None:
        return replace(fact, origin=self.place(fact.origin)) if fact is not None else None

    def reading(
        self, shared: Reading, addresses: Sequence[tuple[AddressNumber, int]] = (), uuid: str | None = None
    ) -> Reading:
        """Return a file's links and devices; only what is wholly known is shared."""
        return Reading(
            links=[self.link(link, addresses, uuid) for link in shared.links],
            devices=[self.device(device) for device in shared.devices],
        )
