"""Rules by which a record becomes a machine: routes that count, marks, and what nft's list does not say."""

import base64

import pytest
from msgspec.structs import replace

from netwright.verify.forwarding.endings import stop_at_no_pod
from netwright.verify.forwarding.hooks import begin, open_hooks
from netwright.verify.network_model.chains import Firewall, Passage, run_chains
from netwright.verify.network_model.differences import find_differences
from netwright.verify.network_model.fib import Fib, Hop
from netwright.verify.network_model.live_machine import Record, build_live_machine
from netwright.verify.network_model.live_parameters import read_parameters
from netwright.verify.network_model.live_routes import LiveRoutes
from netwright.verify.network_model.live_rules import read_rules_of
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.parameters import Parameters
from netwright.verify.network_model.trace import Stopped, Way
from netwright.verify.network_model.tunnels import find_tunnels
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.live_state import read_live_state
from netwright.verify.reading.record import FORMAT
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.facts import BondMode, Device, Kind, Lease, Link, Origin, Peer, Stated
from netwright.verify.values.live import LiveState
from netwright.verify.values.nftables import Point, Ruleset
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import TCP, Packet, Tracker
from netwright.verify.values.wiring import AssignedLink, AssignedTunnel, PodNetwork, Port, Wiring
from tests.verify.kernel.world import ip_number

HERE = Origin(file="live/n.facts: ip route", line=0)
PODS = (
    PodNetwork(network=Prefix(first=ip_number("10.42.1.0"), length=24), node="n", interface="e0"),
    PodNetwork(network=Prefix(first=ip_number("10.42.2.0"), length=24), node="other", interface="e0"),
)
USUAL = '{"priority":0,"table":"local"},{"priority":32766,"table":"main"},{"priority":32767,"table":"default"}'


def _state(**facts: str) -> LiveState:
    """The state of a record with some facts as commands print them."""
    whole = {"format": FORMAT, "hostname": "n", "rules": f"[{USUAL}]", "routes": "[]"} | facts | {"end": ""}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in whole.items()}
    done = base64.b64encode(b" 0\n").decode()
    return read_live_state("n", "".join(f"{name}\t{text}\t{done}\n" for name, text in encoded.items()).encode())


def _fib(routes: str, *, parameters: str = "", rules: str = USUAL) -> tuple[Fib, list[str]]:
    state = _state(routes=f"[{routes}]", parameters=parameters, rules=f"[{rules}]")
    read = LiveRoutes(state, "live/n.facts", PODS)
    return read.fib({}), [one.reason for one in read.unknown]


def _find(fib: Fib, destination: str) -> Hop | None:
    return fib.find(ip_number(destination), ip_number("10.0.0.1"), "lo")


DEFAULT = '{"dst":"default","gateway":"10.0.0.254","dev":"e0","flags":[]}'
NARROW = '{"dst":"10.9.0.0/16","gateway":"10.0.0.2","dev":"e0","flags":["linkdown"]}'
DEAD = NARROW.replace('"linkdown"', '"dead","linkdown"')


def test_a_dead_route_is_none() -> None:
    fib, _ = _fib(f"{DEFAULT},{DEAD}")

    hop = _find(fib, "10.9.0.1")

    assert hop is not None
    assert hop.prefix.length == 0


@pytest.mark.parametrize(
    ("ignores", "length"), [pytest.param("0", 16, id="counts"), pytest.param("1", 0, id="is-ignored")]
)
def test_a_route_without_carrier_counts_unless_such_are_ignored(ignores: str, length: int) -> None:
    setting = f"/proc/sys/net/ipv4/conf/e0/ignore_routes_with_linkdown:{ignores}"
    fib, _ = _fib(f"{DEFAULT},{NARROW}", parameters=setting)

    hop = _find(fib, "10.9.0.1")

    assert hop is not None
    assert hop.prefix.length == length


def test_of_equal_routes_the_kernel_takes_the_one_that_it_lists_first() -> None:
    fib, _ = _fib(f"{DEFAULT},{DEFAULT.replace('254', '253')}")

    hop = _find(fib, "10.9.0.1")

    assert hop is not None
    assert (hop.gateway, hop.ambiguous) == (ip_number("10.0.0.254"), False)


