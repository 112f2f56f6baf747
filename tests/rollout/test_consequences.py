"""What must follow on a machine when a file of it changes, kind by kind."""

import pytest
from msgspec import Struct

from netwright.rollout.consequences import RULES, Host, judge_file
from netwright.rollout.values import ChangedFile, Loss

HOST = Host(k3s="k3s-agent", guests={"virbr2": ("w1", "w2")})

NETWORK = "[Match]\nName=eth0\n\n[Network]\nAddress=10.1.0.2/24\n"
PROFILE = "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n\n[ipv4]\nmethod=manual\naddress1=10.1.0.2/24\n"
IFCFG = "DEVICE=eth0\nIPADDR=10.1.0.2\nPREFIX=24\n"
XML = """\
<network>
  <name>back</name>
  <forward mode="open"/>
  <bridge name="virbr2" stp="on" delay="0"/>
  <ip family="ipv4" address="10.2.0.1" prefix="24">
    <dhcp>
      <host mac="52:54:00:00:00:01" name="w1" ip="10.2.0.21"/>
    </dhcp>
  </ip>
  <route family="ipv4" address="10.42.1.0" prefix="24" gateway="10.2.0.21"/>
</network>
"""
LEASE = '<host mac="52:54:00:00:00:01" name="w1" ip="10.2.0.21"/>'
INSTANCE = """\
vrrp_instance web {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority 100
	advert_int 1
	unicast_peer {
		10.0.0.3
	}
	virtual_ipaddress {
		10.0.0.9/24 dev eth0
	}
	track_script {
		probe
	}
}
"""
RESTART = ("virsh net-define back.xml", "virsh net-destroy back", "virsh net-start back")


class Example(Struct, frozen=True):
    """A changed file, and the commands, the loss and a part of the notes that are expected."""

    path: str
    before: str | None
    after: str | None
    commands: tuple[str, ...]
    loss: Loss = Loss.NONE
    note: str = ""


