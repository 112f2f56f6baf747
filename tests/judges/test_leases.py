"""Result of the real networkd and NetworkManager where a real dnsmasq leases addresses: only what is asked of them."""

import contextlib
from collections.abc import Callable, Sequence

import pytest

from netwright.files.artifact import NodeFile
from netwright.lab.machine import Daemon, File, LabMachine, boot, poll
from netwright.lab.networkd import is_settled as is_networkd_settled
from netwright.lab.networkd import networkd
from netwright.lab.networkmanager import is_settled, networkmanager
from netwright.model import Family
from tests.judges.cases import case
from tests.rigs.kernel import Kernel, read_kernel
from tests.rigs.wires import Nic, wire

SERVER = """\
port=0
user=root
interface=server
bind-interfaces
dhcp-range={first},{last},1h
dhcp-host={mac},{address}
dhcp-option=option:router,{own}
dhcp-option=option:dns-server,{own}
dhcp-option=option:classless-static-route,172.30.0.0/16,{own},0.0.0.0/0,{own}
dhcp-option=option:mtu,1280
dhcp-authoritative
dhcp-leasefile=/run/leases
"""
"""dnsmasq's settings: a lease brings a router, a route, a name server and an MTU as well."""

Start = Callable[[LabMachine, Sequence[NodeFile]], contextlib.AbstractContextManager[Daemon]]


def lease(start: Start, files: Sequence[NodeFile], *, network: str, mac: str, kept: str) -> Kernel:
    """The kernel of a machine with the card eth0, once a server has leased it an address."""
    with boot("guest", "server") as (guest, server), contextlib.ExitStack() as daemons:
        wire(guest, Nic(name="eth0", mac=mac), server, Nic(name="server"))
        server.run("ip", "address", "add", f"{network}.1/24", "dev", "server")
        numbers = {"first": f"{network}.100", "last": f"{network}.100", "own": f"{network}.1"}
        settings = SERVER.format(mac=mac, address=kept, **numbers)
        server.install([File(path="/etc/server.conf", content=settings.encode())])
        daemons.enter_context(server.daemon("dnsmasq", "--no-daemon", "--conf-file=/etc/server.conf"))
        daemon = daemons.enter_context(start(guest, files))
        poll(lambda: is_settled(daemon) or is_networkd_settled(guest, ["eth0"]), seconds=30)
        return read_kernel(guest)


@pytest.mark.parametrize(
    ("node", "family", "start", "network", "mtu"),
    [
        pytest.param("vm1", Family.FLATCAR, networkd, "192.168.50", 1500, id="networkd"),
        pytest.param("vm3", Family.ROCKY, networkmanager, "192.168.51", 1400, id="NetworkManager"),
        pytest.param("vm5", Family.ROCKY, networkmanager, "192.168.0", 1500, id="usual-mtu"),
    ],
)
def test_of_a_kept_lease_only_the_address_is_taken(
    node: str, family: Family, start: Start, network: str, mtu: int
) -> None:
    golden = case("leases")
    (link,) = golden.plans(family)[node].links
    address = f"{link.addresses[0].ip}/{link.addresses[0].prefix}"

    mac = link.mac or "52:54:00:00:00:01"
    kernel = lease(start, golden.files(node), network=network, mac=mac, kept=str(link.addresses[0].ip))

    assert [(one.name, one.addresses, one.mtu) for one in kernel.links] == [("eth0", (address,), mtu)]
    assert [(route.to, route.via) for route in kernel.routes] == [
        (str(route.destination), str(route.gateway)) for route in link.routes
    ]


@pytest.mark.parametrize(
    ("node", "start", "network"),
    [
        pytest.param("vm2", networkd, "192.168.50", id="networkd"),
        pytest.param("vm4", networkmanager, "192.168.0", id="NetworkManager"),
    ],
)
def test_of_any_other_lease_everything_is_taken(node: str, start: Start, network: str) -> None:
    mac = "52:54:00:00:00:02"

    kernel = lease(start, case("leases").files(node), network=network, mac=mac, kept=f"{network}.77")

    assert [(one.name, one.addresses) for one in kernel.links] == [("eth0", (f"{network}.77/24",))]
    assert {("0.0.0.0/0", f"{network}.1"), ("172.30.0.0/16", f"{network}.1")} <= {
        (route.to, route.via) for route in kernel.routes
    }
