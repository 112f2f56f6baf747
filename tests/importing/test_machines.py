"""Drafts of machines from networkd's and NetworkManager's files: what was generated comes back, and nothing is lost."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from netwright.importing.machine import Source
from netwright.production.production import prepare
from netwright.text.report import render_text
from tests.importing.test_importing import node, nodes_file
from tests.netwright import PROJECT, netwright

OPTION: dict[Source, str] = {"networkd": "--from-networkd", "NetworkManager": "--from-networkmanager"}
FOLDER: dict[Source, str] = {"networkd": "systemd/network", "NetworkManager": "NetworkManager/system-connections"}


def init(folder: Path, *words: str) -> tuple[dict[str, Any], str]:
    """The draft, which has to be valid, and what was printed about it."""
    run = netwright("init", "draft.yaml", *words, cwd=folder)
    assert run.status == 0, run.stderr
    production, report = prepare(str(folder / "draft.yaml"))
    assert production is not None, render_text(report)
    production.close()
    document = yaml.safe_load((folder / "draft.yaml").read_text())
    return document, run.stderr


def machine(folder: Path, source: Source, files: dict[str, str], name: str = "m1") -> tuple[str, str]:
    """The words that import a machine with these files in its /etc."""
    for file, text in files.items():
        path = folder / name / "etc" / FOLDER[source] / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return OPTION[source], f"{name}/etc"


def profile(text: str, kind: str = "ethernet", name: str = "eth0") -> str:
    return f"[connection]\nid={name}\ntype={kind}\ninterface-name={name}\n{text}[ipv6]\nmethod=disabled\n"


GENERATED = [
    ("out", "networkd", ("master1", "master2", "worker1", "worker4")),
    ("out", "NetworkManager", ("haproxy1", "kvm")),
    ("tests/golden/links/out", "networkd", ("worker1",)),
    ("tests/golden/links-vlan-filtering/out", "networkd", ("flatcar1",)),
    ("tests/golden/links-vlan-filtering/out", "NetworkManager", ("rocky1",)),
    ("tests/golden/links-match/out", "networkd", ("worker1", "worker2")),
    ("tests/golden/links-match/out", "NetworkManager", ("worker3", "worker4")),
    ("tests/golden/links/out", "NetworkManager", ("lb1", "lb2")),
    ("tests/golden/several-next-hops/out", "networkd", ("client", "both")),
    ("tests/golden/several-next-hops/out", "NetworkManager", ("server",)),
]


@pytest.mark.parametrize(("out", "source", "names"), GENERATED)
def test_files_that_were_generated_come_back(out: str, source: Source, names: tuple[str, ...], tmp_path: Path) -> None:
    words = [word for name in names for word in (OPTION[source], str(PROJECT / out / name / "rootfs" / "etc"))]

    document, printed = init(tmp_path, *words)

    assert printed == ""
    assert document["nodes"].keys() == {*names}
    run = netwright("generate", "draft.yaml", cwd=tmp_path)
    assert run.status == 0, run.stderr
    for name in names:
        assert _settings(tmp_path / "out" / name, source) == _settings(PROJECT / out / name, source), name


def _settings(node: Path, source: Source) -> dict[str, list[str]]:
    """The lines of the files of a node, without UUIDs, which hold the cluster's name, and in the words of Rocky 9."""
    files = (node / "rootfs/etc" / FOLDER[source]).glob("*")
    later = {"controller=": "master=", "port-type=": "slave-type="}
    found = {}
    for file in files:
        text = file.read_text()
        for new, old in later.items():
            text = text.replace(f"\n{new}", f"\n{old}")
        found[file.name] = sorted(line for line in text.split("\n") if line and not line.startswith("uuid="))
    return found


