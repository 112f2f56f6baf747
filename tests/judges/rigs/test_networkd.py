"""The rig of systemd-networkd sees what is applied and what is not."""

import pytest

from netwright.files.artifact import NodeFile
from tests.rigs import networkd
from tests.rigs.daemons import Applied, Managed
from tests.rigs.kernel import Route, Rule
from tests.rigs.wires import Nic, Node

NETWORK = """\
[Match]
Name=eth0

[Network]
Address=10.17.4.25/24
DNS=10.17.3.11
Domains=cluster.example
LinkLocalAddressing=no
IPv6AcceptRA=no

[Route]
Gateway=10.17.4.1

[Route]
Destination=10.42.6.0/24
Gateway=192.0.2.1
GatewayOnLink=yes
Metric=50
Table=100
PreferredSource=10.17.4.25
MTUBytes=1400

[RoutingPolicyRule]
Priority=100
From=10.17.4.0/24
Table=100
"""


def network_file(text: str, name: str = "10-eth0.network") -> NodeFile:
    return NodeFile(path=f"/etc/systemd/network/{name}", content=text.encode())


def apply_network(*files: NodeFile, nic: Nic | None = None, seconds: float = 20) -> Applied:
    node = Node(nics=[nic or Nic(name="eth0")], files=files)
    return networkd.apply_networkd({"node": node}, seconds=seconds)["node"]


def test_networkd_applies_every_value_of_a_right_file() -> None:
    applied = apply_network(network_file(NETWORK))

    assert applied.complaints == ()
    assert applied.managed["eth0"] == Managed(
        state="configured",
        source="/etc/systemd/network/10-eth0.network",
        dns=("10.17.3.11",),
        domains=("cluster.example",),
    )
    assert [link.addresses for link in applied.kernel.links] == [("10.17.4.25/24",)]
    assert applied.kernel.routes == (
        Route(to="0.0.0.0/0", via="10.17.4.1", interface="eth0"),
        Route(
            to="10.42.6.0/24",
            via="192.0.2.1",
            interface="eth0",
            metric=50,
            table=100,
            source="10.17.4.25",
            metrics=(("mtu", 1400),),
            onlink=True,
        ),
    )
    assert applied.kernel.rules == (Rule(priority=100, table=100, source="10.17.4.0/24"),)


def test_networkd_reads_drop_ins_beside_a_file_that_is_managed_elsewhere() -> None:
    base = network_file(
        "[Match]\nName=eth0\n[Network]\nAddress=10.17.4.25/24\nLinkLocalAddressing=no\n", "10-eth0.network"
    )
    drop_in = network_file(
        "[Route]\nDestination=10.42.6.0/24\nGateway=10.17.4.26\n", "10-eth0.network.d/50-routes.conf"
    )

    applied = apply_network(base, drop_in)

    assert applied.kernel.routes == (Route(to="10.42.6.0/24", via="10.17.4.26", interface="eth0"),)


def test_networkd_matches_a_card_by_its_mac_whatever_its_name() -> None:
    text = NETWORK.replace("Name=eth0", "MACAddress=52:54:00:12:34:56")

    applied = apply_network(network_file(text), nic=Nic(name="eth0.100", mac="52:54:00:12:34:56"))

    assert applied.managed["eth0.100"].state == "configured"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("IPv6AcceptRA=no", "AcceptRA=no", id="unknown key"),
        pytest.param("10.17.4.25/24", "10.17.4.256/24", id="bad address"),
        pytest.param("Metric=50", "Metric=fifty", id="bad metric"),
        pytest.param("Gateway=192.0.2.1", "Gateway=router", id="name as gateway"),
    ],
)
def test_networkd_complains_of_a_wrong_line(right: str, wrong: str) -> None:
    applied = apply_network(network_file(NETWORK.replace(right, wrong)), seconds=1)

    assert applied.complaints != ()


def test_networkd_never_settles_on_a_gateway_that_is_not_on_the_link() -> None:
    applied = apply_network(network_file(NETWORK.replace("GatewayOnLink=yes\n", "")), seconds=1)

    assert applied.managed["eth0"].state == "configuring"


def test_networkd_leaves_a_card_alone_that_no_file_matches() -> None:
    applied = apply_network(network_file(NETWORK.replace("Name=eth0", "Name=eth1")), seconds=1)

    assert applied.managed["eth0"].state == "unmanaged"
    assert applied.kernel.routes == ()
