"""Effects of other programs on packets: keepalived, firewalld, Docker and flannel; and what redirects do."""

from textwrap import indent

import pytest
from msgspec.structs import replace

from netwright.verify.forwarding.conversation import first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End, Way
from netwright.verify.proof.findings import Finding, Findings
from netwright.verify.proof.heartbeat import check_heartbeats
from netwright.verify.proof.proof import FlowResult, Verification, verify_network
from netwright.verify.proof.statement import state_assumptions
from netwright.verify.reading.balancing import read_balancer, read_instances
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.k3s import CONFIG
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import ICMP, TCP
from netwright.verify.values.wiring import Flow, HeldAddress, Plugin, PublishedPorts, Traffic
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of
from tests.verify.reference import ranges
from tests.verify.rules.boxes import CLIENT, FORWARD, SERVER, SHARED_ROUTER, SHARED_SERVER, client, nft, router, server

VIP = ip_number("10.1.0.100")


def _closed(*accepted: str) -> str:
    lines = ["type filter hook input priority filter; policy drop;", *(f"{one} accept" for one in accepted)]
    return "table inet own {\n\tchain input {\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n}\n"


def _unheard(*accepted: str) -> tuple[Finding, ...]:
    """Return the findings on two holders, the second of which has a closed input."""
    one = Box(name="one", cards={"e0": ("s1", ("10.1.0.11/24",))})
    two = Box(name="two", cards={"e0": ("s1", ("10.1.0.12/24",))}, nft=_closed(*accepted))
    held = [HeldAddress(ip=VIP, node=name, interface="e0") for name in ("one", "two")]
    findings = Findings()
    check_heartbeats(model_of(World(boxes=(one, two), pairs=())), Memory(), held, findings)
    return findings.grouped()


def test_holders_hear_each_other_by_multicast_or_by_unicast() -> None:
    assert _unheard("ip daddr 224.0.0.18 meta l4proto 112") == ()
    assert _unheard("ip daddr 10.1.0.12 meta l4proto 112") == ()


def test_a_holder_that_hears_no_other_is_found() -> None:
    found = _unheard("meta l4proto tcp")

    assert [(one.kind, one.nodes) for one in found] == [("VRRP_UNHEARD", ("two",))]


def _through(
    program: str,
    destination: str,
    protocol: int = TCP,
    port: int = 8080,
    *,
    unwanted: bool = False,
    forwards: bool = True,
    sender: str = "client",
) -> End:
    """Return where a packet ends, the client's or another's, on a way by a router on which a program runs."""
    boxes = (client(), router() if forwards else router(sysctls=()), server())
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    network = model_of(World(boxes=boxes, pairs=()))
    wiring = replace(
        network.wiring,
        firewalld={"router": "running"} if program == "firewalld" else {},
        docker=frozenset({"router"} if program == "Docker" else ()),
    )
    network = build_network(configurations, wiring, network.assumptions)
    packet = first_packet(protocol, ip_number(CLIENT), ip_number(destination), port)
    walker = Walker(network, Memory(), unwanted=unwanted)
    return walker.send(packet, "machine", network.machines[sender], Way())


ROUTER = "10.1.0.1"


def test_firewalld_lets_in_ssh_cockpit_and_ping_alone() -> None:
    assert _through("firewalld", ROUTER, port=22).outcome is Outcome.ACCEPTED
    assert _through("firewalld", ROUTER, port=9090).outcome is Outcome.ACCEPTED
    assert _through("firewalld", ROUTER, ICMP).outcome is Outcome.ACCEPTED
    assert _through("firewalld", ROUTER).outcome is Outcome.FILTERED


def test_firewalld_forwards_nothing() -> None:
    end = _through("firewalld", SERVER, port=22)

    assert (end.outcome, str(end.origin).partition(":")[0]) == (Outcome.FILTERED, "firewalld's own rules")


def test_what_firewalld_refuses_is_not_proved_to_be_kept_out() -> None:
    assert _through("firewalld", SERVER, unwanted=True).outcome is Outcome.ACCEPTED


