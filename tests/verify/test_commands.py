"""Commands on a machine that is up: verify takes them to change what they change in the kernel."""

import json
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from netwright.lab.machine import LabMachine
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.machine import Machine as Model
from netwright.verify.proof.proof import build_networks, verify_networks
from netwright.verify.reading.commands import IP, SYSCTL, Command, carry_out, parse_setting
from netwright.verify.reading.configuration import Configuration, read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.reading.formats.sysctl import read_sysctl
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Manager, Origin, Setting, Unknown
from netwright.verify.values.nftables import Ruleset
from netwright.verify.values.wiring import Assumptions, Flow, Port, Segment, Traffic, Wiring
from tests.rigs.wires import Nic, boot_wired
from tests.verify.kernel.world import World, delivery_of, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, FORWARD, SERVER, client, nft, router, server

CARDS = {"eth0": "10.1.0.2/24", "eth1": "10.2.0.2/24"}
AWAY = "10.9.0.0/16"
_STANDING = (f"route add {AWAY} via 10.1.0.9 dev eth0 metric 50", "route add 10.8.0.0/16 via 10.1.0.9 dev eth0")
CERTAIN: Mapping[str, tuple[str, ...]] = {
    "a-route": ("route add 10.7.0.0/16 via 10.1.0.1",),
    "a-route-by-a-card": ("route add 10.7.0.0/16 via 10.2.0.1 dev eth1",),
    "a-route-of-lower-metric": (f"route add {AWAY} via 10.2.0.1",),
    "a-route-in-place-of-another": (f"route replace {AWAY} via 10.2.0.1 metric 50",),
    "a-route-that-replaces-none": (f"route replace {AWAY} via 10.2.0.1",),
    "a-route-that-is-changed": (f"route change {AWAY} via 10.2.0.1 metric 50",),
    "a-route-taken-away": (f"route del {AWAY}",),
    "a-route-taken-away-by-its-next-hop": ("r del 10.8.0.0/16 via 10.1.0.9",),
    "a-default-route": ("route add default via 10.1.0.1",),
    "a-route-that-rejects": ("route add blackhole 10.7.0.0/16",),
    "a-route-to-a-neighbour": ("route add 10.7.0.0/16 dev eth1",),
    "a-route-off-link": ("route add 10.7.0.0/16 via 10.66.0.1 dev eth1 onlink",),
    "a-next-hop-off-link": ("route add 10.7.0.0/16 via 10.66.0.1 dev eth1",),
    "a-route-in-a-table": ("route add default via 10.1.0.1 table 100", "rule add from 10.1.0.2 table 100 priority 50"),
    "a-rule-without-priority": ("rule add from 10.1.0.2 table 100", "rule add from 10.1.0.3 table 100"),
    "an-address": ("address add 10.3.0.2/24 dev eth1", "route add 10.7.0.0/16 via 10.3.0.1 dev eth1"),
    "an-address-alone": ("addr add 10.3.0.2 dev eth1",),
    "a-rule-taken-away": ("rule add from 10.1.0.2 table 9", "rule add from 10.1.0.3 table 9", "rule del from 10.1.0.2"),
    "a-rule-taken-away-by-its-priority": ("rule add to 10.8.0.0/16 table 100 priority 9", "rule delete priority 9"),
    "a-rule-taken-away-by-its-table": ("rule add from all table 100", "ru del from all lookup 100"),
    "an-mtu": ("link set eth0 mtu 1400", "link set dev eth1 mtu 9000"),
    "an-mtu-of-a-card-that-is-set-up": ("link set mtu 1300 dev eth1 up",),
    "a-card-that-is-up": ("link set eth0 up", "link set dev eth1 up"),
}  # fmt: skip
UNCERTAIN: Mapping[str, str] = {
    "a-route-that-is-there": f"route add {AWAY} via 10.2.0.1 metric 50",
    "a-route-that-is-not-there": "route del 10.7.0.0/16",
    "no-route-to-change": "route change 10.7.0.0/16 via 10.1.0.1",
    "a-network-of-a-card": "route replace 10.1.0.0/24 via 10.2.0.1",
    "the-network-of-a-card-taken-away": "route del 10.1.0.0/24",
    "a-next-hop-on-no-card": "route add 10.7.0.0/16 via 10.66.0.1",
    "a-card-that-is-not-there": "route add 10.7.0.0/16 via 10.1.0.1 dev eth9",
    "host-bits": "route add 10.7.0.1/16 via 10.1.0.1",
    "several-next-hops": "route add 10.7.0.0/16 nexthop via 10.1.0.1 nexthop via 10.2.0.1",
    "an-address-that-is-there": "address add 10.1.0.2/24 dev eth1",
    "a-rule-that-is-not-there": "rule del from 10.1.0.2 table 100",
    "a-rule-of-the-kernels": "rule del table main",
    "an-mtu-that-is-too-small": "link set eth0 mtu 67",
    "an-mtu-of-nothing": "link set eth9 mtu 1400",
    "an-mtu-and-more": "link set eth0 mtu 1400 multicast off",
    "an-address-with-a-label": "address add 10.3.0.2/24 dev eth1 label eth1:1",
}
Facts = set[tuple[str, ...]]


