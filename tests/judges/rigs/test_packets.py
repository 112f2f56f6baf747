"""The packet rig sees who can talk to whom, and a source address that was rewritten on the way."""

from collections.abc import Iterator

import pytest

from netwright.lab.machine import LabMachine, boot
from tests.rigs.packets import ping, tcp_source
from tests.rigs.wires import Nic, await_carriers, wire


@pytest.fixture
def routed() -> Iterator[tuple[LabMachine, LabMachine, LabMachine]]:
    """A client and a server with a router between them."""
    with boot("client", "router", "server") as (client, router, server):
        wire(client, Nic(name="eth0"), router, Nic(name="left"))
        wire(server, Nic(name="eth0"), router, Nic(name="right"))
        router.run("ip", "-batch", "-", stdin="address add 10.17.3.1/24 dev left\naddress add 10.17.4.1/24 dev right\n")
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for machine, network in ((client, "10.17.3"), (server, "10.17.4")):
            machine.run("ip", "address", "add", f"{network}.12/24", "dev", "eth0")
            machine.run("ip", "link", "set", "dev", "eth0", "up")
            machine.run("ip", "route", "add", "default", "via", f"{network}.1")
        assert await_carriers(client, router, server)
        yield client, router, server


def test_the_server_sees_the_clients_own_address(routed: tuple[LabMachine, LabMachine, LabMachine]) -> None:
    client, _, server = routed

    assert tcp_source(client, server, "10.17.4.12") == "10.17.3.12"
    assert ping(client, "10.17.4.12")


def test_the_server_sees_the_router_if_it_masquerades(routed: tuple[LabMachine, LabMachine, LabMachine]) -> None:
    client, router, server = routed
    chain = "type nat hook postrouting priority srcnat; oifname right masquerade"
    router.run("nft", "-f", "-", stdin=f"table ip nat {{ chain postrouting {{ {chain}; }}; }}\n")

    assert tcp_source(client, server, "10.17.4.12") == "10.17.4.1"
    assert ping(client, "10.17.4.12")


def test_nothing_comes_back_without_a_way_back(routed: tuple[LabMachine, LabMachine, LabMachine]) -> None:
    client, _, server = routed
    server.run("ip", "route", "del", "default")

    assert tcp_source(client, server, "10.17.4.12") is None
    assert not ping(client, "10.17.4.12")
