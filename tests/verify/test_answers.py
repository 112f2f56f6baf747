"""Answers of protocols without ports: what the kernel takes for one, and what that means for denied flows."""

import os
import socket
from collections.abc import Sequence

import pytest

from netwright.lab.datagrams import encode
from netwright.verify.proof.proof import verify_network
from netwright.verify.values.packets import PORTLESS, PROTOCOLS, SCTP
from netwright.verify.values.wiring import Flow, Traffic
from tests.verify.kernel.lab import build
from tests.verify.kernel.world import World, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, FORWARD, SERVER, client, nft, router, server

ONE_WAY = nft([f"{FORWARD} policy drop;", "ct state established,related accept", f"ip saddr {CLIENT} accept"])
WORLD = World(boxes=(client(), router(nft=ONE_WAY), server()), pairs=((CLIENT, SERVER),))
NAMES = {number: name for name, number in PROTOCOLS.items()}


def hears(ear: socket.socket, sender: str) -> bool:
    """Return whether something of the sender comes within a moment."""
    try:
        while ear.recvfrom(2048)[1][0] != sender:
            pass
    except TimeoutError:
        return False
    return True


def questions_of_the_server(protocol: int) -> tuple[bool, bool]:
    """Return whether what the server asks arrives in the kernel, before the client has asked it something and after."""
    heard = []
    with build(WORLD) as spaces:
        ends = []
        for name in ("client", "server"):
            with spaces.enter(name):
                ends.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
            ends[-1].settimeout(0.5)
        near, far = ends
        for number in (1, 2):
            far.sendto(encode(protocol, number, 80, answer=False), (CLIENT, 0))
            heard.append(hears(near, SERVER))
            near.sendto(encode(protocol, 3, 80, answer=False), (SERVER, 0))
            assert hears(far, CLIENT)
        for end in ends:
            end.close()
    return heard[0], heard[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
@pytest.mark.parametrize("protocol", [*PORTLESS, SCTP], ids=NAMES.get)
def test_the_kernel_takes_for_an_answer_what_has_no_ports(protocol: int) -> None:
    assert questions_of_the_server(protocol) == (False, protocol in PORTLESS)


def flow(protocol: str, source: str, destination: str, *, allow: bool) -> Flow:
    return Flow(
        name="open" if allow else "closed",
        sources=((ip_number(source), ip_number(source)),),
        destinations=((ip_number(destination), ip_number(destination)),),
        traffic=(Traffic(protocol=protocol),),
        must_arrive=allow,
    )


def proved(flows: Sequence[Flow]) -> list[bool]:
    return [result.proved for result in verify_network(model_of(WORLD), flows).flows]


@pytest.mark.parametrize("protocol", [*PORTLESS, SCTP], ids=NAMES.get)
def test_a_denied_flow_that_passes_as_an_answer_is_refuted(protocol: int) -> None:
    name = NAMES[protocol]
    closed = flow(name, SERVER, CLIENT, allow=False)

    assert proved([closed]) == [True]
    assert proved([flow(name, CLIENT, SERVER, allow=True), closed]) == [True, protocol not in PORTLESS]
    assert proved([flow("icmp", CLIENT, SERVER, allow=True), closed]) == [True, True]
