"""`netwright verify --live`: what machines really have is proved, and what differs from their files is the cause."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.live.test_differences import NETWORK1, NFT, SYSCTLS
from tests.netwright import netwright
from tests.rigs.live_network import LiveNetwork, with_fact, write_records

FLOWS = {"balancer-to-pods", "workers-to-balancer"}


def _verify(project: Path) -> dict[str, Any]:
    run = netwright("verify", "--live", "facts", "--format", "json", cwd=project)
    document: dict[str, Any] = json.loads(run.stdout)
    assert run.status == (0 if document["proved"] else 1)
    return document


def _proved(document: dict[str, Any]) -> set[str]:
    return {flow["name"] for flow in document["flows"] if flow["proved"]}


def test_machines_that_are_as_their_files_have_them_prove_every_flow(project: Path) -> None:
    document = _verify(project)

    assert _proved(document) == FLOWS
    assert document["findings"] == []
    assert document["assumptions"] == [
        "service addresses (10.43.0.0/16) are kube-proxy's matter and are not judged",
        (
            "where a Service has tcp/80,443,30000-32767 and udp/30000-32767 of Kubernetes nodes, what comes there is "
            "judged to the node, not to its pods"
        ),
        "flannel's card is eth0 on worker1, worker2",
        "nothing has changed since they were collected: gw, lb1, worker1, worker2",
        "what no record shows (tc, XDP, IPsec, fixed neighbours) touches no packet of a flow",
        "flannel's tunnels lead each pod network to its node from worker1, worker2",
    ]


def _pings_are_answered(live: LiveNetwork) -> bool:
    """What the kernels do with a ping to a pod of each node."""
    pings = (["ping", "-c", "1", "-W", "1", pod] for pod in ("10.42.1.2", "10.42.2.2"))
    return all(not live.spaces.attempt("lb1", command) for command in pings)


class Change(Struct, frozen=True, kw_only=True):
    """A change of a node by shell commands, and how it is taken back; which flows then hold, the kind of finding that
    is about the node, and the beginning of what differs from its files. Of pings from lb1 to pods of both nodes the
    kernel then has each one `answered`, or not."""

    node: str
    there: tuple[str, ...]
    back: tuple[str, ...]
    proved: frozenset[str] = frozenset()
    kind: str
    difference: str = ""
    answered: bool = False


CHANGES = {
    "the guide's route is gone": Change(
        node="worker1",
        there=("ip route del 10.17.3.0/24",),
        back=("ip route add 10.17.3.0/24 via 10.17.4.1",),
        kind="NO_ROUTE",
        difference=f"worker1 lacks the route 10.17.3.0/24 via 10.17.4.1 dev eth0, which {NETWORK1}:11 asks for",
    ),
    "a rule that drops": Change(
        node="gw",
        there=("nft insert rule inet netwright forward tcp dport 443 drop",),
        back=(f"nft -f - < {{out}}/{NFT}",),
        proved=frozenset({"balancer-to-pods"}),
        kind="FILTERED",
        difference="gw has `tcp dport 443 drop` in chain inet netwright forward (facts/gw.facts: nft inet netwright",
        answered=True,
    ),
    "a table of another program's drops": Change(
        node="worker2",
        there=(
            "iptables -I INPUT -p tcp -m comment --comment 'no other' -j DROP",
            "iptables -I FORWARD -p tcp -m multiport --dports 1:9000 -j DROP",
        ),
        back=("nft delete table ip filter",),
        kind="FILTERED",
        answered=True,
    ),
    "a strict reverse path filter": Change(
        node="worker1",
        there=(
            "sysctl -qw net.ipv4.conf.all.rp_filter=1",
            "ip route add 10.17.3.12/32 dev cni0",
        ),
        back=(
            "sysctl -qw net.ipv4.conf.all.rp_filter=0",
            "ip route del 10.17.3.12/32 dev cni0",
        ),
        kind="RPF_DROP",
    ),
    "no forwarding": Change(
        node="gw",
        there=("sysctl -qw net.ipv4.ip_forward=0",),
        back=("sysctl -qw net.ipv4.ip_forward=1",),
        kind="FORWARDING_OFF",
        difference=f"gw has net.ipv4.ip_forward = 0, where {SYSCTLS}:2 asks for 1",
    ),
    "another address": Change(
        node="lb1",
        there=(
            "ip address del 10.17.3.12/24 dev eth0",
            "ip address add 10.17.3.13/24 dev eth0",
            "ip route add default via 10.17.3.1 dev eth0 metric 100",
        ),
        back=(
            "ip address del 10.17.3.13/24 dev eth0",
            "ip address add 10.17.3.12/24 dev eth0",
            "ip route add default via 10.17.3.1 dev eth0 metric 100",
        ),
        kind="WRONG_ADDRESS",
        difference="lb1 has on eth0 the address 10.17.3.13/24, where",
    ),
    "a card that is down": Change(
        node="worker1",
        there=("ip link set eth0 down",),
        back=(
            "ip link set eth0 up",
            "ip route replace 10.17.3.0/24 via 10.17.4.1",
        ),
        kind="NO_CARRIER",
        difference=f"worker1 lacks the route 10.17.3.0/24 via 10.17.4.1 dev eth0, which {NETWORK1}:11 asks for",
    ),
    "what nft cannot show": Change(
        node="worker1",
        there=("iptables -I FORWARD -p icmp -m physdev ! --physdev-is-bridged -j DROP",),
        back=("nft delete table ip filter",),
        proved=frozenset({"workers-to-balancer"}),
        kind="UNKNOWN",
    ),
    "rules of the older kernel interface": Change(
        node="gw",
        there=("iptables-legacy -I FORWARD -j DROP",),
        back=("iptables-legacy -F",),
        kind="UNKNOWN",
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_changed_is_refuted_and_named(live: LiveNetwork, project: Path, change: Change) -> None:
    assert _pings_are_answered(live)
    with live.changed(change.node, change.there, change.back):
        write_records(project / "facts", {change.node: live.collect(change.node)})
        answered = _pings_are_answered(live)

    document = _verify(project)

    assert _proved(document) == change.proved
    assert answered is change.answered
    errors = [one for one in document["findings"] if one["severity"] == "error"]
    assert (change.kind, change.node) in {(one["kind"], name) for one in errors for name in one["nodes"]}
    named = [text for one in errors for text in one.get("differences", ())]
    assert not change.difference or any(text.startswith(change.difference) for text in named), named


KUBERNETES = """\
*filter
:KUBE-FORWARD - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-ROUTER - [0:0]
:KUBE-POD - [0:0]
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -j KUBE-ROUTER
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-ROUTER -d 10.42.1.2/32 -m comment --comment "to the pod" -j KUBE-POD
-A KUBE-ROUTER -m mark --mark 0x20000/0x20000 -j ACCEPT
-A KUBE-POD -m addrtype --src-type LOCAL -j ACCEPT
-A KUBE-POD -m comment --comment "default" -j MARK --set-xmark 0x10000/0x10000
-A KUBE-POD -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/min -j NFLOG --nflog-group 100
-A KUBE-POD -m mark ! --mark 0x10000/0x10000 -j REJECT
-A KUBE-POD -j MARK --set-xmark 0x0/0x10000
-A KUBE-POD -j MARK --set-xmark 0x20000/0x20000
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SVC - [0:0]
:KUBE-SEP - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.43.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-SVC
-A KUBE-SVC -m statistic --mode random --probability 0.5 -j KUBE-SEP
-A KUBE-SVC -j KUBE-SEP
-A KUBE-SEP -s 10.42.1.5/32 -j KUBE-MARK-MASQ
-A KUBE-SEP -p tcp -m tcp -j DNAT --to-destination 10.42.1.5:6443
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
COMMIT
"""


def test_rules_of_kube_proxy_and_of_a_policy_controller_are_read(live: LiveNetwork, project: Path) -> None:
    (project / "kubernetes.rules").write_text(KUBERNETES)
    load = f"iptables-restore < {project}/kubernetes.rules"
    with live.changed("worker1", (load,), ("nft delete table ip filter; nft delete table ip nat",)):
        write_records(project / "facts", {"worker1": live.collect("worker1")})
        assert _pings_are_answered(live)

    assert _proved(_verify(project)) == FLOWS


def test_a_pod_that_a_policy_of_kubernetes_shuts_is_refused(live: LiveNetwork, project: Path) -> None:
    shut = KUBERNETES.replace('--comment "default" -j MARK', '--comment "default" -s 10.9.9.9/32 -j MARK')
    (project / "kubernetes.rules").write_text(shut)
    load = f"iptables-restore < {project}/kubernetes.rules"
    with live.changed("worker1", (load,), ("nft delete table ip filter; nft delete table ip nat",)):
        write_records(project / "facts", {"worker1": live.collect("worker1")})
        assert not _pings_are_answered(live)

    document = _verify(project)

    assert _proved(document) == {"workers-to-balancer"}
    assert {one["kind"] for one in document["findings"]} == {"FILTERED"}


def test_nodes_without_a_record_are_by_their_files(project: Path) -> None:
    for node in ("gw", "worker2"):
        (project / "facts" / f"{node}.facts").unlink()

    document = _verify(project)

    assert _proved(document) == FLOWS
    assert "by OUT, not collected: gw, worker2" in document["assumptions"]
    assert "kube-proxy drops packets in ct state invalid on Kubernetes nodes" in document["assumptions"]
    assert "nothing else on the other machines adds routes or rules" in document["assumptions"]


@pytest.mark.parametrize("fact", ["links", "addresses", "routes", "rules", "ruleset", "parameters"])
def test_what_could_not_be_read_is_unknown(live: LiveNetwork, project: Path, fact: str) -> None:
    record = with_fact(live.whole["gw"], fact, b"", complaint="Operation not permitted", status=1)
    write_records(project / "facts", {"gw": record})

    document = _verify(project)

    assert _proved(document) == set()
    assert document["findings"][0]["kind"] == "UNKNOWN"
    assert document["findings"][0]["cause"].endswith("could not be read: Operation not permitted")
    assert document["findings"][0]["origins"] == [{"file": f"facts/gw.facts: {fact}", "line": 0}]


def test_a_machine_without_iptables_is_known_by_nft_alone(live: LiveNetwork, project: Path) -> None:
    record = with_fact(live.whole["gw"], "iptables", b"", complaint="iptables-save: not found", status=127)
    write_records(project / "facts", {"gw": record})

    assert _proved(_verify(project)) == FLOWS


def test_rules_that_iptables_alone_shows_are_unknown(live: LiveNetwork, project: Path) -> None:
    record = with_fact(live.whole["gw"], "iptables", b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n")
    write_records(project / "facts", {"gw": record})

    document = _verify(project)

    assert _proved(document) == set()
    assert "iptables-legacy" in document["findings"][0]["cause"]


def test_a_pod_network_of_the_cluster_counts_in_place_of_the_topologys(live: LiveNetwork, project: Path) -> None:
    subnet = b"FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.7.1/24\nFLANNEL_MTU=1450\n"
    write_records(project / "facts", {"worker2": with_fact(live.whole["worker2"], "flannel", subnet)})

    document = _verify(project)

    assert _proved(document) == {"workers-to-balancer"}
    (finding,) = (one for one in document["findings"] if one["kind"] == "OTHER_PODS")
    assert finding["nodes"] == ["worker2"]
    assert finding["cause"] == (
        "its pods have 10.42.7.0/24, and 10.42.2.0/24 in the topology: correct its pod_cidr there"
    )


def test_the_picture_of_who_reaches_whom_is_of_now(live: LiveNetwork, project: Path) -> None:
    with live.changed("gw", ("ip link set eth1 down",), ("ip link set eth1 up",)):
        write_records(project / "facts", {"gw": live.collect("gw")})

    run = netwright("verify", "--live", "facts", "--matrix", cwd=project)

    assert "NO_CARRIER at gw: eth1 is down" in run.stdout
