"""One cause is one finding: over pod networks, over the holders of a virtual address, over neighbours."""

from pathlib import Path

import pytest

from tests.proving.small import change, judge

CLUSTER = """\
version: 1
name: cluster
networks:
  lan: {cidr: 10.1.0.0/24, router: gw}
  servers: {cidr: 10.2.0.0/24, router: gw}
kubernetes:
  pods: {cidr: 10.42.0.0/16, node_prefix: 24}
  cni: {plugin: flannel, backend: vxlan}
  api: {vip: 10.2.0.100, port: 6443, holders: [m1, m2, m3]}
groups:
  rocky: {os: rocky10, firewalld: masked}
  masters: {os: flatcar, kubernetes: server}
nodes:
  gw:
    groups: [rocky]
    forward: true
    default_route: none
    interfaces: {eth0: {network: lan, address: 10.1.0.1}, eth1: {network: servers, address: 10.2.0.1}}
  client: {groups: [rocky], interfaces: {eth0: {network: lan, address: 10.1.0.10}}}
  m1: {groups: [masters], pod_cidr: 10.42.1.0/24, interfaces: {eth0: {network: servers, address: 10.2.0.21}}}
  m2: {groups: [masters], pod_cidr: 10.42.2.0/24, interfaces: {eth0: {network: servers, address: 10.2.0.22}}}
  m3: {groups: [masters], pod_cidr: 10.42.10.0/24, interfaces: {eth0: {network: servers, address: 10.2.0.23}}}
flows:
  api: {from: [client], to: [kubernetes.api], allow: [tcp/6443]}
  nodes: {from: [client], to: [masters], allow: [tcp/22]}
  pods: {from: [client], to: [pods], allow: [tcp/8080], nat: never}
"""

NO_POD_ROUTE = "no route for 10.42.1.0/24, 10.42.2.0/24, 10.42.10.0/24 (on the way there)"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param((), [("NO_ROUTE", ("gw",), ("pods",), 3 * 253, NO_POD_ROUTE)], id="pod-networks"),
        pytest.param(
            (("client: {groups", "client: {default_route: none, groups"),),
            [
                ("NO_ROUTE", ("client",), ("pods",), 3 * 253, NO_POD_ROUTE),
                ("NO_ROUTE", ("client",), ("api", "nodes"), 1 + 3, "no route for 10.2.0.0/24 (on the way there)"),
            ],
            id="a-network-and-a-virtual-address-on-it",
        ),
        pytest.param(
            (("masters: {os", "masters: {firewall: {input: {policy: drop}}, os"),),
            [
                ("NO_ROUTE", ("gw",), ("pods",), 3 * 253, NO_POD_ROUTE),
                (
                    "FILTERED",
                    ("m1", "m2", "m3"),
                    ("api", "nodes"),
                    1 + 3,
                    "dropped by the policy of chain inet netwright input (on the way there)",
                ),
            ],
            id="holders",
        ),
    ],
)
def test_a_cause_is_one_finding_and_counts_each_pair_once(
    changes: tuple[tuple[str, str], ...], expected: list[object], tmp_path: Path
) -> None:
    without_flows = CLUSTER[: CLUSTER.index("flows:")]

    judgement = judge(tmp_path, CLUSTER, written=change(without_flows, *changes))

    errors = [one for one in judgement.verification.findings if one.severity == "error"]
    assert [(str(one.kind), one.nodes, one.flows, one.pairs, one.cause) for one in errors] == expected


def test_what_no_flow_asks_for_is_told_once_over_all_holders(tmp_path: Path) -> None:
    judgement = judge(tmp_path, CLUSTER[: CLUSTER.index("flows:")])

    assert [(one.kind, one.nodes, one.cause) for one in judgement.verification.findings] == [
        (
            "BLACK_HOLE",
            ("gw",),
            "others send it packets for 10.42.1.0/24, 10.42.2.0/24, 10.42.10.0/24, which end here: no route",
        )
    ]
