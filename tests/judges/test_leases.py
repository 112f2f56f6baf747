"""Result of the real networkd and NetworkManager where a real dnsmasq leases addresses: only what is asked of them."""

import contextlib
from collections.abc import Callable, Sequence

import pytest
from msgspec import Struct

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
interface={bridge}
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

BRIDGE = "virbr2"

Start = Callable[[LabMachine, Sequence[NodeFile]], contextlib.AbstractContextManager[Daemon]]


class Filters(Struct, frozen=True, kw_only=True):
    """The rulesets of the server's machine and of the guest's."""

    host: str = ""
    guest: str = ""


NO_FILTERS = Filters()


def lease(
    start: Start,
    files: Sequence[NodeFile],
    *,
    network: str,
    mac: str,
    kept: str,
    filters: Filters = NO_FILTERS,
    seconds: float = 30,
) -> Kernel:
    """The kernel of a machine with the card eth0, once a server has leased it an address, or the time is over."""
    with boot("guest", "server") as (guest, server), contextlib.ExitStack() as daemons:
        wire(guest, Nic(name="eth0", mac=mac), server, Nic(name=BRIDGE))
        server.run("ip", "address", "add", f"{network}.1/24", "dev", BRIDGE)
        server.run("nft", "-f", "-", stdin=filters.host)
        guest.run("nft", "-f", "-", stdin=filters.guest)
        numbers = {"first": f"{network}.100", "last": f"{network}.100", "own": f"{network}.1", "bridge": BRIDGE}
        settings = SERVER.format(mac=mac, address=kept, **numbers)
        server.install([File(path="/etc/server.conf", content=settings.encode())])
        daemons.enter_context(server.daemon("dnsmasq", "--no-daemon", "--conf-file=/etc/server.conf"))
        daemon = daemons.enter_context(start(guest, files))
        poll(lambda: is_settled(daemon) or is_networkd_settled(guest, ["eth0"]), seconds=seconds)
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
    # Routes that are stated have 0 or 100, and win.
    assert {("0.0.0.0/0", f"{network}.1", 1024), ("172.30.0.0/16", f"{network}.1", 1024)} <= {
        (route.to, route.via, route.metric) for route in kernel.routes
    }


_RULESET = "/etc/nftables/netwright.nft"
_ACCEPT = f'iifname "{BRIDGE}" udp dport 67 accept comment "leases"'
_STATEFUL_OUTPUT = """
table inet more {
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established,related accept
	}
}
"""


@pytest.mark.parametrize(
    ("change", "added", "leased"),
    [
        pytest.param(_ACCEPT, "", True, id="as-written"),
        pytest.param("", "", False, id="no-accept"),
        pytest.param('iifname "virbr2" ip saddr 192.168.50.0/24 udp dport 67 accept', "", False, id="from-the-network"),
        pytest.param(_ACCEPT, _STATEFUL_OUTPUT, False, id="answers-to-what-was-sent"),
    ],
)
def test_rules_of_the_host_decide_whether_a_lease_is_given(change: str, added: str, leased: bool) -> None:
    """verify says the same of the same rules (tests/verify/test_leases.py)."""
    golden = case("leases")
    (ruleset,) = (file.content.decode() for file in golden.files("kvm") if file.path == _RULESET)
    assert _ACCEPT in ruleset

    kernel = lease(
        networkd,
        golden.files("vm1"),
        network="192.168.50",
        mac="52:54:00:00:50:11",
        kept="192.168.50.11",
        filters=Filters(host=ruleset.replace(_ACCEPT, change) + added),
        seconds=30 if leased else 6,
    )

    assert [link.addresses for link in kernel.links] == [("192.168.50.11/24",) if leased else ()]


@pytest.mark.parametrize(
    ("node", "start", "network", "mac"),
    [
        pytest.param("vm1", networkd, "192.168.50", "52:54:00:00:50:11", id="networkd"),
        pytest.param("vm3", networkmanager, "192.168.51", "52:54:00:00:51:13", id="NetworkManager"),
    ],
)
def test_rules_of_the_guest_keep_no_lease_from_it(node: str, start: Start, network: str, mac: str) -> None:
    chain = "\tchain {0} {{\n\t\ttype filter hook {0} priority filter; policy drop;\n\t}}\n"
    deaf = f"table inet deaf {{\n{''.join(map(chain.format, ('input', 'output')))}}}\n"
    kept = f"{network}.{mac.rsplit(':', 1)[1]}"

    kernel = lease(start, case("leases").files(node), network=network, mac=mac, kept=kept, filters=Filters(guest=deaf))

    assert [link.addresses for link in kernel.links] == [(f"{kept}/24",)]