def test_docker_forwards_for_others_where_forwarding_was_on_before() -> None:
    assert _through("Docker", SERVER).outcome is Outcome.ACCEPTED
    assert _through("Docker", SERVER, forwards=False).outcome is Outcome.FORWARDING_OFF


def test_docker_has_a_network_of_its_own() -> None:
    end = _through("Docker", "172.17.0.9", sender="router")

    assert (end.outcome, end.cause) == (Outcome.ARP_UNANSWERED, "docker0 is on no segment")


def test_docker_lets_nothing_from_outside_to_its_containers() -> None:
    assert _through("Docker", "172.17.0.9").outcome is Outcome.FILTERED


_PUBLISHED = (
    PublishedPorts(protocol="tcp", ports=(443, 443), to_port=8443),
    PublishedPorts(protocol="udp", ports=(5000, 5010)),
)


def _balancer(nft: str = "", *, forwards: bool = True) -> Network:
    """A client, a server and a balancer between, whose containers are on Docker's bridge."""
    boxes = (client(), router(nft=nft) if forwards else router(nft=nft, sysctls=()), server())
    network = model_of(World(boxes=boxes, pairs=()))
    wiring = replace(network.wiring, docker=frozenset({"router"}), containers={"router": _PUBLISHED})
    return build_network([read_configuration(delivery_of(box)) for box in boxes], wiring, network.assumptions)


def asked(
    nft: str = "", *, port: int = 443, protocol: str = "tcp", deny: bool = False, forwards: bool = True
) -> FlowResult:
    """A flow from the client to the balancer."""
    flow = Flow(
        name="asked",
        sources=ranges(f"{CLIENT}/32"),
        destinations=ranges(f"{ROUTER}/32"),
        traffic=(Traffic(protocol=protocol, ports=(port, port)),),
        must_arrive=not deny,
    )
    (found,) = verify_network(_balancer(nft, forwards=forwards), [flow]).flows
    return found


_INPUT = nft(["type filter hook input priority filter; policy drop;"])


def test_what_docker_publishes_passes_no_input_chain() -> None:
    assert asked(_INPUT).proved
    assert asked(_INPUT, port=5005, protocol="udp").proved
    assert not asked(_INPUT, port=80).proved
    assert not asked(_INPUT, deny=True).proved
    assert asked(_INPUT, port=80, deny=True).proved


def test_what_docker_publishes_is_forwarded() -> None:
    assert not asked(nft([f"{FORWARD} policy drop;", "ct state established accept"])).proved
    assert not asked(forwards=False).proved


def test_a_container_has_a_port_of_its_own() -> None:
    assert not asked(nft([FORWARD, "tcp dport 8443 drop"])).proved
    assert asked(nft([FORWARD, "tcp dport 443 drop"])).proved


def test_a_denial_before_docker_leads_on_holds() -> None:
    early = nft(["type filter hook prerouting priority mangle;", f"ip daddr {ROUTER} tcp dport 443 drop"])

    assert asked(early, deny=True).proved
    assert asked(nft([FORWARD, 'oifname "docker0" drop']), deny=True).proved


def sent(*, must_arrive: bool = True, nat_allowed: bool = True, nft: str = "") -> Verification:
    """A flow from the balancer to the server."""
    flow = Flow(
        name="sent",
        sources=ranges("10.2.0.1/32"),
        destinations=ranges(f"{SERVER}/32"),
        traffic=(Traffic(protocol="tcp", ports=(8080, 8080)),),
        must_arrive=must_arrive,
        nat_allowed=nat_allowed,
    )
    return verify_network(_balancer(nft), [flow])


def test_containers_send_with_their_nodes_address() -> None:
    assert sent().all_flows_hold
    hidden = sent(nat_allowed=False)
    assert not hidden.all_flows_hold
    (finding,) = [one for one in hidden.findings if one.kind == Outcome.NAT_APPLIED]
    why = "Docker gives what its containers send the node's own address (on the way there)"
    assert (finding.nodes, finding.cause) == (("router",), f"{why}; set docker: {{network: host}}")


