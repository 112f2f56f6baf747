"""Files that a machine refuses, and those that come too late: each rule of it decides here alone."""

import pytest
from msgspec.structs import replace

from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.cards import named_links
from netwright.verify.network_model.route_install import build_hops
from netwright.verify.reading import nft_judge
from netwright.verify.reading.configuration import Configuration, ask_nft, read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.ignition import read_ignition
from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.reading.load_order import Loading, in_load_order, undecided_flushes
from netwright.verify.reading.startup import Seed, find_window
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.facts import MAIN_TABLE, Address, Link, Origin, Route, Unknown
from netwright.verify.values.nftables import Ruleset
from netwright.verify.values.wiring import AssignedAddress, Assumptions, Port, Segment, Wiring
from tests.verify.kernel.world import ip_number

MAC = "02:00:00:00:00:07"
RULES = "/etc/nftables/a.nft"
KEYFILE = "/etc/NetworkManager/system-connections/a.nmconnection"
CHAIN = "\tchain c {\n\t\ttype filter hook forward priority 0; policy drop;\n\t\t%s\n\t}\n"
PROFILE = """[connection]
id=eth0
type=ethernet
interface-name=eth0
autoconnect-priority=%d
[ipv4]
method=manual
address1=10.1.0.2/24
"""
EARLY = "Wants=network-pre.target\nBefore=network-pre.target\n"


def _unknown_rules(text: str) -> list[Unknown]:
    ruleset = Ruleset()
    read_nft("f", text, ruleset)
    return ruleset.unknown


def _table(rule: str) -> str:
    return f"table inet t {{\n{CHAIN % rule}}}\n"


def _configure(path: str, text: str, mode: int = 0o600, owner: str = "root") -> Configuration:
    file = Text(path=path, shown=f"n{path}", text=text, mode=mode, owner=owner)
    return read_configuration(
        Delivery(node="n", files={path: file}, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    )


def test_a_typo_that_no_packet_meets() -> None:
    assert _unknown_rules(_table("ip daddr 10.99.9.9 acept")) != []
    assert _unknown_rules(_table("ip daddr 10.99.9.9 accept")) == []


def test_a_block_that_does_not_end() -> None:
    assert _unknown_rules(_table("accept").removesuffix("}\n")) != []


def test_line_ends_of_windows() -> None:
    assert _unknown_rules("# by hand\r\n" + _table("accept")) != []


def test_a_chain_that_gets_its_hook_later() -> None:
    assert _unknown_rules("table inet t {\n\tchain c {\n\t\taccept\n\t}\n}\n" + _table("accept")) != []


def test_a_chain_with_a_keyword_for_its_name() -> None:
    assert _unknown_rules(_table("accept").replace("chain c", "chain fwd")) != []


def test_a_port_of_any_protocol_and_a_packet_without_ports() -> None:
    """ICMP is met by it: its checksum is where others have a port."""
    ruleset = Ruleset()
    read_nft("f", _table("th dport != 8080 drop"), ruleset)
    (rule,) = ruleset.tables["inet", "t"].chains["c"].rules

    assert (rule.matches, rule.unread is None) == ((), False)


def test_a_string_in_the_place_of_a_word() -> None:
    assert _unknown_rules(_table('"accept"')) != []


def test_a_ruleset_that_only_nft_knows_to_refuse() -> None:
    configuration = _configure(RULES, _table(f'log prefix "{"x" * 200}" accept'))
    assert configuration.unknown == ()
    assert nft_judge.is_usable()

    (judged,) = ask_nft([configuration])

    assert judged.unknown != ()


def test_a_profile_without_a_method() -> None:
    assert read_keyfile("k", PROFILE.replace("method=manual\n", "") % 1).unknown != []


def test_a_profile_with_an_empty_section_of_ipv6() -> None:
    assert read_keyfile("k", PROFILE % 1 + "[ipv6]\n").unknown != []


def test_a_profile_of_another_user() -> None:
    assert _configure(KEYFILE, PROFILE % 1, owner="core").unknown != ()


def test_a_card_that_is_left_alone() -> None:
    conf = "/etc/NetworkManager/conf.d/x.conf"
    unmanaged = _configure(conf, "[keyfile]\nunmanaged-devices=interface-name:eth*\n").unmanaged
    configuration = replace(_configure(KEYFILE, PROFILE % 1), unmanaged=unmanaged)

    assert [*named_links(configuration, [Port(node="n", interface="eth0")], [])] == []


def test_a_profile_that_does_not_come_before_the_images() -> None:
    wiring = Wiring(
        nodes=("n",),
        segments=(Segment(name="s", ports=(Port(node="n", interface="eth0"),)),),
        systems={"n": "rocky9"},
    )

    def unknown(priority: int) -> tuple[Unknown, ...]:
        network = build_network([_configure(KEYFILE, PROFILE % priority)], wiring, Assumptions())
        return network.machines["n"].unknown

    assert (unknown(0) != (), unknown(1)) == (True, ())


def test_an_address_that_a_vlan_has_too() -> None:
    link = read_network([("a", f"[Match]\nMACAddress={MAC}\n[Network]\nAddress=10.1.0.2/24\n")]).links[0]
    ports = [Port(node="n", interface=name, mac=MAC) for name in ("eth0", "eth0.31")]

    assert [*named_links(_of_link(link), ports, [])] == []
    assert [name for name, _ in named_links(_of_link(replace(link, loose=False)), ports, [])] == ["eth0"]


IFCFG = "DEVICE=eth0\nTYPE=Ethernet\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=10.1.0.2\nPREFIX=24\n"
NAMELESS = [
    (KEYFILE, (PROFILE % 1).replace("interface-name=eth0\n", "")),
    ("/etc/systemd/network/10-a.network", "[Match]\nType=ether\n[Network]\nAddress=10.1.0.2/24\n"),
    ("/etc/sysconfig/network-scripts/ifcfg-a", IFCFG.replace("DEVICE=eth0\n", "")),
]
STRANGERS = [
    (KEYFILE, PROFILE % 1 + f"[ethernet]\nmac-address={MAC}\n"),
    ("/etc/systemd/network/10-a.network", f"[Match]\nPermanentMACAddress={MAC}\n[Network]\nAddress=10.1.0.2/24\n"),
    ("/etc/sysconfig/network-scripts/ifcfg-a", f"HWADDR={MAC}\n{IFCFG}"),
]


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        *(pytest.param(*file, None, id=f"nameless {file[0][-6:]}") for file in NAMELESS),
        *(pytest.param(*file, f"the hardware address {MAC}", id=f"stranger {file[0][-6:]}") for file in STRANGERS),
    ],
)
@pytest.mark.parametrize("mac", [None, "02:00:00:00:00:08"])
def test_a_file_of_no_card_is_told_of_by_what_it_names(
    path: str, text: str, reason: str | None, mac: str | None
) -> None:
    wanted = AssignedAddress(node="n", interface="eth0", ip=ip_number("10.1.0.2"), length=24)
    wiring = Wiring(
        nodes=("n",),
        segments=(Segment(name="s", ports=(Port(node="n", interface="eth0", mac=mac),)),),
        addresses=(wanted,),
    )

    mode = 0o644 if path.endswith(".network") else 0o600
    network = build_network([_configure(path, text, mode)], wiring, Assumptions())

    said = [one.reason for one in network.machines["n"].unknown]
    said += [one.cause for one in network.assignment.missing.values()]
    assert said
    assert [one for one in said if "None" in one or one.endswith(" ")] == []
    assert reason is None or any(reason in one for one in said)


