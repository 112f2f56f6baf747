"""Files, units and pod networks of a machine beside what OUT wants, and how the table shows them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from netwright.live.difference import Aspect, Difference
from netwright.live.files_and_units import compare_files, compare_units, uncollected_files
from netwright.live.printing import render_json, render_table
from netwright.live.status import NodeStatus, judge
from netwright.live.wanted import Wanted, WantedFile, read_wanted
from netwright.verify.values.addresses import Prefix, parse_prefix
from netwright.verify.values.live import LiveFile
from tests.live.states import as_wanted, changed, state, unit

NETWORK = "/etc/systemd/network/10-eth0.network"
SECRET = "/etc/keepalived/keepalived.conf"
WANTED = Wanted(
    node="node1",
    managed=True,
    files={
        NETWORK: WantedFile(digest=hashlib.sha256(b"x").hexdigest(), mode=0o644, owner="root:root"),
        SECRET: WantedFile(digest=None, mode=0o600, owner="root:root"),
    },
    enabled=frozenset({"netwright-nftables.service"}),
)
FILES = as_wanted(WANTED)
UNITS = {"netwright-nftables.service": unit()}


def _network(text: str) -> Prefix:
    found = parse_prefix(text)
    assert found is not None
    return found


def _files(files: dict[str, LiveFile]) -> list[tuple[str, str, str | None, str | None]]:
    found = compare_files(WANTED, state(files=files))
    return [(one.kind, one.what, one.expected, one.found) for one in found]


def test_a_machine_as_reviewed_has_no_difference() -> None:
    status = judge(WANTED, state(files=FILES, units=UNITS), hostname="node1", pods=())

    assert status.is_as_reviewed
    assert render_table([status], details=True).endswith("\n\n1 node: as reviewed.\n")


@pytest.mark.parametrize(
    ("files", "differences"),
    [
        ({SECRET: FILES[SECRET]}, [("missing", NETWORK, None, None)]),
        (
            changed(FILES, NETWORK, digest="f" * 64),
            [("different", NETWORK, "sha256 2d711642b726", "sha256 ffffffffffff")],
        ),
        (changed(FILES, SECRET, mode=0o644), [("different", SECRET, "mode 0600", "mode 0644")]),
        (changed(FILES, SECRET, owner="root:adm"), [("different", SECRET, "owner root:root", "owner root:adm")]),
        (changed(FILES, SECRET, digest="f" * 64), []),
        (
            changed(FILES, NETWORK, digest=None, target="/dev/null"),
            [("different", NETWORK, "a file", "a symbolic link to /dev/null")],
        ),
        ({**FILES, "/etc/systemd/network/05-own.network": FILES[SECRET]}, "/etc/systemd/network/05-own.network"),
        ({**FILES, "/etc/systemd/network/10-eth0.network.bak": FILES[SECRET]}, []),
        (
            {**FILES, "/etc/NetworkManager/system-connections/x": FILES[SECRET]},
            "/etc/NetworkManager/system-connections/x",
        ),
        (
            {**FILES, "/etc/sysconfig/network-scripts/route-e0": FILES[SECRET]},
            "/etc/sysconfig/network-scripts/route-e0",
        ),
        ({**FILES, "/etc/sysconfig/network-scripts/ifcfg-lo": FILES[SECRET]}, []),
        ({**FILES, "/etc/sysctl.d/70-own.conf": FILES[SECRET]}, "/etc/sysctl.d/70-own.conf"),
        ({**FILES, "/etc/sysctl.d/99-sysctl.conf": FILES[SECRET]}, []),
        ({**FILES, "/etc/keepalived/notes": FILES[SECRET]}, []),
    ],
)
def test_files_are_compared(files: dict[str, LiveFile], differences: Any) -> None:
    extra = [("extra", differences, None, None)] if isinstance(differences, str) else differences

    assert _files(files) == extra


def test_what_a_config_leaves_open_is_not_compared(tmp_path: Path) -> None:
    files = [
        {"path": "/opt/fetched", "mode": 0o755, "contents": {"source": "https://example.org/a"}},
        {"path": "/opt/of-a-number", "user": {"id": 500}, "contents": {"source": "data:,x"}},
    ]
    (tmp_path / "node1").mkdir()
    (tmp_path / "node1/node1.ign").write_text(
        json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": files}})
    )
    wanted = read_wanted(tmp_path, "node1")
    there = LiveFile(mode=0o644, owner="core:core", digest=hashlib.sha256(b"x").hexdigest())
    found = dict.fromkeys(("/opt/fetched", "/opt/of-a-number"), there)

    assert [*compare_files(wanted, state(files=found))] == []
    assert [one.what for one in compare_files(wanted, state(files={}, asked=("/opt",)))] == [*found]


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        ({}, None),
        ({"load": "not-found"}, ("missing", None)),
        ({"load": "masked"}, ("different", "masked")),
        ({"active": "failed"}, ("different", "failed")),
        ({"enabled": "disabled"}, ("different", "disabled")),
        ({"enabled": "static"}, None),
        ({"active": "inactive"}, None),
        ({"stale": True}, ("different", "an older form of its file: systemctl daemon-reload is due")),
    ],
)
def test_units_are_compared(words: dict[str, Any], difference: tuple[str, str | None] | None) -> None:
    found = compare_units(WANTED, state(units={"netwright-nftables.service": unit(**words)}))

    assert [(one.kind, one.found) for one in found] == ([] if difference is None else [difference])


def test_a_unit_that_is_not_there_is_missing() -> None:
    assert [one.kind for one in compare_units(WANTED, state(units={}))] == ["missing"]


@pytest.mark.parametrize(("load", "kinds"), [("masked", []), ("loaded", ["different"])])
def test_a_unit_that_is_masked_stays_so(load: str, kinds: list[str]) -> None:
    wanted = replace(WANTED, masked=frozenset({"firewalld.service"}))
    units = {**UNITS, "firewalld.service": unit(load=load)}

    assert [one.kind for one in compare_units(wanted, state(units=units))] == kinds


def test_a_failed_unit_of_the_network_differs() -> None:
    units = {**UNITS, "systemd-networkd.service": unit(active="failed"), "cups.service": unit(active="failed")}

    assert [one.what for one in compare_units(WANTED, state(units=units))] == ["systemd-networkd.service"]


def test_a_file_that_was_not_looked_for_is_not_missing() -> None:
    other = state(files={}, units=UNITS, asked=("/etc/systemd/network",))

    assert [one.what for one in compare_files(WANTED, other)] == [NETWORK]
    assert uncollected_files(WANTED, other) == (SECRET,)
    status = judge(WANTED, other, hostname="node1", pods=())
    assert status.unread[Aspect.FILES] == f"{SECRET}: not collected; take the script of netwright collect"


def test_what_could_not_be_read_is_not_as_reviewed() -> None:
    status = judge(WANTED, state(files=FILES, units=None, unread={"units": "no bus"}), hostname="node1", pods=())

    assert not status.is_as_reviewed
    table = render_table([status], details=False)
    assert "node1: units not read: units: no bus" in table
    assert table.endswith("1 node not wholly read: node1 (of 1).\n")


def test_a_file_that_only_root_may_read_is_named() -> None:
    status = judge(WANTED, state(files=changed(FILES, SECRET, digest=None), units=UNITS), hostname="node1", pods=())

    assert status.unread[Aspect.FILES].startswith(f"{SECRET}: only root may read it")


@pytest.mark.parametrize(
    ("found", "kinds"),
    [(None, []), ("10.42.1.0/24", []), ("10.42.2.0/24", ["different"])],
)
def test_the_pod_network_is_compared(found: str | None, kinds: list[str]) -> None:
    own = None if found is None else _network(found)
    status = judge(
        WANTED, state(files=FILES, units=UNITS, pod_network=own), hostname="node1", pods=[_network("10.42.1.0/24")]
    )

    assert [one.kind for one in status.of(Aspect.PODS)] == kinds


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"hostname": "node2"}, "the machine calls itself node2, and the topology node1: is it node1?"),
        ({"hostname": "NODE1.example.org"}, None),
        (
            {"pod_networks": {"node1": _network("10.42.7.0/24")}},
            "K3s gave it 10.42.7.0/24 for pods, and flannel has not",
        ),
    ],
)
def test_what_else_is_to_be_known_is_said(change: dict[str, Any], remark: str | None) -> None:
    status = judge(WANTED, state(**{"files": FILES, "units": UNITS, **change}), hostname="node1", pods=())

    assert [one for one in status.remarks if remark is not None and remark in one] == list(status.remarks)
    assert bool(status.remarks) == (remark is not None)


def _missing_route(via: str) -> Difference:
    return Difference(
        aspect=Aspect.ROUTES, kind="missing", what=f"10.17.3.0/24 via {via}", place="node/rootfs/x.network:7"
    )


def test_the_same_difference_is_told_once_with_its_nodes() -> None:
    route, other = _missing_route("10.17.4.1"), _missing_route("10.17.4.9")
    statuses = [
        NodeStatus(node="worker1", differences=(route,)),
        NodeStatus(node="worker2", differences=(route, other)),
        NodeStatus(node="worker3"),
        NodeStatus(node="worker4", problem="connection refused"),
    ]

    assert render_table(statuses, details=True) == (
        "node     files  units  addresses  routes     rules  sysctls  nft  pods\n"
        "worker1  ok     ok     ok         1 missing  ok     ok       ok   ok\n"
        "worker2  ok     ok     ok         2 missing  ok     ok       ok   ok\n"
        "worker3  ok     ok     ok         ok         ok     ok       ok   ok\n"
        "worker4  connection refused\n"
        "\n"
        "routes: missing 10.17.3.0/24 via 10.17.4.1: worker1, worker2 (node/rootfs/x.network:7)\n"
        "routes: missing 10.17.3.0/24 via 10.17.4.9: worker2 (node/rootfs/x.network:7)\n"
        "\n"
        "2 nodes not as reviewed: worker1, worker2; 1 node of which nothing is known: worker4 (of 4).\n"
    )


def test_details_are_asked_for() -> None:
    table = render_table([NodeStatus(node="worker1", differences=(_missing_route("10.17.4.1"),))], details=False)

    assert "10.17.3.0" not in table
    assert table.endswith("\n--details lists what differs.\n")


def test_json_has_everything() -> None:
    document = json.loads(render_json([NodeStatus(node="n", differences=(_missing_route("10.17.4.1"),))]))

    assert (document["version"], document["as_reviewed"]) == (1, False)
    (node,) = document["nodes"]
    assert (node["node"], node["problem"], node["as_reviewed"]) == ("n", None, False)
    assert node["differences"][0] == {
        "aspect": "routes",
        "kind": "missing",
        "what": "10.17.3.0/24 via 10.17.4.1",
        "expected": None,
        "found": None,
        "place": "node/rootfs/x.network:7",
    }


@pytest.mark.parametrize("render", [lambda one: render_table(one, details=True), render_json], ids=["table", "json"])
def test_a_hostile_machine_is_data(render: Callable[[list[NodeStatus]], str]) -> None:
    files = {**FILES, "/etc/sysctl.d/\x1b[2J\n::error::.conf": FILES[NETWORK]}
    text = render([judge(WANTED, state(files=files, units=UNITS, hostname="\x1b]0;x\x07"), hostname="node1", pods=())])

    assert "\x1b" not in text
    assert "\n::" not in text