def test_containers_send_by_their_nodes_forward_chain() -> None:
    closed = [f"{FORWARD} policy drop;", "ct state established accept"]

    assert not sent(nft=nft(closed)).all_flows_hold
    assert sent(nft=nft([*closed, 'iifname "docker0" accept'])).all_flows_hold


def test_a_denial_holds_for_containers_as_well() -> None:
    of_node = ["type filter hook output priority filter;", f"ip daddr {SERVER} drop"]

    assert not sent(must_arrive=False, nft=nft(of_node)).all_flows_hold
    of_containers = [FORWARD, f"ip saddr 172.17.0.0/16 ip daddr {SERVER} drop"]
    assert sent(must_arrive=False, nft=nft(of_node, of_containers)).all_flows_hold


def _published(flow: Flow, nft: str = "") -> list[str]:
    found = verify_network(_balancer(nft), [flow]).findings
    return [one.cause for one in found if one.kind == Fault.PUBLISHED_PORT]


def test_a_published_port_that_no_flow_mentions_is_found() -> None:
    mentioned = Flow(
        name="web",
        sources=ranges(f"{CLIENT}/32"),
        destinations=ranges(f"{ROUTER}/32"),
        traffic=(Traffic(protocol="tcp", ports=(443, 443)), Traffic(protocol="udp", ports=(5000, 5004))),
    )
    reached = "which no flow mentions; it is reached from 10.1.0.0/24, 10.2.0.0/24"

    assert _published(mentioned) == [f"Docker publishes udp/5005-5010, {reached}"]
    elsewhere = replace(mentioned, destinations=ranges(f"{SERVER}/32"))
    assert sorted(_published(elsewhere)) == [
        f"Docker publishes tcp/443, {reached}",
        f"Docker publishes udp/5000-5010, {reached}",
    ]
    assert _published(elsewhere, nft([FORWARD, 'oifname "docker0" drop'])) == []


def _tell_k3s(delivery: Delivery, told: str) -> Delivery:
    config = Text(path=CONFIG, shown="node:config", text=told, mode=None)
    return replace(delivery, files={**delivery.files, CONFIG: config}) if told else delivery


def _node(*, stated: bool = False, default: bool = True, told: str = "") -> Network:
    """A network of one Kubernetes node, whose default route leaves by its second card."""
    routes = (Route(to="0.0.0.0/0", via="10.2.0.1", dev="e1"), Route(to="10.9.0.0/16", via="10.1.0.1", dev="e0"))
    cards = {"e0": ("s1", ("10.1.0.11/24",)), "e1": ("s2", ("10.2.0.11/24",))}
    box = Box(name="node", cards=cards, routes=routes if default else routes[1:])
    world = World(boxes=(box,), pairs=())
    model = model_of(world, {"10.42.1.0/24": "node"})
    delivery = _tell_k3s(delivery_of(box), told)
    pods = tuple(replace(pod, interface="e0", stated=stated) for pod in model.wiring.pod_networks)
    wiring = replace(model.wiring, pod_networks=pods)
    return build_network([read_configuration(delivery)], wiring, model.assumptions)


def _card(*, stated: bool = False, default: bool = True, told: str = "") -> str:
    """The card that flannel takes on that node."""
    return _node(stated=stated, default=default, told=told).pod_networks[0].interface


@pytest.mark.parametrize(
    ("told", "is_on"), [("", False), ("true", True), ('"TRUE"', True), ("false", False), ("0", False)]
)
def test_k3s_runs_without_what_it_is_told_to_disable(told: str, *, is_on: bool) -> None:
    policies = _node(told=f"disable-network-policy: {told}\n" if told else "")
    proxies = _node(told=f"disable-kube-proxy: {told}\n" if told else "")

    assert policies.policed is not is_on
    assert any("NetworkPolicy" in one for one in state_assumptions(policies)) is not is_on
    assert any("kube-proxy drops" in one for one in state_assumptions(proxies)) is not is_on
    origins = [chain.origin.file for chain in proxies.machines["node"].firewall.chains]
    assert any("kube-proxy" in file for file in origins) is not is_on


