"""Leased addresses: proved where the files take no more than the address, and the server keeps it for the interface."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from netwright.production.production import prepare
from netwright.text.report import Severity
from netwright.verify import Verification
from netwright.verify.network_model.building import read_node
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks, verify_networks
from netwright.verify.reading.delivery import Delivery, Text, read_delivery
from netwright.verify.values.facts import MAIN_TABLE
from netwright.verify.values.wiring import Flow, Wiring
from netwright.verify_input.wiring import assume, state_flows, wire

GOLDEN = Path(__file__).parents[1] / "golden/leases"
NETWORKD = "/etc/systemd/network/10-eth0.network"
KEYFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"

RULESET = "/etc/nftables/netwright.nft"

Edit = Callable[[Delivery], Delivery]


def _same(delivery: Delivery) -> Delivery:
    return delivery


def verify_with(
    node: str = "", edit: Edit = _same, wired: Callable[[Wiring], Wiring] = lambda wiring: wiring
) -> Verification:
    """The proof of the golden network, one node's files edited, or the wiring."""
    return verify_networks(*_networks(node, edit, wired))


def _networks(
    node: str = "", edit: Edit = _same, wired: Callable[[Wiring], Wiring] = lambda wiring: wiring
) -> tuple[Sequence[Network], Sequence[Flow]]:
    production, report = prepare(str(GOLDEN / "topology.yaml"))
    assert production is not None, report
    with closing(production):
        wiring = wired(wire(production.resolved))
        deliveries = [read_delivery(GOLDEN / "out", name) for name in wiring.nodes]
        nodes = [read_node(edit(one) if one.node == node else one, wiring) for one in deliveries]
        return build_networks(nodes, wiring, assume(production.resolved)), state_flows(production.resolved)


def in_file(path: str, before: str, after: str) -> Edit:
    """Returns the edit of a file."""

    def edit(delivery: Delivery) -> Delivery:
        file = delivery.files[path]
        assert before in file.text
        return replace(delivery, files={**delivery.files, path: _edited(file, before, after)})

    return edit


def in_network(before: str, after: str) -> Edit:
    """Returns the edit of libvirt's networks."""

    def edit(delivery: Delivery) -> Delivery:
        assert any(before in text.text for text in delivery.libvirt)
        return replace(delivery, libvirt=tuple(_edited(text, before, after) for text in delivery.libvirt))

    return edit


def _edited(text: Text, before: str, after: str) -> Text:
    return replace(text, text=text.text.replace(before, after))


def test_what_a_server_keeps_is_proved_and_what_an_unknown_one_does_is_an_assumption() -> None:
    verification = verify_with()

    assert [flow.failed for flow in verification.flows] == [0]
    assert "DHCP servers lease 192.168.0.55 to eth0 of vm5" in verification.assumptions
    assert not [one for one in verification.findings if one.severity is Severity.ERROR]


def test_what_takes_all_that_a_lease_brings_is_told_without_an_error() -> None:
    (found,) = (one for one in verify_with().findings if one.kind == "UNKNOWN")

    assert found.cause == "eth0 takes routes from whatever DHCP server answers"
    assert [*found.nodes] == ["vm2", "vm4"]
    assert found.severity is Severity.WARNING


class Damage(NamedTuple):
    """A node, the edit of its files, and a part of the cause for which the flow of vm1 and vm3 fails."""

    node: str
    edit: Edit
    cause: str


