"""Which card of a machine a file takes that finds it by patterns, and what udev calls the cards."""

import pytest

from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.machine import Machine
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.startup import Seed
from netwright.verify.values.addresses import parse_prefix
from netwright.verify.values.facts import Kind
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.wiring import AssignedLink, Assumptions, HeldAddress, PodNetwork, StatedCard, Wiring
from tests.verify.kernel.world import ip_number

Files = dict[str, str]
Links = tuple[AssignedLink, ...]
NETWORKD, KEYFILES = "/etc/systemd/network/", "/etc/NetworkManager/system-connections/"
SLOT1, SLOT2 = "pci-0000:01:00.*", "pci-0000:02:00.*"


def network(file: str, match: str, address: str = "10.1.0.1/24") -> Files:
    text = f"[Match]\n{match}\nType=ether\n[Network]\nAddress={address}\nLinkLocalAddressing=no\n"
    return {f"{NETWORKD}{file}.network": text}


def profile(file: str, match: str, priority: int = 0, address: str = "10.1.0.1/24") -> Files:
    section = "" if match.startswith(("interface-name", "[")) else "[match]\n"
    number = len(file) * 7 + priority % 9
    text = (
        f"[connection]\nid={file}\nuuid=b2371264-793c-5f1f-9513-646fcc75bf{number:02}\ntype=ethernet\n"
        f"autoconnect-priority={priority}\n{section}{match}\n[ipv4]\nmethod=manual\naddress1={address}\n"
        "route-metric=1\n[ipv6]\nmethod=disabled\n"
    )
    return {f"{KEYFILES}{file}.nmconnection": text}


def link(file: str, match: str, name: str = "lan0") -> Files:
    return {f"{NETWORKD}{file}.link": f"[Match]\n{match}\nType=ether\n[Link]\nName={name}\n"}


def card(name: str, mac: str | None = None, **stated: str | bool) -> AssignedLink:
    return AssignedLink(name=name, mac=mac, card=StatedCard(**stated) if stated else None)  # type: ignore[arg-type]


def machine(files: Files, *links: AssignedLink, seed: Seed | None = None, pods: str = "", held: str = "") -> Machine:
    modes = {path: 0o600 if path.startswith(KEYFILES) else 0o644 for path in files}
    texts = {path: Text(path=path, shown=path, text=text, mode=modes[path]) for path, text in files.items()}
    delivery = Delivery(node="n", files=texts, enabled=frozenset(), libvirt=(), handoff=None, unknown=(), seed=seed)
    own = parse_prefix(pods)
    networks = (PodNetwork(node="n", network=own, interface="e1"),) if own is not None else ()
    moving = (HeldAddress(ip=ip_number(held), node="n", interface="e1"),) if held else ()
    wiring = Wiring(
        nodes=("n",), segments=(), links={"n": links}, systems={"n": "rocky10"}, pod_networks=networks, held=moving
    )
    return build_network([read_configuration(delivery)], wiring, Assumptions()).machines["n"]