def _refusing(told: str = "", *, point: str = "input", servers: tuple[str, ...] = ("node",)) -> Network:
    """A client and a Kubernetes node that refuses whatever comes for it, at a hook, and is one of K3s's servers."""
    nft = f"table inet own {{\nchain c {{\ntype filter hook {point} priority mangle; policy accept;\ndrop\n}}\n}}\n"
    node = Box(name="node", cards={"e0": ("s1", ("10.1.0.11/24",))}, nft=nft)
    asker = Box(name="client", cards={"e0": ("s1", ("10.1.0.9/24",))})
    model = model_of(World(boxes=(asker, node), pairs=()), {"10.42.1.0/24": "node"})
    settled = read_configuration(_tell_k3s(delivery_of(node), told))
    wiring = replace(model.wiring, servers=frozenset(servers))
    return build_network([read_configuration(delivery_of(asker)), settled], wiring, model.assumptions)


def _unrefused(network: Network, *ports: str) -> list[str]:
    """The ports, each with its protocol, of which a flow that must not arrive is not proved."""
    words = [(port, *port.partition("/")[::2]) for port in ports]
    flows = [
        Flow(
            name=port,
            sources=ranges("10.1.0.9/32"),
            destinations=ranges("10.1.0.11/32"),
            traffic=(Traffic(protocol=protocol, ports=(int(number), int(number)) if number else None),),
            must_arrive=False,
        )
        for port, protocol, number in words
    ]
    return [one.flow.name for one in verify_network(network, flows).flows if not one.proved]


_ASKED = ("tcp/22", "tcp/80", "tcp/443", "tcp/30000", "udp/32767", "udp/80", "icmp", "tcp", "any")


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        pytest.param("", ["tcp/80", "tcp/443", "tcp/30000", "udp/32767", "tcp", "any"], id="its-defaults"),
        pytest.param("disable: [traefik]", ["tcp/30000", "udp/32767", "tcp", "any"], id="no-traefik"),
        pytest.param("disable: [x, servicelb]", ["tcp/30000", "udp/32767", "tcp", "any"], id="no-servicelb"),
        pytest.param(
            "disable: coredns\nservice-node-port-range: 22-30",
            ["tcp/22", "tcp/80", "tcp/443", "tcp", "any"],
            id="range",
        ),
    ],
)
def test_no_input_chain_refuses_what_a_service_takes(told: str, taken: list[str]) -> None:
    assert _unrefused(_refusing(told), *_ASKED) == taken
    assert _unrefused(_refusing(told, point="prerouting"), *_ASKED) == []


def test_a_server_of_which_nothing_is_known_has_the_defaults() -> None:
    told = "disable: [traefik]\nservice-node-port-range: 22-30"

    assert _unrefused(_refusing(told, servers=("node", "other")), "tcp/22", "tcp/80", "tcp/30000", "tcp/8080") == [
        *("tcp/22", "tcp/80", "tcp/30000")
    ]
    assert _unrefused(_refusing(told, servers=()), "tcp/22", "tcp/80", "tcp/30000") == ["tcp/80", "tcp/30000"]


def test_a_service_hides_no_answer_and_no_packet_that_must_arrive() -> None:
    network = _refusing()
    packet = first_packet(TCP, ip_number("10.1.0.9"), ip_number("10.1.0.11"), 80)

    assert (
        Walker(network, Memory()).send(packet, "machine", network.machines["client"], Way()).outcome is Outcome.FILTERED
    )


def _of_pods(*, leads: bool, masquerades: bool) -> list[bool]:
    """Whether a client is proved to reach pods, and pods a client, where a plugin other than flannel is there."""
    boxes = (
        Box(name="node", cards={"e0": ("s1", ("10.1.0.11/24",))}, sysctls=("net.ipv4.ip_forward = 1",)),
        client(routes=(Route(to="10.42.1.0/24", via="10.1.0.11", dev="e0"),)),
    )
    model = model_of(World(boxes=boxes, pairs=()), {"10.42.1.0/24": "node"}, "none")
    plugin = Plugin(name="cilium", leads=leads, masquerades=masquerades)
    network = build_network(
        [read_configuration(delivery_of(box)) for box in boxes],
        model.wiring,
        replace(model.assumptions, plugin=plugin),
    )
    ends = ranges(f"{CLIENT}/32"), ranges("10.42.1.0/24")
    flows = [
        Flow(name="one", sources=one, destinations=other, traffic=(Traffic(protocol="udp", ports=(53, 53)),))
        for one, other in (ends, ends[::-1])
    ]
    return [one.proved for one in verify_network(network, flows).flows]


