"""A packet on a wire."""

from msgspec import Struct

from netwright.verify.network_model.machine import Machine
from netwright.verify.values.packets import Packet

Port = tuple[Machine, str]


class Frame(Struct, frozen=True, kw_only=True):
    """A packet on its way into a machine by an interface.

    `sent_by` is the port of the segment that sent it, None if it did not come by a segment. `bound_for` is set where
    the machine is only the segment's bridge: the port whose hardware address the packet carries.
    """

    packet: Packet
    machine: Machine
    interface: str
    sent_by: Port | None = None
    bound_for: Port | None = None
