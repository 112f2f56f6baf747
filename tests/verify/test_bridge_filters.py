"""Bridges that filter VLANs: what their ports carry by the files, compared with the topology."""

import pytest

from netwright.verify.values.facts import Kind
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import AssignedLink, AssignedPort
from tests.verify.test_devices import KEYFILES, NETWORKD, Files, build

E1 = AssignedPort(name="e1", tagged=frozenset({5, 6}))
E2 = AssignedPort(name="e2", untagged=7)
SELF = AssignedPort(name="br0", untagged=7, tagged=frozenset({5}))
BR0 = AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e1", "e2"), ports=(SELF, E1, E2))
V5 = AssignedLink(name="v5", kind=Kind.VLAN, below=("br0",), tag=5)
LINKS = (AssignedLink(name="e1"), AssignedLink(name="e2"), BR0, V5)
PLAIN = (*LINKS[:2], AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e1", "e2")), V5)
DEFAULT = (
    *LINKS[:2],
    AssignedLink(
        name="br0",
        kind=Kind.BRIDGE,
        below=("e1", "e2"),
        ports=(
            AssignedPort(name="br0", untagged=7, tagged=frozenset({5})),
            AssignedPort(name="e1", untagged=7, tagged=frozenset({5})),
            AssignedPort(name="e2", untagged=7),
        ),
    ),
    V5,
)


def networkd(
    bridge: str = "VLANFiltering=yes\nDefaultPVID=none",
    e1: str = "VLAN=5-6",
    e2: str = "PVID=7\nEgressUntagged=7",
    own: str = "PVID=7\nEgressUntagged=7\nVLAN=5",
) -> Files:
    def network(name: str, lines: str, vlans: str = "") -> Files:
        section = f"[BridgeVLAN]\n{vlans}\n" if vlans else ""
        text = f"[Match]\nName={name}\n[Network]\nLinkLocalAddressing=no\n{lines}\n{section}"
        return {f"{NETWORKD}10-{name}.network": text}

    return {
        **network("e1", "Bridge=br0", e1),
        **network("e2", "Bridge=br0", e2),
        **network("br0", "VLAN=v5", own),
        **network("v5", ""),
        f"{NETWORKD}10-br0.netdev": f"[NetDev]\nName=br0\nKind=bridge\n[Bridge]\n{bridge}\n",
        f"{NETWORKD}10-v5.netdev": "[NetDev]\nName=v5\nKind=vlan\n[VLAN]\nId=5\n",
    }


def keyfiles(
    bridge: str = "vlan-filtering=true\nvlan-default-pvid=0",
    e1: str = "vlans=5-6",
    e2: str = "vlans=7 pvid untagged",
    own: str = "vlans=7 pvid untagged, 5",
) -> Files:
    def profile(name: str, number: int, kind: str, lines: str) -> Files:
        port = "master=br0\nslave-type=bridge\n" if kind == "ethernet" else ""
        ipv4 = "" if port else "[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n"
        text = (
            f"[connection]\nid={name}\nuuid=b2371264-793c-5f1f-9513-646fcc75bf3{number}\ntype={kind}\n"
            f"interface-name={name}\n{port}{lines}\n{ipv4}"
        )
        return {f"{KEYFILES}{name}.nmconnection": text}

    def port(lines: str) -> str:
        return f"[bridge-port]\n{lines}" if lines else ""

    return {
        **profile("e1", 1, "ethernet", port(e1)),
        **profile("e2", 2, "ethernet", port(e2)),
        **profile("br0", 3, "bridge", f"[bridge]\n{bridge}\n{own}"),
        **profile("v5", 4, "vlan", "[vlan]\nid=5\nparent=br0"),
    }


ALIKE = {
    "networkd": (networkd(), LINKS),
    "NetworkManager": (keyfiles(), LINKS),
    "networkd, single numbers": (networkd(e1="VLAN=5\nVLAN=6"), LINKS),
    "networkd, several sections": (networkd(e1="VLAN=5\n[BridgeVLAN]\nVLAN=6"), LINKS),
    "networkd, a default VLAN": (
        networkd(
            "VLANFiltering=yes\nDefaultPVID=7",
            "PVID=7\nEgressUntagged=7\nVLAN=5",
            "",
            "PVID=7\nEgressUntagged=7\nVLAN=5",
        ),
        DEFAULT,
    ),
    "NetworkManager, a default VLAN": (
        keyfiles("vlan-filtering=true\nvlan-default-pvid=7", "vlans=5", "", "vlans=5"),
        DEFAULT,
    ),
}
WRONG = {
    "no filter": (networkd(bridge="VLANFiltering=no"), {"br0", "v5"}),
    "no word of a filter": (keyfiles(bridge="stp=false"), {"br0", "v5"}),
    "a port without the tag": (networkd(e1="VLAN=6"), {"v5"}),
    "a profile's port without the tag": (keyfiles(e1="vlans=6"), {"v5"}),
    "the bridge itself without the tag": (networkd(own="PVID=7\nEgressUntagged=7"), {"v5"}),
    "the tag at another port as well": (networkd(e2="PVID=7\nEgressUntagged=7\nVLAN=5"), {"v5"}),
    "the tag is left out at a port": (networkd(e1="VLAN=6\nEgressUntagged=5"), {"v5"}),
    "untagged frames of another VLAN": (keyfiles(e2="vlans=5 pvid untagged"), {"br0", "v5"}),
    "no VLAN of untagged frames": (networkd(e2="VLAN=7"), {"br0"}),
    "a default VLAN for the port's own": (keyfiles("vlan-filtering=true\nvlan-default-pvid=5"), {"v5"}),
}
UNSURE = {
    "a VLAN of others": (networkd(e1="VLAN=5"), LINKS, "e1 carries VLAN 6 on br0 otherwise than in the topology"),
    "a filter that the topology does not have": (
        networkd(),
        PLAIN,
        "br0 filters VLANs, and the topology does not tell which its ports carry",
    ),
    "the kernel's default VLAN besides": (
        networkd(bridge="VLANFiltering=yes"),
        LINKS,
        "e1 may have VLAN 1, the default of br0, besides",
    ),
    "two VLANs of untagged frames": (networkd(e2="PVID=7\nPVID=8"), LINKS, "not known in [BridgeVLAN]"),
    "a number that is none": (networkd(e1="VLAN=4095"), LINKS, "not known in [BridgeVLAN]"),
    "a profile's number twice": (keyfiles(e1="vlans=5-6, 6 untagged"), LINKS, "not known in [bridge-port]"),
}


@pytest.mark.parametrize(("files", "links"), [pytest.param(*row, id=case) for case, row in ALIKE.items()])
def test_ports_that_carry_what_the_topology_has(files: Files, links: tuple[AssignedLink, ...]) -> None:
    machine = build(files, links)

    assert ([one.reason for one in machine.unknown], machine.faults) == ([], {})


@pytest.mark.parametrize(("files", "names"), [pytest.param(*row, id=case) for case, row in WRONG.items()])
def test_a_vlan_that_a_port_carries_otherwise_is_a_mismatch(files: Files, names: set[str]) -> None:
    faults = build(files, LINKS).faults

    assert {name: fault.outcome for name, fault in faults.items()} == dict.fromkeys(names, Outcome.VLAN_MISMATCH)


@pytest.mark.parametrize(("files", "links", "reason"), [pytest.param(*row, id=case) for case, row in UNSURE.items()])
def test_what_is_not_known_of_a_port_is_named(files: Files, links: tuple[AssignedLink, ...], reason: str) -> None:
    assert reason in [one.reason for one in build(files, links).unknown]