E1, E2 = card("e1"), card("e2")
VIRTIO1 = card("e1", driver="virtio_net")
IN_SLOT1, IN_SLOT2 = card("e1", path=SLOT1), card("e2", path=SLOT2)
ONE = network("20-e1", "Driver=virtio_net")
ONE_PROFILE = profile("e1", "driver=virtio_net;")
TAKEN: dict[str, tuple[Files, Links]] = {
    "the driver that is stated": (ONE, (VIRTIO1,)),
    "the driver that is stated, of one card of two": (ONE | network("10-e2", "Name=e2"), (VIRTIO1, E2)),
    "a pattern of the driver that is stated": (network("20-e1", "Driver=virtio*"), (VIRTIO1,)),
    "one of two drivers": (network("20-e1", "Driver=igb virtio_net"), (VIRTIO1,)),
    "the place that is stated": (network("20-e1", f"Path={SLOT1}") | network("10-e2", "Name=e2"), (IN_SLOT1, IN_SLOT2)),
    "the places of two cards": (
        network("20-e1", f"Path={SLOT1}") | network("20-e2", f"Path={SLOT2}"),
        (IN_SLOT1, IN_SLOT2),
    ),
    "a name": (network("20-e1", "Name=e?"), (E1,)),
    "a name beside one that comes before": (network("20-e1", "Name=e*") | network("10-e2", "Name=e2"), (E1, E2)),
    "a driver and a name": (network("20-e1", "Driver=virtio_net\nName=e*"), (VIRTIO1,)),
    "a profile's driver": (ONE_PROFILE, (VIRTIO1,)),
    "a profile's place": (profile("e1", f"path={SLOT1};"), (IN_SLOT1,)),
    "a profile's name": (profile("e1", "[match]\ninterface-name=e*;"), (E1,)),
    "a profile's name beside one of a higher priority": (
        profile("e1", "[match]\ninterface-name=e*;") | profile("the e2", "interface-name=e2", 5),
        (E1, E2),
    ),
    "a VLAN is no card": (ONE, (VIRTIO1, AssignedLink(name="e1.5", kind=Kind.VLAN, below=("e1",), tag=5))),
}
DOUBTFUL: dict[str, tuple[Files, Links, str]] = {
    "two cards of one pattern": (network("20-e1", "Name=e*"), (E1, E2), "it takes e1, e2: one file is for one card"),
    "two cards of one driver": (
        network("20-e1", "Driver=virtio*"),
        (VIRTIO1, card("e2", driver="virtio_net", path=SLOT2)),
        "it takes e1, e2: one file is for one card",
    ),
    "another driver": (network("20-e1", "Driver=igb"), (VIRTIO1,), "no card of the node is known to fit"),
    "a card of which nothing is stated": (
        ONE,
        (E1,),
        "it may take e1, of which the topology does not tell",
    ),
    "a card that fits, and one of which nothing is stated": (
        network("20-e1", "Driver=virtio*"),
        (VIRTIO1, E2),
        "it may take e2, of which the topology does not tell",
    ),
    "a wider pattern than the one that is stated": (
        network("20-e1", "Path=pci-0000:0*"),
        (IN_SLOT1, E2),
        "it may take e1, e2, of which the topology does not tell",
    ),
    "a pattern that comes before another card's file": (
        network("20-e1", "Name=e*") | network("30-e2", "Name=e2"),
        (E1, E2),
        "it takes e2 before /etc/systemd/network/30-e2.network does",
    ),
    "a profile of the same priority": (
        profile("e1", "[match]\ninterface-name=e*;") | profile("the e2", "interface-name=e2"),
        (E1, E2),
        f"it takes e2 before {KEYFILES}the e2.nmconnection does",
    ),
    "two patterns of one card": (
        network("20-e1", "Driver=virtio_net") | network("20-x", "Name=e?"),
        (VIRTIO1,),
        "/etc/systemd/network/20-e1.network configures e1 too: they find it by different patterns",
    ),
    "a negation": (network("20-e1", "Driver=!igb"), (VIRTIO1,), "not known in [Match]"),
    "a second line of one key": (network("20-e1", "Driver=igb\nDriver=virtio_net"), (VIRTIO1,), "not known in [Match]"),
    "a name with another driver": (
        network("20-e1", "Name=e1\nDriver=igb"),
        (VIRTIO1,),
        "it is for e1 with a driver, place or name of which the topology has another",
    ),
    "a name with an unknown driver": (
        network("20-e1", "Name=e1\nDriver=igb"),
        (E1,),
        "it is for e1 with a driver, place or name of which nothing is known of it",
    ),
    "a driver of a card that is known by its address": (
        ONE,
        (card("e1", mac="52:54:00:00:00:01", driver="virtio_net"), E2),
        "it may take e2, of which the topology does not tell",
    ),
    "a profile's operator": (profile("e1", "driver=&virtio*;"), (VIRTIO1,), "not known in [match]"),
}


@pytest.mark.parametrize(("files", "links"), [pytest.param(*row, id=case) for case, row in TAKEN.items()])
def test_a_file_takes_the_card_that_its_patterns_fit(files: Files, links: Links) -> None:
    found = machine(files, *links)

    assert [one.reason for one in found.unknown if one.text not in ("e1.5",)] == []
    assert [address.length for address in found.addresses["e1"]] == [24]


@pytest.mark.parametrize(("files", "links", "reason"), [pytest.param(*row, id=case) for case, row in DOUBTFUL.items()])
def test_a_file_that_takes_more_or_less_than_one_card_is_named(files: Files, links: Links, reason: str) -> None:
    assert reason in [one.reason for one in machine(files, *links).unknown]


