"""Check what K3s's nodes are told of each other: their names, the API's port, proxies, and whom pods ask for names.

What contradicts the topology at one node alone is found as its configuration is read (network_model.k3s_settings).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from netwright.text.counting import list_some
from netwright.text.report import Severity
from netwright.verify.network_model.k3s_settings import port_of_server
from netwright.verify.network_model.network import Network
from netwright.verify.proof.findings import Findings
from netwright.verify.reading.formats.k3s import K3sSetting, is_on, joined_server
from netwright.verify.values.addresses import AddressNumber, format_ip, parse_host_or_prefix
from netwright.verify.values.outcome import Fault

_SHOWN = 3


def check_k3s_nodes(network: Network, findings: Findings) -> None:
    """Adds settings of K3s by which its nodes do not find each other: errors, and a warning for a proxy, which may lead
    to the nodes as well."""
    nodes = sorted((network.wiring.servers | network.wiring.agents) & network.machines.keys())
    for name, same in _named_alike(network, nodes).items():
        for node in same:
            cause = f"K3s lets in one of {list_some(same, _SHOWN)}: all have the name {name} there; set node-name"
            told = network.k3s.get(node, {}).get("node-name")
            findings.add(Fault.WRONG_K3S_SETTING, cause, node, origin=told.origin if told is not None else None)
    addresses = _addresses(network)
    for node in nodes:
        settings = network.k3s.get(node, {})
        resolver, server = settings.get("resolv-conf"), settings.get("server")
        if resolver is not None and resolver.fault is not None:
            cause = f"K3s is told to hand pods a file by resolv-conf, and {resolver.fault}"
            findings.add(Fault.WRONG_K3S_SETTING, cause, node, origin=resolver.origin)
        if server is not None:
            _check_port(network, node, server, findings)
        if "HTTPS_PROXY" in settings:
            _check_proxy(settings, node, addresses, findings)


def _named_alike(network: Network, nodes: list[str]) -> dict[str, list[str]]:
    """Return the nodes of each name that several have; K3s writes it in small letters."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        told = network.k3s.get(node, {})
        if not is_on(told, "with-node-id"):
            name = told["node-name"].values[0] if "node-name" in told and told["node-name"].values else node
            found[name.lower()].append(node)
    return {name: same for name, same in found.items() if len(same) > 1}


def _check_port(network: Network, node: str, server: K3sSetting, findings: Findings) -> None:
    for value in server.values:
        if not value.lower().startswith("https://"):
            cause = f"K3s is told to join {value}, and takes only what begins with https://"
            findings.add(Fault.WRONG_K3S_SETTING, cause, node, origin=server.origin)
            continue
        joined = joined_server(value)
        served = _served(network, joined[0]) if joined is not None else None
        if joined is not None and served and joined[1] not in served:
            ports = " or ".join(str(one) for one in sorted(served))
            cause = f"K3s is told to join {value}, and its API is at port {ports} there"
            findings.add(Fault.WRONG_K3S_SETTING, cause, node, origin=server.origin)


def _served(network: Network, ip: AddressNumber) -> set[int]:
    """Return the ports at which the API may be at an address, none if that is not known."""
    wiring = network.wiring
    own = wiring.owners.get(ip)
    holders = [held.node for held in wiring.held if held.ip == ip] if own == "" else [own] if own else []
    ports = {one.port for one in wiring.served if one.ip == ip and one.servers}
    for holder in holders:
        here = {*_led_on(network, holder, ip)}
        if holder in wiring.servers:
            here.add(port_of_server(network.k3s.get(holder, {}), wiring))
        if not here:
            return set()  # another program may lead on from any
        ports |= here
    return ports


def _led_on(network: Network, node: str, ip: AddressNumber) -> Iterator[int]:
    """Yield the ports at which a node's HAProxy and its containers take what comes to an address."""
    balancer = network.balancers.get(node)
    ranges = [one.ports for one in network.wiring.containers.get(node, ()) if one.protocol == "tcp"]
    if balancer is not None:
        ranges += [listener.ports for listener, _ in balancer.leads() if listener.ip in (None, ip)]
    for first, last in ranges:
        yield from range(first, last + 1)


def _check_proxy(
    settings: Mapping[str, K3sSetting], node: str, addresses: Mapping[str, AddressNumber], findings: Findings
) -> None:
    """The nodes' addresses belong into NO_PROXY; K3s adds the cluster's own networks itself (docs.k3s.io, "Configuring
    an HTTP proxy")."""
    proxy, spared = settings["HTTPS_PROXY"], settings["NO_PROXY"].values if "NO_PROXY" in settings else ()
    networks = tuple(filter(None, (parse_host_or_prefix(one.strip().partition(":")[0]) for one in spared)))
    if "*" in spared or not any(proxy.values):
        return
    missed = [one for one, ip in addresses.items() if not any(ip in network for network in networks)]
    if any(one != node for one in missed):
        which = list_some([format_ip(addresses[one]) for one in missed], _SHOWN)
        cause = f"K3s asks nodes through {proxy.values[0]}, as NO_PROXY does not name {which}; name the nodes' networks"
        findings.add(Fault.WRONG_K3S_SETTING, cause, node, severity=Severity.WARNING, origin=proxy.origin)


def _addresses(network: Network) -> Mapping[str, AddressNumber]:
    """The first address of each node of Kubernetes."""
    members = network.wiring.servers | network.wiring.agents
    found: dict[str, AddressNumber] = {}
    for one in network.wiring.addresses:
        if one.node in members:
            found.setdefault(one.node, one.ip)
    return found
