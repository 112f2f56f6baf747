"""firewalld's zones and policies: what they let through and keep out is proved, and what is wrong is found."""

import json
from pathlib import Path

import pytest
import yaml

from tests.netwright import netwright

TOPOLOGY = """\
version: 1
name: firewalld
networks:
  front: {cidr: 10.1.0.0/24, router: gw}
  back: {cidr: 10.2.0.0/24, router: gw}
  lan: {cidr: 192.168.0.0/24, router: router}
defaults: {os: rocky10, firewalld: managed}
nodes:
  router: {os: unmanaged, internet: true, interfaces: {lan0: {network: lan, address: 192.168.0.1}}}
  gw:
    forward: true
    default_route: {via: router}
    interfaces:
      eth0: {network: front, address: 10.1.0.1}
      eth1: {network: back, address: 10.2.0.1}
      eth2: {network: lan, address: 192.168.0.2}
  web: {interfaces: {eth0: {network: front, address: 10.1.0.11}}}
  db: {firewall: {input: {policy: drop}}, interfaces: {eth0: {network: back, address: 10.2.0.11}}}
flows:
  query: {from: web, to: db, allow: [tcp/5432]}
  updates: {from: back, to: internet, allow: [tcp/443]}
  apart: {from: db, to: web, deny: any}
  closed: {from: web, to: db, deny: [tcp/22]}
"""
PROVED = {"query": True, "updates": True, "apart": True, "closed": True}
FORWARD = "/etc/firewalld/policies/netwright-fwd-1.xml"
INPUT = "/etc/firewalld/policies/netwright-input.xml"
NAT = "/etc/firewalld/policies/netwright-nat-1.xml"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write(tmp_path, TOPOLOGY)
    return tmp_path


def write(folder: Path, topology: str) -> None:
    (folder / "topology.yaml").write_text(topology, encoding="utf-8")
    done = netwright("generate", "-q", cwd=folder)
    assert done.status == 0, done.stderr


def edit(folder: Path, node: str, path: str, old: str, new: str) -> None:
    """Change a text of a file in what is delivered and in its copy; without a path, a command."""
    seed = folder / "out" / node / "cloud-init/user-data"
    document = yaml.safe_load(seed.read_text())
    if path:
        file = next(one for one in document["write_files"] if one["path"] == path)
        assert old in file["content"], file["content"]
        file["content"] = file["content"].replace(old, new)
        (folder / "out" / node / f"rootfs{path}").write_text(file["content"])
    else:
        assert old in document["runcmd"], document["runcmd"]
        document["runcmd"] = [new if one == old else one for one in document["runcmd"]]
    seed.write_text("#cloud-config\n" + yaml.safe_dump(document))


def verify(folder: Path) -> tuple[dict[str, bool], str]:
    """Which flows are proved, and all that is found."""
    verified = json.loads(netwright("verify", "--no-repair", "--format", "json", cwd=folder).stdout)
    return {flow["name"]: flow["proved"] for flow in verified["flows"]}, json.dumps(verified["findings"])


def test_flows_are_proved_and_denied_by_zones_and_policies(written: Path) -> None:
    assert verify(written) == (PROVED, "[]")


def test_the_assumptions_tell_when_the_rules_come(written: Path) -> None:
    verified = json.loads(netwright("verify", "--format", "json", cwd=written).stdout)

    assert [one for one in verified["assumptions"] if "firewalld" in one] == [
        "firewalld on db, gw, web loads the rules of its files, as 1.3 does with nftables",
        "until firewalld is installed at the end of the first boot nothing of what comes to db, gw, web is refused",
    ]


@pytest.mark.parametrize(
    ("file", "change", "refuted", "found"),
    [
        pytest.param(FORWARD, ('priority="-102"', 'priority="50"'), {"query"}, "netwright-forward.xml", id="too-late"),
        pytest.param(INPUT, ('target="DROP"', 'target="NONE"'), {"query"}, "a target or a priority", id="target"),
        pytest.param(FORWARD, ("<drop/>", "<accept/>"), {"apart"}, "apart arrives", id="accepts-what-is-denied"),
        pytest.param(FORWARD, ("5432", "5433"), {"query"}, "netwright-forward.xml", id="another-port"),
        pytest.param(INPUT, ("<accept/>", "<reject/>"), {"query"}, f"db/rootfs{INPUT}", id="rejects"),
        pytest.param(NAT, ("<masquerade/>", "<accept/>"), {"updates"}, "", id="no-masquerade"),
        pytest.param(NAT, ('name="lan"', 'name="front"'), {"updates"}, "", id="masquerade-elsewhere"),
        pytest.param(FORWARD, ("<drop/>", "<mark/>"), set(PROVED), "not known in a rule", id="unknown-element"),
        pytest.param(FORWARD, ("</policy>", ""), set(PROVED), "the file ends before its XML does", id="cut-short"),
    ],
)
def test_what_the_files_have_decides(
    file: str, change: tuple[str, str], refuted: set[str], found: str, written: Path
) -> None:
    edit(written, "db" if file == INPUT else "gw", file, *change)

    proved, findings = verify(written)

    assert {flow for flow, is_proved in proved.items() if not is_proved} >= refuted
    assert found in findings


