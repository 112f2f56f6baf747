"""Machines of which there are records: each by its own, and what all of them tell of the network."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.verify.network_model.difference import Difference
from netwright.verify.network_model.differences import find_differences
from netwright.verify.network_model.live_machine import Record, build_live_machine, pod_networks_of
from netwright.verify.network_model.machine import Machine
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.wiring import HeldAddress, PodNetwork, Port, Wiring


class Found(Struct, frozen=True, kw_only=True):
    """A machine as its record has it, and what distinguishes it from its files."""

    machine: Machine
    differences: tuple[Difference, ...]


class Collected(Struct, frozen=True, kw_only=True):
    """Records by node. `allotted` are the pod networks of the topology that nodes have not, by node, `unheld` the
    virtual addresses that no holder has. `holders` are all that may have one, as the topology has it."""

    records: Mapping[str, Record] = field(default_factory=dict)
    allotted: Mapping[str, PodNetwork] = field(default_factory=dict)
    unheld: tuple[HeldAddress, ...] = ()
    holders: tuple[HeldAddress, ...] = ()

    def compare(self, planned: Machine, configuration: Configuration, ports: Sequence[Port], wiring: Wiring) -> Found:
        """Return the machine by its record; `planned` is the one of its files."""
        record = self.records[planned.name]
        held = [one for one in wiring.held if one.node == planned.name and one.pool and not _has(record, one.ip)]
        machine = build_live_machine(record, planned, ports, wiring, held=held)
        differences = find_differences(planned, machine, configuration, record)
        return Found(machine=machine, differences=tuple(differences))


NONE_COLLECTED = Collected()


def settle(wiring: Wiring, records: Mapping[str, Record]) -> tuple[Wiring, Collected]:
    """Return the wiring with what records tell of the network: whose pods are where, and who holds virtual addresses.

    The addresses of pools are answered for by programs that need not tell the kernel of them.
    """
    told = pod_networks_of(records)
    several: dict[str, list[PodNetwork]] = defaultdict(list)
    for pod in wiring.pod_networks:
        several[pod.node].append(pod)
    alone = {node: pods[0] for node, pods in several.items() if len(pods) == 1}
    allotted = {node: pod for node, pod in alone.items() if told.get(node, pod.network) != pod.network}
    pods = tuple(replace(pod, network=told[pod.node]) if pod.node in allotted else pod for pod in wiring.pod_networks)
    held = {one.ip: [*_holders([two for two in wiring.held if two.ip == one.ip], records)] for one in wiring.held}
    unheld = tuple(one for one in wiring.held if not held[one.ip])
    settled = replace(wiring, pod_networks=pods, held=tuple(one for several in held.values() for one in several))
    return settled, Collected(records=records, allotted=allotted, unheld=unheld, holders=wiring.held)


def _holders(held: Sequence[HeldAddress], records: Mapping[str, Record]) -> Iterator[HeldAddress]:
    """Yield the holder that has an address by its record, else those that may: they were not collected."""
    there = [one for one in held if one.node in records and _has(records[one.node], one.ip)]
    yield from there[:1] or (one for one in held if one.pool or one.node not in records)


def _has(record: Record, ip: int) -> bool:
    return any(one.ip == ip for own in (record.state.addresses or {}).values() for one in own)


def describe_unheld(unheld: Sequence[HeldAddress], ip: int) -> str:
    """Return that no holder has a virtual address, in words."""
    nodes = " nor ".join(one.node for one in unheld if one.ip == ip)
    return (
        f"no holder has the virtual address {format_ip(ip)}: neither {nodes}"
        if " nor " in nodes
        else (f"{nodes} has not got its virtual address {format_ip(ip)}")
    )
