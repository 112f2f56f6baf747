"""ICMP redirects: a router that sends a packet out by the interface by which it came tells its sender of the next hop.

It does so before its forward chains see the packet (ip_forward.c), so that what they drop may arrive the next time.
"""

from gen.verify.addresses import network_of
from gen.verify.facts import Origin
from gen.verify.fib import LOOPBACK, Hop
from gen.verify.machine import Machine
from gen.verify.packets import Packet
from gen.verify.trace import Offer, Way


def note_redirect(
    router: Machine, incoming: tuple[str, tuple[Machine, str] | None], packet: Packet, hop: Hop, way: Way
) -> None:
    """Notes what a router tells a packet's sender; `incoming` is the interface, and the port that sent it there.

    Only a sender that is a neighbour by the router's routes is told (route.c, __mkroute_input).
    """
    interface, sent_by = incoming
    back = router.fib.find(packet.source, packet.destination, LOOPBACK)
    near = back is not None and back.gateway is None and back.interface == interface
    if near and sent_by is not None and sent_by[0].owns(packet.source):
        told = Hop(
            kind="unicast",
            interface=sent_by[1],
            gateway=hop.gateway or packet.destination,
            prefix=network_of(packet.destination, 32),
            metric=0,
            origin=Origin(file=f"a redirect of {router.name}", line=0),
        )
        way.offers.append(Offer(router=router, sender=sent_by[0], hop=told))


def is_obeyed(offer: Offer) -> bool:
    """Whether the sender takes the router's redirect (inetdevice.h, IN_DEV_RX_REDIRECTS)."""
    interface, parameters = offer.hop.interface or "", offer.sender.parameters
    if parameters.value(interface, "forwarding"):
        return bool(parameters.values["all"]["accept_redirects"] and parameters.value(interface, "accept_redirects"))
    return parameters.either(interface, "accept_redirects")