def test_a_node_of_the_cluster_gets_the_interfaces_of_its_machine(tmp_path: Path) -> None:
    network = "[Match]\nName=ens3\n[Network]\nAddress=10.1.4.24/23\nGateway=10.1.4.1\n"
    words = machine(tmp_path, "networkd", {"10-ens3.network": network}, "worker1")
    cluster = nodes_file(tmp_path, [node("worker1", "10.1.4.24", "10.42.0.0/24"), node("w2", "10.1.5.25", None)])

    document, _ = init(tmp_path, *words, "--from-kubectl", cluster)

    assert document["networks"] == {"net-10-1-4-0": {"cidr": "10.1.4.0/23"}}
    assert document["nodes"]["worker1"] == {
        "groups": ["workers"],
        "pod_cidr": "10.42.0.0/24",
        "default_route": {"via": "10.1.4.1"},
        "interfaces": {"ens3": {"network": "net-10-1-4-0", "address": "10.1.4.24"}},
    }
    assert document["nodes"]["w2"]["interfaces"] == {"eth0": {"network": "net-10-1-4-0", "address": "10.1.5.25"}}


def test_the_host_of_libvirts_networks_may_be_one_of_the_machines(tmp_path: Path) -> None:
    keyfile = profile("[ipv4]\nmethod=manual\naddress1=192.168.0.40/24,192.168.0.1\n")
    words = machine(tmp_path, "NetworkManager", {"eth0.nmconnection": keyfile}, "kvm")
    bridge = "<network><name>k</name><bridge name='virbr1'/><forward mode='open'/><ip address='10.1.0.1' prefix='24'/>"
    (tmp_path / "k.xml").write_text(bridge + "</network>")

    document, _ = init(tmp_path, *words, "--from-libvirt", "k.xml")

    assert document["nodes"].keys() == {"kvm"}
    assert document["nodes"]["kvm"]["interfaces"].keys() == {"virbr1", "eth0"}
    assert document["nodes"]["kvm"]["forward"] is True


def test_a_lease_has_the_address_that_the_cluster_knows(tmp_path: Path) -> None:
    network = "[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n"
    words = machine(tmp_path, "networkd", {"10-eth0.network": network}, "worker1")

    alone, printed = init(tmp_path, *words, *machine(tmp_path, "networkd", {"a.network": STATIC}, "other"))
    (tmp_path / "draft.yaml").unlink()
    cluster = nodes_file(tmp_path, [node("worker1", "10.1.4.24", None)])
    known, _ = init(tmp_path, *words, "--from-kubectl", cluster)

    assert alone["nodes"].keys() == {"other"}
    assert "machine worker1: eth0: its lease" in printed
    leased = {"dhcp": True, "network": "net-10-1-4-0", "address": "10.1.4.24"}
    assert known["nodes"]["worker1"]["interfaces"] == {"eth0": leased}


STATIC = "[Match]\nName=eth9\n[Network]\nAddress=10.9.0.2/24\n"
ROUTES = """\
[Match]
Name=eth0
[Network]
Address=10.1.0.2/24
Address=10.1.0.3/24
DNS=10.1.0.53 2001:db8::53
Domains=lab.example ~corp.example
IPMasquerade=ipv4
[Route]
Gateway=10.1.0.1
Metric=200
[Route]
Gateway=10.1.0.254
Metric=100
[Route]
Destination=10.42.0.0/24
Gateway=10.1.0.9
Table=100
PreferredSource=10.1.0.3
[Route]
Destination=10.43.0.0/16
Type=blackhole
[RoutingPolicyRule]
From=10.1.0.3/32
Table=100
Priority=1000
"""


def test_routes_rules_and_name_servers_are_kept_and_the_rest_is_told(tmp_path: Path) -> None:
    document, printed = init(tmp_path, *machine(tmp_path, "networkd", {"10-eth0.network": ROUTES}))

    assert document["nodes"]["m1"] == {
        "os": "flatcar",
        "dns": ["10.1.0.53"],
        "domain": "lab.example",
        "default_route": {"via": "10.1.0.254", "metric": 100},
        "routes": [
            {"to": "default", "via": "10.1.0.1", "metric": 200},
            {"to": "10.42.0.0/24", "via": "10.1.0.9", "table": 100, "source": "10.1.0.3"},
            {"to": "10.43.0.0/16", "type": "blackhole"},
        ],
        "policy_rules": [{"priority": 1000, "from": "10.1.0.3/32", "table": 100}],
        "interfaces": {"eth0": {"network": "net-10-1-0-0", "address": ["10.1.0.2", "10.1.0.3"]}},
    }
    text = (tmp_path / "draft.yaml").read_text()
    assert "# Name servers for which a topology has no key: 2001:db8::53" in text
    assert "# 10-eth0.network:8: " in text
    assert "machine m1: lines of its files, in comments" in printed