PROFILE = "/etc/NetworkManager/system-connections/eth2.nmconnection"
DROPIN = "/etc/systemd/system/firewalld.service.d/10-netwright.conf"
START = "systemctl enable --now firewalld.service"


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        pytest.param(PROFILE, "zone=lan", "zone=back", "NetworkManager's profile of eth2 puts it into back", id="zone"),
        pytest.param(PROFILE, "zone=lan\n", "", "has no zone= and puts it into the default zone", id="no-zone"),
        pytest.param("", START, "systemctl start firewalld.service", "nothing enables firewalld", id="not-enabled"),
        pytest.param("", START, "systemctl mask firewalld.service", "stops firewalld.service, on which", id="masked"),
        pytest.param("", START, "systemctl stop firewalld.service", "stops firewalld.service, on which", id="stopped"),
        pytest.param(
            DROPIN, "firewall-cmd --state", "true", "on every boot, until firewalld has loaded", id="no-drop-in"
        ),
    ],
)
def test_what_keeps_the_rules_from_holding_is_found(path: str, old: str, new: str, found: str, written: Path) -> None:
    edit(written, "gw", path, old, new)

    assert found in verify(written)[1]


def test_parameters_that_come_before_the_rules_leave_a_time_without_them(written: Path) -> None:
    seed = written / "out/gw/cloud-init/user-data"
    seed.write_text(seed.read_text() + "bootcmd:\n  - systemctl restart systemd-sysctl.service\n")

    assert "pass on the first boot, until runcmd: bootcmd applies the parameters" in verify(written)[1]


def test_where_docker_sends_packets_elsewhere_no_denied_flow_is_proved_by_firewalld(tmp_path: Path) -> None:
    write(tmp_path, TOPOLOGY.replace("    forward: true\n", "    forward: true\n    docker: true\n"))

    proved, findings = verify(tmp_path)

    assert (proved["apart"], proved["closed"], proved["query"]) == (False, True, True)
    assert "the denied flow apart arrives" in findings


PODS = """\
version: 1
name: pods
networks: {back: {cidr: 10.2.0.0/24, router: gw}}
kubernetes: {pods: {cidr: 10.42.0.0/16, node_prefix: 24}, cni: {plugin: flannel, backend: vxlan}}
groups:
  agents: {os: rocky10, firewalld: managed, kubernetes: agent}
nodes:
  gw: {os: unmanaged, interfaces: {lan0: {network: back, address: 10.2.0.1}}}
  w1: {groups: [agents], pod_cidr: 10.42.1.0/24, interfaces: {eth0: {network: back, address: 10.2.0.11}}}
  w2: {groups: [agents], pod_cidr: 10.42.2.0/24, interfaces: {eth0: {network: back, address: 10.2.0.12}}}
flows:
  pods: {from: pods, to: pods, allow: [tcp/8080]}
"""
CNI = "/etc/firewalld/zones/cni.xml"


def test_between_interfaces_without_a_zone_firewalld_2_passes_nothing_on(tmp_path: Path) -> None:
    write(tmp_path, PODS)
    assert verify(tmp_path)[0]["pods"] is True

    edit(tmp_path, "w1", CNI, '<interface name="flannel.1"/>', "")
    edit(tmp_path, "w1", CNI, '<interface name="cni0"/>', "")

    proved, findings = verify(tmp_path)
    assert (proved["pods"], "inet firewalld_2 filter_FORWARD" in findings) == (False, True)


OWN = (
    'write_files:\n- {path: PATH, content: \'<zone><service name="ssh"/><port port="5432" protocol="tcp"/></zone>\'}\n'
)


@pytest.mark.parametrize("is_there", [True, False])
def test_zones_that_a_snippet_delivers_are_read(is_there: bool, tmp_path: Path) -> None:
    path = "/etc/firewalld/zones/public.xml" if is_there else "/etc/motd"
    (tmp_path / "own.yaml").write_text(OWN.replace("PATH", path))
    write(
        tmp_path,
        TOPOLOGY.replace("  db: {", "  db: {firewalld: running, cloud_init: [own.yaml], ").replace(
            "firewall: {input: {policy: drop}}, ", ""
        ),
    )

    assert verify(tmp_path)[0]["query"] is is_there


def test_files_of_firewalld_where_it_is_not_said_to_run_are_found(written: Path) -> None:
    topology = TOPOLOGY.replace("firewalld: managed", "firewalld: absent")
    (written / "topology.yaml").write_text(topology, encoding="utf-8")

    assert "firewalld may load it; set firewalld: managed or running" in verify(written)[1]
