"""Bonds, bridges and VLANs: proved from the files that make them, refuted by the line that makes them otherwise."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import Struct
from msgspec.structs import replace

from netwright.production.production import prepare
from netwright.text.report import Severity
from netwright.verify import Fault, Finding, Flow, Outcome, Traffic, Verification, Wiring, parse_ip
from netwright.verify.network_model.building import read_node
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks, verify_networks
from netwright.verify.reading.delivery import Delivery, Text, read_delivery
from netwright.verify.values.wiring import Assumptions
from netwright.verify_input.reading import read_forms
from netwright.verify_input.wiring import assume, state_flows, wire
from netwright.write import generate
from tests.produced import prepare_text

LINKS = """
      eno1: {}
      eno2: {}
      eno3: {}
      bond0: {bond: {members: [eno1, eno2], mode: 802.3ad}, mac: "02:00:00:00:00:0%(n)s"}
      bond0.310: {vlan: {on: bond0}, network: kube, address: 10.1.0.%(n)s}
      bond0.320: {vlan: {on: bond0}, network: behind%(n)s, address: 10.3.%(n)s.1}
      br0: {bridge: {members: [eno3]}, network: lan, address: 192.168.0.%(n)s}
      dummy0: {dummy: {}, network: loop, address: 10.99.0.%(n)s}
"""
TOPOLOGY = f"""
version: 1
name: devices
networks:
  kube: {{cidr: 10.1.0.0/24, vlan: 310, mtu: 9000}}
  lan: {{cidr: 192.168.0.0/24}}
  loop: {{cidr: 10.99.0.0/24}}
  behind2: {{cidr: 10.3.2.0/24, vlan: 320, router: d}}
  behind3: {{cidr: 10.3.3.0/24, vlan: 320, router: k}}
nodes:
  r:
    os: unmanaged
    interfaces: {{a: {{network: kube, address: 10.1.0.1}}, b: {{network: lan, address: 192.168.0.1}}}}
  x2: {{os: flatcar, interfaces: {{eth0: {{network: behind2, address: 10.3.2.9}}}}}}
  x3: {{os: flatcar, interfaces: {{eth0: {{network: behind3, address: 10.3.3.9}}}}}}
  d:
    os: flatcar
    forward: true
    interfaces:{LINKS % {"n": 2}}
  k:
    os: rocky9
    network_config: keyfile
    firewalld: absent
    forward: true
    interfaces:{LINKS % {"n": 3}}
flows:
  d-vlan: {{from: [r], to: [d@kube], allow: [tcp/22]}}
  d-bridge: {{from: [r], to: [d@lan], allow: [tcp/22]}}
  d-through: {{from: [x2], to: [r@kube], allow: [tcp/22]}}
  d-denied: {{from: [x2], to: [r@kube], deny: [tcp/9]}}
  k-vlan: {{from: [r], to: [k@kube], allow: [tcp/22]}}
  k-bridge: {{from: [r], to: [k@lan], allow: [tcp/22]}}
  k-through: {{from: [x3], to: [r@kube], allow: [tcp/22]}}
  k-denied: {{from: [x3], to: [r@kube], deny: [tcp/9]}}
