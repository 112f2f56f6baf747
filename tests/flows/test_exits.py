"""Flows to the internet: by which device they go, what it gets, and what is asked of devices of others."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from netwright.explain.story import tell_story
from netwright.production.production import prepare
from netwright.text.report import render_text
from tests.flows.proofs import prove, unproved
from tests.netwright import netwright

SITES = """\
version: 1
name: sites
networks:
  wan1: {cidr: 192.168.1.0/24}
  wan2: {cidr: 203.0.113.0/24}
  site1: {cidr: 10.1.0.0/24, router: edge1}
  site2: {cidr: 10.2.0.0/24, router: edge2}
  core: {cidr: 10.3.0.0/24}
nodes:
  edge1:
    OS
    internet: true
    default_route: {via: 192.168.1.1}
    interfaces:
      eth0: {network: wan1, address: 192.168.1.2, mac: 52:54:00:00:00:01}
      eth1: {network: site1, address: 10.1.0.1, mac: 52:54:00:00:00:02}
      eth2: {network: core, address: 10.3.0.1, mac: 52:54:00:00:00:03}
  edge2:
    OS
    internet: true
    default_route: {via: 203.0.113.1}
    interfaces:
      eth0: {network: wan2, address: 203.0.113.2, mac: 52:54:00:00:00:04}
      eth1: {network: site2, address: 10.2.0.1, mac: 52:54:00:00:00:05}
      eth2: {network: core, address: 10.3.0.2, mac: 52:54:00:00:00:06}
  host1: {os: rocky10, firewalld: masked, interfaces: {eth0: {network: site1, address: 10.1.0.10}}}
  host2: {os: flatcar, interfaces: {eth0: {network: site2, address: 10.2.0.10}}}
  host3: {os: flatcar, interfaces: {eth0: {network: core, address: 10.3.0.10}}}
flows:
"""
OURS = "rocky10, firewalld: masked"
LINES = "os: rocky10\n    firewalld: masked"
ONE = """\
version: 1
name: one
networks:
  front: {cidr: 10.17.3.0/24, router: gateway}
  back: {cidr: 10.17.4.0/24, router: gateway}
kubernetes: {pods: {cidr: 10.42.0.0/16}, cni: {backend: BACKEND}}
nodes:
  gateway: {os: OS, internet: true, interfaces: {
    eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}}
  lb1: {os: rocky10, firewalld: masked, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  worker1: {os: flatcar, kubernetes: agent, pod_cidr: 10.42.6.0/24,
            interfaces: {eth0: {network: back, address: 10.17.4.24}}}
flows:
  out: {from: [front, back, pods], to: internet, allow: [tcp/443]}
  lb-to-pods: {from: [lb1], to: [pods], allow: [tcp/8080], nat: never}
"""
DENIED = """\
  no-mail: {from: [lb1], to: internet, deny: [tcp/25]}
  no-guests: {from: internet, to: [front, pods], deny: any}
"""


def rules_of(folder: Path, node: str) -> str:
    return (folder / "out" / node / "rootfs/etc/nftables/netwright.nft").read_text(encoding="utf-8")


def said(topology: str, folder: Path) -> str:
    path = folder / "topology.yaml"
    path.write_text(topology, encoding="utf-8")
    production, report = prepare(str(path))
    if production is not None:
        production.close()
    return render_text(report)


@pytest.mark.parametrize("backend", ["vxlan", "host-gw"])
@pytest.mark.parametrize("system", ["unmanaged", OURS, "flatcar"])
def test_flows_to_the_internet_prove_whoever_leads_there(tmp_path: Path, system: str, backend: str) -> None:
    topology = ONE.replace("OS", system).replace("BACKEND", backend) + (DENIED if system != "unmanaged" else "")

    assert unproved(prove(topology, tmp_path)) == []


def test_a_device_whose_uplink_is_not_described_masquerades_by_any_other_interface(tmp_path: Path) -> None:
    verification = prove(ONE.replace("OS", OURS).replace("BACKEND", "vxlan"), tmp_path)

    rules = rules_of(tmp_path, "gateway")
    elsewhere = 'oifname != { "eth0", "eth1" }'
    assert f"{elsewhere} ip saddr {{ 10.17.3.0/24, 10.17.4.0/24 }} ip daddr !=" in rules
    assert [line for line in rules.splitlines() if "masquerade" in line and elsewhere in line]
    told = "gateway has a default route to the internet by an interface that the topology does not describe"
    assert told in verification.assumptions


def test_a_device_masquerades_by_the_interface_of_its_default_route(tmp_path: Path) -> None:
    topology = SITES.replace("OS", LINES) + "  out: {from: site1, to: internet, allow: [tcp/443]}\n"

    verification = prove(topology, tmp_path)

    assert unproved(verification) == []
    (line,) = [line.strip() for line in rules_of(tmp_path, "edge1").splitlines() if "masquerade" in line]
    assert line.startswith('oifname "eth0" ip saddr 10.1.0.0/24 ip daddr != {')
    assert not [one for one in verification.findings if one.kind == "DEAD_NEXT_HOP"]


CALLED = """\
version: 1
name: called
networks:
  lan: {cidr: 10.17.3.0/24, router: gateway}
  dmz: {cidr: 203.0.113.0/28, router: inner}
  between: {cidr: 10.17.4.0/24, router: gateway}
  WAN
nodes:
  gateway:
    OS
    forward: true
    internet: true
    interfaces:
      eth0: {network: lan, address: 10.17.3.1, mac: 52:54:00:00:00:01}
      eth1: {network: between, address: 10.17.4.1, mac: 52:54:00:00:00:02}
      UPLINK
  inner:
    os: rocky10
    firewalld: masked
    forward: true
    firewall: {forward: {policy: drop}}
    interfaces:
      eth0: {network: between, address: 10.17.4.2, mac: 52:54:00:00:00:03}
      eth1: {network: dmz, address: 203.0.113.1, mac: 52:54:00:00:00:04}
  web: {os: flatcar, interfaces: {eth0: {network: dmz, address: 203.0.113.2}}}
  host: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.17.3.10}}}