@pytest.mark.parametrize(
    ("mark", "drafted"),
    [
        pytest.param("0x10", {"mark": 16}, id="all-bits"),
        pytest.param("0x10/0xff", {"mark": 16, "mask": 255}, id="some-bits"),
        pytest.param("0x100/0xff", None, id="other-bits"),
        pytest.param("0/0xff", None, id="no-mark"),
    ],
)
def test_policy_rules_by_a_mark_are_kept_or_told_of(mark: str, drafted: dict[str, int] | None, tmp_path: Path) -> None:
    rule = f"[RoutingPolicyRule]\nPriority=100\nFirewallMark={mark}\nTable=100\n"
    route = "[Route]\nDestination=10.8.0.0/16\nGateway=10.9.0.1\nTable=100\n"

    document, printed = init(tmp_path, *machine(tmp_path, "networkd", {"10-eth0.network": STATIC + route + rule}))

    wanted = [{"priority": 100, **drafted, "table": 100}] if drafted else None
    assert document["nodes"]["m1"].get("policy_rules") == wanted
    assert ("the policy rule at" in printed) is (drafted is None)


def test_drop_ins_belong_to_their_file(tmp_path: Path) -> None:
    route = "[Route]\nDestination=10.8.0.0/16\nGateway=10.9.0.1\n"
    files = {"10-eth0.network": STATIC, "10-eth0.network.d/50.conf": route}

    document, _ = init(tmp_path, *machine(tmp_path, "networkd", files))

    assert document["nodes"]["m1"]["routes"] == [{"to": "10.8.0.0/16", "via": "10.9.0.1"}]


def test_defaults_of_the_programs_are_written_out(tmp_path: Path) -> None:
    address = "[ipv4]\nmethod=manual\naddress1=10.{}.0.2/24\n"
    files = {
        "br0.nmconnection": profile(address.format(1), "bridge", "br0"),
        "bond0.nmconnection": profile(address.format(2), "bond", "bond0"),
        "eth0.nmconnection": profile("master=bond0\nslave-type=bond\n", name="eth0").split("[ipv6]")[0],
    }

    document, _ = init(tmp_path, *machine(tmp_path, "NetworkManager", files))

    interfaces = document["nodes"]["m1"]["interfaces"]
    assert interfaces["br0"]["bridge"] == {"stp": True}
    assert interfaces["bond0"]["bond"] == {"members": ["eth0"], "mode": "balance-rr"}


def test_a_tunnel_is_told_of_as_its_public_key_is_not_in_its_files(tmp_path: Path) -> None:
    files = {
        "10-eth9.network": STATIC,
        "20-wg0.netdev": "[NetDev]\nName=wg0\nKind=wireguard\n[WireGuard]\nPrivateKeyFile=/etc/wg0.key\n",
        "20-wg0.network": "[Match]\nName=wg0\n[Network]\nAddress=10.8.0.2/24\n",
    }

    document, printed = init(tmp_path, *machine(tmp_path, "networkd", files))

    assert [*document["nodes"]["m1"]["interfaces"]] == ["eth9"]
    assert "machine m1: wg0: a WireGuard tunnel; its public key is not in the files" in printed


def test_networks_of_different_lengths_in_one_place_are_told(tmp_path: Path) -> None:
    one = machine(tmp_path, "networkd", {"a.network": STATIC}, "a")
    other = machine(tmp_path, "networkd", {"a.network": STATIC.replace("0.2/24", "0.3/16")}, "b")

    document, printed = init(tmp_path, *one, *other)

    assert document["nodes"].keys() == {"a"}
    assert "machine b: 10.9.0.3/16 of eth9, since net-10-9-0-0 is 10.9.0.0/24" in printed