MAC = "52:54:00:00:00:01"
LAN0 = network("10-lan0", "Name=lan0")
RENAMED = card("lan0", driver="virtio_net", renamed=True)
BY_MAC = card("lan0", mac=MAC, renamed=True)
CALLED: dict[str, tuple[Files, Links]] = {
    "by driver": (link("10-lan0", "Driver=virtio_net"), (RENAMED,)),
    "by address": (link("10-lan0", f"PermanentMACAddress={MAC}"), (BY_MAC,)),
    "by address beside a card of another one": (
        link("10-lan0", f"MACAddress={MAC}") | network("10-e2", "Name=e2"),
        (BY_MAC, card("e2", mac="52:54:00:00:00:02")),
    ),
    "by the first of two": (
        link("10-lan0", "Driver=virtio_net") | link("20-x", "Driver=virtio_net", "x"),
        (RENAMED,),
    ),
}
MISNAMED: dict[str, tuple[Files, Links, str]] = {
    "no file": ({}, (RENAMED,), "no file gives a card the name lan0"),
    "another address": (
        link("10-lan0", "MACAddress=52:54:00:00:00:02"),
        (BY_MAC,),
        "no file gives a card the name lan0",
    ),
    "another name": (
        link("10-lan0", "Driver=virtio_net", "lan1"),
        (RENAMED,),
        "the file gives lan0 the name lan1",
    ),
    "another file before it": (
        link("10-lan0", "Driver=virtio_net") | link("05-x", "Driver=virtio*", "x"),
        (RENAMED,),
        "the file gives lan0 the name x",
    ),
    "a file behind the system's own": (
        link("zz-lan0", "Driver=virtio_net"),
        (RENAMED,),
        "no file gives a card the name lan0",
    ),
    "a card that keeps its name": (
        link("10-x", f"MACAddress={MAC}", "x"),
        (card("lan0", mac=MAC),),
        "the file gives lan0 the name x",
    ),
}
UNSURE: dict[str, tuple[Files, Links, str]] = {
    "a card of which nothing is stated": (
        link("10-x", "Driver=virtio_net", "x"),
        (card("lan0"),),
        "it may be for lan0, of which the topology does not tell",
    ),
    "a name of before": (
        link("10-lan0", "OriginalName=e*"),
        (RENAMED,),
        "it may be for lan0, of which the topology does not tell",
    ),
    "two cards": (
        link("10-lan0", "Driver=virtio*"),
        (RENAMED, card("lan1", driver="virtio_blk", renamed=True)),
        "it is for lan0 and lan1, of which one gets the name lan0",
    ),
    "a policy": (link("10-lan0", "Driver=virtio_net", "lan0\nNamePolicy=path"), (RENAMED,), "not known in [Link]"),
    "no name": (
        link("10-lan0", "Driver=virtio_net", ""),
        (RENAMED,),
        "not known in [Link]",
    ),
}


@pytest.mark.parametrize(("files", "links"), [pytest.param(*row, id=case) for case, row in CALLED.items()])
def test_a_card_gets_its_name(files: Files, links: Links) -> None:
    found = machine(files | LAN0, *links)

    assert ([one.reason for one in found.unknown], found.faults) == ([], {})


@pytest.mark.parametrize(("files", "links", "cause"), [pytest.param(*row, id=case) for case, row in MISNAMED.items()])
def test_a_card_without_its_name_is_not_there(files: Files, links: Links, cause: str) -> None:
    faults = machine(files | LAN0, *links).faults

    assert {name: (fault.outcome, fault.cause) for name, fault in faults.items()} == {
        "lan0": (Outcome.NO_DEVICE, cause)
    }


def test_a_vlan_is_not_there_without_the_name_of_its_card() -> None:
    vlan = AssignedLink(name="v5", kind=Kind.VLAN, below=("lan0",), tag=5)
    files = LAN0 | network("10-v5", "Name=v5", "10.2.0.1/24").copy()
    files[f"{NETWORKD}10-lan0.network"] += "VLAN=v5\n"
    files[f"{NETWORKD}10-v5.network"] = files[f"{NETWORKD}10-v5.network"].replace("Type=ether\n", "")
    files[f"{NETWORKD}10-v5.netdev"] = "[NetDev]\nName=v5\nKind=vlan\n[VLAN]\nId=5\n"

    with_name = machine(files | link("10-lan0", "Driver=virtio_net"), RENAMED, vlan)
    without = machine(files, RENAMED, vlan)

    assert with_name.faults == {}
    assert {name: fault.outcome for name, fault in without.faults.items()} == {
        "lan0": Outcome.NO_DEVICE,
        "v5": Outcome.NO_DEVICE,
    }