def _command(text: str, program: str = IP) -> Command:
    words = tuple(text.split()) if program == IP else (text,)
    return Command(program=program, words=words, origin=Origin(file="commands", line=1), when=Boot.EVERY)


def _configuration(manager: Manager = "hand") -> Configuration:
    """Two cards with a route, as files of networkd's say it."""
    texts = {
        f"/etc/systemd/network/10-{card}.network": f"[Match]\nName={card}\n[Network]\nAddress={address}\n"
        for card, address in CARDS.items()
    }
    texts["/etc/systemd/network/10-eth0.network"] += (
        f"[Route]\nDestination={AWAY}\nGateway=10.1.0.9\nMetric=50\n[Route]\nDestination=10.8.0.0/16\nGateway=10.1.0.9\n"
    )
    files = {path: Text(path=path, shown=path, text=text, mode=None) for path, text in texts.items()}
    delivery = Delivery(node="n", files=files, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    read = read_configuration(delivery)
    return replace(read, links=tuple(replace(link, manager=manager) for link in read.links))


def _model(
    *commands: str,
    settings: tuple[str, ...] = (),
    manager: Manager = "hand",
    files: tuple[Setting, ...] = (),
    **more: object,
) -> Model:
    configuration = replace(
        _configuration(manager),
        settings=files,
        changes=tuple(map(_command, commands)),
        commanded=tuple(parse_setting(_command(text, SYSCTL)) for text in settings),
    )
    segments = tuple(Segment(name=card, ports=(Port(node="n", interface=card),)) for card in CARDS)
    wiring = Wiring(nodes=("n",), segments=segments, **more)  # type: ignore[arg-type]
    return build_network([configuration], wiring, Assumptions()).machines["n"]


def _verifys(model: Model) -> Facts:
    addresses = {
        ("address", card, format_ip(one.ip), str(one.length)) for card in CARDS for one in model.addresses[card]
    }
    routes = {
        ("route", str(number), hop.kind, str(hop.prefix), format_ip(hop.gateway) if hop.gateway else "-",
         (hop.interface or "-") if hop.kind == "unicast" else "-", str(hop.metric))
        for number, table in model.fib.tables.items() for hop in table.hops if hop is not None
    }  # fmt: skip
    rules = {("rule", str(one.priority), str(one.source), str(one.table)) for one in model.fib.rules}
    sizes = {("mtu", card, str(model.mtus[card].octets)) for card in CARDS if card in model.mtus}
    return addresses | sizes | routes | {one for one in rules if one[1] not in ("0", "32766", "32767")}


def _kernels(machine: LabMachine) -> Facts:
    """The same in the kernel, of several routes to a network the one that counts."""

    def ask(*words: str) -> list[dict[str, str]]:
        return json.loads(machine.run("ip", "-json", "-4", *words).stdout or "[]")  # type: ignore[no-any-return]

    found: Facts = set()
    for card in CARDS:
        (shown,) = json.loads(machine.run("ip", "-json", "-4", "address", "show", "dev", card).stdout)
        found |= {("address", card, one["local"], str(one["prefixlen"])) for one in shown["addr_info"]}
        found |= {("mtu", card, str(shown["mtu"]))} if shown["mtu"] != 1500 else set()
    for one in ask("route", "show", "table", "all"):
        kind = one.get("type", "unicast")
        if kind not in ("local", "broadcast"):
            to = one["dst"].replace("default", "0.0.0.0/0")
            table = {"main": "254"}.get(one.get("table", "main"), one.get("table", ""))
            dev = one["dev"] if kind == "unicast" else "-"
            gateway = one.get("gateway", "-")
            found.add(("route", table, kind, to if "/" in to else f"{to}/32", gateway, dev, str(one.get("metric", 0))))
    best = {(one[1], one[3]): one for one in sorted(found, key=lambda one: -int(one[-1])) if one[0] == "route"}
    found = {one for one in found if one[0] != "route"} | {*best.values()}
    for one in ask("rule", "show"):
        source = one["src"].replace("all", "0.0.0.0/0")
        host = f"{source}/{one['srclen']}" if "srclen" in one else source
        if str(one["priority"]) not in ("0", "32766", "32767"):
            found.add(("rule", str(one["priority"]), host if "/" in host else f"{host}/32", str(one["table"])))
    return found


def _set_up(machine: LabMachine) -> None:
    for card, address in CARDS.items():
        machine.run("ip", "address", "add", address, "dev", card)
        machine.run("ip", "link", "set", card, "up")
    for line in _STANDING:
        machine.run("ip", *line.split())


def test_the_kernel_does_what_a_command_is_taken_to_do() -> None:
    wanted = {name: _verifys(_model(*commands)) for name, commands in CERTAIN.items()}
    with boot_wired(dict.fromkeys(CERTAIN, tuple(Nic(name=card) for card in CARDS))) as machines:
        for name, machine in machines.items():
            _set_up(machine)
            for command in CERTAIN[name]:
                machine.run("ip", *command.split(), check=False)
        found = {name: _kernels(machine) for name, machine in machines.items()}

    assert found == wanted
    assert {name: _model(*commands).unknown for name, commands in CERTAIN.items()} == dict.fromkeys(CERTAIN, ())


@pytest.mark.parametrize("command", UNCERTAIN.values(), ids=UNCERTAIN)
def test_a_command_whose_effect_is_not_certain_is_unknown(command: str) -> None:
    (unknown,) = _model(command).unknown

    assert unknown.reason.startswith("a command whose effect is not certain: ")
    assert unknown.text == f"ip {command}"


def test_a_rule_beside_networkd_does_not_last() -> None:
    unknown = _model("rule add from 10.1.0.2 table 100", manager="networkd").unknown

    assert ["networkd removes rules" in one.reason for one in unknown] == [True]


def test_the_mtu_of_what_carries_others_is_not_certain() -> None:
    links = [(name, link) for link in _configuration().links if (name := link.name)]
    unknown: list[Unknown] = []

    after = carry_out([_command("link set eth0 mtu 1400")], links, unknown, bound={"eth0"})

    assert (after, len(unknown)) == (links, 1)
    assert "decides those of other interfaces" in unknown[0].reason


def test_a_parameter_that_a_command_sets_comes_behind_the_files() -> None:
    settings = ("net.ipv4.ip_forward=1", "net.ipv4.conf.eth0.forwarding=0", "net.ipv4.conf.all.rp_filter=2")

    parameters = _model(settings=settings).parameters

    assert [parameters.value(card, "forwarding") for card in CARDS] == [0, 1]
    assert parameters.largest("eth1", "rp_filter") == 2
    assert parameters.origin("eth0", "forwarding") == Origin(file="commands", line=1)


def test_a_filter_that_a_command_makes_strict_stays_so_on_a_card_with_a_default_route() -> None:
    parameters = _model(
        "route add default via 10.1.0.1", settings=("net.ipv4.conf.eth0.rp_filter=1",), manager="NetworkManager"
    ).parameters

    assert parameters.largest("eth0", "rp_filter") == 1


def test_a_default_route_of_a_command_makes_no_filter_loose() -> None:
    strict = "net.ipv4.conf.eth0.rp_filter = 1\n"
    sysctl = tuple(read_sysctl("files", strict).settings)

    parameters = _model("route add default via 10.1.0.1", manager="NetworkManager", files=sysctl).parameters

    assert parameters.largest("eth0", "rp_filter") == 1


def test_a_parameter_of_an_interface_that_may_come_later_is_unknown() -> None:
    unknown = _model(settings=("net.ipv4.conf.docker0.forwarding=0",), docker=frozenset({"n"})).unknown

    assert [one.origin.file for one in unknown] == ["commands"]


RULES = (
    "table inet t {\n\tchain c {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\taccept\n\t}\n}\n"
)


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        ("add rule inet t c tcp dport { 22, 80 } drop", ["accept", "tcp dport { 22, 80 } drop"]),
        ("insert rule inet t c ip saddr 10.0.0.0/8 drop", ["ip saddr 10.0.0.0/8 drop", "accept"]),
        ("flush chain inet t c", []),
    ],
)
def test_a_rule_is_put_where_nft_puts_it(command: str, texts: list[str]) -> None:
    ruleset = Ruleset()
    read_nft("rules", RULES, ruleset)
    read_nft("commands", command, ruleset)

    assert [rule.text for rule in ruleset.tables["inet", "t"].chains["c"].rules] == texts
    assert ruleset.unknown == []


