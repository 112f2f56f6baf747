"""Check that Kubernetes nodes reach what their own programs ask of each other, which no flow has to state.

The ports are those of docs.k3s.io, "Inbound Rules for K3s Nodes", and kubernetes.io, "Ports and Protocols". No cluster
forms where one is closed, but for the kubelet's, by which metrics come.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import first_packet, name_cause, recall, worst
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.k3s_settings import port_of_server
from netwright.verify.network_model.network import Network, Place
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.on_the_way import choose_source
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.reading.formats.k3s import joined_server
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import TCP, UDP, Packet

_ETCD = (2379, 2380)
_KUBELET = 10250
_MOST = 200
"""Number of classes of nodes that are tried at most: one of each class stands for all."""
_FEW = 20
"""Number of classes up to which the pods of each ask those of each other; of more all ask one, and it asks all."""


class _Question(Struct, frozen=True, kw_only=True):
    """What the nodes of one class ask of an address; `blamed` are the nodes to which it belongs."""

    asker: str
    ip: AddressNumber
    port: int
    said: str
    blamed: tuple[str, ...]


def check_cluster_ports(network: Network, memory: Memory, symmetry: Symmetry, findings: Findings) -> None:
    """Add a warning for each port that is not reached, or whose answer does not come back, at the node that has it; at
    the asker where that is not known. What is not known is found elsewhere."""
    _check_pods(network, memory, symmetry, findings)
    for question in _questions(network, symmetry):
        machine, place = network.machines[question.asker], network.place_of(question.ip)
        _, source = choose_source(machine, question.ip)
        if place is None or machine.owns(question.ip) or source is None:
            continue
        packet = first_packet(TCP, AddressNumber(source), question.ip, question.port)
        result = worst(recall(network, memory, packet, Place(kind="machine", machine=machine), nat_allowed=True))
        if result.outcome.keeps_out:
            way = "back" if result.back else "there"
            cause = f"{question.said}: {name_cause(network, result)} (on the way {way}); a flow lets it through"
            for node in question.blamed:
                findings.add(result.outcome, cause, node, severity=Severity.WARNING, origin=result.end.origin)


def _check_pods(network: Network, memory: Memory, symmetry: Symmetry, findings: Findings) -> None:
    """Add a warning, at the machine at fault, where pods do not reach those of other nodes for names, or a server's
    API, to which kube-proxy leads what is for their Services. Other plugins than flannel have ways of their own."""
    if network.assumptions.cni == "none":
        return
    asked: dict[tuple[str, Outcome, str], None] = {}
    for packet, said in _questions_of_pods(network, symmetry):
        place = network.place_of(packet.source)
        target = network.place_of(packet.destination)
        if place is None or target is None or target == place:
            continue
        result = worst(recall(network, memory, packet, place, nat_allowed=True))
        end = result.end
        if not result.outcome.keeps_out or (end.machine.name, result.outcome, said) in asked:
            continue
        asked[end.machine.name, result.outcome, said] = None
        way = "back" if result.back else "there"
        cause = f"{said}: {name_cause(network, result)} (on the way {way}); a flow lets it through"
        findings.add(result.outcome, cause, end.machine.name, severity=Severity.WARNING, origin=end.origin)


def _questions_of_pods(network: Network, symmetry: Symmetry) -> Iterator[tuple[Packet, str]]:
    wiring = network.wiring
    pods = {one.node: AddressNumber(one.network.first + 2) for one in network.pod_networks}
    members = _by_class(sorted(pods.keys() & network.machines.keys() & (wiring.servers | wiring.agents)), symmetry)
    servers = _by_class(sorted(wiring.servers & network.machines.keys()), symmetry)
    addresses = _addresses(network)
    has_names = not any("coredns" in one["disable"].values for one in network.k3s.values() if "disable" in one)
    pairs = (
        _pairs(members, members)
        if len(members) <= _FEW
        else (*_pairs(members[:1], members), *_pairs(members, members[:1]))
    )
    for asker, asked, _ in pairs if has_names else ():
        yield first_packet(UDP, pods[asker], pods[asked], 53), "pods do not reach the cluster's name server (udp/53)"
    for several in members:
        for server, *_ in servers:
            port = port_of_server(network.k3s.get(server, {}), wiring)
            if server in addresses:
                packet = first_packet(TCP, pods[several[0]], addresses[server], port)
                yield packet, f"pods do not reach the API (tcp/{port})"


def _questions(network: Network, symmetry: Symmetry) -> Iterator[_Question]:
    wiring = network.wiring
    servers = _by_class(sorted(wiring.servers & network.machines.keys()), symmetry)
    agents = _by_class(sorted(wiring.agents & network.machines.keys()), symmetry)
    addresses = _addresses(network)
    if not any("datastore-endpoint" in network.k3s.get(name, {}) for name in wiring.servers):
        for asker, asked, members in _pairs(servers, servers):
            for port in _ETCD:
                said = f"other servers do not reach its etcd (tcp/{port})"
                yield from _asks(asker, addresses.get(asked), port, said, members)
    for asker, asked, members in (*_pairs(servers, servers), *_pairs(servers, agents)):
        yield from _asks(
            asker, addresses.get(asked), _KUBELET, f"servers do not reach its kubelet (tcp/{_KUBELET})", members
        )
    for asker, asked, members in (*_pairs(servers, servers), *_pairs(agents, servers)):
        port = port_of_server(network.k3s.get(asked, {}), wiring)
        yield from _asks(asker, addresses.get(asked), port, f"nodes do not reach its API (tcp/{port})", members)
    for members in (*servers, *agents):
        for url, joining in _told(network, members).items():
            joined = joined_server(url)
            if joined is not None:
                said = f"does not reach the server that K3s is to join ({url})"
                yield from _asks(joining[0], joined[0], joined[1], said, tuple(joining))


def _told(network: Network, members: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the servers that nodes are told to join, each with its nodes; the first of the cluster joins none."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in members:
        told = network.k3s.get(name, {}).get("server")
        if told is not None and told.values:
            found[told.values[0]].append(name)
    return found


def _asks(asker: str, ip: AddressNumber | None, port: int, said: str, blamed: tuple[str, ...]) -> Iterator[_Question]:
    if ip is not None:
        yield _Question(asker=asker, ip=ip, port=port, said=said, blamed=blamed)


def _by_class(names: Sequence[str], symmetry: Symmetry) -> tuple[tuple[str, ...], ...]:
    """Return the names of each class of equivalent nodes."""
    found: dict[int, list[str]] = defaultdict(list)
    for name in names:
        found[symmetry.classes[name]].append(name)
    return tuple(map(tuple, found.values()))[:_MOST]


def _pairs(
    askers: Sequence[tuple[str, ...]], asked: Sequence[tuple[str, ...]]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield an asker and an asked node for each two classes, with all nodes of the second."""
    for several in askers:
        for members in asked:
            other = next((name for name in members if name != several[0]), None)
            if other is not None:
                yield several[0], other, members


def _addresses(network: Network) -> Mapping[str, AddressNumber]:
    """Return the address by which Kubernetes knows each node: that of flannel's card, else its first."""
    cards = {pod.node: pod.interface for pod in network.wiring.pod_networks}
    found: dict[str, AddressNumber] = {}
    for one in network.wiring.addresses:
        if one.node not in found and cards.get(one.node, one.interface) == one.interface:
            found[one.node] = one.ip
    return found