@pytest.mark.parametrize(("files", "links", "reason"), [pytest.param(*row, id=case) for case, row in UNSURE.items()])
def test_a_name_that_a_card_may_have(files: Files, links: Links, reason: str) -> None:
    assert reason in [one.reason for one in machine(files | LAN0, *links).unknown]


def test_cards_have_their_names_before_the_first_boots_network() -> None:
    files = link("10-lan0", "Driver=virtio_net") | LAN0
    asks = "udevadm trigger --action=add --subsystem-match=net --settle"
    writes = "cloud-init single --name write_files"
    reason = "nothing has udev give the name lan0 before the network starts (on the first boot)"

    def reasons(*commands: str) -> list[str]:
        seed = Seed(shown="user-data", early=True, bootcmd=commands)
        return [one.reason for one in machine(files, RENAMED, seed=seed).unknown]

    assert reasons(writes, asks) == []
    assert reasons(asks, writes) == [reason]
    assert reasons(writes, "udevadm trigger --action=add --subsystem-match=block --settle") == [reason]
    assert reasons(writes) == [reason]


_PLUGINS = "unmanaged-devices=interface-name:cni*;interface-name:flannel*\n"
_CONF = "/etc/NetworkManager/conf.d/"


def _reasons(texts: list[str], pods: str) -> list[str]:
    """Return what is unknown of NetworkManager's part; each text is a [keyfile] in a file of conf.d."""
    built = machine({f"{_CONF}{number}.conf": f"[keyfile]\n{text}" for number, text in enumerate(texts)}, pods=pods)
    return [one.reason for one in built.unknown if "NetworkManager" in one.reason]


@pytest.mark.parametrize(
    ("texts", "taken"),
    [
        pytest.param([], "", id="nothing is said"),
        pytest.param([_PLUGINS], "", id="the list has them"),
        pytest.param([_PLUGINS, "unmanaged-devices=interface-name:docker0\n"], "cni0 and flannel.1", id="another list"),
        pytest.param([_PLUGINS, "unmanaged-devices+=interface-name:docker0\n"], "", id="the list has one more"),
        pytest.param([_PLUGINS, "unmanaged-devices=interface-name:cni0\n"], "flannel.1", id="one of the two"),
        pytest.param([_PLUGINS, "unmanaged-devices=none\n"], "cni0 and flannel.1", id="no list"),
    ],
)
def test_interfaces_of_pods_are_left_to_the_plugin(texts: list[str], taken: str) -> None:
    reason = f"NetworkManager may take {taken} from the network plugin; add to the list by +="

    assert _reasons(texts, "10.42.0.0/24") == ([reason] if taken else [])
    assert _reasons(texts, "") == []


_KUBE_VIP = """\
apiVersion: apps/v1
kind: DaemonSet
spec:
  template:
    spec:
      containers:
        - image: ghcr.io/kube-vip/kube-vip:v0.8.9
          env:
            - {name: vip_arp, value: "true"}
            - {name: address, value: "10.1.0.9"}
            - {name: vip_interface, value: CARD}
---
kind: ConfigMap
"""


@pytest.mark.parametrize(
    ("folder", "card", "held", "unknown"),
    [
        pytest.param("server/manifests", "e1", "10.1.0.9", [], id="where the topology has it"),
        pytest.param("server/manifests", "", "10.1.0.9", [], id="on the card of the default route"),
        pytest.param("server/manifests", "e2", "10.1.0.9", [("e2", 11)], id="on another card"),
        pytest.param("agent/pod-manifests", "e2", "10.1.0.9", [("e2", 11)], id="in a static pod"),
        pytest.param("server/manifests", "e1", "10.1.0.8", [("10.1.0.9", 10)], id="another address"),
        pytest.param("server/tls", "e2", "10.1.0.9", [], id="elsewhere"),
    ],
)
def test_kube_vip_holds_what_the_topology_has(
    folder: str, card: str, held: str, unknown: list[tuple[str, int]]
) -> None:
    files = {f"/var/lib/rancher/k3s/{folder}/kube-vip.yaml": _KUBE_VIP.replace("CARD", card)}
    found = [one for one in machine(files, held=held).unknown if "kube-vip" in one.reason]

    assert [(one.text, one.origin.line) for one in found] == unknown
