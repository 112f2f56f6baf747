"""Redirects: in the kernel the second packet goes round the filter that drops the first one, and in the model too."""

import os
import socket

import pytest
from msgspec import Struct
from msgspec.structs import replace

from netwright.lab.namespaces import Namespaces
from netwright.verify.proof.proof import verify_network
from netwright.verify.values.wiring import Backend, Flow, Traffic
from tests.verify.kernel.lab import build
from tests.verify.kernel.world import Box, Route, World, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, FORWARD, SERVER, SHARED_ROUTER, SHARED_SERVER, client, nft

DROP = nft([f"{FORWARD} policy drop;", "ct state established,related accept"])
NAT = nft(["type nat hook prerouting priority dstnat;", "ip daddr 10.1.0.1 dnat ip to 10.2.0.10"], name="nat")
OBEYED = ("net.ipv4.conf.all.accept_redirects = 1", "net.ipv4.conf.e0.accept_redirects = 1")
REFUSED = tuple(line.replace("= 1", "= 0") for line in OBEYED)
SENT = ("net.ipv4.conf.all.send_redirects = 1", "net.ipv4.conf.n0.send_redirects = 1")
SILENT = tuple(line.replace("= 1", "= 0") for line in SENT)
BEHIND, NODE = "10.3.0.10", "10.1.0.20"
POD = Box(
    name="pod", cards={"e0": ("s3", (f"{BEHIND}/24",))}, routes=(Route(to="0.0.0.0/0", via="10.3.0.1", dev="e0"),)
)


HIDING = nft(["type nat hook postrouting priority srcnat;", 'oifname "e0" masquerade'])
LEADING = nft(["type nat hook prerouting priority dstnat;", "ip daddr 10.3.0.1 dnat ip to 10.2.0.10"])


