"""Under which assumptions a proof holds, in words."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.parameters import SYSTEM_SYSCTLS
from netwright.verify.network_model.programs import DOCKER_NETWORK
from netwright.verify.proof.classes import TrafficClass
from netwright.verify.proof.held_assumptions import state_holders
from netwright.verify.proof.live_assumptions import state_records
from netwright.verify.reading.nft_judge import is_usable
from netwright.verify.values.addresses import format_ip, is_public, parse_ip
from netwright.verify.values.facts import MAIN_TABLE, Kind
from netwright.verify.values.wiring import Assumptions, Exit, HeldAddress

_NAMED = 20
"""Number of nodes a sentence names at most."""

_SAMPLED = "loops, black holes and leaks that no flow meets were sought between 10,000 pairs of places, not all"
_CNI = {
    "vxlan": "flannel runs with backend vxlan: its tunnels reach the pod networks, and its masquerade rules hold",
    "wireguard-native": "flannel runs with backend wireguard-native: its nodes know each other's keys, and its "
    "masquerade rules hold",
    "host-gw": "flannel runs with backend host-gw: nodes route pod networks directly, and its masquerade rules hold",
}


def state_assumptions(
    network: Network, hidden: Sequence[str] = (), *, held: Sequence[HeldAddress] = (), sampled: bool = False
) -> tuple[str, ...]:
    """One sentence an assumption, only those that this network depends on. `hidden` are the machines that would send
    packets for pods to the internet, if one knew of pods there. `held` are the virtual addresses at all their holders.
    `sampled`: loops and the like were sought between some places only."""
    sentences = (
        _pods(network),
        _hidden(hidden),
        _bridged(network),
        _exits(network),
        _forwards(network),
        _sheets(network),
        _devices(network),
        _vouched(network),
        _first_boots(network),
        _leases(network),
        _tunnels(network),
        state_holders(network, held),
        state_records(network),
        _parameters(network),
        _marks(network),
        _next_hops(network),
        _loading(network),
        _large_packets(network),
        _programs(network),
        [_SAMPLED] if sampled else [],
        _others(network),
    )
    return tuple(sentence for part in sentences for sentence in part)


def _others(network: Network) -> Iterator[str]:
    if any(name not in network.collected for name in network.machines):
        yield f"nothing else on the {'other ' if network.collected else ''}machines adds routes or rules"


def _pods(network: Network) -> Iterator[str]:
    """Assumptions about the CNI, kube-proxy, Services and NetworkPolicies, where nodes have pods."""
    assumptions, services = network.assumptions, network.wiring.services
    if network.wiring.pod_networks:
        is_read = all(pod.node in network.collected for pod in network.pod_networks)
        if not is_read or (assumptions.plugin is not None and assumptions.plugin.leads):
            yield _plugin(assumptions)
        if assumptions.kube_proxy_drops_invalid and not is_read:
            yield "kube-proxy drops packets in ct state invalid on Kubernetes nodes"
        if services is not None:
            yield f"service addresses ({services}) are kube-proxy's matter and are not judged"
        yield from _services(network)
        yield from () if is_read else _policies(network)
        yield from _flannel_cards(network)


def _plugin(assumptions: Assumptions) -> str:
    """What the network plugin is taken to do."""
    plugin = assumptions.plugin
    if plugin is None:
        return _CNI.get(assumptions.cni, "pods are attached to their nodes; no rules of a CNI are assumed")
    name = "the network plugin" if plugin.name == "other" else plugin.name
    if plugin.leads:
        return f"{name} leads packets of pods by ways of its own, which are not judged, and filters nothing else"
    return f"{name} hands what comes to a node for its pods to them with its source as it is, and filters nothing"


def _hidden(hidden: Sequence[str]) -> Iterator[str]:
    if hidden:
        names = list_some(sorted(hidden, key=natural_key), _NAMED)
        yield f"no packet for pods comes to {names}: the cluster hides the addresses of its pods from them"


def _bridged(network: Network) -> Iterator[str]:
    """Assumptions about segments that are a host's bridge."""
    bridges = (segment.bridge[0].name for segment in network.segments.values() if segment.bridge is not None)
    hosts = dict.fromkeys(name for name in bridges if name not in network.collected)
    if hosts:
        on = [name for name in hosts if network.machines[name].bridge_nf]
        if on:
            yield f"bridge-nf-call-iptables is 1 on {', '.join(on)}"
        else:
            yield "bridge-nf-call-iptables is 0: bridged frames pass no ip rules"
        if network.assumptions.libvirt_rules:
            yield "libvirt adds the rules of each network's forward mode (none for open)"


def _exits(network: Network) -> Iterator[str]:
    translates = network.assumptions.internet_translates
    for stated in network.wiring.exits:
        found = network.machines[stated.node].exit if stated.node in network.collected else None
        one = stated if found is None else found
        yield _describe_exit(one, translates=translates and one.node in network.unmanaged)


