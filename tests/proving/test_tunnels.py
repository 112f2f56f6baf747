"""WireGuard tunnels: proved from the files that make them, refuted by the line that breaks them."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import Struct
from msgspec.structs import replace

from netwright.production.production import prepare
from netwright.verify import Flow, Verification, Wiring
from netwright.verify.network_model.building import read_node
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks, verify_networks
from netwright.verify.proof.statement import state_assumptions
from netwright.verify.reading.delivery import Delivery, Text, read_delivery
from netwright.verify.values.wiring import Assumptions
from netwright.verify_input.wiring import assume, state_flows, wire
from netwright.write import generate
from tests.tunnels import KEY1, KEY2, KEY3, STRANGER, two_sites

TOPOLOGY = two_sites(
    {
        "there": "{from: pc1, to: pc2, allow: [tcp/445]}",
        "back": "{from: pc2, to: pc1, allow: [tcp/22]}",
        "hand": "{from: hand@mesh, to: pc1, allow: [tcp/443]}",
    }
)
NETDEV = "/etc/systemd/network/10-wg0.netdev"
PROFILE = "/etc/NetworkManager/system-connections/wg0.nmconnection"
RULES = "/etc/nftables/netwright.nft"
SCRIPT = "/etc/netwright/wireguard-keys.sh"
UNIT = "/etc/systemd/system/netwright-wireguard.service"
BOTH = ("there", "back")


class Written(Struct, frozen=True, kw_only=True):
    """What generate wrote for each node, and what verify is told of the topology."""

    deliveries: tuple[Delivery, ...]
    wiring: Wiring
    flows: tuple[Flow, ...]
    assumptions: Assumptions

    def verify(self, node: str = "", files: Mapping[str, str] | None = None, sheet: str = "") -> Verification:
        """Return the proof with other texts of one node's files."""
        return verify_networks(self.build({node: files or {}}, sheet), self.flows)

    def build(self, files: Mapping[str, Mapping[str, str]], sheet: str = "") -> tuple[Network, ...]:
        """Return the network with other texts of some nodes' files."""
        changed = [_changed(one, files[one.node], sheet) if one.node in files else one for one in self.deliveries]
        return build_networks([read_node(one, self.wiring) for one in changed], self.wiring, self.assumptions)

    def delivery(self, node: str) -> Delivery:
        return next(one for one in self.deliveries if one.node == node)