"""
NETWORKD, KEYFILES = "/etc/systemd/network/10-", "/etc/NetworkManager/system-connections/"
VLANS = frozenset({"vlan", "through", "denied"})
ALL = VLANS | {"bridge"}


class Written(Struct, frozen=True, kw_only=True):
    """What generate wrote for each node, and what verify is told of the topology."""

    deliveries: tuple[Delivery, ...]
    wiring: Wiring
    flows: tuple[Flow, ...]
    assumptions: Assumptions

    def networks(self, node: str = "", files: dict[str, str | None] | None = None) -> tuple[Network, ...]:
        """Return the network with other files of one node."""
        changed = [_changed(one, files or {}) if one.node == node else one for one in self.deliveries]
        return build_networks([read_node(one, self.wiring) for one in changed], self.wiring, self.assumptions)

    def verify(self, node: str = "", files: dict[str, str | None] | None = None) -> Verification:
        return verify_networks(self.networks(node, files), self.flows)

    def text(self, path: str) -> str:
        return next(one.files[path].text for one in self.deliveries if path in one.files)


def _changed(delivery: Delivery, files: dict[str, str | None]) -> Delivery:
    kept = {path: file for path, file in delivery.files.items() if path not in files}
    mode = next(file.mode for path, file in delivery.files.items() if path.startswith((NETWORKD, KEYFILES)))
    made = {path: Text(path=path, shown=path, text=text, mode=mode) for path, text in files.items() if text is not None}
    return replace(delivery, files=kept | made)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    folder = tmp_path_factory.mktemp("written")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    production, report = prepare(str(folder / "topology.yaml"))
    assert production is not None, report
    with closing(production):
        generate(folder / "out", production.nodes, production.build, fingerprint="devices")
        wiring = wire(production.resolved)
        yield Written(
            deliveries=tuple(read_delivery(folder / "out", node) for node in wiring.nodes),
            wiring=wiring,
            flows=state_flows(production.resolved),
            assumptions=assume(production.resolved),
        )


class Damage(NamedTuple):
    """An edit of a file, the kind of the finding and a part of its cause, the line blamed, and the flows that fail.

    Without a text to write instead the file is removed. The line is one of the file, or of another one: empty where it
    is the first, None where there is none to blame.
    """

    file: str
    before: str
    after: str | None
    kind: str
    cause: str
    line: str | None
    flows: frozenset[str]
    elsewhere: str = ""


NETDEV, NETWORK, PROFILE = "{}.netdev".format, "{}.network".format, "{}.nmconnection".format
DAMAGES_OF_NETWORKD = {
    "no .netdev of a VLAN": Damage(
        NETDEV("bond0.310"), "", None, "NO_DEVICE", "no file makes the VLAN bond0.310", "", VLANS,
        NETWORK("bond0.310")),
    "no .netdev of a bond": Damage(
        NETDEV("bond0"), "", None, "NO_DEVICE", "no file makes the bond bond0", "", VLANS, NETWORK("bond0")),
    "another number": Damage(
        NETDEV("bond0.310"), "Id=310", "Id=311", "VLAN_MISMATCH",
        "bond0.310 has VLAN 311 by its file, and VLAN 310 in the topology", "Id=311", VLANS),
    "another name": Damage(
        NETDEV("bond0.310"), "Name=bond0.310", "Name=bond0.311", "NO_DEVICE", "no file makes the VLAN bond0.310", "",
        ALL, NETWORK("bond0.310")),
    "another kind": Damage(
        NETDEV("br0"), "Kind=bridge", "Kind=dummy", "WRONG_DEVICE",
        "the file makes br0 a dummy device, in the topology it is a bridge", "Kind=dummy", ALL),
    "no parent": Damage(
        NETWORK("bond0"), "VLAN=bond0.310\n", "", "NO_DEVICE",
        "bond0.310 is never made: the file of bond0 has no VLAN=bond0.310", "", VLANS),
    "a parent that names another VLAN": Damage(
        NETWORK("bond0"), "VLAN=bond0.310", "VLAN=bond0.301", "NO_DEVICE", "bond0.310 is never made", "VLAN=bond0.301",
        VLANS),
    "another parent": Damage(
        NETWORK("eno3"), "Bridge=br0", "Bridge=br0\nVLAN=bond0.310", "WRONG_DEVICE",
        "the file puts bond0.310 on eno3, in the topology it is on bond0", "VLAN=bond0.310", VLANS),
    "no port": Damage(
        NETWORK("eno3"), "Bridge=br0\n", "", "NO_CARRIER", "no file makes eno3 a member of br0", "",
        frozenset({"bridge"})),
    "a bond where a bridge is meant": Damage(
        NETWORK("eno3"), "Bridge=br0", "Bond=br0", "NO_CARRIER", "no file makes eno3 a member of br0", "Bond=br0",
        frozenset({"bridge"})),
    "a port of another": Damage(
        NETWORK("eno3"), "Bridge=br0", "Bond=bond0", "WRONG_DEVICE",
        "the file makes eno3 a member of bond0, in the topology it is none", "Bond=bond0", ALL),
    "another mode": Damage(
        NETDEV("bond0"), "Mode=802.3ad", "Mode=balance-xor", "WRONG_DEVICE",
        "the file gives bond0 the mode balance-xor, the topology 802.3ad", "Mode=balance-xor", VLANS),
    "no mode": Damage(
        NETDEV("bond0"), "Mode=802.3ad\n", "", "WRONG_DEVICE",
        "the file gives bond0 the mode balance-rr, the topology 802.3ad", "Kind=bond", VLANS),
    "fewer members than it needs": Damage(
        NETDEV("bond0"), "Mode=802.3ad", "Mode=802.3ad\nMinLinks=3", "NO_CARRIER",
        "bond0 is down with fewer members than 3; the files give it 2", "MinLinks=3", VLANS),
    "a member with an address": Damage(
        NETWORK("eno1"), "Bond=bond0", "Bond=bond0\nAddress=10.7.7.7/24", "UNKNOWN",
        "eno1 is a member of bond0, which is to have the addresses and routes; it has some itself", "", ALL),
    "a member by its present address": Damage(
        NETWORK("eno1"), "Name=eno1", "Name=eno1\nMACAddress=02:00:00:00:11:01\nType=ether", "UNKNOWN",
        "no card of the node has the hardware address 02:00:00:00:11:01", "", ALL),
    "an address of its own": Damage(
        NETDEV("bond0"), "MACAddress=02:00:00:00:00:02", "MACAddress=02:00:00:00:00:22", "UNKNOWN",
        "bond0 has 02:00:00:00:00:22, in the topology 02:00:00:00:00:02", "MACAddress=02:00:00:00:00:22", ALL),
    "an option that is not known": Damage(
        NETDEV("br0"), "STP=no", "VLANProtocol=802.1ad", "UNKNOWN", "not known in [Bridge]: VLANProtocol=802.1ad",
        "VLANProtocol=802.1ad", ALL),
    "ARP monitoring": Damage(
        NETDEV("bond0"), "Mode=802.3ad", "Mode=802.3ad\nARPIntervalSec=1", "UNKNOWN",
        "not known in [Bond]: ARPIntervalSec=1", "ARPIntervalSec=1", ALL),
    "another protocol": Damage(
        NETDEV("bond0.310"), "Id=310", "Id=310\nProtocol=802.1ad", "UNKNOWN", "not known in [VLAN]: Protocol=802.1ad",
        "Protocol=802.1ad", ALL),
    "a number that is none": Damage(
        NETDEV("bond0.310"), "Id=310", "Id=5000", "UNKNOWN", "not known in [VLAN]: Id=5000", "Id=5000", ALL),
    "a device for nothing": Damage(
        NETDEV("dummy0"), "Name=dummy0", "Name=eno3", "UNKNOWN",
        "the file makes the dummy device eno3, the topology has a network card eno3 there", "Kind=dummy", ALL),
    "cards alone": Damage(
        NETWORK("br0"), "Name=br0", "Name=br0\nType=ether", "UNKNOWN",
        "the file takes network cards alone, and br0 is a bridge", "", ALL),
}  # fmt: skip
DAMAGES_OF_NETWORKMANAGER = {
    "no profile of a VLAN": Damage(
        PROFILE("bond0.310"), "", None, "NO_DEVICE", "no file makes the VLAN bond0.310", None, ALL),
    "a profile for a card": Damage(
        PROFILE("bond0.310"), "type=vlan", "type=ethernet", "NO_DEVICE", "no file makes the VLAN bond0.310", "", ALL),
    "another number": Damage(
        PROFILE("bond0.310"), "id=310\n", "id=311\n", "VLAN_MISMATCH",
        "bond0.310 has VLAN 311 by its file, and VLAN 310 in the topology", "id=311", VLANS),
    "no number": Damage(
        PROFILE("bond0.310"), "\nid=310\n", "\n", "VLAN_MISMATCH", "bond0.310 has VLAN 0 by its file", "", VLANS),
    "another parent": Damage(
        PROFILE("bond0.310"), "parent=bond0", "parent=eno3", "WRONG_DEVICE",
        "the file puts bond0.310 on eno3, in the topology it is on bond0", "parent=eno3", VLANS),
    "no parent": Damage(
        PROFILE("bond0.310"), "parent=bond0\n", "", "NO_DEVICE", "no file makes the VLAN bond0.310", "", ALL),
    "another kind": Damage(
        PROFILE("br0"), "type=bridge", "type=dummy", "WRONG_DEVICE",
        "the file makes br0 a dummy device, in the topology it is a bridge", "type=dummy", ALL),
    "a port of nothing": Damage(
        PROFILE("eno3"), "master=br0", "master=br1", "NO_CARRIER", "no file makes eno3 a member of br0", "master=br1",
        frozenset({"bridge"})),
    "another name": Damage(
        PROFILE("br0"), "interface-name=br0", "interface-name=br9", "NO_DEVICE", "no file makes the bridge br0", None,
        ALL),
    "a port of another type": Damage(
        PROFILE("eno3"), "slave-type=bridge", "slave-type=bond", "NO_CARRIER", "no file makes eno3 a member of br0",
        "master=br0", frozenset({"bridge"})),
    "a port of no type": Damage(
        PROFILE("eno3"), "slave-type=bridge\n", "", "UNKNOWN",
        "NetworkManager refuses the file: master= and slave-type= are needed both", "", ALL),
    "a port of another": Damage(
        PROFILE("eno3"), "master=br0\nslave-type=bridge", "master=bond0\nslave-type=bond", "WRONG_DEVICE",
        "the file makes eno3 a member of bond0, in the topology it is none", "master=bond0", ALL),
    "another mode": Damage(
        PROFILE("bond0"), "mode=802.3ad", "mode=1", "WRONG_DEVICE",
        "the file gives bond0 the mode active-backup, the topology 802.3ad", "mode=1", VLANS),
    "no mode": Damage(
        PROFILE("bond0"), "mode=802.3ad\n", "", "WRONG_DEVICE",
        "the file gives bond0 the mode balance-rr, the topology 802.3ad", "type=bond", VLANS),
    "fewer members than it needs": Damage(
        PROFILE("bond0"), "mode=802.3ad", "mode=802.3ad\nmin_links=3", "NO_CARRIER",
        "bond0 is down with fewer members than 3; the files give it 2", "min_links=3", VLANS),
    "a member with an address": Damage(
        PROFILE("eno1"), "slave-type=bond", "slave-type=bond\n[ipv4]\nmethod=manual\naddress1=10.7.7.7/24", "UNKNOWN",
        "eno1 is a member of bond0, which is to have the addresses and routes; it has some itself", "", ALL),
    "an address of its own": Damage(
        PROFILE("bond0"), "cloned-mac-address=02:00:00:00:00:03", "cloned-mac-address=02:00:00:00:00:33", "UNKNOWN",
        "bond0 has 02:00:00:00:00:33, in the topology 02:00:00:00:00:03", "cloned-mac-address=02:00:00:00:00:33", ALL),
    "the newer keys": Damage(
        PROFILE("eno3"), "master=br0\nslave-type=bridge", "controller=br0\nport-type=bridge", "UNKNOWN",
        "NetworkManager knows controller= and port-type= since 1.46, which not every rocky9 has", "", ALL),
    "an option of another mode": Damage(
        PROFILE("bond0"), "mode=802.3ad", "mode=802.3ad\nprimary=eno1", "UNKNOWN",
        "NetworkManager refuses the file: primary is for mode=active-backup", "", ALL),
    "an option that is not known": Damage(
        PROFILE("br0"), "stp=false", "vlan-protocol=802.1ad", "UNKNOWN", "not known in [bridge]: vlan-protocol=802.1ad",
        "vlan-protocol=802.1ad", ALL),
    "IPv6 that does not come up": Damage(
        PROFILE("bond0"), "[ipv6]\nmethod=disabled", "[ipv6]\nmethod=auto", "UNKNOWN",
        "without IPv4 the profile stands or falls with IPv6", "", ALL),
    "no metric": Damage(
        PROFILE("br0"), "route-metric=100\n", "", "UNKNOWN",
        "no route-metric: which of the node's cards is preferred depends on which comes up first", "", ALL),
}  # fmt: skip
CASES = [
    *(pytest.param("d", NETWORKD, damage, id=f"networkd: {name}") for name, damage in DAMAGES_OF_NETWORKD.items()),
    *(pytest.param("k", KEYFILES, damage, id=f"keyfile: {name}") for name, damage in DAMAGES_OF_NETWORKMANAGER.items()),
]


def test_a_network_of_devices_is_proved(written: Written) -> None:
    verification = written.verify()

    # The two that route know nothing of what is behind each other, and no flow asks for it.
    assert [one.cause for one in verification.findings if one.kind != "BLACK_HOLE"] == []
    assert [result.flow.name for result in verification.flows if not result.proved] == []


@pytest.mark.parametrize(("node", "folder", "damage"), CASES)
def test_a_device_that_is_not_as_in_the_topology_is_refuted(
    written: Written, node: str, folder: str, damage: Damage
) -> None:
    path = folder + damage.file
    text = written.text(path)
    assert damage.before in text
    after = None if damage.after is None else text.replace(damage.before, damage.after)

    verification = written.verify(node, {path: after})

    (found,) = [one for one in verification.findings if one.kind == damage.kind and damage.cause in one.cause]
    assert (found.severity, found.nodes) == (Severity.ERROR, (node,))
    _check_place(found, damage, folder, after, written)
    failed = {result.flow.name for result in verification.flows if not result.proved}
    assert failed == {f"{node}-{flow}" for flow in damage.flows}


def _check_place(found: Finding, damage: Damage, folder: str, after: str | None, written: Written) -> None:
    """Check that the finding names the line, or the first one of the file."""
    if damage.line is None:
        assert found.origins == ()
        return
    (origin,) = found.origins
    assert origin.file.endswith(folder + (damage.elsewhere or damage.file))
    text = written.text(folder + damage.elsewhere) if damage.elsewhere else after or ""
    blamed = text.split("\n")[origin.line - 1]
    assert blamed == damage.line if damage.line else origin.line == 1


def _flow(source: str, destination: str) -> Flow:
    ends = [((ip, ip),) for ip in (parse_ip(source), parse_ip(destination)) if ip is not None]
    return Flow(name="f", sources=ends[0], destinations=ends[1], traffic=(Traffic(protocol="icmp"),))


def test_dummy_devices_on_one_network_do_not_hear_each_other(written: Written) -> None:
    verification = verify_networks(written.networks(), [_flow("10.99.0.2", "10.99.0.3")])

    assert [(one.kind, one.nodes) for one in verification.findings if one.flows] == [(Outcome.ARP_UNANSWERED, ("d",))]


def test_a_bond_that_lacks_a_member_is_a_warning_and_proves_its_flows(written: Written) -> None:
    path = NETWORKD + NETWORK("eno2")
    verification = written.verify("d", {path: written.text(path).replace("Bond=bond0\n", "")})

    (found,) = [one for one in verification.findings if one.kind is Fault.MISSING_MEMBER]
    assert (found.severity, found.nodes) == (Severity.WARNING, ("d",))
    assert found.cause == "no file makes eno2 a member of bond0; the others carry it"
    assert [origin.file for origin in found.origins] == [path]
    assert all(result.proved for result in verification.flows)


UNMANAGED = """
version: 1
name: unmanaged
networks: {kube: {cidr: 10.1.0.0/24, vlan: 310}, lan: {cidr: 192.168.0.0/24}}
nodes:
  u:
    os: unmanaged
    interfaces:
      e0: {network: lan, address: 192.168.0.1}
      e0.310: {vlan: {on: e0}, network: kube, address: 10.1.0.1}
  h: {os: flatcar, interfaces: {eth0: {network: kube, address: 10.1.0.2}}}
flows: {ssh: {from: [u], to: [h], allow: [tcp/22]}}
"""


def test_devices_of_which_no_file_tells_are_an_assumption(tmp_path: Path) -> None:
    production = prepare_text(UNMANAGED, tmp_path)
    assert production is not None
    with closing(production):
        generate(tmp_path / "out", production.nodes, production.build, fingerprint="unmanaged")
        networks = read_forms(tmp_path / "out", production.resolved)
        verification = verify_networks(networks, state_flows(production.resolved))

    assert verification.proved
    assert "u has e0.310 as in the topology; its hand-off sheet does not ask for that" in verification.assumptions