def _forwards(network: Network) -> Iterator[str]:
    """Assumptions about addresses at which routers listen for the internet, and which it may not reach by itself."""
    asked: dict[str, dict[str, None]] = {}
    for forward in network.wiring.forwards:
        if forward.from_internet and (forward.ip is None or not is_public(forward.ip)):
            at = (
                f"{format_ip(forward.ip)} of {forward.node}"
                if forward.ip is not None
                else f"an address of {forward.node}'s own"
            )
            asked.setdefault(at, {})[forward.name] = None
    for address, names in asked.items():
        yield f"what the internet sends to {address} for {list_some([*names], _NAMED)} comes there"


def _sheets(network: Network) -> Iterator[str]:
    if network.unmanaged:
        yield f"the hand-off sheets are followed: {', '.join(network.unmanaged)}"


def _first_boots(network: Network) -> Iterator[str]:
    if len(network.twofold) > 1:
        names = list_some(network.twofold, _NAMED)
        yield f"{names} differ on their first boot: all of them are on it, or all are past it"


def _parameters(network: Network) -> Iterator[str]:
    """Assumptions about kernel parameters that no file of ours sets."""
    if network.assumptions.system_sysctls:
        by_files = [system for node, system in network.wiring.systems.items() if node not in network.collected]
        systems = sorted({system for system in by_files if system in SYSTEM_SYSCTLS})
        yield from (f"{system}'s own sysctl.d: {_one_line(SYSTEM_SYSCTLS[system])}" for system in systems)
    if any(machine.parameters.relaxed for machine in network.machines.values()):
        yield "NetworkManager makes a strict rp_filter loose on a card with a default route, as 1.42 does"


def _large_packets(network: Network) -> Iterator[str]:
    if network.unmanaged:
        yield "unmanaged devices take what their neighbours send, however large, unless the sheet sets an MTU"


def _leases(network: Network) -> Iterator[str]:
    """Assumptions about DHCP servers that are not known."""
    leased = [f"{format_ip(one.ip)} to {one.interface} of {one.node}" for one in network.assumed_leases]
    if leased:
        yield f"DHCP servers lease {list_some(leased, _NAMED)}"


def _tunnels(network: Network) -> Iterator[str]:
    """Assumptions about WireGuard: keys that are only on the machines, and endpoints that only the topology knows."""
    keys, endpoints = [], []
    for node, links in network.wiring.links.items():
        for link in links:
            if link.tunnel is not None:
                keys.append(f"{link.tunnel.key_file} of {node}")
                host = (link.tunnel.endpoint or "").rpartition(":")[0]
                if host and parse_ip(host) not in network.owners:
                    endpoints.append(f"{link.tunnel.endpoint} leads to {link.name} of {node}")
    if keys:
        names = list_some(sorted(keys, key=natural_key), _NAMED)
        yield f"the private keys belong to the public ones of the topology: {names}"
    yield from endpoints


def _devices(network: Network) -> Iterator[str]:
    """Assumptions about devices of which no file tells, and about what passes from port to port of a bridge."""
    for node in network.unmanaged:
        devices = [link.name for link in network.wiring.links.get(node, ()) if link.kind not in (None, Kind.WIREGUARD)]
        if devices:
            names = list_some(devices, _NAMED)
            yield f"{node} has {names} as in the topology; its hand-off sheet does not ask for that"
    filtered = [
        f"{bridge} of {machine.name}"
        for machine in network.machines.values()
        for bridge in (machine.bridges if machine.bridge_nf else ())
    ]
    if filtered:
        names = list_some(filtered, _NAMED)
        yield f"ip rules refuse nothing that {names} passes from port to port (bridge-nf-call-iptables is 1 there)"


def _marks(network: Network) -> Iterator[str]:
    """Assumptions about marks of packets: a rule of a file's that sets one is not known."""
    if any(rule.mark for machine in network.machines.values() for rule in machine.fib.rules):
        yield "no program gives packets the marks that policy rules ask for"


def _next_hops(network: Network) -> Iterator[str]:
    """Assumptions about routes with several next hops."""
    tables = (table for machine in network.machines.values() for table in machine.fib.tables.values())
    if any(hop is not None and hop.ways for table in tables for hop in table.hops):
        yield "what goes from one address to another keeps to one next hop of each route; every one of them was tried"


def _loading(network: Network) -> Iterator[str]:
    """Assumptions about the way from files to the kernel."""
    if network.fetching:
        yield f"Ignition can fetch what its config names by URL: {', '.join(network.fetching)}"
    if _has_rulesets(network) and not is_usable():
        yield "nft, which can't be run here, loads every ruleset of which the reader knows each word"
    if network.long:
        names = list_some(network.long, _NAMED)
        yield f"nft loads the rules of {names}, each word of which it knows; so many it takes from root alone"


