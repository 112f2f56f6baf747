"""Effects of firewalld's zones and policies on packets, where they are among a machine's files."""

import pytest
from msgspec.structs import replace

from netwright.verify.forwarding.conversation import first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.trace import End, Way
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.formats.firewalld import FIREWALLD, read_firewalld
from netwright.verify.reading.startup import find_firewalld_window
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import TCP
from netwright.verify.values.wiring import FirewalldState
from tests.verify.kernel.world import World, delivery_of, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, SERVER, client, router, server

ROUTER = "10.1.0.1"
ZONES = {
    "zones/inner.xml": '<zone><interface name="n0"/>\n<service name="http"/></zone>',
    "zones/outer.xml": '<zone target="DROP"><interface name="n1"/></zone>',
}
POLICY = """<policy priority="{priority}" target="{target}">
<ingress-zone name="{before}"/><egress-zone name="{behind}"/>
{rules}
</policy>"""
ACCEPT = '<rule><port port="8080" protocol="tcp"/><accept/></rule>'
DROP = '<rule family="ipv4"><source address="10.1.0.0/24"/><drop/></rule>'


def policy(
    rules: str, *, target: str = "CONTINUE", priority: int = -1, before: str = "ANY", behind: str = "ANY"
) -> str:
    return POLICY.format(rules=rules, target=target, priority=priority, before=before, behind=behind)


def through(
    files: dict[str, str],
    destination: str = SERVER,
    port: int = 8080,
    *,
    state: FirewalldState = "running",
    unwanted: bool = True,
    masked: bool = False,
    docker: bool = False,
    system: str = "",
) -> End:
    """Return where the client's packet ends, on its way by a router whose firewalld has these files."""
    boxes = (client(), router(), server())
    read = read_firewalld((f"{FIREWALLD}{path}", f"router{path}", text) for path, text in (ZONES | files).items())
    configurations = [
        replace(one, firewalld=replace(read, enabled=True), masks_firewalld=masked) if one.node == "router" else one
        for one in (read_configuration(delivery_of(box)) for box in boxes)
    ]
    network = model_of(World(boxes=boxes, pairs=()))
    with_docker = frozenset({"router"} if docker else ())
    wiring = replace(network.wiring, firewalld={"router": state}, docker=with_docker, systems={"router": system})
    network = build_network(configurations, wiring, network.assumptions)
    packet = first_packet(TCP, ip_number(CLIENT), ip_number(destination), port)
    walker = Walker(network, Memory(), unwanted=unwanted)
    return walker.send(packet, "machine", network.machines["client"], Way())


def test_a_zone_lets_in_its_services_and_forwards_nothing() -> None:
    assert through({}, ROUTER, 80).outcome is Outcome.ACCEPTED
    assert through({}, ROUTER, 81).outcome is Outcome.FILTERED
    assert through({}).outcome is Outcome.FILTERED


def test_what_decides_is_named_with_its_line() -> None:
    end = through({"policies/p.xml": policy(DROP)})

    assert str(end.origin) == "routerpolicies/p.xml:3"


@pytest.mark.parametrize(
    ("files", "outcome"),
    [
        pytest.param({"policies/p.xml": policy(ACCEPT)}, Outcome.ACCEPTED, id="accepts"),
        pytest.param({"policies/p.xml": policy(ACCEPT + DROP)}, Outcome.FILTERED, id="denials-come-first"),
        pytest.param(
            {"policies/p.xml": policy(ACCEPT + DROP.replace("<rule", '<rule priority="1"'))},
            Outcome.ACCEPTED,
            id="not-with-a-priority",
        ),
        pytest.param(
            {"policies/p.xml": policy(ACCEPT, priority=-5), "policies/a.xml": policy(DROP, priority=-4)},
            Outcome.ACCEPTED,
            id="the-lowest-priority-first",
        ),
        pytest.param({"policies/p.xml": policy(ACCEPT, priority=5)}, Outcome.ACCEPTED, id="behind-the-zone"),
        pytest.param({"policies/p.xml": policy("", target="ACCEPT")}, Outcome.ACCEPTED, id="target"),
        pytest.param({"policies/p.xml": policy(ACCEPT, before="outer")}, Outcome.FILTERED, id="from-another-zone"),
        pytest.param(
            {"policies/p.xml": policy(ACCEPT, before="inner", behind="outer")}, Outcome.ACCEPTED, id="between-zones"
        ),
        pytest.param({"policies/p.xml": policy(ACCEPT, behind="HOST")}, Outcome.FILTERED, id="to-the-machine"),
    ],
)
def test_policies_decide_in_their_order(files: dict[str, str], outcome: Outcome) -> None:
    assert through(files).outcome is outcome


def test_a_masked_firewalld_has_no_rules() -> None:
    assert through({}, state="managed", masked=True).outcome is Outcome.ACCEPTED
    assert through({}, state="managed").outcome is Outcome.FILTERED


def test_where_docker_leads_packets_on_nothing_is_kept_out_for_sure() -> None:
    assert through({}, docker=True).outcome is Outcome.ACCEPTED


def test_on_release_10_nothing_wanted_passes_between_interfaces_without_a_zone() -> None:
    accepts = policy("", target="ACCEPT")
    named = {"policies/p.xml": accepts}
    unnamed = {"policies/p.xml": accepts, "zones/inner.xml": "<zone/>", "zones/outer.xml": "<zone/>"}

    assert through(named, system="rocky10", unwanted=False).outcome is Outcome.ACCEPTED
    assert through(unnamed, system="rocky9", unwanted=False).outcome is Outcome.ACCEPTED
    assert through(unnamed, system="rocky10", unwanted=False).outcome is Outcome.FILTERED
    assert through(unnamed, system="rocky10").outcome is Outcome.ACCEPTED


def test_only_a_drop_in_lets_the_network_wait_for_the_rules() -> None:
    waiting = {
        "/etc/systemd/system/firewalld.service.d/x.conf": "[Service]\nExecStartPost=/usr/bin/firewall-cmd --state\n"
    }

    assert find_firewalld_window(waiting, None) is None
    assert find_firewalld_window({}, None) is not None
