"""Devices of one machine: which of them its files make, of what, and how large packets may be on them."""

from collections.abc import Mapping

import pytest

from netwright.verify.forwarding.conversation import first_packet, send_first
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End, Way
from netwright.verify.proof.proof import verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.facts import BondMode, Kind
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ICMP
from netwright.verify.values.wiring import (
    AssignedAddress,
    AssignedLink,
    Assumptions,
    Flow,
    Port,
    Segment,
    Traffic,
    Wiring,
)
from tests.verify.kernel.world import Box, Route, World, ip_number, model_of
from tests.verify.rules.boxes import client, router, server

NETWORKD, KEYFILES = "/etc/systemd/network/", "/etc/NetworkManager/system-connections/"
Files = dict[str, str]

CARDS = tuple(AssignedLink(name=name) for name in ("e1", "e2", "e3"))
BOND = AssignedLink(name="bond0", kind=Kind.BOND, below=("e1", "e2"), mode=BondMode.LACP)
VLAN = AssignedLink(name="v5", kind=Kind.VLAN, below=("bond0",), tag=5)
BRIDGE = AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e3",))
LINKS = (*CARDS, BOND, VLAN, BRIDGE)


def _network(name: str, lines: str = "", link: str = "") -> Files:
    text = f"[Match]\nName={name}\n[Link]\n{link}\n[Network]\nLinkLocalAddressing=no\n{lines}\n"
    return {f"{NETWORKD}10-{name}.network": text}


def _netdev(name: str, kind: str, lines: str = "", more: str = "") -> Files:
    return {f"{NETWORKD}10-{name}.netdev": f"[NetDev]\nName={name}\nKind={kind}\n{more}\n{lines}\n"}


NETWORKD_FILES = (
    _network("e1", "Bond=bond0")
    | _network("e2", "Bond=bond0")
    | _network("e3", "Bridge=br0")
    | _netdev("bond0", "bond", "[Bond]\nMode=802.3ad")
    | _network("bond0", "VLAN=v5")
    | _netdev("v5", "vlan", "[VLAN]\nId=5")
    | _network("v5")
    | _netdev("br0", "bridge")
    | _network("br0")
)


def _profile(name: str, number: int, kind: str = "ethernet", lines: str = "", more: str = "") -> Files:
    text = (
        f"[connection]\nid=the {name}\nuuid=b2371264-793c-5f1f-9513-646fcc75bf3{number}\ntype={kind}\n"
        f"interface-name={name}\n{lines}\n{more}\n"
    )
    ipv4 = "" if "master=" in lines else "[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n"
    return {f"{KEYFILES}{name}.nmconnection": text + ipv4}


KEYFILES_FILES = (
    _profile("e1", 1, lines="master=bond0\nslave-type=bond")
    | _profile("e2", 2, lines="master=bond0\nslave-type=bond")
    | _profile("e3", 3, lines="master=br0\nslave-type=bridge")
    | _profile("bond0", 4, "bond", more="[bond]\nmode=802.3ad")
    | _profile("v5", 5, "vlan", more="[vlan]\nid=5\nparent=bond0")
    | _profile("br0", 6, "bridge")
)