def test_flannels_route_leads_to_the_node_whose_device_is_its_next_hop() -> None:
    fib, _ = _fib('{"dst":"10.42.9.0/24","gateway":"10.42.2.0","dev":"flannel.1","flags":["onlink"]}')

    hop = _find(fib, "10.42.9.7")

    assert hop is not None
    assert hop.owner == "other"


def test_a_kernel_without_its_own_policy_rules_looks_nothing_up_there() -> None:
    fib, _ = _fib(DEFAULT, rules='{"priority":0,"table":"local"}')

    assert _find(fib, "10.9.0.1") is None


@pytest.mark.parametrize(
    "key",
    [
        pytest.param('"tos":"0x10"', id="tos"),
        pytest.param('"via":{"family":"inet6","host":"fe80::1"}', id="via"),
        pytest.param('"encap":"mpls"', id="encap"),
    ],
)
def test_a_route_with_more_than_is_known_is_unknown(key: str) -> None:
    _, unknown = _fib(f'{{"dst":"10.9.0.0/16","dev":"e0",{key}}}')

    assert unknown == ["a route of a type that is not known"]


def _decide(ruleset: str, point: Point, *, iptables: str = "", destination: str = "10.42.1.7") -> str:
    """The verdict of listed rules on a TCP packet, "none" where they let it pass."""
    state = _state(ruleset=ruleset, iptables=iptables)
    rules, unknown = read_rules_of(state, "live/n.facts")
    assert unknown == []
    stage = Firewall([rules]).stage(point)
    packet = Packet(
        protocol=TCP, source=ip_number("10.0.0.1"), sport=40000, destination=ip_number(destination), dport=80
    )
    passage = Passage(packet=packet, incoming="e0", outgoing="cni0", state="new", own=lambda ip: ip == packet.source)
    chains = (*stage.raw, *stage.early, *stage.nat, *stage.late) if stage is not None else ()
    verdict = run_chains(chains, passage)
    return verdict.kind if verdict is not None else "none"


MARKED = """table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy accept;
		counter packets 3 bytes 180 jump MARKS
		meta mark & 0x00004000 == 0x00004000 counter packets 0 bytes 0 drop
	}
	chain MARKS {
		ip daddr %s counter packets 0 bytes 0 meta mark set mark or 0x4000
		ip saddr 10.0.0.1 counter packets 0 bytes 0 meta mark set mark %s
	}
}
"""


@pytest.mark.parametrize(
    ("marked", "then", "verdict"),
    [
        pytest.param("10.42.1.7", "or 0x1", "drop", id="marked"),
        pytest.param("10.42.1.8", "or 0x1", "none", id="not-marked"),
        pytest.param("10.42.1.7", "and 0xffffbfff", "none", id="taken-off"),
        pytest.param("10.42.1.7", "xor 0x4000", "none", id="turned-over"),
        pytest.param("10.42.1.7", "and 0xffffbfff xor 0x4000", "drop", id="taken-off-and-set"),
    ],
)
def test_rules_ask_for_the_marks_that_rules_have_set(marked: str, then: str, verdict: str) -> None:
    assert _decide(MARKED % (marked, then), "forward") == verdict


def test_a_source_of_the_machines_own_is_known() -> None:
    assert _decide(LISTED % "fib saddr type local drop", "forward") == "drop"


LISTED = """table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy accept;
		%s
	}
}
"""


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        pytest.param("xt match physdev counter packets 0 bytes 0 accept", "unknown", id="a match by its name"),
        pytest.param("ip daddr 10.42.1.8 xt match physdev accept", "none", id="one that the packet does not meet"),
        pytest.param("meta random & 2147483647 < 1073741824 drop", "unknown", id="chance"),
        pytest.param('limit rate 10/minute log prefix "x"', "none", id="what only logs"),
        pytest.param("tcp flags syn / syn,rst counter tcp option maxseg size set rt mtu", "none", id="sizes alone"),
        pytest.param("tcp flags syn / syn,rst drop", "unknown", id="flags that decide"),
        pytest.param("udp dport 68 xt target CHECKSUM", "none", id="a checksum"),
        pytest.param("ip saddr @gone drop", "unknown", id="a set that is not known"),
        pytest.param("jump nowhere", "unknown", id="a chain that is not listed"),
    ],
)
def test_what_nft_shows_and_is_not_known_is_so_for_packets_that_meet_it(rule: str, verdict: str) -> None:
    assert _decide(LISTED % rule, "forward") == verdict


