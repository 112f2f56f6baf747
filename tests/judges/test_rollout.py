"""What a plan has a machine do brings it to where a start with the new files would, at the loss that is stated."""

import contextlib
import re
from collections.abc import Iterator, Mapping

import pytest
from msgspec.structs import replace

from netwright.lab.machine import File, LabMachine, poll
from netwright.lab.networkd import networkd, unsettled
from netwright.lab.networkmanager import is_settled, message_bus, networkmanager
from netwright.rollout.consequences import Host, judge_file
from netwright.rollout.values import ChangedFile, Command, Consequence, Loss, Stage
from tests.rigs.kernel import Kernel, read_kernel
from tests.rigs.libvirtd import TOOL, libvirtd, start_networks
from tests.rigs.wires import Nic, boot_wired

CARD = Nic(name="eth0", mac="02:00:00:00:00:02")
NETWORK = "/etc/systemd/network/10-eth0.network"
PROFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"

NETWORKD = """\
[Match]
Name=eth0

[Network]
LinkLocalAddressing=no
IPv6AcceptRA=no
Address=10.0.0.2/24
Gateway=10.0.0.1

[Route]
Destination=10.9.0.0/16
Gateway=10.0.0.254
"""
KEYFILE = """\
[connection]
id=eth0
uuid=b2371264-793c-5f1f-9513-646fcc75bf31
type=ethernet
autoconnect-priority=200
interface-name=eth0

[ethernet]
mtu=1500

[ipv4]
method=manual
address1=10.0.0.2/24
gateway=10.0.0.1
route-metric=100
dns=10.0.0.8;
route1=10.9.0.0/16,10.0.0.254,100

[ipv6]
method=disabled
"""

OF_NETWORKD = {
    "route": ("Destination=10.9.0.0/16", "Destination=10.8.0.0/16"),
    "gateway": ("Gateway=10.0.0.1\n", "Gateway=10.0.0.3\n"),
    "address": ("Address=10.0.0.2/24", "Address=10.0.0.7/24"),
    "mtu": ("[Network]\n", "[Link]\nMTUBytes=1400\n\n[Network]\n"),
    "rule": ("[Route]\n", "[RoutingPolicyRule]\nFrom=10.0.0.2\nTable=100\nPriority=1000\n\n[Route]\n"),
}
OF_NETWORKMANAGER = {
    "route": ("route1=10.9.0.0/16", "route1=10.8.0.0/16"),
    "gateway": ("gateway=10.0.0.1", "gateway=10.0.0.3"),
    "another address": ("10.0.0.2/24\n", "10.0.0.2/24\naddress2=10.0.0.5/24\n"),
    "address": ("10.0.0.2/24", "10.0.0.7/24"),
    "name server": ("10.0.0.8", "10.0.0.9"),
    "rule": ("\n\n[ipv6]", "\nrouting-rule1=priority 1000 from 10.0.0.2 table 100\n\n[ipv6]"),
    "mtu": ("mtu=1500", "mtu=1400"),
    "priority": ("priority=200", "priority=190"),
    "zone": ("interface-name=eth0", "interface-name=eth0\nzone=front"),
    "hardware address": ("mtu=1500", f"mtu=1500\nmac-address={CARD.mac}"),
    "match": ("interface-name=eth0\n\n", "\n[match]\ninterface-name=eth0;\n\n"),
}


def consequence(path: str, before: str, after: str) -> Consequence:
    assert before != after
    return judge_file(ChangedFile(path=path, before=before, after=after), Host())


def change(machine: LabMachine, file: File, found: Consequence) -> tuple[Kernel, bool]:
    """The kernel after the file is replaced and the commands have run, and whether an address was away meanwhile."""
    with machine.daemon("ip", "monitor", "link", "address") as monitor:
        poll(lambda: bool(machine.run("pgrep", "-x", "ip", check=False).stdout), seconds=5)
        machine.run("rm", file.path)
        machine.install([file])
        for command in found.commands:
            machine.run("sh", "-c", command.text)
        machine.run("sleep", "1")
        return read_kernel(machine), any(re.match(r"Deleted \d+: eth0 +inet ", line) for line in monitor.log())


@contextlib.contextmanager
def under_networkd(text: str) -> Iterator[LabMachine]:
    with (
        boot_wired({"a": [CARD]}) as machines,
        message_bus(machines["a"]),
        networkd(machines["a"], [File(path=NETWORK, content=text.encode())]),
    ):
        assert poll(lambda: not [*unsettled(machines["a"], ["eth0"])], seconds=20)
        yield machines["a"]


