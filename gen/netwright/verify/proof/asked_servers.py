"""Check that nodes reach their name and time servers, which no flow has to ask for."""

from collections.abc import Iterator, Mapping

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import first_packet, name_cause, recall, worst
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network, Place
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.on_the_way import choose_source
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.reading.asking import Asking
from netwright.verify.reading.formats.time_servers import answers_asker, merge_access
from netwright.verify.values.addresses import AddressNumber, Prefix, format_ip, parse_ip
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault
from netwright.verify.values.packets import UDP

_PORTS = {"name": 53, "time": 123}


def check_asked_servers(network: Network, memory: Memory, symmetry: Symmetry, findings: Findings) -> None:
    """Add a warning for each server that is not reached, or whose answer does not come back.

    What one machine reaches, all of its class do that are not the server's. What is not known is found elsewhere.
    """
    access = _Access(network, findings)
    sound: dict[tuple[int, str, AddressNumber], str | None] = {}
    for kind, node, ip in _asked(network):
        machine, place = network.machines[node], network.place_of(ip)
        key = symmetry.classes[node], kind, ip
        source = _source(machine, ip)
        if place is None or machine.owns(ip) or source is None:
            continue
        if key in sound:
            if kind == "time":
                access.check(node, sound.get(key), source)
            continue
        packet = first_packet(UDP, source, ip, _PORTS[kind])
        result = worst(recall(network, memory, packet, Place(kind="machine", machine=machine), nat_allowed=True))
        if not result.outcome.keeps_out:
            seen = result.seen_source if result.seen_source is not None else source
            if kind == "time":
                access.check(node, result.receiver, seen)
            if symmetry.classes[place.machine.name] != key[0]:
                sound[key] = result.receiver if seen == source else None
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


def _source(machine: Machine, ip: AddressNumber) -> AddressNumber | None:
    """Return the address with which a machine asks a server, None if it has none."""
    _, source = choose_source(machine, ip)
    if source is None:
        source = next((one.ip for addresses in machine.addresses.values() for one in addresses), None)
    return AddressNumber(source) if source is not None else None


class _Access:
    """Whom chronyd answers on nodes of ours, by what their files say."""

    def __init__(self, network: Network, findings: Findings) -> None:
        """Takes the network, and where faults go."""
        self._network = network
        self._findings = findings
        self._tables: dict[str, Mapping[Prefix, bool]] = {}

    def check(self, node: str, server: str | None, source: int) -> None:
        """Add a server of ours whose chronyd does not answer a node, by the address from which its questions come.

        A topology that asks a machine with timesyncd is refused: that answers no one.
        """
        asking = self._network.asking.get(server) if server is not None else None
        if server is None or asking is None or server in self._network.unmanaged:
            return
        if self._network.wiring.systems.get(server) in (None, "flatcar"):
            return
        if server not in self._tables:
            self._tables[server] = merge_access(asking.access)
        if not answers_asker(self._tables[server], source):
            cause = f"chrony does not answer {format_ip(source)} ({node}), whose time server it is: no allow holds it"
            self._findings.add(Fault.TIME_REFUSED, cause, server, origin=_last(asking))


def _last(asking: Asking) -> Origin | None:
    """The last line of who may ask, None where there is none."""
    return asking.access[-1].origin if asking.access else None