@pytest.mark.parametrize("command", ["add rule t c drop", "add rule inet t d drop", "add rule inet t c handle 3 drop"])
def test_a_rule_for_a_chain_of_others_is_unknown(command: str) -> None:
    ruleset = Ruleset()
    read_nft("rules", RULES, ruleset)
    read_nft("commands", command, ruleset)

    assert [str(one.origin) for one in ruleset.unknown] == ["commands:1"]


def test_a_denied_flow_must_be_kept_out_before_commands_of_every_boot_have_run() -> None:
    boxes = (client(), router(), server())
    open_, dropping = (
        read_configuration(delivery_of(box)) for box in (boxes[1], replace(boxes[1], nft=nft([FORWARD, "drop"])))
    )
    ends = [read_configuration(delivery_of(box)) for box in (boxes[0], boxes[2])]
    world = model_of(World(boxes=boxes, pairs=()))
    wanted, denied = (
        Flow(
            name=name,
            sources=((ip_number(CLIENT),) * 2,),
            destinations=((ip_number(SERVER),) * 2,),
            traffic=(Traffic(protocol="tcp", ports=(80, 80)),),
            must_arrive=name == "wanted",
        )
        for name in ("wanted", "denied")
    )

    def judge(middle: Configuration, flow: Flow) -> list[str]:
        networks = build_networks([ends[0], middle, ends[1]], world.wiring, world.assumptions)
        return [one.cause for one in verify_networks(networks, [flow]).findings if one.severity == "error"]

    assert judge(dropping, denied) == []
    assert judge(replace(dropping, idle=open_), denied) == [
        "the denied flow denied arrives (until the commands of a boot have run)"
    ]
    assert judge(replace(open_, idle=dropping), wanted) == []
