"""Findings where the reverse path filter makes a way impossible: both ways, and what to write."""

import pytest

from netwright.verify.forwarding.conversation import converse, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ICMP
from tests.verify.kernel.world import Route, World, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, client, router, server

FAR = "10.9.0.7"
AWAY = Route(to="10.9.0.0/24", dev="n0")
SERVER = server(cards={"e0": ("s2", ("10.2.0.10/24", f"{FAR}/32"))}, sysctls=("net.ipv4.conf.e0.arp_announce = 2",))
THE_SOURCE = "is the way back to the source"


@pytest.mark.parametrize(
    ("filtering", "route", "cause", "cure"),
    [
        (1, AWAY, f"rp_filter=1: it comes by n1, and n0 {THE_SOURCE}", "set rp_filter: loose, or a route there by n1"),
        (
            1,
            Route(to="10.9.0.0/24", via="10.1.0.10", dev="n0"),
            f"rp_filter=1: it comes by n1, and n0 via 10.1.0.10 {THE_SOURCE}",
            "set rp_filter: loose, or a route there by n1",
        ),
        (1, None, f"rp_filter=1: it comes by n1, and no route {THE_SOURCE}", "set a route there by n1"),
        (2, None, f"rp_filter=2: it comes by n1, and no route {THE_SOURCE}", "set a route there by n1"),
        (
            2,
            Route(to="10.9.0.0/24", kind="blackhole"),
            f"rp_filter=2: it comes by n1, and no route {THE_SOURCE}",
            "set a route there by n1",
        ),
    ],
    ids=["another-card", "another-next-hop", "no-route", "loose", "blackhole"],
)
def test_both_ways_are_named(filtering: int, route: Route | None, cause: str, cure: str) -> None:
    box = router(f"n1.rp_filter = {filtering}", routes=(route,) if route else ())
    network = model_of(World(boxes=(client(), box, SERVER), pairs=((FAR, CLIENT),)))
    place = network.place_of(ip_number(FAR))
    assert place is not None

    packet = first_packet(ICMP, ip_number(FAR), ip_number(CLIENT), 0)
    end = converse(Walker(network, Memory()), packet, place, nat_allowed=True).end

    assert (end.outcome, end.cause, end.cure) == (Outcome.RPF_DROP, cause, cure)