DAMAGES = {
    "the server keeps it for another card": Damage(
        "kvm",
        in_network("52:54:00:00:50:11", "52:54:00:00:50:12"),
        "libvirt's network guests keeps no address for 52:54:00:00:50:11, which is to have 192.168.50.11",
    ),
    "the server keeps another address": Damage(
        "kvm",
        in_network("192.168.51.13", "192.168.51.14"),
        "libvirt's network kept keeps 192.168.51.14 for 52:54:00:00:51:13, which is to have 192.168.51.13",
    ),
    "a host that does not hear the question": Damage(
        "kvm",
        in_file(RULESET, 'iifname "virbr2" udp dport 67 accept comment "leases"', ""),
        "libvirt leases no address to guests of guests: their question (udp/67 by virbr2) is dropped by the policy of "
        "chain inet netwright input",
    ),
    "a host that hears of machines with addresses only": Damage(
        "kvm",
        in_file(RULESET, 'iifname "virbr3" udp', 'iifname "virbr3" ip saddr 192.168.51.0/24 udp'),
        "libvirt leases no address to guests of kept: their question (udp/67 by virbr3) is dropped by the policy",
    ),
    "a host whose answers are dropped": Damage(
        "kvm",
        in_file(
            RULESET,
            "\tchain forward {",
            "\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n"
            "\t\tct state established,related accept\n\t}\n\tchain forward {",
        ),
        "libvirt leases no address to guests of guests: its answer (udp/68 by virbr2) is dropped by the policy of "
        "chain inet netwright output",
    ),
    "a host with a rule that is not known": Damage(
        "kvm",
        in_file(RULESET, 'iifname "virbr2" udp', 'meta hour "01:00"-"02:00" udp'),
        "libvirt leases no address to guests of guests: their question (udp/67 by virbr2) meets the rule `meta hour",
    ),
    "routes by networkd": Damage(
        "vm1", in_file(NETWORKD, "UseRoutes=no", "UseRoutes=yes"), "eth0 takes routes from whatever DHCP server answers"
    ),
    "a router by networkd": Damage(
        "vm1", in_file(NETWORKD, "UseRoutes=no", "UseRoutes=no\nUseGateway=yes"), "eth0 takes routes from whatever"
    ),
    "an MTU by networkd": Damage("vm1", in_file(NETWORKD, "UseDNS=no", "UseMTU=yes"), "the lease decides the MTU"),
    "an unknown key of networkd": Damage(
        "vm1", in_file(NETWORKD, "UseDNS=no", "RouteTable=7"), "not known in [DHCPv4]"
    ),
    "no lease by networkd": Damage(
        "vm1", in_file(NETWORKD, "DHCP=ipv4", "DHCP=no"), "eth0 has not got its address 192.168.50.11/24"
    ),
    "routes by NetworkManager": Damage(
        "vm3", in_file(KEYFILE, "ignore-auto-routes=true\n", ""), "eth0 takes routes from whatever DHCP server answers"
    ),
    "a router by NetworkManager": Damage(
        "vm3", in_file(KEYFILE, "never-default=true\n", ""), "eth0 takes routes from whatever DHCP server answers"
    ),
    "an MTU by NetworkManager": Damage("vm3", in_file(KEYFILE, "mtu=1400\n", ""), "the lease decides the MTU"),
    "a gateway by NetworkManager": Damage(
        "vm3",
        in_file(KEYFILE, "route1=0.0.0.0/0,192.168.51.1,100", "gateway=192.168.51.1"),
        "NetworkManager refuses the file: gateway= without an address",
    ),
}


@pytest.mark.parametrize(
    "damage", [pytest.param(damage, id=name.replace(" ", "-")) for name, damage in DAMAGES.items()]
)
def test_a_lease_that_is_not_as_the_topology_has_it_fails_the_flow(damage: Damage) -> None:
    verification = verify_with(damage.node, damage.edit)

    assert [flow.failed > 0 for flow in verification.flows] == [True]
    assert [one for one in verification.findings if damage.cause in one.cause and "updates" in one.flows]


def test_a_card_without_a_hardware_address_has_no_kept_address() -> None:
    def unnamed(wiring: Wiring) -> Wiring:
        segments = (
            replace(one, ports=tuple(replace(port, mac=None) if port.node == "vm1" else port for port in one.ports))
            for one in wiring.segments
        )
        return replace(wiring, segments=tuple(segments))

    by_name = in_file(NETWORKD, "MACAddress=52:54:00:00:50:11\nType=ether", "Name=eth0")

    causes = {one.cause for one in verify_with("vm1", by_name, unnamed).findings}

    assert "the topology has no hardware address for which guests could keep 192.168.50.11" in causes


def test_an_address_that_the_topology_leaves_to_a_server_is_not_known() -> None:
    def without(wiring: Wiring) -> Wiring:
        return replace(wiring, addresses=tuple(one for one in wiring.addresses if one.node != "vm1"))

    assert "a DHCP server chooses the address of eth0, and the topology keeps none for it" in {
        one.cause for one in verify_with(wired=without).findings
    }


def test_the_network_of_a_leased_address_has_the_metric_of_what_asked_for_it() -> None:
    ((network,), _) = _networks()

    def metrics(node: str, ip: str) -> list[int]:
        hops = network.machines[node].fib.tables[MAIN_TABLE].hops
        return [hop.metric for hop in hops if hop is not None and str(hop.prefix) == ip]

    assert metrics("vm1", "192.168.50.0/24") == [1024]
    assert metrics("vm3", "192.168.51.0/24") == [100]