@pytest.mark.parametrize(
    ("release", "option", "os"),
    [
        ("Rocky Linux 8.10 (Green Obsidian)", "--from-networkmanager", "rocky8"),
        ("AlmaLinux 10.0 (Purple Lion)", "--from-networkmanager", "almalinux10"),
        ("Flatcar Container Linux by Kinvolk 4230.2.2 (Oklo)", "--from-networkd", "flatcar"),
        ("Debian GNU/Linux 12", "--from-networkmanager", "rocky9"),
    ],
)
def test_the_system_is_that_of_os_release(release: str, option: str, os: str, tmp_path: Path) -> None:
    source: Source = "networkd" if option == "--from-networkd" else "NetworkManager"
    keyfile = profile("[ipv4]\nmethod=manual\naddress1=10.9.0.2/24\n")
    machine(tmp_path, source, {"a.network": STATIC, "a.nmconnection": keyfile}, "x")
    (tmp_path / "x/etc/os-release").write_text(f'NAME="x"\nPRETTY_NAME="{release}"\n')
    (tmp_path / "x/etc/hostname").write_text("Real-Name.lab.example\n")

    document, _ = init(tmp_path, option, "x/etc")

    assert document["nodes"]["real-name"]["os"] == os
    assert document["nodes"]["real-name"]["hostname"] == "real-name.lab.example"


def test_a_machine_that_can_not_be_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    good = machine(tmp_path, "networkd", {"a.network": STATIC}, "good")
    machine(tmp_path, "networkd", {"a.network": ""}, "bad")
    (tmp_path / "bad/etc/systemd/network/a.network").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").mkdir()

    document, printed = init(tmp_path, *good, "--from-networkd", "bad/etc", "--from-networkmanager", "empty")

    assert document["nodes"].keys() == {"good"}
    assert "a.network: warning: is no UTF-8 text; leave it out" in printed
    assert "empty: warning: has no *.nmconnection for an interface, neither here nor in NetworkManager" in printed


