"""The order of machines in which no flow breaks, and what breaks where there is none."""

from pathlib import Path

import pytest

from netwright.rollout.printing import render_text
from netwright.rollout.values import Rollout
from tests.proving.small import TOPOLOGY as SMALL
from tests.proving.small import change
from tests.rollout.rolling import broken_while, roll_out

TWO_WAYS = """\
version: 1
name: two-ways
networks:
  a: {cidr: 10.1.0.0/24}
  b: {cidr: 10.2.0.0/24}
groups:
  rocky: {os: rocky10, firewalld: masked}
  clients: {routes: [{to: b, via: r1}]}
nodes:
  app1: {groups: [rocky, clients], interfaces: {eth0: {network: a, address: 10.1.0.11}}}
  app2: {groups: [rocky, clients], interfaces: {eth0: {network: a, address: 10.1.0.12}}}
  db: {groups: [rocky], routes: [{to: a, via: r1}], interfaces: {eth0: {network: b, address: 10.2.0.10}}}
  r1:
    groups: [rocky]
    forward: true
    interfaces: {eth0: {network: a, address: 10.1.0.1}, eth1: {network: b, address: 10.2.0.1}}
  r2:
    groups: [rocky]
    forward: true
    firewall: {forward: {policy: drop}}
    interfaces: {eth0: {network: a, address: 10.1.0.2}, eth1: {network: b, address: 10.2.0.2}}
flows:
  questions: {from: [clients], to: [db], allow: [udp/53], via: [r1]}
"""
OTHER_WAY = TWO_WAYS.replace("clients: {routes: [{to: b, via: r1}]}", "clients: {routes: [{to: b, via: r2}]}").replace(
    "via: [r1]}", "via: [r2]}"
)


def steps(rollout: Rollout) -> list[tuple[str, ...]]:
    assert rollout.steps is not None
    return [step.nodes for step in rollout.steps]


def broken(rollout: Rollout) -> list[tuple[int, str, int]]:
    """Each flow that breaks, with the steps in which that begins and ends."""
    return [
        (number, one.example.flow, one.until)
        for number, step in enumerate(rollout.steps or (), start=1)
        for one in step.broken
    ]


def test_what_lets_packets_through_comes_before_those_who_send_them_there(tmp_path: Path) -> None:
    rollout = roll_out(tmp_path, TWO_WAYS, OTHER_WAY)

    assert broken_while(tmp_path, TWO_WAYS, OTHER_WAY, ["app1"]) == {"questions"}, "in order of names app1 is first"
    assert broken_while(tmp_path, TWO_WAYS, OTHER_WAY, ["r2"]) == set()
    assert "r2" in steps(rollout)[0]
    assert "app1" not in steps(rollout)[0]
    assert broken(rollout) == []
    assert rollout.flows == 1


def test_proofs_find_the_order_where_not_every_mixture_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwright.rollout.exploring.MOST_MIXTURES", 0)

    rollout = roll_out(tmp_path, TWO_WAYS, OTHER_WAY)

    order = [node for nodes in steps(rollout) for node in nodes]
    assert order.index("r2") < min(order.index("app1"), order.index("app2"))
    assert broken(rollout) == []
    assert rollout.is_proved


def test_steps_that_are_not_proved_are_owned_up_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.rollout.ordering.MOST_PROOFS", 0)

    rollout = roll_out(tmp_path, TWO_WAYS, OTHER_WAY)

    assert not rollout.is_proved
    assert "There are too many steps to prove each." in " ".join(render_text(rollout).split())


def test_the_way_back_has_the_opposite_order(tmp_path: Path) -> None:
    rollout = roll_out(tmp_path, OTHER_WAY, TWO_WAYS)

    assert "r2" in steps(rollout)[-1]
    assert "app1" not in steps(rollout)[-1]
    assert broken(rollout) == []


def test_machines_that_do_not_depend_on_each_other_go_together(tmp_path: Path) -> None:
    rollout = roll_out(tmp_path, TWO_WAYS, TWO_WAYS.replace("{os: rocky10,", "{os: rocky10, rp_filter: loose,"))

    assert steps(rollout) == [("app1", "app2", "db", "r1", "r2")]
    assert broken(rollout) == []


def test_a_router_whose_address_moves_breaks_what_goes_by_it_until_its_neighbours_know(tmp_path: Path) -> None:
    old = change(TWO_WAYS, ("  r2:\n", "  r3:\n"))
    new = change(old, ("10.1.0.1}", "10.1.0.254}"))

    rollout = roll_out(tmp_path, old, new)

    assert {node for nodes in steps(rollout) for node in nodes} == {"app1", "app2", "r1"}
    assert broken(rollout) == [(1, "questions", 2)]