flows:
  called: {from: internet, to: [web, inner], allow: [tcp/443], nat: never}
  one: {from: 8.8.8.8, to: 203.0.113.0/28, allow: [udp/53]}
  out: {from: [web, inner@dmz], to: internet, allow: [tcp/80], nat: never}
  kept-out: {from: internet, to: [lan, dmz], deny: [tcp/22]}
"""
DESCRIBED_UPLINK = {
    "WAN": "wan: {cidr: 192.168.178.0/24}",
    "UPLINK": "eth2: {network: wan, address: 192.168.178.2, mac: 52:54:00:00:00:05}",
    "OS": f"{LINES}\n    default_route: {{via: 192.168.178.1}}\n    firewall: {{forward: {{policy: drop}}}}",
}


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(DESCRIBED_UPLINK, id="uplink-described"),
        pytest.param({"WAN": "", "UPLINK": "", "OS": LINES}, id="uplink-not-described"),
        pytest.param({"WAN": "", "UPLINK": "", "OS": "os: unmanaged"}, id="unmanaged"),
    ],
)
def test_the_internet_reaches_public_addresses_that_are_routed(tmp_path: Path, written: Mapping[str, str]) -> None:
    topology = CALLED
    for word, text in written.items():
        topology = topology.replace(word, text)
    if written["OS"] == "os: unmanaged":
        topology = topology.replace("to: [lan, dmz]", "to: dmz")

    assert unproved(prove(topology, tmp_path)) == []
    accepted = [line.strip() for line in rules_of(tmp_path, "inner").splitlines() if "tcp dport 443" in line]
    assert accepted
    assert all("ip daddr { 203.0.113.1, 203.0.113.2 }" in line for line in accepted)


def test_a_called_network_is_reached_by_the_device_through_which_it_answers(tmp_path: Path) -> None:
    topology = (
        SITES.replace("OS", f"{LINES}\n    firewall: {{forward: {{policy: drop}}}}")
        .replace("site2: {cidr: 10.2.0.0/24", "site2: {cidr: 198.51.100.0/24")
        .replace("10.2.0.", "198.51.100.")
        + "  called: {from: internet, to: host2, allow: [tcp/443]}\n"
    )

    verification = prove(topology, tmp_path)

    assert unproved(verification) == []
    assert "tcp dport 443" in rules_of(tmp_path, "edge2")
    assert "tcp dport 443" not in rules_of(tmp_path, "edge1")


NEAREST = {
    "out1: {from: site1, to: internet, allow: any}": {"edge1"},
    "out2: {from: site2, to: 8.8.8.8, allow: any}": {"edge2"},
    "both: {from: [site1, site2], to: internet, allow: any}": {"edge1", "edge2"},
    "chosen: {from: [host3], to: internet, allow: any, via: [edge2]}": {"edge2"},
    "far: {from: site2, to: internet, allow: any}": {"edge2"},
}


@pytest.mark.parametrize("flow", NEAREST)
@pytest.mark.parametrize("system", ["os: unmanaged", LINES])
def test_the_nearest_device_leads_to_the_internet_or_the_one_that_is_chosen(
    tmp_path: Path, flow: str, system: str
) -> None:
    unstated = {"    default_route: {via: 192.168.1.1}\n": "", "    default_route: {via: 203.0.113.1}\n": ""}
    topology = _replace(SITES.replace("OS", system), unstated if system == "os: unmanaged" else {}) + f"  {flow}\n"

    verification = prove(topology, tmp_path)

    assert unproved(verification) == []
    if system == "os: unmanaged":
        sheets = {name: (tmp_path / "out" / name / "handoff.md").read_text() for name in ("edge1", "edge2")}
        assert {name for name, text in sheets.items() if "## Internet" in text} == NEAREST[flow]
        assert not [text for text in sheets.values() if "ip route replace 0.0.0.0/0" in text]
    else:
        masquerading = [path.parts[-5] for path in tmp_path.glob("out/*/rootfs/etc/nftables/netwright.nft")
                        if "masquerade" in path.read_text()]  # fmt: skip
        assert {*masquerading} == NEAREST[flow]


def _replace(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_of_two_devices_that_are_equally_near_one_has_to_be_named(tmp_path: Path) -> None:
    topology = SITES.replace("OS", LINES) + "  out: {from: core, to: internet, allow: any}\n"

    assert "edge1 and edge2 lead from core to the internet equally well; name the one to take in via" in said(
        topology, tmp_path
    )


def test_what_comes_from_the_internet_is_refused_at_every_device_that_leads_there(tmp_path: Path) -> None:
    topology = SITES.replace("OS", LINES) + "  kept-out: {from: internet, to: core, deny: any}\n"

    assert unproved(prove(topology, tmp_path)) == []
    for node in ("edge1", "edge2"):
        assert "ip daddr 10.3.0.0/24 drop" in rules_of(tmp_path, node)


INNER = """\
version: 1
name: inner
networks:
  wan: {cidr: 192.168.1.0/24, router: core}
  lan: {cidr: 10.1.0.0/24, router: core}
