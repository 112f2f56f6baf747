"""The rig of NetworkManager sees what is applied and what is rejected without a word."""

import pytest

from netwright.files.artifact import NodeFile
from tests.rigs import networkmanager
from tests.rigs.daemons import Applied, Managed
from tests.rigs.kernel import Route, Rule
from tests.rigs.wires import Nic, Node

KEYFILE = """\
[connection]
id=eth0
uuid=7c1c1b50-0000-5000-8000-000000000001
type=ethernet
interface-name=eth0

[ethernet]
mtu=1450

[ipv4]
method=manual
address1=10.17.3.12/24
gateway=10.17.3.1
dns=10.17.3.11;8.8.8.8;
dns-search=cluster.example;
route1=10.42.6.0/24,10.17.4.25,50
route1_options=onlink=true,table=100,src=10.17.3.12,mtu=1400
routing-rule1=priority 100 from 10.17.3.0/24 table 100

[ipv6]
method=disabled
"""


def apply(text: str, mode: int = 0o600) -> Applied:
    keyfile = NodeFile(
        path="/etc/NetworkManager/system-connections/eth0.nmconnection", content=text.encode(), mode=mode
    )
    return networkmanager.apply_networkmanager({"node": Node(nics=[Nic(name="eth0")], files=[keyfile])})["node"]


def test_networkmanager_applies_every_value_of_a_right_keyfile() -> None:
    applied = apply(KEYFILE)

    assert applied.complaints == ()
    assert applied.managed["eth0"] == Managed(
        state="connected", source="eth0", dns=("10.17.3.11", "8.8.8.8"), domains=("cluster.example",)
    )
    assert [(link.mtu, link.addresses) for link in applied.kernel.links] == [(1450, ("10.17.3.12/24",))]
    assert applied.kernel.routes == (
        Route(to="0.0.0.0/0", via="10.17.3.1", interface="eth0", metric=100),
        Route(
            to="10.42.6.0/24",
            via="10.17.4.25",
            interface="eth0",
            metric=50,
            table=100,
            source="10.17.3.12",
            metrics=(("mtu", 1400),),
            onlink=True,
        ),
    )
    assert applied.kernel.rules == (Rule(priority=100, table=100, source="10.17.3.0/24"),)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        pytest.param(KEYFILE, 0o644, id="readable by all"),
        pytest.param(KEYFILE.replace("interface-name=eth0", "interface-name=eth1"), 0o600, id="another card's"),
        pytest.param(KEYFILE.replace("[ipv4]\n", "[ipv4]\n[ipv4\n"), 0o600, id="not a keyfile"),
        pytest.param(KEYFILE.replace("10.17.3.12/24", "10.17.3.256/24"), 0o600, id="no address"),
    ],
)
def test_networkmanager_leaves_the_card_without_addresses(text: str, mode: int) -> None:
    applied = apply(text, mode)

    assert applied.managed["eth0"].state == "disconnected"
    assert applied.kernel.routes == ()


def test_networkmanager_loses_nothing_of_a_right_keyfile() -> None:
    assert networkmanager.lost_lines(KEYFILE.encode()) == ()


@pytest.mark.parametrize(
    ("right", "wrong", "lost"),
    [
        pytest.param("gateway=", "gatway=", "ipv4.gatway=10.17.3.1", id="unknown key"),
        pytest.param("src=10.17.3.12", "proto=static", "ipv4.route1_options=proto=static", id="unknown option"),
        pytest.param("10.17.3.12/24", "10.17.3.12", "ipv4.address1=10.17.3.12", id="no prefix length"),
    ],
)
def test_networkmanager_loses_what_it_does_not_know(right: str, wrong: str, lost: str) -> None:
    assert lost in networkmanager.lost_lines(KEYFILE.replace(right, wrong).encode())