def test_what_a_plugin_does_with_packets_of_pods_is_unknown() -> None:
    assert _of_pods(leads=False, masquerades=False) == [True, True]
    assert _of_pods(leads=False, masquerades=True) == [True, False]
    assert _of_pods(leads=True, masquerades=False) == [False, False]


def test_flannel_takes_the_card_of_the_default_route() -> None:
    assert _card() == "e1"
    assert _card(default=False) == "e0"


def test_flannel_takes_the_card_that_the_topology_states() -> None:
    assert _card(stated=True) == "e0"


def test_flannel_takes_the_card_that_k3s_is_told() -> None:
    assert _card(told="flannel-iface: e1\n", default=False) == "e1"


_ROUTER_DROPS = nft([f"{FORWARD} policy drop;", "ct state established,related accept"])


def _denied(*router_lines: str, client_lines: tuple[str, ...] = (), router_box: Box = SHARED_ROUTER) -> bool:
    """Return whether a denied flow of two networks on one segment is proved, whose router drops it."""
    turning = replace(router_box, nft=_ROUTER_DROPS, sysctls=(*router_box.sysctls, *router_lines))
    boxes = (client(sysctls=client_lines), turning, SHARED_SERVER)
    ends = [((ip_number(ip), ip_number(ip)),) for ip in (CLIENT, SERVER)]
    flow = Flow(
        name="closed", sources=ends[0], destinations=ends[1], traffic=(Traffic(protocol="tcp"),), must_arrive=False
    )
    return verify_network(model_of(World(boxes=boxes, pairs=())), (flow,)).proved


_SILENT = ("net.ipv4.conf.all.send_redirects = 0", "net.ipv4.conf.n0.send_redirects = 0")


def test_a_redirect_leads_round_the_filter_that_drops_the_first_packet() -> None:
    assert not _denied()


def test_a_router_is_silent_if_neither_all_nor_its_card_sends_redirects() -> None:
    assert _denied(*_SILENT)
    assert not _denied(_SILENT[0])
    assert not _denied(_SILENT[1])


def test_a_sender_that_obeys_no_redirect_stays_out() -> None:
    refusing = ("net.ipv4.conf.all.accept_redirects = 0", "net.ipv4.conf.e0.accept_redirects = 0")

    assert _denied(client_lines=refusing)
    assert not _denied(client_lines=refusing[:1])


def test_a_sender_that_forwards_obeys_only_where_all_and_the_card_do() -> None:
    assert _denied(client_lines=("net.ipv4.ip_forward = 1",))
    assert not _denied(client_lines=("net.ipv4.ip_forward = 1", "net.ipv4.conf.all.accept_redirects = 1"))


def test_a_sender_behind_another_router_is_told_nothing() -> None:
    far = replace(
        SHARED_ROUTER,
        cards={"n0": ("s1", ("10.1.0.1/32", "10.2.0.1/24"))},
        routes=(Route(to="10.1.0.10/32", via="10.2.0.9", dev="n0"),),
    )

    assert _denied(router_box=far)


def test_pods_go_round_by_what_their_node_was_told() -> None:
    turning = replace(SHARED_ROUTER, nft=_ROUTER_DROPS)
    obeying = client(sysctls=("net.ipv4.ip_forward = 1", "net.ipv4.conf.all.accept_redirects = 1"))
    pods = ip_number("10.42.1.0")
    closed = Flow(
        name="closed",
        sources=((pods + 2, pods + 254),),
        destinations=((ip_number(SERVER), ip_number(SERVER)),),
        traffic=(Traffic(protocol="udp"),),
        must_arrive=False,
    )
    network = model_of(World(boxes=(obeying, turning, SHARED_SERVER), pairs=()), {"10.42.1.0/24": "client"}, "none")

    assert not verify_network(network, (closed,)).proved