DNAT = LISTED % "ct status dnat drop"


@pytest.mark.parametrize(
    ("iptables", "verdict"),
    [
        pytest.param("", "none", id="of nft"),
        pytest.param("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", "unknown", id="of iptables"),
    ],
)
def test_a_match_that_nft_shows_for_two_of_iptables_is_unknown(iptables: str, verdict: str) -> None:
    assert _decide(DNAT, "forward", iptables=iptables) == verdict


@pytest.mark.parametrize(
    ("table", "faults"),
    [
        pytest.param(
            "table bridge b {\nchain c {\ntype filter hook forward priority 0; policy accept;\n}\n}", 0, id="idle"
        ),
        pytest.param(
            "table bridge b {\nchain c {\ntype filter hook forward priority 0; policy drop;\n}\n}", 1, id="policy"
        ),
        pytest.param(
            'table netdev b {\nchain c {\ntype filter hook ingress device "e0" priority 0; policy accept;\n'
            "ip saddr 10.0.0.1 drop\n}\n}",
            1,
            id="rule",
        ),
    ],
)
def test_tables_of_other_families_are_unknown_unless_they_do_nothing(table: str, faults: int) -> None:
    _, unknown = read_rules_of(_state(ruleset=table, iptables=""), "live/n.facts")

    assert len(unknown) == faults


def test_parameters_are_those_of_each_interface() -> None:
    paths = {"net/ipv4/conf/e0/rp_filter": "1", "net/ipv4/conf/all/forwarding": "1", "net/ipv4/tcp_new_key": "3"}
    parameters = read_parameters({**paths, "net/bridge/bridge-nf-call-iptables": "1"}, "live/n.facts")

    assert (parameters.value("e0", "rp_filter"), parameters.values["all"]["forwarding"]) == (1, 1)
    assert parameters.origin("e0", "rp_filter") == Origin(
        file="live/n.facts: sysctl net/ipv4/conf/e0/rp_filter", line=0
    )
    assert (parameters.bridge_nf, parameters.unknown) == (True, [])


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("net/ipv4/conf/e0/arp_filter", id="harmful"),
        pytest.param("net/ipv4/conf/e0/new_key", id="new"),
        pytest.param("net/ipv4/vs/conntrack", id="IPVS"),
    ],
)
def test_a_parameter_whose_effect_is_not_known_is_named(path: str) -> None:
    unknown = read_parameters({path: "1"}, "live/n.facts").unknown

    assert [one.text for one in unknown] == [f"{path.replace('/', '.')} = 1"]


def _machine(links: str, stated: tuple[AssignedLink, ...] = (), **facts: str) -> Machine:
    wiring = Wiring(nodes=("n",), segments=(), pod_networks=PODS, links={"n": stated})
    record = Record(state=_state(links=f"[{links}]", **facts), place="live/n.facts")
    return build_live_machine(record, _planned(), [Port(node="n", interface="e0")], wiring)


def _planned() -> Machine:
    return Machine(
        name="n",
        addresses={},
        fib=Fib(node="n", local={}, tables={}, rules=()),
        parameters=Parameters(),
        firewall=Firewall([]),
        pods=(),
        refusals=(),
        unknown=(),
        bridge_nf=False,
        mtus={},
    )