def node(*sysctls: str, rules: str = "") -> Box:
    """A machine on the client's segment that passes on what comes from behind it."""
    return Box(
        name="node",
        cards={"e0": ("s1", (f"{NODE}/24",)), "c0": ("s3", ("10.3.0.1/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
        sysctls=("net.ipv4.ip_forward = 1", *sysctls),
        nft=rules,
    )


def turning(*sysctls: str, rules: str = DROP) -> Box:
    behind = Route(to="10.3.0.0/24", via=NODE, dev="n0")
    return replace(SHARED_ROUTER, nft=rules, sysctls=(*SHARED_ROUTER.sysctls, *sysctls), routes=(behind,))


SHARED = replace(
    SHARED_SERVER, routes=(*SHARED_SERVER.routes, Route(to="10.3.0.0/24", via=NODE, dev="e0", onlink=True))
)


class Case(Struct, frozen=True, kw_only=True):
    """Boxes, who sends to whom, and who sent there before; whether a packet gets there, all being dropped."""

    boxes: tuple[Box, ...]
    arrives: bool
    source: str = CLIENT
    destination: str = SERVER
    before: tuple[tuple[str, str], ...] = ()


PASSES_NODE = (POD, client(), SHARED)
CASES = {
    "a-neighbour": Case(boxes=(client(sysctls=OBEYED), turning(*SENT), SHARED), arrives=True),
    "a-neighbour-that-does-not-obey": Case(boxes=(client(sysctls=REFUSED), turning(*SENT), SHARED), arrives=False),
    "a-silent-router": Case(boxes=(client(sysctls=OBEYED), turning(*SILENT), SHARED), arrives=False),
    "behind-a-node-that-was-told": Case(
        boxes=(*PASSES_NODE, node(*OBEYED), turning(*SENT)), arrives=True, source=BEHIND, before=((NODE, SERVER),)
    ),
    "behind-a-node-that-hides-it-and-was-told": Case(
        boxes=(*PASSES_NODE, node(*OBEYED, rules=HIDING), turning(*SENT)),
        arrives=True,
        source=BEHIND,
        before=((NODE, SERVER),),
    ),
    "behind-a-node-that-does-not-obey": Case(
        boxes=(*PASSES_NODE, node(OBEYED[1]), turning(*SENT)), arrives=False, source=BEHIND, before=((NODE, SERVER),)
    ),
    "behind-a-node-with-a-silent-router": Case(
        boxes=(*PASSES_NODE, node(*OBEYED), turning(*SILENT)), arrives=False, source=BEHIND, before=((NODE, SERVER),)
    ),
    "another-address-of-a-node-that-was-told": Case(
        boxes=(node(*OBEYED), turning(*SENT), SHARED), arrives=True, source="10.3.0.1", before=((NODE, SERVER),)
    ),
    "another-address-of-a-node-that-does-not-obey": Case(
        boxes=(node(OBEYED[1]), turning(*SENT), SHARED), arrives=False, source="10.3.0.1", before=((NODE, SERVER),)
    ),
    "translated-by-a-node-that-was-told": Case(
        boxes=(*PASSES_NODE, node(*OBEYED, rules=LEADING), turning(*SENT)),
        arrives=True,
        source=BEHIND,
        destination="10.3.0.1",
        before=((NODE, SERVER),),
    ),
    "translated-by-the-router": Case(
        boxes=(client(sysctls=OBEYED), turning(*SENT, rules=DROP + NAT), SHARED), arrives=False, destination="10.1.0.1"
    ),
}


def arrives(spaces: Namespaces, world: World, case: Case) -> bool:
    """Return whether one of a few packets gets to the server in the kernel, none of which the router lets pass."""
    with spaces.enter("server"):
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with ear:
        ear.bind((SERVER, 4000))
        ear.settimeout(0.3)
        for source, destination in (*case.before, (case.source, case.destination)):
            with spaces.enter(world.box_of(source).name):
                caller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with caller:
                caller.bind((source, 0))
                for number in range(10):
                    caller.sendto(source.encode(), (destination, 4000))
                    if hears(ear, source) and source == case.source:
                        assert number or case.before
                        return True
    return False


def hears(ear: socket.socket, source: str) -> bool:
    try:
        while ear.recv(64) != source.encode():
            pass
    except TimeoutError:
        return False
    return True


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
@pytest.mark.parametrize("name", CASES)
def test_the_second_packet_goes_round_the_filter(name: str) -> None:
    case = CASES[name]
    world = World(boxes=case.boxes, pairs=((case.source, case.destination),))
    with build(world) as spaces:
        assert arrives(spaces, world, case) is case.arrives


@pytest.mark.parametrize("name", CASES)
def test_the_model_knows_it(name: str) -> None:
    case = CASES[name]
    world = World(boxes=case.boxes, pairs=((case.source, case.destination),))
    ends = [((ip_number(ip), ip_number(ip)),) for ip in (case.source, case.destination)]
    flow = Flow(
        name="closed", sources=ends[0], destinations=ends[1], traffic=(Traffic(protocol="udp"),), must_arrive=False
    )

    assert verify_network(model_of(world), (flow,)).flows[0].proved is not case.arrives


@pytest.mark.parametrize("cni", ["vxlan", "none"])
@pytest.mark.parametrize(("obeys", "is_proved"), [(OBEYED, False), (OBEYED[1:], True)], ids=["obeys", "does-not"])
def test_pods_go_round_the_filter_by_what_their_node_was_told(
    obeys: tuple[str, ...], cni: Backend, *, is_proved: bool
) -> None:
    world = World(boxes=(node(*obeys), turning(*SENT), SHARED), pairs=())
    pods, server = ip_number("10.42.1.0"), ip_number(SERVER)
    flow = Flow(
        name="closed",
        sources=((pods + 2, pods + 254),),
        destinations=((server, server),),
        traffic=(Traffic(protocol="udp"),),
        must_arrive=False,
    )

    network = model_of(world, {"10.42.1.0/24": "node"}, cni)

    assert verify_network(network, (flow,)).flows[0].proved is is_proved