def _has_rulesets(network: Network) -> bool:
    """Return whether a file, not only another program, brings rules."""
    return any(
        chain.origin.file.startswith(f"{machine.name}/")
        for machine in network.machines.values()
        for chain in machine.firewall.chains
        if machine.name not in network.collected
    )


def _services(network: Network) -> Iterator[str]:
    """What kube-proxy takes at addresses of nodes."""
    ports = " and ".join(
        str(TrafficClass(protocol=protocol, ports=ranges)) for protocol, ranges in network.node_ports.items()
    )
    yield f"where a Service has {ports} of Kubernetes nodes, what comes there is judged to the node, not to its pods"


def _policies(network: Network) -> Iterator[str]:
    """Assumptions about NetworkPolicies, which the API server holds."""
    if network.policed:
        yield "no NetworkPolicy refuses what a flow of pods asks for, as K3s would have it do"


def _flannel_cards(network: Network) -> Iterator[str]:
    """The cards by which flannel reaches other nodes."""
    if network.assumptions.cni not in _CNI:
        return
    cards: dict[str, dict[str, None]] = {}
    for pod in network.pod_networks:
        cards.setdefault(pod.interface, {})[pod.node] = None
    for card, nodes in sorted(cards.items()):
        yield f"flannel's card is {card} on {list_some(sorted(nodes, key=natural_key), _NAMED)}"
    lost = [node for nodes in cards.values() for node in nodes if not _has_default(network.machines[node])]
    lost = [node for node in lost if node not in network.collected]
    if lost:
        names = list_some(sorted(lost, key=natural_key), _NAMED)
        yield f"K3s starts on {names} without a default route: its flannel-iface and node-ip are set"


def _has_default(machine: Machine) -> bool:
    main = machine.fib.tables.get(MAIN_TABLE)
    hop = main.find(0) if main is not None else None
    return hop is not None and hop.kind == "unicast"


def _programs(network: Network) -> Iterator[str]:
    """Assumptions about firewalld and Docker, with the nodes."""
    states = {name: state for name, state in network.wiring.firewalld.items() if name not in network.collected}
    running = [name for name, machine in network.machines.items()
               if "firewalld" in machine.programs and not machine.firewalld]  # fmt: skip
    own = sorted((name for name, machine in network.machines.items() if machine.firewalld), key=natural_key)
    absent = [name for name, state in states.items() if state == "absent"]
    unstated = [name for name, state in states.items() if state == "unstated" and name not in running]
    if running:
        yield f"firewalld runs on {list_some(running, _NAMED)}: its zone public lets in ssh, cockpit, ping and answers"
    if own:
        yield f"firewalld on {list_some(own, _NAMED)} loads the rules of its files, as 1.3 does with nftables"
        early = [name for name in own if states.get(name) == "managed"]
        if early:
            yield (
                f"until firewalld is installed at the end of the first boot nothing of what comes to "
                f"{list_some(early, _NAMED)} is refused"
            )
    if absent:
        yield f"firewalld is absent from {list_some(absent, _NAMED)}"
    if unstated:
        yield f"firewalld does not run on {list_some(unstated, _NAMED)}, where the topology does not have it"
    docker = network.wiring.docker - network.collected.keys()
    containers = {name: one for name, one in network.wiring.containers.items() if name in docker}
    if silent := sorted(docker - containers.keys(), key=natural_key):
        names = list_some(silent, _NAMED)
        yield f"Docker on {names} has its default bridge ({DOCKER_NETWORK}) alone, and publishes no port of a flow"
    if containers:
        names = list_some(sorted(containers, key=natural_key), _NAMED)
        publishes = "publishes the ports of the topology at all addresses of the node, as 20.10 and 28 do it"
        yield f"Docker on {names} has its default bridge ({DOCKER_NETWORK}) alone, and {publishes}"


def _describe_exit(way_out: Exit, *, translates: bool) -> str:
    if translates:
        private = "translates the private sources of what leaves for the internet"
        return f"{way_out.node} forwards, and {private}, where public ones are known"
    if way_out.interface is None or way_out.gateway is None:
        return f"{way_out.node} has a default route to the internet by an interface that the topology does not describe"
    near = f"the network that {way_out.node} has on {way_out.interface}"
    return f"{format_ip(way_out.gateway)} leads to the internet, and knows public addresses and {near}"


def _vouched(network: Network) -> Iterator[str]:
    """The files that are trusted, each once with its nodes."""
    nodes: dict[str, list[str]] = defaultdict(list)
    for node, files in network.vouched.items():
        for file in files:
            nodes[file].append(node)
    for file, names in nodes.items():
        yield f"{file} leaves the network alone on {list_some(names, _NAMED)}, by the topology (trust)"


def _one_line(text: str) -> str:
    return "; ".join(line.replace(" = ", "=") for line in text.strip().split("\n"))
