"""Random valid topologies, as documents: networks behind one router, nodes of every system, and what nodes can say."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Document = dict[str, Any]

SYSTEMS = ("flatcar", "rocky8", "rocky9", "rocky10", "almalinux8", "almalinux9", "almalinux10")
SYSCTLS = ("net.core.somaxconn", "net.ipv4.tcp_syncookies", "vm.swappiness", "net.ipv4.conf.eth0.send_redirects")
NODE_NAMES = ("api", "db", "edge-1", "lb1", "lb2", "master1", "node2", "node10", "worker2", "worker10")
ROUTER = "gw"


def optional(draw: DrawFn, document: Document, key: str, values: SearchStrategy[Any]) -> None:
    """Put a key into a mapping, or not."""
    if draw(st.booleans()):
        document[key] = draw(values)


def ips(network: int) -> SearchStrategy[str]:
    """Addresses that no node of ours has."""
    return st.integers(200, 254).map(lambda host: f"10.{network}.0.{host}")


@st.composite
def traffic(draw: DrawFn) -> Any:
    """Draw what a firewall rule allows or denies."""
    if draw(st.booleans()):
        return "any"
    known = ("icmp", "esp", "vrrp", "tcp/22", "tcp/8000-8100", "udp/53", "sctp", "tcp/6443", "udp/8472")
    return draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True))


@st.composite
def chains(draw: DrawFn, ends: tuple[str, ...]) -> Document:
    """A chain of the firewall, whose rules speak of the given ends."""
    some_ends = st.lists(st.sampled_from(ends), min_size=1, max_size=3, unique=True)
    chain: Document = {}
    optional(draw, chain, "policy", st.sampled_from(("accept", "drop")))
    rules = []
    for _ in range(draw(st.integers(0, 3))):
        rule: Document = {draw(st.sampled_from(("allow", "deny"))): draw(traffic())}
        optional(draw, rule, "from", some_ends)
        optional(draw, rule, "to", some_ends)
        optional(draw, rule, "comment", st.sampled_from(("administration", "API by its address")))
        rules.append(rule)
    return chain | {"rules": rules}


@st.composite
def masquerades(draw: DrawFn, out: str, ends: tuple[str, ...]) -> Document:
    """Whose packets leave by an interface with the node's own address."""
    some_ends = st.lists(st.sampled_from(ends), min_size=1, max_size=3, unique=True)
    masquerade: Document = {"from": draw(some_ends), "out": out}
    optional(draw, masquerade, "except", some_ends)
    return masquerade


@st.composite
def flows(draw: DrawFn, ends: tuple[str, ...]) -> Document:
    """Draw flows: what must work."""
    return {
        "from": [draw(st.sampled_from(ends))],
        "to": [draw(st.sampled_from(ends))],
        "allow": draw(traffic()),
    }


@st.composite
def node_settings(draw: DrawFn, ends: tuple[str, ...]) -> Document:
    """Draw settings for nodes of any managed system, and groups for them."""
    said: Document = {}
    optional(draw, said, "dns", st.lists(ips(0), max_size=3, unique=True))
    optional(draw, said, "domain", st.sampled_from(("cluster.example", "lab")))
    optional(draw, said, "rp_filter", st.sampled_from(("off", "loose")))
    optional(draw, said, "sysctl", st.dictionaries(st.sampled_from(SYSCTLS), st.integers(0, 9), max_size=3))
    optional(draw, said, "firewall", st.fixed_dictionaries({"input": chains(ends), "forward": chains(ends)}))
    return said


@st.composite
def routes(draw: DrawFn, *, towards: int, via: str) -> list[Document]:
    """Routes to networks beyond the router, each to a destination of its own."""
    found = []
    for number in draw(st.lists(st.integers(0, 30), max_size=4, unique=True)):
        route: Document = {"to": f"10.{towards}.{number}.0/24", "via": via}
        optional(draw, route, "metric", st.integers(1, 1000))
        optional(draw, route, "mtu", st.integers(1280, 1500))
        found.append(route)
    return found


@st.composite
def nodes(draw: DrawFn, name: str, number: int, networks: Mapping[str, int], ends: tuple[str, ...]) -> Document:
    """A managed node on one or two of the networks; `number` tells its addresses from those of others.

    The first one is on one network only, so that it never becomes a way between two.
    """
    node: Document = {"os": draw(st.sampled_from(SYSTEMS))} | draw(node_settings(ends))
    on = draw(st.lists(st.sampled_from(sorted(networks)), min_size=1, max_size=min(number, 2), unique=True))
    node["interfaces"] = {}
    for place, network in enumerate(on):
        interface: Document = {"network": network, "address": f"10.{networks[network]}.0.{10 + number}"}
        optional(draw, interface, "mac", st.just(f"52:54:00:00:{number:02x}:{place:02x}"))
        optional(draw, interface, "mtu", st.integers(1400, 1500))
        node["interfaces"][f"eth{place}"] = interface
    first = networks[on[0]]
    if len(on) > 1:
        node["default_route"] = {"via": f"10.{first}.0.1"}
    optional(draw, node, "hostname", st.just(f"{name}.cluster.example"))
    optional(draw, node, "routes", routes(towards=100, via=f"10.{first}.0.1"))
    optional(draw, node, "masquerade", st.lists(masquerades("eth0", ends), max_size=2))
    if node["os"] in {"rocky8", "rocky9", "almalinux8", "almalinux9"}:
        optional(draw, node, "network_config", st.sampled_from(("ifcfg", "keyfile")))
    if node["os"] == "flatcar":
        optional(draw, node, "butane_version", st.sampled_from(("1.0.0", "1.1.0")))
        optional(draw, node, "local_files_mib", st.sampled_from((1, 1024)))
        optional(draw, node, "dropins_only", st.booleans())
    if draw(st.booleans()):
        node |= {"kubernetes": draw(st.sampled_from(("server", "agent"))), "pod_cidr": f"10.42.{number}.0/24"}
        optional(draw, node, "ip_masq_agent", st.just({"non_masquerade_cidrs": ["10.0.0.0/8", "192.0.2.0/24"]}))
    return node