def build(files: Files, links: tuple[AssignedLink, ...] = LINKS, system: str = "rocky10") -> Machine:
    modes = {path: 0o600 if path.startswith(KEYFILES) else 0o644 for path in files}
    texts = {path: Text(path=path, shown=path, text=text, mode=modes[path]) for path, text in files.items()}
    delivery = Delivery(node="n", files=texts, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    wiring = Wiring(nodes=("n",), segments=(), links={"n": links}, systems={"n": system})
    return build_network([read_configuration(delivery)], wiring, Assumptions()).machines["n"]


def _outcomes(machine: Machine) -> dict[str, Outcome]:
    assert machine.unknown == ()
    return {name: fault.outcome for name, fault in machine.faults.items()}


def _reasons(machine: Machine) -> list[str]:
    return [one.reason for one in machine.unknown]


def test_files_make_every_device() -> None:
    for files in (NETWORKD_FILES, KEYFILES_FILES):
        machine = build(files)

        assert (_outcomes(machine), machine.gaps) == ({}, ())


def test_a_device_that_no_file_makes() -> None:
    without = {path: text for path, text in NETWORKD_FILES.items() if not path.endswith("/10-br0.netdev")}

    assert _outcomes(build(without)) == {"br0": Outcome.NO_DEVICE}


def test_a_vlan_shares_the_fault_of_its_parent() -> None:
    without = NETWORKD_FILES | _network("e1") | _network("e2")

    machine = build(without)

    assert _outcomes(machine) == {"bond0": Outcome.NO_CARRIER, "v5": Outcome.NO_CARRIER}
    assert machine.faults["v5"] == machine.faults["bond0"]


def test_what_a_parent_carries_is_down_with_it() -> None:
    files = NETWORKD_FILES | _network("e3", "Bridge=br0", "ActivationPolicy=always-down")
    on_br0 = AssignedLink(name="v6", kind=Kind.VLAN, below=("br0",), tag=6)
    files |= _network("br0", "VLAN=v6") | _netdev("v6", "vlan", "[VLAN]\nId=6") | _network("v6")

    machine = build(files, (*LINKS, on_br0))

    assert _outcomes(machine) == dict.fromkeys(("e3", "br0", "v6"), Outcome.NO_CARRIER)
    assert {fault.cause for fault in machine.faults.values()} == {
        "the file leaves e3 down (ActivationPolicy=always-down)"
    }


@pytest.mark.parametrize(
    ("policy", "outcomes"),
    [("up", {}), ("always-up", {}), ("down", {"e1": Outcome.NO_CARRIER}), ("manual", {"e1": Outcome.NO_CARRIER})],
)
def test_a_card_that_networkd_leaves_down(policy: str, outcomes: dict[str, Outcome]) -> None:
    assert _outcomes(build(_network("e1", "", f"ActivationPolicy={policy}"), CARDS[:1])) == outcomes


def test_a_card_of_a_machine_without_devices_is_left_down() -> None:
    files = _network("e1", "", "ActivationPolicy=down")
    texts = {path: Text(path=path, shown=path, text=text, mode=0o644) for path, text in files.items()}
    delivery = Delivery(node="n", files=texts, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    segment = Segment(name="s", ports=(Port(node="n", interface="e1"),))

    network = build_network([read_configuration(delivery)], Wiring(nodes=("n",), segments=(segment,)), Assumptions())

    assert _outcomes(network.machines["n"]) == {"e1": Outcome.NO_CARRIER}


def test_a_policy_that_is_not_known_is_named() -> None:
    assert "not known in [Link]" in _reasons(build(_network("e1", "", "ActivationPolicy=bound"), CARDS[:1]))


def test_a_vlan_that_its_parent_does_not_name() -> None:
    assert _outcomes(build(NETWORKD_FILES | _network("bond0"))) == {"v5": Outcome.NO_DEVICE}


def test_a_vlan_of_another_number() -> None:
    assert _outcomes(build(NETWORKD_FILES | _netdev("v5", "vlan", "[VLAN]\nId=6"))) == {"v5": Outcome.VLAN_MISMATCH}


def test_of_two_vlans_with_one_number_the_kernel_makes_one() -> None:
    links = (*LINKS, AssignedLink(name="v6", kind=Kind.VLAN, below=("bond0",), tag=6))
    files = NETWORKD_FILES | _network("bond0", "VLAN=v5\nVLAN=v6") | _network("v6")

    def outcomes(number: int) -> dict[str, Outcome]:
        return _outcomes(build(files | _netdev("v6", "vlan", f"[VLAN]\nId={number}"), links))

    assert outcomes(6) == {}
    assert outcomes(5) == {"v5": Outcome.VLAN_MISMATCH, "v6": Outcome.VLAN_MISMATCH}


def test_a_vlan_on_two_parents() -> None:
    files = NETWORKD_FILES | _network("e3", "Bridge=br0\nVLAN=v5")

    assert _outcomes(build(files)) == {"v5": Outcome.WRONG_DEVICE}


def test_a_device_of_another_kind() -> None:
    assert _outcomes(build(NETWORKD_FILES | _netdev("br0", "dummy"))) == {"br0": Outcome.WRONG_DEVICE}


def test_a_member_of_another_device() -> None:
    files = NETWORKD_FILES | _network("e3", "Bond=bond0")

    assert _outcomes(build(files)) == {
        "bond0": Outcome.WRONG_DEVICE, "v5": Outcome.WRONG_DEVICE, "br0": Outcome.NO_CARRIER,
    }  # fmt: skip


def test_a_bond_does_without_one_of_its_members() -> None:
    machine = build(NETWORKD_FILES | _network("e2"))

    assert _outcomes(machine) == {}
    assert [gap.reason for gap in machine.gaps] == ["no file makes e2 a member of bond0; the others carry it"]
    assert [gap.origin.file for gap in machine.gaps] == [f"{NETWORKD}10-e2.network"]


def test_a_switch_sends_to_all_members_of_a_static_bond() -> None:
    links = (
        *CARDS,
        AssignedLink(name="bond0", kind=Kind.BOND, below=("e1", "e2"), mode=BondMode.BALANCE_XOR),
        VLAN,
        BRIDGE,
    )
    files = NETWORKD_FILES | _netdev("bond0", "bond", "[Bond]\nMode=balance-xor")

    assert _outcomes(build(files, links)) == {}
    assert _outcomes(build(files | _network("e2"), links)).get("bond0") is Outcome.NO_CARRIER


def test_a_bridge_does_without_none_of_its_ports() -> None:
    links = (*CARDS, AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e2", "e3")))
    files = _network("e1") | _network("e2") | _network("e3", "Bridge=br0") | _netdev("br0", "bridge") | _network("br0")

    assert _outcomes(build(files, links)) == {"br0": Outcome.NO_CARRIER}


def test_a_bond_that_is_down_with_few_members() -> None:
    def outcomes(least: int, second: str) -> dict[str, Outcome]:
        netdev = _netdev("bond0", "bond", f"[Bond]\nMode=802.3ad\nMinLinks={least}")
        return _outcomes(build(NETWORKD_FILES | netdev | _network("e2", second)))

    assert outcomes(2, "Bond=bond0") == {}
    assert outcomes(2, "") == {"bond0": Outcome.NO_CARRIER, "v5": Outcome.NO_CARRIER}
    assert outcomes(1, "") == {}


def test_a_bond_of_another_mode() -> None:
    files = NETWORKD_FILES | _netdev("bond0", "bond", "[Bond]\nMode=active-backup")

    assert _outcomes(build(files)).get("bond0") is Outcome.WRONG_DEVICE


def test_a_bond_without_a_mode_has_the_kernels() -> None:
    files = NETWORKD_FILES | _netdev("bond0", "bond")

    assert "balance-rr" in build(files).faults["bond0"].cause


def test_a_port_names_its_bridge_by_its_uuid() -> None:
    uuid = "b2371264-793c-5f1f-9513-646fcc75bf36"

    def outcomes(master: str) -> dict[str, Outcome]:
        return _outcomes(build(KEYFILES_FILES | _profile("e3", 3, lines=f"master={master}\nslave-type=bridge")))

    assert outcomes(uuid) == {}
    assert outcomes(uuid.upper()) == {"br0": Outcome.NO_CARRIER}


def test_a_vlan_names_its_parent_by_its_uuid() -> None:
    parent = "b2371264-793c-5f1f-9513-646fcc75bf34"

    assert _outcomes(build(KEYFILES_FILES | _profile("v5", 5, "vlan", more=f"[vlan]\nid=5\nparent={parent}"))) == {}


def test_a_profile_for_a_card_makes_no_device() -> None:
    assert _outcomes(build(KEYFILES_FILES | _profile("br0", 6))) == {"br0": Outcome.NO_DEVICE}


def test_a_port_of_another_kind_is_none() -> None:
    files = KEYFILES_FILES | _profile("e3", 3, lines="master=br0\nslave-type=bond")

    assert _outcomes(build(files)) == {"br0": Outcome.NO_CARRIER}


@pytest.mark.parametrize(
    ("kind", "more", "metric"),
    [
        ("bridge", "", 425),
        ("bond", "[bond]\nmode=802.3ad", 300),
        ("vlan", "[vlan]\nid=5\nparent=e1", 400),
        ("ethernet", "", 100),
        ("dummy", "", None),
    ],
)
def test_networkmanager_has_a_metric_for_each_kind_of_device(kind: str, more: str, metric: int | None) -> None:
    text = _profile("x0", 7, kind, more=more)[f"{KEYFILES}x0.nmconnection"]
    text = text.replace("[ipv4]\nmethod=disabled", "[ipv4]\nmethod=manual\naddress1=10.1.0.2/24\ngateway=10.1.0.1")
    path = f"{KEYFILES}x0.nmconnection"
    file = Text(path=path, shown=path, text=text, mode=0o600)
    delivery = Delivery(node="n", files={path: file}, enabled=frozenset(), libvirt=(), handoff=None, unknown=())

    configuration = read_configuration(delivery)

    (link,) = configuration.links
    if metric is None:
        assert [one.reason for one in configuration.unknown] == [
            "no route-metric: the one that NetworkManager gives a dummy device is not known"
        ]
    else:
        assert configuration.unknown == ()
        assert (link.default_metric, link.routes[0].metric) == (metric, metric)


def test_networkmanager_leaves_a_kind_of_device_alone() -> None:
    def kept(spec: str) -> list[str]:
        conf = {"/etc/NetworkManager/conf.d/x.conf": f"[keyfile]\nunmanaged-devices=type:{spec}\n"}
        return [one.reason.split()[-1] for one in build(KEYFILES_FILES | conf).unknown if "keeps" in one.reason]

    assert kept("bond") == ["bond0"]
    assert kept("ethernet") == ["e1", "e2", "e3"]


def test_the_newer_keys_need_a_newer_networkmanager() -> None:
    port = {path: text.replace("master=", "controller=").replace("slave-type", "port-type")
            for path, text in _profile("e3", 3, lines="master=br0\nslave-type=bridge").items()}  # fmt: skip

    assert _outcomes(build(KEYFILES_FILES | port, system="rocky10")) == {}
    assert _reasons(build(KEYFILES_FILES | port, system="rocky9")) == [
        "NetworkManager knows controller= and port-type= since 1.46, which not every rocky9 has"
    ]


def test_a_device_that_the_topology_does_not_have() -> None:
    more = _netdev("br1", "bridge")

    assert _reasons(build(NETWORKD_FILES | more)) == [
        "the file makes the bridge br1, the topology has no such device there"
    ]
    assert _reasons(build(more, ())) != []


def test_of_two_files_for_one_device_the_second_is_named() -> None:
    second = {f"{NETWORKD}20-br0.netdev": "[NetDev]\nName=br0\nKind=bridge\n"}

    machine = build(NETWORKD_FILES | second)

    assert _reasons(machine) == [f"{NETWORKD}10-br0.netdev makes br0 too"]
    assert [one.origin.file for one in machine.unknown] == [f"{NETWORKD}20-br0.netdev"]


def test_a_drop_in_changes_a_device() -> None:
    dropin = {f"{NETWORKD}10-v5.netdev.d/a.conf": "[VLAN]\nId=7\n"}

    machine = build(NETWORKD_FILES | dropin)

    assert _outcomes(machine) == {"v5": Outcome.VLAN_MISMATCH}
    assert str(machine.faults["v5"].origin) == f"{NETWORKD}10-v5.netdev.d/a.conf:2"


def test_a_device_has_the_hardware_address_of_the_topology() -> None:
    stated = AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e3",), mac="02:00:00:00:00:01")
    own = _netdev("br0", "bridge", more="MACAddress=02-00-00-00-00-01")

    assert _reasons(build(NETWORKD_FILES | own)) == ["br0 has 02:00:00:00:00:01, in the topology none"]
    assert _reasons(build(NETWORKD_FILES | own, (*CARDS, BOND, VLAN, stated))) == []
    assert _reasons(build(NETWORKD_FILES, (*CARDS, BOND, VLAN, stated))) == [
        "br0 has no hardware address of its own, in the topology 02:00:00:00:00:01"
    ]


MAC = "02:00:00:00:11:01"
BY_MAC = (AssignedLink(name="e1", mac=MAC), *LINKS[1:])


def _matching(match: str, lines: str) -> Files:
    return {f"{NETWORKD}10-e1.network": f"[Match]\n{match}\n[Network]\nLinkLocalAddressing=no\n{lines}\n"}


def test_a_member_of_a_bond_is_not_found_by_its_present_address() -> None:
    def reasons(match: str) -> list[str]:
        return _reasons(build(NETWORKD_FILES | _matching(match, "Bond=bond0"), BY_MAC))

    assert reasons(f"PermanentMACAddress={MAC}") == []
    assert reasons(f"MACAddress={MAC}\nType=ether") == [
        "MACAddress= does not find e1 once it is a member of bond0; PermanentMACAddress= does"
    ]


def test_a_card_and_what_is_on_it_have_the_same_address() -> None:
    vlan = AssignedLink(name="v5", kind=Kind.VLAN, below=("e1",), tag=5)
    links = (AssignedLink(name="e1", mac=MAC), vlan)
    files = _netdev("v5", "vlan", "[VLAN]\nId=5") | _network("v5")

    assert _reasons(build(files | _matching(f"MACAddress={MAC}\nType=ether", "VLAN=v5"), links)) == []
    assert _reasons(build(files | _matching(f"MACAddress={MAC}", "VLAN=v5"), links)) == [
        "MACAddress= without Type=ether also takes what is on e1, which may have the same address"
    ]


def test_a_file_for_network_cards_is_none_for_a_device() -> None:
    files = NETWORKD_FILES | _network("br0")
    files[f"{NETWORKD}10-br0.network"] = files[f"{NETWORKD}10-br0.network"].replace("Name=br0", "Name=br0\nType=ether")

    assert _reasons(build(files)) == ["the file takes network cards alone, and br0 is a bridge"]


def test_a_member_has_no_address() -> None:
    files = NETWORKD_FILES | _network("e1", "Bond=bond0\nAddress=10.1.0.2/24")

    assert _reasons(build(files)) == [
        "e1 is a member of bond0, which is to have the addresses and routes; it has some itself"
    ]


def test_a_card_without_a_file() -> None:
    files = {path: text for path, text in NETWORKD_FILES.items() if not path.endswith("/10-e1.network")}

    assert [(one.text, one.reason) for one in build(files).unknown] == [("e1", "no file configures the interface")]


def test_a_vlan_takes_no_more_than_its_parent() -> None:
    def octets(parent: int | None, own: int | None) -> int:
        sizes = [f"MTUBytes={size}" if size else "" for size in (parent, own)]
        files = NETWORKD_FILES | _network("bond0", "VLAN=v5", sizes[0]) | _network("v5", link=sizes[1])
        return build(files).mtus["v5"].octets

    assert [octets(9000, 9000), octets(9000, 1400), octets(None, 9000), octets(9000, None), octets(None, None)] == [
        9000, 1400, 1500, 9000, 1500,
    ]  # fmt: skip


def test_a_bond_gives_its_members_its_own_mtu() -> None:
    def octets(member: str, own: str) -> int:
        files = NETWORKD_FILES | _network("e1", "Bond=bond0", member) | _network("bond0", "VLAN=v5", own)
        return build(files).mtus["bond0"].octets

    assert octets("", "MTUBytes=9000") == 9000
    assert octets("MTUBytes=9000", "") == 1500
    assert octets("MTUBytes=1400", "MTUBytes=9000") == 1400


def test_a_bridge_has_the_smallest_mtu_of_its_ports() -> None:
    def octets(port: str, own: str) -> int:
        return build(NETWORKD_FILES | _network("e3", "Bridge=br0", port) | _network("br0", link=own)).mtus["br0"].octets

    assert [octets("", ""), octets("MTUBytes=9000", ""), octets("MTUBytes=9000", "MTUBytes=1400")] == [1500, 9000, 1400]
    assert octets("", "MTUBytes=9000") == 1500


CLIENT, SERVER, GATEWAY = ip_number("10.1.0.10"), ip_number("10.2.0.10"), ip_number("10.2.0.1")
# Of the router's two interfaces the second is a device in the topology, which no file makes.
NO_SECOND = {"router": (AssignedLink(name="n0"), AssignedLink(name="n1", kind=Kind.DUMMY))}


def _of_boxes(*boxes: Box, links: Mapping[str, tuple[AssignedLink, ...]]) -> Network:
    addresses = tuple(
        AssignedAddress(node=box.name, interface=card, ip=ip_number(text.partition("/")[0]), length=24)
        for box in boxes
        for card, (_, own) in box.cards.items()
        for text in own
    )
    return model_of(World(boxes=boxes, pairs=()), addresses=addresses, links=links)


def _end(network: Network, source: AddressNumber, destination: AddressNumber) -> End:
    place = network.place_of(source)
    assert place is not None
    return send_first(Walker(network, Memory()), first_packet(ICMP, source, destination, 0), place, Way())


def test_a_packet_ends_at_a_device_with_a_fault() -> None:
    end = _end(_of_boxes(client(), router(), server(), links=NO_SECOND), CLIENT, SERVER)

    assert (end.outcome, end.machine.name, end.cause) == (
        Outcome.NO_DEVICE,
        "router",
        "no file makes the dummy device n1",
    )


def test_an_address_on_a_device_with_a_fault_is_not_there() -> None:
    network = _of_boxes(client(), router(), server(), links=NO_SECOND)

    assert {ip: mismatch.kind for ip, mismatch in network.assignment.missing.items()} == {GATEWAY: Outcome.NO_DEVICE}


def test_a_device_with_a_fault_proves_no_denied_flow() -> None:
    ends = [((ip, ip),) for ip in (CLIENT, SERVER)]
    flow = Flow(name="f", sources=ends[0], destinations=ends[1], traffic=(Traffic(protocol="icmp"),), must_arrive=False)

    verification = verify_network(_of_boxes(client(), router(), server(), links=NO_SECOND), [flow])

    assert [result.proved for result in verification.flows] == [False]
    assert [(one.kind, one.flows) for one in verification.findings] == [(Outcome.NO_DEVICE, ("f",))]


STRAY = Route(to="10.1.0.10/32", dev="n2")
STRICT = ("net.ipv4.ip_forward = 1", "net.ipv4.conf.n0.rp_filter = 1")
NO_THIRD = (AssignedLink(name="n0"), AssignedLink(name="n1"), AssignedLink(name="n2", kind=Kind.DUMMY))


def test_a_router_that_is_silent_for_a_route_by_such_a_device_proves_nothing() -> None:
    cards = {**router().cards, "n2": ("s3", ("10.3.0.1/24",))}
    strict = router(cards=cards, routes=(STRAY,), sysctls=STRICT)

    assert _end(_of_boxes(client(), strict, server(), links={}), CLIENT, SERVER).outcome is Outcome.ARP_UNANSWERED
    end = _end(_of_boxes(client(), strict, server(), links={"router": NO_THIRD}), CLIENT, SERVER)
    assert (end.outcome, end.machine.name) == (Outcome.NO_DEVICE, "router")


def test_the_way_back_by_a_device_with_a_fault_proves_nothing() -> None:
    first = router(routes=(Route(to="10.4.0.0/24", via="10.2.0.2", dev="n1"),))
    second = Box(
        name="second",
        cards={"n0": ("s2", ("10.2.0.2/24",)), "n1": ("s4", ("10.4.0.1/24",)), "n2": ("s3", ("10.3.0.1/24",))},
        routes=(STRAY,),
        sysctls=STRICT,
    )
    far = Box(name="far", cards={"e0": ("s4", ("10.4.0.10/24",))})

    def end(links: Mapping[str, tuple[AssignedLink, ...]]) -> End:
        return _end(_of_boxes(client(), first, second, far, links=links), CLIENT, ip_number("10.4.0.10"))

    assert end({}).outcome is Outcome.RPF_DROP
    assert (end({"second": NO_THIRD}).outcome, end({"second": NO_THIRD}).machine.name) == (Outcome.NO_DEVICE, "second")