NEW_WORKER = """\
  w3:
    groups: [workers]
    pod_cidr: 10.42.3.0/24
    interfaces: {eth0: {network: back, address: 10.2.0.23}}
flows:
"""
LARGER = change(SMALL, ("flows:\n", NEW_WORKER))


@pytest.mark.parametrize(("old", "new"), [(SMALL, LARGER), (LARGER, SMALL)], ids=["comes", "goes"])
def test_a_machine_that_comes_or_goes_breaks_nothing_of_others(tmp_path: Path, old: str, new: str) -> None:
    rollout = roll_out(tmp_path, old, new)

    assert steps(rollout) == [("host", "lb", "w3")]
    assert broken(rollout) == []
    assert rollout.flows == 4


CLUSTER = """\
version: 1
name: cluster
networks:
  lan: {cidr: 10.1.0.0/24}
kubernetes:
  pods: {cidr: 10.42.0.0/16, node_prefix: 24}
  config: true
  api: {vip: 10.1.0.9, holders: [h1, h2], vrrp: {id: 51}, serves: {api: {port: 6443, backends: [servers]}}}
groups:
  rocky: {os: rocky10, firewalld: masked}
  servers: {os: flatcar, kubernetes: server}
  workers: {os: flatcar, kubernetes: agent}
nodes:
  h1: {groups: [rocky], interfaces: {eth0: {network: lan, address: 10.1.0.11}}}
  h2: {groups: [rocky], interfaces: {eth0: {network: lan, address: 10.1.0.12}}}
  m1: {groups: [servers], pod_cidr: 10.42.1.0/24, interfaces: {eth0: {network: lan, address: 10.1.0.21}}}
  m2: {groups: [servers], pod_cidr: 10.42.2.0/24, interfaces: {eth0: {network: lan, address: 10.1.0.22}}}
  w1: {groups: [workers], pod_cidr: 10.42.3.0/24, interfaces: {eth0: {network: lan, address: 10.1.0.31}}}
  w2: {groups: [workers], pod_cidr: 10.42.4.0/24, interfaces: {eth0: {network: lan, address: 10.1.0.32}}}
flows:
  api: {from: [workers], to: [kubernetes.api], allow: [tcp/6443]}
"""


def test_machines_that_stand_in_for_each_other_are_away_one_after_another(tmp_path: Path) -> None:
    new = change(CLUSTER, ("id: 51", "id: 52"), ("name: cluster\n", "name: cluster\ndns: [10.1.0.9]\n"))

    rollout = roll_out(tmp_path, CLUSTER, new)

    assert steps(rollout) == [("h1", "m1", "w1", "w2"), ("h2", "m2")]


def test_where_nothing_is_lost_they_go_together(tmp_path: Path) -> None:
    quiet = "{groups: [rocky], sysctl: {net.core.somaxconn: 4096}, interfaces: {eth0: {network: lan, address: 10.1.0.1"

    rollout = roll_out(
        tmp_path,
        CLUSTER,
        CLUSTER.replace("{groups: [rocky], interfaces: {eth0: {network: lan, address: 10.1.0.1", quiet),
    )

    assert steps(rollout) == [("h1", "h2")]


def test_a_network_under_another_name_is_the_same(tmp_path: Path) -> None:
    rollout = roll_out(tmp_path, SMALL, SMALL.replace("front", "edge"))

    assert broken(rollout) == []
    assert rollout.flows == 4
    assert [command.text for command in rollout.machines[0].commands if "net" in command.text.split()[1]] == [
        "virsh net-destroy front",
        "virsh net-undefine front",
        "virsh net-define edge.xml",
        "virsh net-start edge",
        "virsh net-autostart edge",
    ]


def test_a_host_with_another_address_breaks_what_goes_out_until_its_guests_know(tmp_path: Path) -> None:
    rollout = roll_out(tmp_path, SMALL, change(SMALL, ("10.2.0.1}", "10.2.0.254}")))

    assert steps(rollout) == [("host",), ("w1", "w2")]
    assert broken(rollout) == [(1, "to-pods", 2), (1, "ssh", 2), (1, "out", 2)]
    assert rollout.steps is not None
    assert rollout.steps[0].broken[2].example.destination == "the internet"


def test_a_denied_flow_stays_closed_at_every_step(tmp_path: Path) -> None:
    """The old router is opened only when nothing refused by it alone can come that way."""
    old = change(
        SMALL,
        ("closed: {from: [back], to: [lb], deny: [tcp/22]}", "closed: {from: [w1], to: [lb], deny: [tcp/22]}"),
    )
    new = change(old, ("  closed:", "  metrics: {from: [lb], to: [w1, w2], allow: [tcp/9100]}\n  closed:"))

    rollout = roll_out(tmp_path, old, new)

    assert broken(rollout) == []
    assert rollout.flows == 4