UP = '{"ifname":"%s","mtu":1500,"flags":["UP","LOWER_UP"],"linkinfo":{"info_kind":"%s"}}'
CARD, PORT = UP % ("e0", ""), UP % ("e1", "")
JOINED = PORT.replace('"mtu"', '"master":"br0","mtu"')
BRIDGE = (AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e1",)),)
VLAN = (AssignedLink(name="v5", kind=Kind.VLAN, below=("e0",), tag=5),)
BOND = (AssignedLink(name="b0", kind=Kind.BOND, below=("e1",), mode=BondMode.LACP),)


def _vlan(parent: str, number: int) -> str:
    """As `ip -d -j link` shows a VLAN."""
    data = f'"info_kind":"vlan","info_data":{{"protocol":"802.1Q","id":{number},"flags":["REORDER_HDR"]}}'
    return (UP % ("v5", "vlan")).replace('"info_kind":"vlan"', data).replace('"mtu"', f'"link":"{parent}","mtu"')


def _bond(mode: str) -> str:
    """As `ip -d -j link` shows a bond."""
    data = f'"info_kind":"bond","info_data":{{"mode":"{mode}","miimon":100}}'
    return (UP % ("b0", "bond")).replace('"info_kind":"bond"', data)


@pytest.mark.parametrize(
    ("links", "stated", "outcome"),
    [
        pytest.param(CARD, (), None, id="up"),
        pytest.param('{"ifname":"e0","mtu":1500,"flags":["UP"]}', (), Outcome.NO_CARRIER, id="no carrier"),
        pytest.param('{"ifname":"e0","mtu":1500,"flags":["LOWER_UP"]}', (), Outcome.NO_CARRIER, id="down"),
        pytest.param(UP % ("e9", ""), (), Outcome.NO_DEVICE, id="not there"),
        pytest.param(f"{CARD},{UP % ('br0', 'bond')}", BRIDGE, Outcome.WRONG_DEVICE, id="a bond"),
        pytest.param(f"{CARD},{UP % ('br0', 'bridge')},{PORT}", BRIDGE, Outcome.NO_CARRIER, id="without its port"),
        pytest.param(f"{CARD},{UP % ('br0', 'bridge')},{JOINED}", BRIDGE, None, id="with its port"),
        pytest.param(f"{CARD},{_vlan('e0', 5)}", VLAN, None, id="its VLAN"),
        pytest.param(f"{CARD},{_vlan('e0', 6)}", VLAN, Outcome.VLAN_MISMATCH, id="another VLAN"),
        pytest.param(f"{CARD},{_vlan('e1', 5)}", VLAN, Outcome.WRONG_DEVICE, id="a VLAN elsewhere"),
        pytest.param(f"{CARD},{UP % ('v5', 'vlan')}", VLAN, None, id="a VLAN of an older ip"),
        pytest.param(f"{CARD},{_bond('802.3ad')}", BOND, None, id="its mode"),
        pytest.param(f"{CARD},{_bond('active-backup')}", BOND, Outcome.WRONG_DEVICE, id="another mode"),
    ],
)
def test_links_are_at_fault_as_the_kernel_has_them(
    links: str, stated: tuple[AssignedLink, ...], outcome: Outcome | None
) -> None:
    machine = _machine(links, stated)

    assert {fault.outcome for fault in machine.faults.values()} == ({outcome} if outcome is not None else set())


def test_where_marks_decide_about_routes_a_marked_packet_goes_is_unknown() -> None:
    marks = "table ip t {\nchain c {\ntype filter hook prerouting priority mangle;\n%s meta mark set 0x10\n}\n}"
    rules = f'[{USUAL},{{"priority":100,"fwmark":"0x10","table":"100"}}]'
    outcomes = []
    for match in ("ip saddr 10.0.0.1", "ip saddr 10.0.0.2"):
        machine = _machine(CARD, rules=rules, ruleset=marks % match)
        packet = Packet(protocol=TCP, source=ip_number("10.0.0.1"), sport=1, destination=ip_number("10.0.0.9"), dport=2)
        passage = begin(machine, packet, incoming="e0", unwanted=False)
        try:
            open_hooks(machine, Tracker(loose=True), "prerouting", passage, Way())
        except Stopped as stopped:
            outcomes.append(stopped.end.outcome)

    assert outcomes == [Outcome.UNKNOWN]


LEASED = '[{"ifname":"%s","addr_info":[{"local":"10.7.0.9","prefixlen":24}]}]'


@pytest.mark.parametrize(
    ("interface", "extra"),
    [
        pytest.param("e0", 1, id="ours"),
        pytest.param("e1", 0, id="leased"),
        pytest.param("e2", 0, id="by-mac"),
        pytest.param("cni0", 0, id="pods"),
    ],
)
def test_an_address_is_extra_unless_a_server_or_a_program_gives_it(interface: str, extra: int) -> None:
    lease = Lease(origin=HERE, brings_routes=True)
    links = (
        Link(manager="networkd", origin=HERE, name="e1", lease=lease),
        Link(manager="networkd", origin=HERE, mac="52:54:00:00:00:02", lease=lease),
    )
    configuration = Configuration(
        node="n", managed=True, links=links, networks=(), settings=(), ruleset=Ruleset(), unknown=()
    )
    card = (UP % ("e2", "")).replace('"mtu"', '"link_type":"ether","address":"52:54:00:00:00:02","mtu"')
    facts = {"links": f"[{CARD},{card}]", "addresses": LEASED % interface}
    planned, record = _planned(), Record(state=_state(**facts), place="live/n.facts")
    live = build_live_machine(record, planned, [], Wiring(nodes=("n",), segments=()))

    found = find_differences(planned, live, configuration, record)

    assert [one.kind for one in found] == ["extra"] * extra


def _to_pods(destination: str, gateway: str | None) -> Outcome | None:
    machine = _machine(CARD)
    number = None if gateway is None else ip_number(gateway)
    hop = Hop(kind="unicast", interface="cni0", gateway=number, prefix=PODS[0].network, metric=0, origin=HERE)
    packet = Packet(protocol=TCP, source=ip_number("10.0.0.1"), sport=1, destination=ip_number(destination), dport=2)
    try:
        stop_at_no_pod(machine, hop, packet, Way())
    except Stopped as stopped:
        return stopped.end.outcome
    return None


def test_the_bridge_of_pods_leads_to_pods_alone() -> None:
    assert _to_pods("10.42.1.7", None) is None
    assert _to_pods("10.9.0.1", None) is Outcome.ARP_UNANSWERED
    assert _to_pods("10.42.1.1", None) is Outcome.ARP_UNANSWERED
    assert _to_pods("10.9.0.1", "10.42.1.7") is Outcome.UNKNOWN


OWN, FIRST, SECOND = ("mZ0a+own=", "mZ0a+first=", "mZ0a+second=")
TUNNEL = AssignedLink(
    name="wg0",
    kind=Kind.WIREGUARD,
    tunnel=AssignedTunnel(key_file="/etc/k", key=OWN, peers=frozenset({FIRST})),
)
PEERS = f"wg0\t{FIRST}\t10.9.0.2/32 10.8.0.0/16 fd00::2/128\n"


@pytest.mark.parametrize(
    ("keys", "peers", "cause"),
    [
        pytest.param(f"wg0\t{OWN}\n", PEERS, None, id="as planned"),
        pytest.param(f"wg0\t{SECOND}\n", PEERS, "has the public key mZ0a+sec..., in the topology", id="another key"),
        pytest.param(f"wg0\t{OWN}\n", f"wg0\t{SECOND}\t(none)\n", "has not got its peer mZ0a+fir...", id="no peer"),
        pytest.param(
            f"wg0\t{OWN}\n",
            f"wg0\t{FIRST}\t10.9.0.2/32\n",
            "allows its peer mZ0a+fir... 10.9.0.2/32 and not 10.8.0.0/16, 10.9.0.2/32",
            id="fewer networks",
        ),
        pytest.param(f"wg0\t{OWN}\n", "strange", None, id="not known"),
    ],
)
def test_a_tunnel_is_at_fault_as_the_kernel_has_it(keys: str, peers: str, cause: str | None) -> None:
    networks = tuple(
        Stated(value=Prefix(first=ip_number(ip), length=length), origin=HERE)
        for ip, length in (("10.9.0.2", 32), ("10.8.0.0", 16))
    )
    peer = Peer(origin=HERE, key=Stated(value=FIRST, origin=HERE), allowed=networks)
    device = Device(manager="networkd", name="wg0", kind=Kind.WIREGUARD, origin=HERE, peers=(peer,))
    configuration = Configuration(
        node="n", managed=True, devices=(device,), links=(), networks=(), settings=(), ruleset=Ruleset(), unknown=()
    )
    planned = replace(_planned(), tunnels=find_tunnels(configuration, (TUNNEL,)))
    state = _state(**{"links": f"[{UP % ('wg0', 'wireguard')}]", "wireguard-keys": keys, "wireguard-peers": peers})
    wiring = Wiring(nodes=("n",), segments=(), links={"n": (TUNNEL,)})

    machine = build_live_machine(Record(state=state, place="live/n.facts"), planned, [], wiring)

    found = [fault.cause for fault in machine.faults.values()]
    assert found == [] if cause is None else cause in found[0]