def _of_link(link: Link) -> Configuration:
    return replace(_configure("/etc/hosts", ""), links=(link,))


def test_a_file_that_networkd_may_not_read() -> None:
    text = "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.2/24\n"

    assert _configure("/etc/systemd/network/10-a.network", text, mode=0o640).unknown != ()


def test_another_hash() -> None:
    contents = f'{{"source": "data:,x", "verification": {{"hash": "sha512-{"0" * 128}"}}}}'
    config = '{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/opt/a", "contents": %s}]}}'

    assert read_ignition("n.ign", config % contents).refused


def _window(unit: str, bootcmd: tuple[str, ...]) -> bool:
    seed = Seed(shown="s", early=True, bootcmd=bootcmd)
    return find_window(RULES, [("a.service", "a", unit)], seed) is not None


def test_a_unit_that_nothing_holds_before_the_network() -> None:
    commands = ("cloud-init single --name write_files", f"nft -f {RULES}")

    assert not _window(EARLY, commands)
    assert _window(EARLY.replace("Before=", "After="), commands)
    assert _window(EARLY.replace("Wants=", "# Wants="), commands)


def test_rules_that_are_loaded_before_they_are_written() -> None:
    assert _window(EARLY, (f"nft -f {RULES}", "cloud-init single --name write_files"))


def _load(name: str, text: str, unit: str = "") -> Loading:
    return Loading(path=f"/{name}", shown=name, text=text, unit=f"{name}.service", unit_text=unit)


def test_units_of_which_one_wipes_in_any_order() -> None:
    one, other = _load("a", ""), _load("b", "flush ruleset\n")

    assert [line.origin for line in undecided_flushes([one, other])] == [Origin(file="b", line=1)]
    assert [*undecided_flushes([one, replace(other, unit_text="After=a.service")])] == []


def test_a_unit_that_waits_for_another() -> None:
    one, other = _load("a", "", "After=b.service"), _load("b", "")

    assert in_load_order([one, other]) == [other, one]


def test_what_reaches_the_gateway_of_a_route_that_is_refused() -> None:
    """NetworkManager makes a route to it, whether or not the kernel takes the other."""
    origin, gateway = Origin(file="f", line=1), ip_number("10.7.7.7")
    away = Prefix(first=ip_number("10.9.0.0"), length=16)
    for source, expected in ((None, [gateway, away.first]), (ip_number("10.66.0.1"), [gateway])):
        link = Link(
            manager="NetworkManager",
            origin=origin,
            addresses=(Address(ip=ip_number("10.1.0.2"), length=24, origin=origin),),
            routes=(Route(to=away, gateway=gateway, metric=5, origin=origin, source=source),),
        )
        hops = build_hops([("eth0", link)]).tables[MAIN_TABLE]

        assert [hop.prefix.first for hop in hops if hop.metric == 5] == expected