def _changed(delivery: Delivery, files: Mapping[str, str], sheet: str) -> Delivery:
    told = {path: replace(delivery.files[path], text=text) for path, text in files.items()}
    handoff: Text | None = delivery.handoff
    return replace(
        delivery,
        files={**delivery.files, **told},
        handoff=replace(handoff, text=sheet) if handoff is not None and sheet else handoff,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written_by(tmp_path_factory.mktemp("tunnels"), TOPOLOGY)


def written_by(folder: Path, topology: str) -> Written:
    (folder / "topology.yaml").write_text(topology)
    production, report = prepare(str(folder / "topology.yaml"))
    assert production is not None, report
    with closing(production):
        generate(folder / "out", production.nodes, production.build, fingerprint="tunnels")
        wiring = wire(production.resolved)
        return Written(
            deliveries=tuple(read_delivery(folder / "out", node) for node in wiring.nodes),
            wiring=wiring,
            flows=state_flows(production.resolved),
            assumptions=assume(production.resolved),
        )


class Damage(NamedTuple):
    """An edit of a node's file, the kind of the finding and a part of its cause, the line blamed, and what fails."""

    node: str
    file: str
    before: str
    after: str
    kind: str
    cause: str
    line: str
    flows: tuple[str, ...]


DAMAGES = {
    # networkd
    "a key that no one has": Damage(
        "site1", NETDEV, KEY2, STRANGER, "UNKNOWN", "the topology has no peer with this key on wg0",
        f"PublicKey={STRANGER}", (*BOTH, "hand")),
    "another peer's key": Damage(
        "site1", NETDEV, f"PublicKey={KEY3}\nAllowedIPs=10.8.0.9/32", f"PublicKey={KEY3}\nAllowedIPs=10.2.0.0/24",
        "UNKNOWN", "two peers have this network", "AllowedIPs=10.2.0.0/24", (*BOTH, "hand")),
    "no such peer": Damage(
        "site1", NETDEV,
        f"[WireGuardPeer]\n# site2\nPublicKey={KEY2}\nAllowedIPs=10.8.0.2/32\nAllowedIPs=10.2.0.0/24\n"
        "Endpoint=10.90.2.2:51821\n", "", "NO_PEER", "no peer on wg0 has 10.2.0.5 among its addresses",
        "Kind=wireguard", ("there",)),
    "a network too few to send to": Damage(
        "site1", NETDEV, "AllowedIPs=10.2.0.0/24\n", "", "NO_PEER", "no peer on wg0 has 10.2.0.5 among its addresses",
        "Kind=wireguard", ("there",)),
    "a smaller network": Damage(
        "site1", NETDEV, "AllowedIPs=10.2.0.0/24", "AllowedIPs=10.2.0.0/30", "NO_PEER", "has 10.2.0.5",
        "Kind=wireguard", ("there",)),
    "no private key": Damage(
        "site1", NETDEV, "PrivateKeyFile=/etc/wireguard/wg0.key\n", "", "NO_DEVICE",
        "no file has the private key of wg0", "Kind=wireguard", (*BOTH, "hand")),
    "another private key": Damage(
        "site1", NETDEV, "/wg0.key\nListen", "/wg1.key\nListen", "WRONG_DEVICE",
        "wg0 takes its private key from /etc/wireguard/wg1.key, in the topology from /etc/wireguard/wg0.key",
        "PrivateKeyFile=/etc/wireguard/wg1.key", (*BOTH, "hand")),
    "a private key in the file": Damage(
        "site1", NETDEV, "ListenPort", f"PrivateKey={STRANGER}\nListenPort", "UNKNOWN", "not known in [WireGuard]",
        f"PrivateKey={STRANGER}", (*BOTH, "hand")),
    "routes of its own": Damage(
        "site1", NETDEV, "ListenPort=51820", "ListenPort=51820\nRouteTable=main", "UNKNOWN",
        "not known in [WireGuard]", "RouteTable=main", (*BOTH, "hand")),
    "a secret that is shared": Damage(
        "site1", NETDEV, "Endpoint=10.90.2.2:51821", "Endpoint=10.90.2.2:51821\nPresharedKeyFile=/etc/psk", "UNKNOWN",
        "not known in [WireGuardPeer]", "PresharedKeyFile=/etc/psk", (*BOTH, "hand")),
    # NetworkManager
    "a source too few to take in": Damage(
        "site2", PROFILE, "allowed-ips=10.8.0.1/32;10.1.0.0/24;", "allowed-ips=10.8.0.1/32;", "SOURCE_NOT_ALLOWED",
        "its peer on wg0 does not have 10.1.0.5 among its addresses", "allowed-ips=10.8.0.1/32;", ("there",)),
    "a profile's routes": Damage(
        "site2", PROFILE, "peer-routes=false", "peer-routes=true", "UNKNOWN", "not known in [wireguard]",
        "peer-routes=true", BOTH),
    "no word about routes": Damage(
        "site2", PROFILE, "peer-routes=false\n", "", "UNKNOWN",
        "peer-routes=false and ip4-auto-default-route=0 are needed", "# Written by netwright; edit the topology "
        "instead.", BOTH),
    "a mark": Damage(
        "site2", PROFILE, "peer-routes=false", "peer-routes=false\nfwmark=5", "UNKNOWN", "not known in [wireguard]",
        "fwmark=5", BOTH),
    "a key of a peer that is none": Damage(
        "site2", PROFILE, f"[wireguard-peer.{KEY1}]", "[wireguard-peer.x]", "UNKNOWN", "not the public key of a peer",
        "allowed-ips=10.8.0.1/32;10.1.0.0/24;", BOTH),
    "a peer's option": Damage(
        "site2", PROFILE, "endpoint=10.90.1.2:51820", "endpoint=10.90.1.2:51820\npreshared-key-flags=0", "UNKNOWN",
        "not known of a peer", "preshared-key-flags=0", BOTH),
    "another script": Damage(
        "site2", SCRIPT, "umask 077", "umask 022", "UNKNOWN", "writes to /run/NetworkManager/system-connections", "",
        BOTH),
    "the key of another interface": Damage(
        "site2", SCRIPT, "/etc/wireguard/wg0.key)", "/etc/wireguard/wg1.key)", "WRONG_DEVICE",
        "wg0 takes its private key from /etc/wireguard/wg1.key", "if key=$(cat /etc/wireguard/wg1.key); then", BOTH),
    "a key that comes late": Damage(
        "site2", UNIT, "Before=NetworkManager.service\n", "", "UNKNOWN",
        "nothing gives NetworkManager the private key of wg0 before it starts", "", BOTH),
}  # fmt: skip


def test_a_network_with_tunnels_is_proved(written: Written) -> None:
    verification = written.verify()

    assert [result.flow.name for result in verification.flows if not result.proved] == []
    assert [one.cause for one in verification.findings if one.kind != "BLACK_HOLE"] == []


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_tunnel_that_is_broken_is_refuted_by_its_line(written: Written, damage: Damage) -> None:
    text = written.delivery(damage.node).files[damage.file].text
    assert damage.before in text
    after = text.replace(damage.before, damage.after)

    verification = written.verify(damage.node, {damage.file: after})

    found = next(one for one in verification.findings if one.kind == damage.kind and damage.cause in one.cause)
    blamed = [origin for origin in found.origins if origin.file.endswith(damage.file)]
    if damage.line:
        assert [after.split("\n")[origin.line - 1] for origin in blamed] == [damage.line]
    failed = {result.flow.name for result in verification.flows if not result.proved}
    assert {*damage.flows} <= failed


class Closed(NamedTuple):
    """Edits of both ends, and the finding: of a way that either end could open, both must be closed."""

    edits: tuple[tuple[str, str, str, str], ...]
    kind: str
    cause: str


CLOSED = {
    "another endpoint": Closed(
        (("site1", NETDEV, "Endpoint=10.90.2.2:51821", "Endpoint=10.90.2.9:51820"),
         ("site2", PROFILE, "endpoint=10.90.1.2:51820\n", "")),
        "NO_HANDSHAKE", "the endpoint of site2 leads to hand"),
    "another port": Closed(
        (("site1", NETDEV, "Endpoint=10.90.2.2:51821", "Endpoint=10.90.2.2:51999"),
         ("site2", PROFILE, "endpoint=10.90.1.2:51820\n", "")),
        "FILTERED", "the WireGuard packets to site2 do not get there"),
    "a port on which no one listens": Closed(
        (("site2", PROFILE, "listen-port=51821", "listen-port=51825"),
         ("site2", PROFILE, "endpoint=10.90.1.2:51820\n", "")),
        "NO_HANDSHAKE", "site2 listens on UDP port 51825, and packets come to 51821"),
    "no endpoint at either end": Closed(
        (("site1", NETDEV, "Endpoint=10.90.2.2:51821\n", ""), ("site2", PROFILE, "endpoint=10.90.1.2:51820\n", "")),
        "NO_HANDSHAKE", "is not told where site2 is"),
    "an endpoint outside the topology": Closed(
        (("site1", NETDEV, "Endpoint=10.90.2.2:51821", "Endpoint=vpn.example.net:51821"),
         ("site2", PROFILE, "endpoint=10.90.1.2:51820\n", "")),
        "NO_HANDSHAKE", "the endpoint vpn.example.net:51821 of site2 is not in the topology"),
    "filters without the port": Closed(
        (("site2", RULES, "udp dport 51821 accept", "udp dport 51999 accept"),
         ("site1", RULES, "udp dport 51820 accept", "udp dport 51999 accept")),
        "FILTERED", "the WireGuard packets to site2 do not get there"),
    "a router that lets nothing through": Closed(
        (("isp", RULES, "ip saddr 10.90.1.2 ip daddr 10.90.2.2 udp dport 51821 accept", ""),
         ("isp", RULES, "ip saddr 10.90.2.2 ip daddr 10.90.1.2 udp dport 51820 accept", "")),
        "FILTERED", "the WireGuard packets to site2 do not get there"),
}  # fmt: skip


@pytest.mark.parametrize("closed", CLOSED.values(), ids=CLOSED)
def test_a_way_that_neither_end_can_open_is_refuted(written: Written, closed: Closed) -> None:
    texts: dict[tuple[str, str], str] = {}
    for node, file, before, after in closed.edits:
        text = texts.get((node, file)) or written.delivery(node).files[file].text
        assert before in text
        texts[node, file] = text.replace(before, after)
    deliveries = [
        _changed(one, {file: text for (node, file), text in texts.items() if node == one.node}, "")
        for one in written.deliveries
    ]

    verification = replace(written, deliveries=tuple(deliveries)).verify()

    causes = [(one.kind, one.cause) for one in verification.findings if "there" in one.flows]
    assert any(kind == closed.kind and closed.cause in cause for kind, cause in causes), causes


def test_an_end_that_keeps_the_way_open_is_found_by_the_other(written: Written) -> None:
    netdev = written.delivery("site1").files[NETDEV].text.replace("Endpoint=10.90.2.2:51821\n", "")
    profile = written.delivery("site2").files[PROFILE].text
    kept = profile.replace("endpoint=10.90.1.2:51820", "endpoint=10.90.1.2:51820\npersistent-keepalive=25")

    waiting = written.verify("site1", {NETDEV: netdev})
    deliveries = tuple(
        _changed(one, {"site1": {NETDEV: netdev}, "site2": {PROFILE: kept}}.get(one.node, {}), "")
        for one in written.deliveries
    )
    met = replace(written, deliveries=deliveries).verify()

    assert {one.flow.name for one in waiting.flows if not one.proved} == {"there"}
    assert "does not keep the way open" in next(one.cause for one in waiting.findings if "there" in one.flows)
    assert all(one.proved for one in met.flows)


def test_a_sheet_is_read_as_it_stands(written: Written) -> None:
    handoff = written.delivery("hand").handoff
    assert handoff is not None

    verification = written.verify("hand", sheet=handoff.text.replace("10.1.0.0/24\n    Endpoint", "\n    Endpoint"))

    assert {one.flow.name for one in verification.flows if not one.proved} == {"hand"}
    assert [one.kind for one in verification.findings if "hand" in one.flows] == ["NO_PEER"]


@pytest.mark.parametrize(("mode", "failed"), [(0o640, set()), (0o600, {"there", "back", "hand"})], ids=["0640", "0600"])
def test_a_key_that_is_delivered_is_one_that_networkd_can_read(written: Written, mode: int, failed: set[str]) -> None:
    path = "/etc/wireguard/wg0.key"
    key = Text(path=path, shown=path, text="", mode=mode)
    deliveries = tuple(
        replace(one, files={**one.files, path: key}) if one.node == "site1" else one for one in written.deliveries
    )

    verification = replace(written, deliveries=deliveries).verify()

    assert {one.flow.name for one in verification.flows if not one.proved} == failed


NAT = f"""
version: 1
name: nat
networks:
  home: {{cidr: 192.168.7.0/24, router: modem}}
  office: {{cidr: 10.1.0.0/24}}
  mesh: {{cidr: 10.8.0.0/24, wireguard: {{}}}}
defaults: {{default_route: none}}
nodes:
  modem: {{os: unmanaged, internet: true, forward: true, interfaces: {{lan: {{network: home, address: 192.168.7.1}}}}}}
  laptop:
    os: flatcar
    default_route: {{via: modem}}
    interfaces:
      eth0: {{network: home, address: 192.168.7.20}}
      wg0: {{wireguard: {{public_key: "{KEY1}"}}, network: mesh, address: 10.8.0.20}}
  vpn:
    os: flatcar
    interfaces:
      eth0: {{network: office, address: 10.1.0.1}}
      wg0: {{wireguard: {{public_key: "{KEY2}", endpoint: 203.0.113.7}}, network: mesh, address: 10.8.0.1}}
flows:
  in: {{from: laptop@mesh, to: vpn@mesh, allow: [tcp/22]}}
  out: {{from: vpn@mesh, to: laptop@mesh, allow: [tcp/22]}}
"""


def test_a_node_behind_nat_keeps_its_way_open(tmp_path: Path) -> None:
    written = written_by(tmp_path, NAT)

    verification = written.verify()

    netdev = written.delivery("laptop").files[NETDEV].text
    assert "Endpoint=203.0.113.7:51820\nPersistentKeepalive=25\n" in netdev
    assert all(one.proved for one in verification.flows)
    silent = written.verify("laptop", {NETDEV: netdev.replace("PersistentKeepalive=25\n", "")})
    assert {one.flow.name for one in silent.flows if not one.proved} == {"out"}


PUBLIC = f"""
version: 1
name: public
networks:
  isp1: {{cidr: 9.9.1.0/30}}
  isp2: {{cidr: 9.9.2.0/30}}
  mesh: {{cidr: 10.8.0.0/24, wireguard: {{}}}}
nodes:
  s1:
    os: flatcar
    internet: true
    firewall: {{input: {{policy: drop}}}}
    default_route: {{via: 9.9.1.1}}
    interfaces:
      eth0: {{network: isp1, address: 9.9.1.2}}
      wg0: {{wireguard: {{public_key: "{KEY1}", endpoint: 9.9.1.2}}, network: mesh, address: 10.8.0.1}}
  s2:
    os: flatcar
    internet: true
    default_route: {{via: 9.9.2.1}}
    interfaces:
      eth0: {{network: isp2, address: 9.9.2.2}}
      wg0: {{wireguard: {{public_key: "{KEY2}", endpoint: 9.9.2.2}}, network: mesh, address: 10.8.0.2}}
flows:
  f: {{from: s1@mesh, to: s2@mesh, allow: [tcp/22]}}
  g: {{from: s2@mesh, to: s1@mesh, allow: [tcp/22]}}
"""


def test_packets_of_a_tunnel_pass_the_internet_between_known_addresses(tmp_path: Path) -> None:
    written = written_by(tmp_path, PUBLIC)

    verification = written.verify()

    assert [one.flow.name for one in verification.flows if not one.proved] == []
    by_itself = written.delivery("s1").files["/etc/systemd/network/10-eth0.network"].text
    for gateway, failed in (("9.9.1.1", []), ("10.8.0.2\nGatewayOnLink=yes", ["f", "g"])):
        network = by_itself.replace("Gateway=9.9.1.1", f"Gateway={gateway}")
        changed = written.verify("s1", {"/etc/systemd/network/10-eth0.network": network})
        assert [one.flow.name for one in changed.flows if not one.proved] == failed


def test_what_carries_a_tunnel_does_not_go_by_it(tmp_path: Path) -> None:
    written = written_by(tmp_path, PUBLIC)
    path = "/etc/systemd/network/10-{}.network"
    eth0, wg0 = (written.delivery("s1").files[path.format(name)].text for name in ("eth0", "wg0"))
    netdev = written.delivery("s1").files[NETDEV].text
    default = "\n[Route]\nDestination=0.0.0.0/0\nGateway={}\n"
    assert default.format("9.9.1.1") in eth0

    verification = written.verify(
        "s1",
        {
            path.format("eth0"): eth0.replace(default.format("9.9.1.1"), ""),
            path.format("wg0"): wg0 + default.format("10.8.0.2"),
            NETDEV: netdev.replace("AllowedIPs=10.8.0.2/32", "AllowedIPs=0.0.0.0/0"),
        },
    )

    causes = [one.cause for one in verification.findings if "f" in one.flows]
    assert any("what wg0 sends to its peers would go by wg0 itself" in cause for cause in causes), causes


def test_keys_and_places_that_only_the_topology_knows_are_assumptions(tmp_path: Path) -> None:
    written = written_by(tmp_path, NAT)
    built = build_networks(
        [read_node(one, written.wiring) for one in written.deliveries], written.wiring, written.assumptions
    )

    said = state_assumptions(built[0])

    assert (
        "the private keys belong to the public ones of the topology: /etc/wireguard/wg0.key of laptop, "
        "/etc/wireguard/wg0.key of vpn" in said
    )
    assert "203.0.113.7:51820 leads to wg0 of vpn" in said