@contextlib.contextmanager
def under_networkmanager(text: str, path: str = PROFILE) -> Iterator[LabMachine]:
    file = File(path=path, content=text.encode(), mode=0o600)
    with boot_wired({"a": [CARD]}) as machines, networkmanager(machines["a"], [file]) as daemon:
        assert poll(lambda: is_settled(daemon), seconds=20)
        yield machines["a"]


@pytest.mark.parametrize("edit", OF_NETWORKD.values(), ids=OF_NETWORKD)
def test_networkd_is_where_its_start_would_be(edit: tuple[str, str]) -> None:
    after = NETWORKD.replace(*edit)
    found = consequence(NETWORK, NETWORKD, after)
    with under_networkd(after) as machine:
        expected = read_kernel(machine)

    with under_networkd(NETWORKD) as machine:
        kernel, was_away = change(machine, File(path=NETWORK, content=after.encode()), found)

    assert kernel == expected
    assert (found.loss, was_away) == (Loss.SHORT, True)


NETDEV = "[NetDev]\nName=br0\nKind=bridge\n\n[Bridge]\nSTP=no\nPriority=100\n"
BRIDGE = {
    "/etc/systemd/network/10-br0.netdev": NETDEV,
    "/etc/systemd/network/10-br0.network": NETWORKD.replace("Name=eth0", "Name=br0"),
    NETWORK: "[Match]\nName=eth0\n\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nBridge=br0\n",
}


@contextlib.contextmanager
def with_bridge(machine: LabMachine, files: Mapping[str, str]) -> Iterator[None]:
    with networkd(machine, [File(path=path, content=text.encode()) for path, text in files.items()]):
        assert poll(lambda: not [*unsettled(machine, ["eth0", "br0"])], seconds=20)
        yield


def test_a_bridge_is_made_again_with_its_members() -> None:
    path, after = "/etc/systemd/network/10-br0.netdev", NETDEV.replace("100", "200")
    found = consequence(path, NETDEV, after)
    delete, restart = found.commands
    with boot_wired({"a": [CARD]}) as machines, with_bridge(machines["a"], {**BRIDGE, path: after}):
        expected = read_kernel(machines["a"])

    with boot_wired({"a": [CARD]}) as machines, message_bus(machines["a"]):
        machine = machines["a"]
        with with_bridge(machine, BRIDGE):
            machine.run("rm", path)
            machine.install([File(path=path, content=after.encode())])
            machine.run("sh", "-c", delete.text)
        with with_bridge(machine, {}):
            kernel = read_kernel(machine)

    assert restart.text == "systemctl restart systemd-networkd.service"
    assert without_made_up(kernel) == without_made_up(expected)


def without_made_up(kernel: Kernel) -> Kernel:
    """The kernel without hardware addresses, which networkd makes up for a bridge by the machine's number."""
    return replace(kernel, links=tuple(replace(link, mac="") for link in kernel.links))


@pytest.mark.parametrize("edit", OF_NETWORKMANAGER.values(), ids=OF_NETWORKMANAGER)
def test_networkmanager_is_where_its_start_would_be(edit: tuple[str, str]) -> None:
    after = KEYFILE.replace(*edit)
    found = consequence(PROFILE, KEYFILE, after)
    with under_networkmanager(after) as machine:
        expected = read_kernel(machine)

    with under_networkmanager(KEYFILE) as machine:
        kernel, was_away = change(machine, File(path=PROFILE, content=after.encode(), mode=0o600), found)

    assert kernel == expected
    assert was_away is (found.loss is Loss.SHORT)


def test_networkmanager_finds_the_card_of_a_profile_without_a_name() -> None:
    """The profile is named as the topology has the card, which is eth0 here."""
    before = KEYFILE.replace("id=eth0", "id=port1").replace(
        "interface-name=eth0\n\n[ethernet]", f"\n[ethernet]\nmac-address={CARD.mac}"
    )
    after = before.replace("10.9.0.0/16", "10.8.0.0/16")
    path = PROFILE.replace("eth0.", "port1.")
    found = consequence(path, before, after)

    with under_networkmanager(before, path) as machine:
        kernel, was_away = change(machine, File(path=path, content=after.encode(), mode=0o600), found)

    assert "10.8.0.0/16" in {route.to for route in kernel.routes}
    assert not was_away


