"""The rig of the legacy network scripts reads only what every reader of these files reads alike."""

import pytest

from netwright.files.artifact import NodeFile
from netwright.lab.machine import ProgramFailedError
from tests.rigs import network_scripts
from tests.rigs.kernel import Kernel, Route, Rule
from tests.rigs.network_scripts import UnsafeLineError
from tests.rigs.wires import Nic, Node

IFCFG = """\
# eth0 of lb1
DEVICE=eth0
TYPE=Ethernet
ONBOOT=yes
BOOTPROTO=none
NAME="eth0 of lb1"
IPADDR=10.17.3.12
PREFIX=24
IPADDR1=10.17.3.99
PREFIX1=32
GATEWAY=10.17.3.1
MTU=1450
ROUTING_RULE_1="priority 100 from 10.17.3.0/24 table 100"
"""
ROUTES = """\
10.42.6.0/24 via 10.17.4.25 dev eth0 onlink metric 50
10.42.9.0/24 via 10.17.3.1 dev eth0 metric 50 table 100 src 10.17.3.12 mtu 1400
"""


def apply(ifcfg: str, routes: str) -> Kernel:
    files = [
        NodeFile(path=f"{network_scripts.FOLDER}/{name}", content=text.encode())
        for name, text in {"ifcfg-eth0": ifcfg, "route-eth0": routes}.items()
    ]
    return network_scripts.apply_network_scripts({"lb1": Node(nics=[Nic(name="eth0")], files=files)})["lb1"]


def test_network_scripts_apply_every_value_of_right_files() -> None:
    kernel = apply(IFCFG, ROUTES)

    assert [(link.mtu, link.addresses) for link in kernel.links] == [(1450, ("10.17.3.12/24", "10.17.3.99/32"))]
    assert kernel.routes == (
        Route(to="0.0.0.0/0", via="10.17.3.1", interface="eth0"),
        Route(to="10.42.6.0/24", via="10.17.4.25", interface="eth0", metric=50, onlink=True),
        Route(
            to="10.42.9.0/24",
            via="10.17.3.1",
            interface="eth0",
            metric=50,
            table=100,
            source="10.17.3.12",
            metrics=(("mtu", 1400),),
        ),
    )
    assert kernel.rules == (Rule(priority=100, table=100, source="10.17.3.0/24"),)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("10.42.6.0/24 via 10.17.3.1 dev eth0 proto static metric 5\n", id="proto"),
        pytest.param("10.42.6.0/24 via 10.17.3.1 dev eth0\n", id="no metric"),
        pytest.param("10.42.6.0/24 via 10.17.3.1 dev eth0 metric 5 # pods\n", id="comment behind"),
        pytest.param("10.42.6.0/24 via 10.17.3.1 dev eth0 metric 5\r\n", id="CRLF"),
        pytest.param("ADDRESS0=10.42.6.0\n", id="shell form"),
        pytest.param("10.42.6.0/24 via 10.17.3.1 dev eth0 metric 5", id="no line end"),
    ],
)
def test_network_scripts_refuse_a_line_that_readers_differ_on(line: str) -> None:
    with pytest.raises(UnsafeLineError):
        apply(IFCFG, line)


def test_network_scripts_show_that_the_kernel_refuses_a_hop_that_is_not_on_the_link() -> None:
    with pytest.raises(ProgramFailedError, match="Nexthop has invalid gateway"):
        apply(IFCFG, ROUTES.replace("onlink ", ""))


def test_a_route_file_without_its_ifcfg_is_dead() -> None:
    kernel = apply(IFCFG.replace("DEVICE=eth0", "DEVICE=eth1"), ROUTES)

    assert kernel.routes == ()


def test_sourcing_an_ifcfg_yields_its_values() -> None:
    values = network_scripts.source_ifcfg(IFCFG.encode())

    assert len(values) == 12
    assert values["NAME"] == "eth0 of lb1"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("NAME=$(id)", id="substitution"),
        pytest.param("NAME=`id`", id="backticks"),
        pytest.param("NAME=eth0 of lb1", id="unquoted words"),
        pytest.param("NAME=$CARD", id="unset variable"),
        pytest.param("NAME=a;touch /run/b", id="second command"),
        pytest.param("NAME=~", id="home directory"),
        pytest.param('NAME="a\\\nb"', id="continued line"),
    ],
)
def test_sourcing_an_ifcfg_shows_that_it_is_a_program(line: str) -> None:
    with pytest.raises(UnsafeLineError):
        network_scripts.source_ifcfg(f"{IFCFG}{line}\n".encode())