def test_another_address_goes_round_by_what_its_node_was_told() -> None:
    turning, other = replace(SHARED_ROUTER, nft=_ROUTER_DROPS), "10.9.0.1"
    obeying = client(sysctls=("net.ipv4.conf.all.accept_redirects = 1", "net.ipv4.conf.e0.accept_redirects = 1"))
    both = replace(obeying, cards={**obeying.cards, "e1": ("s9", (f"{other}/24",))})
    network = model_of(World(boxes=(both, turning, SHARED_SERVER), pairs=()))

    assert not verify_network(network, (_between("udp", other, SERVER, allow=False),)).proved


def _between(protocol: str, source: str, destination: str, *, allow: bool) -> Flow:
    ends = [((ip_number(ip), ip_number(ip)),) for ip in (source, destination)]
    traffic = (Traffic(protocol=protocol),)
    return Flow(name="f", sources=ends[0], destinations=ends[1], traffic=traffic, must_arrive=allow)


def test_a_denied_gre_flow_that_passes_as_an_answer_is_refuted() -> None:
    one_way = nft([f"{FORWARD} policy drop;", "ct state established,related accept", f"ip saddr {CLIENT} accept"])
    network = model_of(World(boxes=(client(), router(nft=one_way), server()), pairs=()))
    flows = (_between("gre", CLIENT, SERVER, allow=True), _between("gre", SERVER, CLIENT, allow=False))

    assert [result.proved for result in verify_network(network, flows).flows] == [True, False]


def test_vrrp_that_its_group_does_not_bring_is_refuted() -> None:
    one = Box(name="one", cards={"e0": ("s1", ("10.1.0.11/24",))})
    two = Box(name="two", cards={"e0": ("s1", ("10.1.0.12/24",))}, nft=_closed("ip daddr 10.1.0.12 meta l4proto 112"))
    network = model_of(World(boxes=(one, two), pairs=()))

    assert not verify_network(network, (_between("vrrp", "10.1.0.11", "10.1.0.12", allow=True),)).all_flows_hold


def test_k3s_that_is_told_to_disable_nothing_enforces_policies() -> None:
    assert _node(told="disable-network-policy: false\n").policed


def _text(path: str, text: str) -> Text:
    return Text(path=path, shown=f"lb/rootfs{path}", text=text, mode=None)


def _listening(name: str) -> str:
    return f"listen {name}\n\tbind 10.1.0.100:80\n"


def test_haproxy_reads_further_files_by_their_names() -> None:
    names = ("haproxy.cfg", "conf.d/20-b.cfg", "conf.d/10-a.cfg", "conf.d/c.conf", "conf.d/.d.cfg", "conf.d/e/f.cfg")
    files = {f"/etc/haproxy/{name}": _text(f"/etc/haproxy/{name}", _listening(name)) for name in names}
    delivery = Delivery(node="lb", files=files, enabled=frozenset(), libvirt=(), handoff=None, unknown=())

    read = read_balancer(delivery)

    assert read is not None
    assert [proxy.name for proxy in read.proxies] == ["haproxy.cfg", "conf.d/10-a.cfg", "conf.d/20-b.cfg"]


def test_a_sheets_files_are_read_at_their_lines() -> None:
    instance = "vrrp_instance web {\n interface eth0\n virtual_router_id 51\n}\n"
    sections = (("## keepalived", instance), ("## HAProxy", _listening("web")))
    told = "".join(f"{heading}\n\n{indent(text, '    ')}\n" for heading, text in sections)
    sheet = Text(path="", shown="lb/handoff.md", text=f"# lb\n\n{told}", mode=None)
    delivery = Delivery(node="lb", files={}, enabled=frozenset(), libvirt=(), handoff=sheet, unknown=())

    instances, balancer = read_instances(delivery, []), read_balancer(delivery)

    assert balancer is not None
    assert [(one.name, one.origin.line) for one in instances] == [("web", 5)]
    assert [listener.origin.line for proxy in balancer.proxies for listener in proxy.listeners] == [13]