KEEPALIVED = """\
vrrp_instance web {
	state BACKUP
	nopreempt
	interface eth0
	virtual_router_id 51
	priority 100
	advert_int 1
	virtual_ipaddress {
		10.0.0.9/24 dev eth0
	}
}
"""
OF_KEEPALIVED = {
    "priority": ("priority 100", "priority 90"),
    "interval": ("advert_int 1", "advert_int 2"),
    "another address": ("10.0.0.9/24 dev eth0", "10.0.0.9/24 dev eth0\n\t\t10.0.0.8/24 dev eth0"),
    "address": ("10.0.0.9/24", "10.0.0.7/24"),
    "number": ("router_id 51", "router_id 52"),
    "peers": ("\tnopreempt", "\tunicast_src_ip 10.0.0.2\n\tunicast_peer {\n\t\t10.0.0.3\n\t}\n\tnopreempt"),
}


@pytest.mark.parametrize("edit", OF_KEEPALIVED.values(), ids=OF_KEEPALIVED)
def test_keepalived_keeps_its_address_as_stated(edit: tuple[str, str]) -> None:
    path, after = "/etc/keepalived/keepalived.conf", KEEPALIVED.replace(*edit)
    found = consequence(path, KEEPALIVED, after)
    reload = Command(Stage.PROGRAMS, "pkill -HUP -o -x keepalived")  # as its unit does
    with boot_wired({"a": [CARD]}) as machines:
        machine = machines["a"]
        machine.run("ip", "link", "set", "eth0", "up")
        machine.run("ip", "address", "add", "10.0.0.2/24", "dev", "eth0")
        machine.install([File(path=path, content=KEEPALIVED.encode())])
        with machine.daemon("keepalived", "-n", "-l", "-f", path):
            assert poll(lambda: "10.0.0.9" in machine.run("ip", "address").stdout, seconds=20)
            _, was_away = change(machine, File(path=path, content=after.encode()), replace(found, commands=(reload,)))

    assert [command.text for command in found.commands] == ["systemctl reload-or-restart keepalived.service"]
    assert was_away is (found.loss is Loss.SHORT)


LIBVIRT = """\
<network>
  <name>back</name>
  <uuid>6b1e4d55-2a4f-5d55-9f3f-0d6e3ce3b0a1</uuid>
  <forward mode="open"/>
  <bridge name="virbr2" stp="on" delay="0"/>
  <dns>
    <host ip="10.2.0.9">
      <hostname>db</hostname>
    </host>
  </dns>
  <ip family="ipv4" address="10.2.0.1" prefix="24">
    <dhcp>
      <range start="10.2.0.100" end="10.2.0.120"/>
      <host mac="52:54:00:00:00:01" name="w1" ip="10.2.0.21"/>
    </dhcp>
  </ip>
  <route family="ipv4" address="10.42.1.0" prefix="24" gateway="10.2.0.21"/>
  <route family="ipv4" address="10.42.2.0" prefix="24" gateway="10.2.0.22" metric="5"/>
</network>
"""
OF_LIBVIRT = {
    "route": ("10.42.1.0", "10.42.7.0"),
    "next hop": ("10.2.0.22", "10.2.0.23"),
    "lease": ('name="w1" ip="10.2.0.21"', 'name="w1" ip="10.2.0.31"'),
    "range": ('end="10.2.0.120"', 'end="10.2.0.150"'),
    "name": ("<hostname>db</hostname>", "<hostname>db2</hostname>"),
    "forwarding": ('mode="open"', 'mode="route"'),
    "address": ('address="10.2.0.1"', 'address="10.2.0.254"'),
}


@pytest.mark.parametrize("edit", OF_LIBVIRT.values(), ids=OF_LIBVIRT)
def test_libvirt_is_where_its_start_would_be(edit: tuple[str, str]) -> None:
    after = LIBVIRT.replace(*edit)
    found = judge_file(
        ChangedFile(path="libvirt/back.xml", before=LIBVIRT, after=after), Host(guests={"virbr2": ("w1",)})
    )
    expected = start_networks({"back": after.encode()})

    with libvirtd({"back": LIBVIRT.encode()}) as (machine, state):
        machine.run("ip", "link", "add", "vnet0", "type", "veth", "peer", "guest0")
        machine.run("ip", "link", "set", "vnet0", "master", "virbr2")
        machine.install([File(path="/etc/libvirt/new/back.xml", content=after.encode())])
        for command in found.commands:
            if "try-restart" not in command.text:
                text = command.text.replace("virsh", " ".join(TOOL))
                machine.run("sh", "-c", f"cd /etc/libvirt/new && {text}")
        lost = "virbr2" not in machine.run("ip", "link", "show", "vnet0").stdout
        machine.run("ip", "link", "del", "vnet0")
        changed = state()

    assert lost is (found.loss is Loss.GUESTS)
    assert set(changed.kernel.routes) == set(expected.kernel.routes)
    assert changed.served == expected.served
    assert changed.rules == expected.rules