UNIT = "/etc/systemd/system/netwright-nftables.service"
SERVICE = "/etc/systemd/system/probe.service"
LIBVIRT = "libvirt/back.xml"
DAEMON = "systemctl try-restart virtqemud.service libvirtd.service"
EXAMPLES = {
    "network": Example(
        "/etc/systemd/network/10-eth0.network",
        NETWORK,
        NETWORK + "DNS=10.1.0.9\n",
        ("networkctl reload",),
        Loss.SHORT,
        "addresses and routes of eth0 away for a moment",
    ),
    "network, another address": Example(
        "/etc/systemd/network/10-eth0.network",
        NETWORK,
        NETWORK.replace("0.2/", "0.7/"),
        ("networkctl reload",),
        Loss.SHORT,
        "10.1.0.2/24 goes",
    ),
    "network of a new link": Example("/etc/systemd/network/10-eth1.network", None, NETWORK, ("networkctl reload",)),
    "network that goes": Example(
        "/etc/systemd/network/10-eth0.network", NETWORK, None, ("networkctl reload",), Loss.SHORT, "eth0 loses"
    ),
    "drop-in": Example(
        "/etc/systemd/network/10-eth0.network.d/50-routes.conf",
        None,
        "[Route]\nDestination=10.9.0.0/16\n",
        ("networkctl reload",),
        Loss.SHORT,
        "routes of eth0",
    ),
    "netdev": Example(
        "/etc/systemd/network/10-br0.netdev",
        "[NetDev]\nName=br0\nKind=bridge\n",
        "[NetDev]\nName=br0\nKind=bridge\nMTUBytes=1400\n",
        ("networkctl delete br0", "systemctl restart systemd-networkd.service"),
        Loss.SHORT,
        "deleted and made again",
    ),
    "new netdev": Example("/etc/systemd/network/10-br0.netdev", None, "[NetDev]\n", ("networkctl reload",)),
    "netdev that goes": Example(
        "/etc/systemd/network/10-br0.netdev",
        "[NetDev]\n",
        None,
        ("networkctl delete br0", "networkctl reload"),
        Loss.SHORT,
    ),
    "link": Example(
        "/etc/systemd/network/10-port1.link", "a", "b", ("udevadm control --reload",), Loss.REBOOT, "next boot"
    ),
    "keyfile, a route": Example(
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        PROFILE,
        PROFILE + "route1=10.9.0.0/16,10.1.0.1,100\n",
        ("nmcli connection reload", "nmcli device reapply eth0"),
    ),
    "keyfile, an address": Example(
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        PROFILE,
        PROFILE.replace("0.2/", "0.7/"),
        ("nmcli connection reload", "nmcli device reapply eth0"),
        Loss.SHORT,
        "10.1.0.2/24 goes",
    ),
    "keyfile, what reapply refuses": Example(
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        PROFILE,
        PROFILE.replace("\n\n[ipv4]", "\n\n[ethernet]\nmac-address=52:54:00:00:00:01\n\n[ipv4]"),
        ("nmcli connection reload", "nmcli connection up eth0"),
        Loss.SHORT,
        "[ethernet] mac-address",
    ),
    "keyfile of a card that is found by its address": Example(
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        PROFILE.replace("interface-name=eth0\n", ""),
        PROFILE.replace("interface-name=eth0\n", "") + "route1=10.9.0.0/16,10.1.0.1,100\n",
        ("nmcli connection reload", 'nmcli device reapply "$(nmcli -g GENERAL.DEVICES connection show eth0)"'),
    ),
    "new keyfile": Example(
        "/etc/NetworkManager/system-connections/eth1.nmconnection",
        None,
        PROFILE,
        ("nmcli connection reload", "nmcli connection up eth1"),
    ),
    "keyfile that goes": Example(
        "/etc/NetworkManager/system-connections/eth0.nmconnection",
        PROFILE,
        None,
        ("nmcli connection down eth0", "nmcli connection reload"),
        Loss.SHORT,
    ),
    "keyfile of a tunnel": Example(
        "/etc/NetworkManager/system-connections/wg0.nmconnection",
        PROFILE + "[wireguard]\n",
        PROFILE + "[wireguard]\nlisten-port=1\n",
        (
            "systemctl restart netwright-wireguard.service",
            "nmcli connection reload",
            "nmcli connection up wg0",
        ),
        Loss.SHORT,
    ),
    "NetworkManager itself": Example(
        "/etc/NetworkManager/conf.d/10-netwright-cni.conf", "a", "b", ("nmcli general reload conf",)
    ),
    "keys of tunnels": Example(
        "/etc/netwright/wireguard-keys.sh",
        "a",
        "b",
        ("systemctl restart netwright-wireguard.service", "nmcli connection reload"),
    ),
    "presets": Example("/etc/systemd/system-preset/20-netwright.preset", "a", "b", ()),
    "ifcfg": Example(
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
        IFCFG,
        IFCFG + "GATEWAY=10.1.0.1\n",
        ("nmcli connection reload", "nmcli device reapply eth0"),
    ),
    "ifcfg, what reapply refuses": Example(
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
        IFCFG,
        IFCFG + "HWADDR=52:54:00:00:00:01\n",
        ("nmcli connection reload", "nmcli connection up eth0"),
        Loss.SHORT,
        "HWADDR",
    ),
    "routes of ifcfg": Example(
        "/etc/sysconfig/network-scripts/route-eth0",
        "a",
        "b",
        ("nmcli connection reload", "nmcli device reapply eth0"),
    ),
    "our ruleset": Example(
        "/etc/nftables/netwright.nft",
        "a",
        "b",
        ("systemctl reload-or-restart netwright-nftables.service",),
        Loss.NONE,
        "established connections stay",
    ),
    "our ruleset comes": Example("/etc/nftables/netwright.nft", None, "b", (), Loss.NONE, "its unit"),
    "our ruleset goes": Example("/etc/nftables/netwright.nft", "a", None, (), Loss.NONE, "as its unit stops"),
    "another ruleset": Example("/etc/nftables/own.nft", "a", "b", ("nft -f /etc/nftables/own.nft",)),
    "firewalld": Example("/etc/firewalld/zones/front.xml", "a", "b", ("firewall-cmd --reload",)),
    "sysctl": Example(
        "/etc/sysctl.d/90-netwright.conf", "a.b = 1\n", "a.b = 2\n", ("systemctl restart systemd-sysctl.service",)
    ),
    "sysctl that goes": Example(
        "/etc/sysctl.d/90-netwright.conf", "a.b = 1\nc = 2\n", "a.b = 1\n", (), Loss.NONE, "c stays 2 until the reboot"
    ),
    "our unit": Example(
        UNIT, "a", "b", ("systemctl daemon-reload", "systemctl reload-or-restart netwright-nftables.service")
    ),
    "our unit comes": Example(
        UNIT, None, "b", ("systemctl daemon-reload", "systemctl enable --now netwright-nftables.service")
    ),
    "our unit goes": Example(
        UNIT, "a", None, ("systemctl disable --now netwright-nftables.service", "systemctl daemon-reload")
    ),
    "a unit": Example(
        SERVICE, "a", "b", ("systemctl daemon-reload", "systemctl try-restart probe.service"), Loss.SHORT
    ),
    "a unit comes": Example(SERVICE, None, "b", ("systemctl daemon-reload", "systemctl enable --now probe.service")),
    "a unit's drop-in": Example(
        f"{SERVICE}.d/10-a.conf",
        None,
        "b",
        ("systemctl daemon-reload", "systemctl try-restart probe.service"),
        Loss.SHORT,
    ),
    "firewalld's drop-in": Example(
        "/etc/systemd/system/firewalld.service.d/10-netwright.conf", None, "b", ("systemctl daemon-reload",)
    ),
    "keepalived, a priority": Example(
        "/etc/keepalived/keepalived.conf",
        INSTANCE,
        INSTANCE.replace("priority 100", "priority 90"),
        ("systemctl reload-or-restart keepalived.service",),
    ),
    "keepalived, another instance": Example(
        "/etc/keepalived/keepalived.conf",
        INSTANCE,
        INSTANCE + INSTANCE.replace("web", "api"),
        ("systemctl reload-or-restart keepalived.service",),
    ),
    "keepalived, what its instance tracks": Example(
        "/etc/keepalived/keepalived.conf",
        INSTANCE,
        INSTANCE.replace("\t\tprobe\n", "\t\tprobe\n\t\tother\n"),
        ("systemctl reload-or-restart keepalived.service",),
    ),
    "keepalived, a peer": Example(
        "/etc/keepalived/keepalived.conf",
        INSTANCE,
        INSTANCE.replace("10.0.0.3\n", "10.0.0.3\n\t\t10.0.0.4\n"),
        ("systemctl reload-or-restart keepalived.service",),
        Loss.SHORT,
        "the address of web is away",
    ),
    "haproxy comes": Example("/etc/haproxy/haproxy.cfg", None, "b", ("systemctl enable --now haproxy.service",)),
    "haproxy goes": Example(
        "/etc/haproxy/haproxy.cfg", "a", None, ("systemctl disable --now haproxy.service",), Loss.SHORT, "stops"
    ),
    "chrony": Example("/etc/chrony.d/10-netwright.conf", "a", "b", ("systemctl restart chronyd.service",)),
    "timesyncd": Example(
        "/etc/systemd/timesyncd.conf.d/10-netwright.conf", "a", "b", ("systemctl restart systemd-timesyncd.service",)
    ),
    "hostname": Example("/etc/hostname", "a\n", "b\n", ("hostnamectl set-hostname b",)),
    "hosts": Example("/etc/hosts", "a", "b", ()),
    "lines of hosts": Example("/etc/netwright/hosts", "a", "b", ("sh /etc/netwright/hosts.sh",)),
    "K3s": Example(
        "/etc/rancher/k3s/config.yaml.d/10-netwright.yaml", "a", "b", ("systemctl restart k3s-agent.service",)
    ),
    "ip-masq-agent": Example("/etc/config/ip-masq-agent", "a", "b", (), Loss.NONE, "within a minute"),
    "cloud-init": Example("/etc/cloud/cloud.cfg.d/99-netwright.cfg", "a", "b", (), Loss.NONE, "first boot"),
    "libvirt, a route": Example(
        LIBVIRT,
        XML,
        XML.replace("10.42.1.0", "10.42.2.0"),
        (
            "virsh net-define back.xml",
            "ip route del 10.42.1.0/24 via 10.2.0.21 metric 1 dev virbr2",
            "ip route replace 10.42.2.0/24 via 10.2.0.21 metric 1 dev virbr2",
        ),
    ),
    "libvirt, a lease": Example(
        LIBVIRT,
        XML,
        XML.replace('name="w1" ip="10.2.0.21"', 'name="w1" ip="10.2.0.31"'),
        (
            "virsh net-define back.xml",
            f"virsh net-update back delete ip-dhcp-host '{LEASE}' --live",
            f"virsh net-update back add ip-dhcp-host '{LEASE.replace('.21', '.31')}' --live",
        ),
    ),
    "libvirt, anything else": Example(
        LIBVIRT, XML, XML.replace('mode="open"', 'mode="route"'), (*RESTART, DAEMON), Loss.GUESTS, "links are back once"
    ),
    "a new network of libvirt": Example(
        LIBVIRT, None, XML, ("virsh net-define back.xml", "virsh net-start back", "virsh net-autostart back")
    ),
    "a network of libvirt that goes": Example(
        LIBVIRT, XML, None, ("virsh net-destroy back", "virsh net-undefine back"), Loss.GUESTS
    ),
    "sheet": Example(
        "handoff.md",
        "# gw\n\n    ip route replace 10.9.0.0/16 via 10.1.0.2\n",
        "# gw\n\n    ip route replace 10.9.0.0/16 via 10.1.0.3\n",
        (),
        Loss.UNKNOWN,
        "+ ip route replace 10.9.0.0/16 via 10.1.0.3",
    ),
    "the table of a sheet": Example(
        "handoff.md",
        "# gw\n\n| Interface | Address |\n|---|---|\n| lan0 | 10.1.0.1/24 |\n",
        "# gw\n\n| Interface | Address |\n|---|---|\n| lan0 | 10.1.0.2/24 |\n",
        (),
        Loss.UNKNOWN,
        "in its table:\n- | lan0 | 10.1.0.1/24 |\n+ | lan0 | 10.1.0.2/24 |",
    ),
    "what is not known": Example("/etc/motd", "a", "b", (), Loss.NONE, "knows no command"),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_what_follows_from_a_changed_file(example: Example) -> None:
    found = judge_file(ChangedFile(path=example.path, before=example.before, after=example.after), HOST)

    assert tuple(command.text for command in found.commands) == example.commands
    assert found.loss is example.loss
    assert example.note in "\n".join(found.notes)


def test_every_rule_has_an_example() -> None:
    paths = [example.path for example in EXAMPLES.values()]

    met = {next((pattern for pattern, _ in RULES if pattern.fullmatch(path)), None) for path in paths}

    assert [pattern.pattern for pattern, _ in RULES if pattern not in met] == []


def test_guests_of_a_network_that_starts_anew_are_named() -> None:
    file = ChangedFile(path=LIBVIRT, before=XML, after=XML.replace("10.2.0.1", "10.2.0.254"))

    assert judge_file(file, HOST).guests == ("w1", "w2")


def test_a_bridge_of_the_host_keeps_its_guests() -> None:
    bridged = XML.replace('mode="open"', 'mode="bridge"')
    file = ChangedFile(path=LIBVIRT, before=bridged, after=bridged.replace("<name>", "<title>a</title><name>"))

    found = judge_file(file, HOST)

    assert (found.loss, found.guests) == (Loss.NONE, ())
    assert [command.text for command in found.commands] == [*RESTART]


def test_a_server_of_k3s_is_away_for_seconds() -> None:
    file = ChangedFile(path="/etc/rancher/k3s/config.yaml.d/10-netwright.yaml", before="a", after="b")

    found = judge_file(file, Host(k3s="k3s"))

    assert found.loss is Loss.SHORT
    assert [command.text for command in found.commands] == ["systemctl restart k3s.service"]