nodes:
  box: {os: OS, internet: true, interfaces: {e0: {network: wan, address: 192.168.1.1}}}
  core: {os: rocky10, firewalld: masked, forward: true, DEFAULT interfaces: {
    eth0: {network: wan, address: 192.168.1.2}, eth1: {network: lan, address: 10.1.0.1}}}
  host: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.0.10}}}
flows:
  out: {from: lan, to: internet, allow: [tcp/443]}
  shell: {from: lan, to: [box], allow: [tcp/22]}
"""


@pytest.mark.parametrize("system", ["unmanaged", OURS])
def test_a_device_that_leads_to_the_internet_takes_no_default_route_inwards(tmp_path: Path, system: str) -> None:
    topology = INNER.replace("OS", system).replace("DEFAULT", "default_route: {via: box},")

    verification = prove(topology, tmp_path)

    assert unproved(verification) == []
    if system == "unmanaged":
        sheet = (tmp_path / "out/box/handoff.md").read_text()
        assert "0.0.0.0/0" not in sheet
        assert "- 192.168.1.2\n" in sheet, "what core has hidden already"
    else:
        (profile,) = (tmp_path / "out/box/rootfs/etc/NetworkManager/system-connections").iterdir()
        assert "0.0.0.0/0" not in profile.read_text()
        assert "gateway" not in profile.read_text()


CHAIN = """\
version: 1
name: chain
networks:
  lan: {cidr: 10.1.0.0/24, router: first}
  middle: {cidr: 10.2.0.0/24, router: second}
  far: {cidr: 10.3.0.0/24, router: second}