@st.composite
def topologies(draw: DrawFn, *, fewest_nodes: int = 0) -> Document:
    """A topology with a router, one to three networks behind it, groups, and up to six nodes.

    No rule names the last node itself: without it the topology is valid as well, if its groups have other nodes.
    """
    names = draw(st.permutations(("back", "front", "lan")))[: draw(st.integers(1, 3))]
    networks = {name: number for number, name in enumerate(names, 1)}
    named = draw(st.lists(st.sampled_from(NODE_NAMES), min_size=fewest_nodes, max_size=6, unique=True))
    groups = st.lists(st.sampled_from(("all", "even", "odd")), max_size=3, unique=True)
    members = {name: draw(groups) for name in named}
    known_groups = tuple(dict.fromkeys(group for name in named for group in members[name]))
    ends = (*names, *known_groups, *named[:-1])
    rule_ends = (*ends, ROUTER, "pods", "services", "10.77.0.0/16", "192.0.2.1")
    topology: Document = {
        "version": 1,
        "name": draw(st.sampled_from(("a", "lab-1"))),
        "networks": {name: {"cidr": f"10.{number}.0.0/24", "router": ROUTER} for name, number in networks.items()},
        "kubernetes": {"pods": {"cidr": "10.42.0.0/16"}, "services": {"cidr": "10.43.0.0/16"}},
        "groups": {group: draw(node_settings(rule_ends)) for group in known_groups},
        "nodes": {ROUTER: draw(routers(networks))},
    }
    optional(draw, topology, "flows", st.dictionaries(st.sampled_from(("one", "two")), flows(ends), max_size=2))
    optional(draw, topology, "dns", st.lists(ips(0), max_size=2, unique=True))
    optional(draw, topology, "domain", st.just("cluster.example"))
    for number, name in enumerate(reversed(named), 1):
        node = draw(nodes(name, number, networks, rule_ends))
        topology["nodes"][name] = node | {"groups": members[name]}
    return topology


@st.composite
def routers(draw: DrawFn, networks: Mapping[str, int]) -> Document:
    """The router of all networks: somebody else's device, or a machine of ours."""
    router: Document = {"os": draw(st.sampled_from(("unmanaged", "flatcar", "rocky10"))), "forward": True}
    router["interfaces"] = {
        f"lan{number}": {"network": network, "address": f"10.{number}.0.1"} for network, number in networks.items()
    }
    if draw(st.booleans()):
        router["internet"] = True
    if router["os"] != "unmanaged":
        router["default_route"] = "none"
    return router


@st.composite
def shuffled(draw: DrawFn, document: Document) -> Document:
    """The same document with the keys of every mapping in another order."""
    return {key: draw(_shuffled_value(document[key])) for key in draw(st.permutations(list(document)))}


def _shuffled_value(value: Any) -> SearchStrategy[Any]:
    if isinstance(value, dict):
        return shuffled(value)
    if isinstance(value, list):
        return st.tuples(*map(_shuffled_value, value)).map(list)
    return st.just(value)


def write_flow(document: Document) -> str:
    """The document in YAML's flow style, which is JSON."""
    return json.dumps(document)


def write_indented(document: Document) -> str:
    """The document as indented JSON."""
    return json.dumps(document, indent=7)


def write_block(document: Document) -> str:
    """The document in YAML's block style."""
    return yaml.safe_dump(document, sort_keys=False)


def write_commented(document: Document) -> str:
    """The document in block style, with comments and empty lines in all places that take them."""
    lines = yaml.safe_dump(document, sort_keys=False, width=1000).splitlines()
    return "# first\n\n" + "".join(f"{line}  # {number}\n# and\n\n" for number, line in enumerate(lines))


def write_for_windows(document: Document) -> str:
    """The document in block style with a byte order mark and CRLF."""
    return "\ufeff" + write_block(document).replace("\n", "\r\n")


Style = Callable[[Document], str]

STYLES: Mapping[str, Style] = {
    "flow": write_flow,
    "indented": write_indented,
    "block": write_block,
    "commented": write_commented,
    "for Windows": write_for_windows,
}