def test_a_draft_without_any_node_is_an_error(tmp_path: Path) -> None:
    words = machine(tmp_path, "networkd", {"a.network": "[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n"})

    run = netwright("init", "draft.yaml", *words, cwd=tmp_path)

    assert run.status == 2
    assert "error: left out: node m1: none of its addresses is in its files, or can be drafted" in run.stderr
    assert not (tmp_path / "draft.yaml").exists()


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_what_is_no_folder_is_an_error(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    run = netwright("init", "draft.yaml", "--from-networkd", folder, cwd=tmp_path)

    assert run.status == 2
    assert f"{folder}: error: is no folder; name a copy of the machine's /etc" in run.stderr
    assert not (tmp_path / "draft.yaml").exists()


def test_no_line_of_a_file_adds_one_to_a_draft(tmp_path: Path) -> None:
    odd = STATIC + "[Network]\nX\x1b[31m=1\rnodes: {}\n"

    document, _ = init(tmp_path, *machine(tmp_path, "networkd", {"a\n  b: {}.network": odd, "b.network": STATIC}))

    assert document["nodes"].keys() == {"m1"}
    assert "\x1b" not in (tmp_path / "draft.yaml").read_text()


LOST: dict[str, tuple[Source, dict[str, str], str]] = {
    "IPv6 of networkd": (
        "networkd",
        {"10-eth0.network": "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.5/24\nAddress=2001:db8::5/64\n"},
        "# 10-eth0.network:5: IPv6, for which a topology has no key: Address=2001:db8::5/64",
    ),
    "a time server of networkd": (
        "networkd",
        {"10-eth0.network": "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.5/24\nNTP=10.1.0.2\n"},
        "# 10-eth0.network:5: no key of a topology: NTP=10.1.0.2",
    ),
    "IPv6 of NetworkManager": (
        "NetworkManager",
        {
            "eth0.nmconnection": profile("[ipv4]\nmethod=manual\naddress1=10.1.0.5/24\n").replace("disabled", "manual")
            + "address1=2001:db8::5/64\n"
        },
        ":10: IPv6, for which a topology has no key: address1=2001:db8::5/64",
    ),
    "an option of a bond": (
        "networkd",
        {
            "b.netdev": "[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=802.3ad\nAdSelect=count\n",
            "b.network": "[Match]\nName=bond0\n[Network]\nAddress=10.1.0.5/24\n",
            "e.network": "[Match]\nName=eth0\n[Network]\nBond=bond0\n",
        },
        "# b.netdev:6: an option of a bond for which a topology has no key: AdSelect=count",
    ),
    "a tunnel of networkd": (
        "networkd",
        {
            "10-eth0.network": "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.5/24\n",
            "v.netdev": "[NetDev]\nName=vx0\nKind=vxlan\n[VXLAN]\nVNI=5\n",
            "v.network": "[Match]\nName=vx0\n[Network]\nAddress=10.9.0.5/24\n",
        },
        "# v.netdev: makes vx0, a kind of device that no topology has",
    ),
    "a tunnel of NetworkManager": (
        "NetworkManager",
        {
            "eth0.nmconnection": profile("[ipv4]\nmethod=manual\naddress1=10.1.0.5/24\n"),
            "t.nmconnection": profile("[ipv4]\nmethod=manual\naddress1=10.9.0.5/24\n", "ip-tunnel", "tun0"),
        },
        "# t.nmconnection: makes tun0, a kind of device that no topology has",
    ),
    "a VLAN without a name": (
        "NetworkManager",
        {
            "eth0.nmconnection": profile("[ipv4]\nmethod=manual\naddress1=10.1.0.5/24\n"),
            "v.nmconnection": profile(
                "[vlan]\nid=30\nparent=eth0\n[ipv4]\nmethod=manual\naddress1=10.9.0.5/24\n", "vlan"
            ).replace("interface-name=eth0\n", ""),
        },
        "# v.nmconnection: makes a device, and gives it no name",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_what_a_draft_has_no_place_for_stands_in_a_comment(name: str, tmp_path: Path) -> None:
    source, files, comment = LOST[name]

    document, printed = init(tmp_path, *machine(tmp_path, source, files))

    assert comment in (tmp_path / "draft.yaml").read_text()
    assert "lines of its files, in comments" in printed
    assert document["nodes"]["m1"]["interfaces"].keys() <= {"eth0", "bond0"}
    assert document["networks"].keys() == {"net-10-1-0-0"}


def _bond(options: str) -> dict[str, str]:
    bond = profile(f"[bond]\n{options}[ipv4]\nmethod=manual\naddress1=10.1.0.5/24\n", "bond", "bond0")
    return {"bond0.nmconnection": bond, "eth0.nmconnection": profile("master=bond0\nslave-type=bond\n")}


@pytest.mark.parametrize(
    "options",
    ["mode=4\nxmit_hash_policy=1\nlacp_rate=1\n", "mode=802.3ad\nxmit_hash_policy=layer3+4\nlacp_rate=fast\n"],
)
def test_numbers_of_a_bonds_options_are_words_in_a_draft(options: str, tmp_path: Path) -> None:
    document, printed = init(tmp_path, *machine(tmp_path, "NetworkManager", _bond(options)))

    bond = document["nodes"]["m1"]["interfaces"]["bond0"]["bond"]
    assert (bond["mode"], bond["hash"], bond["lacp_rate"], printed) == ("802.3ad", "layer3+4", "fast", "")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ("mode=1\nxmit_hash_policy=1\n", "hash"),
        ("mode=1\nlacp_rate=1\n", "lacp_rate"),
        ("mode=1\nprimary=eth9\n", "primary"),
        ("mode=1\nmiimon=100\nupdelay=150\n", "up_delay"),
    ],
)
def test_options_that_do_not_suit_a_bond_are_left_out(options: str, key: str, tmp_path: Path) -> None:
    document, printed = init(tmp_path, *machine(tmp_path, "NetworkManager", _bond(options)))

    assert key not in document["nodes"]["m1"]["interfaces"]["bond0"]["bond"]
    assert f"left out: machine m1: bond0: {key} " in printed


def test_an_address_that_no_network_may_have_is_left_out(tmp_path: Path) -> None:
    files = {"10-eth0.network": "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.5/24\nAddress=127.0.0.5/8\n"}

    document, printed = init(tmp_path, *machine(tmp_path, "networkd", files))

    assert document["networks"].keys() == {"net-10-1-0-0"}
    assert "127.0.0.5/8 of eth0, which no network may have" in printed
