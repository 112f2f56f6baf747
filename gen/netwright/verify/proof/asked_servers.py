"""Check that nodes reach their name and time servers, which no flow has to ask for."""

from collections.abc import Iterator

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import Result, first_packet, name_cause, recall, worst
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network, Place
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.on_the_way import choose_source
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.values.addresses import AddressNumber, format_ip, parse_ip
from netwright.verify.values.packets import UDP

_PORTS = {"name": 53, "time": 123}


def check_asked_servers(network: Network, memory: Memory, symmetry: Symmetry, findings: Findings) -> None:
    """Add a warning for each server that is not reached, or whose answer does not come back.

    What one machine reaches, all of its class do that are not the server's. What is not known is found elsewhere.
    """
    sound: set[tuple[int, str, AddressNumber]] = set()
    for kind, node, ip in _asked(network):
        machine, place = network.machines[node], network.place_of(ip)
        key = symmetry.classes[node], kind, ip
        if place is None or key in sound or machine.owns(ip):
            continue
        result = _ask(network, memory, machine, ip, _PORTS[kind])
        if result is None or not result.outcome.keeps_out:
            if symmetry.classes[place.machine.name] != key[0]:
                sound.add(key)
            continue
        way = "back" if result.back else "there"
        cause = f"does not reach its {kind} server {format_ip(ip)}: {name_cause(network, result)} (on the way {way})"
        findings.add(result.outcome, cause, node, severity=Severity.WARNING, origin=result.end.origin)


def _asked(network: Network) -> Iterator[tuple[str, str, AddressNumber]]:
    """Yield what is asked by address: what for, the node, and the server."""
    for node, servers in network.wiring.name_servers.items():
        yield from (("name", node, ip) for ip in servers)
    for node, texts in network.wiring.time_servers.items():
        yield from (("time", node, ip) for ip in map(parse_ip, texts) if ip is not None)


def _ask(network: Network, memory: Memory, machine: Machine, ip: AddressNumber, port: int) -> Result | None:
    """Return the conversation of a machine with a server; None if it has no address to ask with."""
    _, source = choose_source(machine, ip)
    if source is None:
        source = next((one.ip for addresses in machine.addresses.values() for one in addresses), None)
    if source is None:
        return None
    packet = first_packet(UDP, AddressNumber(source), ip, port)
    return worst(recall(network, memory, packet, Place(kind="machine", machine=machine), nat_allowed=True))