nodes:
  first: {os: rocky10, firewalld: masked, forward: true, default_route: {via: second},
          masquerade: [{from: SOURCE, out: eth1}], interfaces: {
            eth0: {network: lan, address: 10.1.0.1}, eth1: {network: middle, address: 10.2.0.2}}}
  second: {os: rocky10, firewalld: masked, forward: true, internet: true, interfaces: {
            eth0: {network: middle, address: 10.2.0.1}, eth1: {network: far, address: 10.3.0.1}}}
  host: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.0.10}}}
  other: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.0.11}}}
  server: {os: flatcar, firewall: {input: {policy: drop}}, interfaces: {eth0: {network: far, address: 10.3.0.10}}}
flows:
  web: {from: [host, other], to: [server], allow: [tcp/80]}
  out: {from: [host, other], to: internet, allow: [tcp/443]}
"""


@pytest.mark.parametrize("source", ["lan", "host", "10.0.0.0/8"])
def test_what_a_router_masquerades_is_accepted_by_its_new_address(tmp_path: Path, source: str) -> None:
    topology = CHAIN.replace("SOURCE", source)

    assert unproved(prove(topology, tmp_path)) == []
    assert "10.2.0.2" in rules_of(tmp_path, "server")


def test_what_is_exempt_from_a_masquerade_keeps_its_address_alone(tmp_path: Path) -> None:
    topology = CHAIN.replace("SOURCE", "lan").replace("[tcp/80]}", "[tcp/80], nat: never}")

    assert unproved(prove(topology, tmp_path)) == []
    assert "10.2.0.2" not in rules_of(tmp_path, "server")


def test_the_story_of_a_flow_names_the_device_that_leads_out_once(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(SITES.replace("OS", LINES) + "  out: {from: [host1], to: internet, allow: any}\n")
    production, _ = prepare(str(path))
    assert production is not None

    story = tell_story(production, production.resolved.topology.flows[0], "out")

    production.close()
    assert story.ways == (("host1", "edge1"),)
    assert any(step.title == "masquerade by eth0" for step in story.steps)


CLOUD = """\
version: 1
name: cloud
networks:
  priv: {cidr: 10.0.0.0/16, router: provider}
  pub: {cidr: 203.0.113.0/24, router: isp}
nodes:
  isp: {os: unmanaged, internet: true, interfaces: {a: {network: pub, address: 203.0.113.1}}}
  provider: {os: unmanaged, FORWARD interfaces: {a: {network: priv, address: 10.0.0.1}},
             routes: [{to: default, via: 10.0.0.3}]}
  natgw: {os: rocky10, firewalld: masked, forward: true, default_route: {via: 203.0.113.1}, interfaces: {
            eth0: {network: pub, address: 203.0.113.3}, enp7s0: {network: priv, address: 10.0.0.3}}}
  node1: {os: flatcar, interfaces: {enp7s0: {network: priv, address: 10.0.0.4}}}
  node2: {os: flatcar, interfaces: {enp7s0: {network: priv, address: 10.0.0.5}}}
flows:
  out: {from: [node1, node2], to: [internet], allow: [tcp/443]}
"""


def test_a_device_of_others_on_the_way_that_is_not_said_to_forward_is_warned_of(tmp_path: Path) -> None:
    silent, told = (said(CLOUD.replace("FORWARD", word), tmp_path) for word in ("", "forward: true,"))

    warning = "node1, node2 send packets of out via provider, which netwright does not configure"
    assert warning in silent
    assert "set forward: true on provider, and hand over provider/handoff.md" in silent
    assert warning not in told


def test_a_device_of_others_that_forwards_proves_the_flow(tmp_path: Path) -> None:
    assert unproved(prove(CLOUD.replace("FORWARD", "forward: true,"), tmp_path)) == []


def test_forwarding_of_a_device_of_others_is_a_repair(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(CLOUD.replace("FORWARD", ""), encoding="utf-8")
    netwright("generate", cwd=tmp_path)

    run = netwright("verify", cwd=tmp_path)

    assert "add nodes.provider.forward: true and hand over provider/handoff.md: repairs out" in run.stdout
