"""ICMP redirects: a router that sends a packet out by the interface by which it came tells its sender of the next hop.

It does so before its forward chains see the packet (ip_forward.c), so that what they drop may arrive the next time.
"""

from netwright.verify.network_model.fib import LOOPBACK, Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.trace import Offer, Way
from netwright.verify.values.addresses import network_of
from netwright.verify.values.facts import Origin
from netwright.verify.values.packets import Packet


def note_redirect(
    router: Machine,
    incoming: tuple[str, tuple[Machine, str] | None],
    packets: tuple[Packet, Packet],
    hop: Hop,
    way: Way,
) -> None:
    """Notes what a router tells the neighbour that sent it a packet; `incoming` is the interface, and the port that
    sent it there, `packets` are the packet as it came and as it is routed.

    Only a sender that is a neighbour by the router's routes is told (route.c, __mkroute_input), and of what the router
    itself translates none is (nf_nat_proto.c, nf_nat_icmp_reply_translation). What a machine passes on, or sends with
    the address of another interface, goes by the hop that it was told of for its own: one route has one exception for
    all (route.c, find_exception).
    """
    interface, sent_by = incoming
    came, packet = packets
    if sent_by is None or came.destination != packet.destination:
        return
    sender = sent_by[0]
    senders = (packet.source if sender.owns(packet.source) else None, _own_address(router, sent_by, packet))
    if any(one is not None and _is_near(router, interface, one, packet) for one in senders):
        told = Hop(
            kind="unicast",
            interface=sent_by[1],
            gateway=hop.gateway or packet.destination,
            prefix=network_of(packet.destination, 32),
            metric=0,
            origin=Origin(file=f"a redirect of {router.name}", line=0),
        )
        way.offers.append(Offer(router=router, sender=sender, hop=told, packet=came))


def _is_near(router: Machine, interface: str, sender: int, packet: Packet) -> bool:
    """Return whether a sender with that address is a neighbour of the router there."""
    back = router.fib.find(sender, packet.destination, LOOPBACK)
    return back is not None and any(one.gateway is None and one.interface == interface for one in back.every)


def _own_address(router: Machine, sent_by: tuple[Machine, str], packet: Packet) -> int | None:
    """The address with which the machine that sent a packet here would send one of its own; None if that would go
    another way."""
    sender, port = sent_by
    hop = sender.fib.find(packet.destination, 0, LOOPBACK)
    ways = () if hop is None or hop.kind != "unicast" else hop.every
    near = (one for one in ways if one.interface == port and (one.gateway is None or router.owns(one.gateway)))
    hop = next(near, None)
    if hop is None:
        return None
    return hop.source if hop.source is not None else sender.address_for(port, hop.gateway or packet.destination)


def is_obeyed(offer: Offer) -> bool:
    """Return whether the sender takes the router's redirect (inetdevice.h, IN_DEV_RX_REDIRECTS)."""
    interface, parameters = offer.hop.interface or "", offer.sender.parameters
    if parameters.value(interface, "forwarding"):
        return bool(parameters.values["all"]["accept_redirects"] and parameters.value(interface, "accept_redirects"))
    return parameters.either(interface, "accept_redirects")
