"""Machines and what their files say besides -> the network that they are together."""

from collections.abc import Iterable, Mapping, Sequence

from netwright.verify.network_model.assigned import compare_addresses
from netwright.verify.network_model.assumed import ASSUMED
from netwright.verify.network_model.collected import Collected
from netwright.verify.network_model.fib import Overlay
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.node_ports import NodePorts, ports_of_services
from netwright.verify.network_model.segments import wire_segments
from netwright.verify.reading.configuration import Configuration
from netwright.verify.reading.formats.k3s import is_on
from netwright.verify.values.addresses import NOWHERE, Ranges, merge, network_of
from netwright.verify.values.wiring import Assumptions, Port, Wiring

_NONLOCAL_BIND = ("net", "ipv4", "ip_nonlocal_bind")


def join(
    machines: dict[str, Machine],
    configurations: Sequence[Configuration],
    ports: Mapping[str, Sequence[Port]],
    wiring: Wiring,
    assumptions: Assumptions,
    *,
    overlay: Overlay | None,
    collected: Collected,
) -> Network:
    """The network of the machines, whose interfaces in the wiring are `ports`; of those that are `collected` the files
    do not count."""
    by_files = tuple(one for one in configurations if one.node not in collected.records)
    pod_networks = sorted(wiring.pod_networks, key=lambda pod: pod.network.first)
    return Network(
        machines=machines,
        segments=wire_segments(machines, wiring.segments),
        overlay=overlay,
        wiring=wiring,
        assumptions=assumptions,
        owners={ip: machine for machine in machines.values() for ip in _own_ips(machine, collected, ports)},
        pod_starts=tuple(pod.network.first for pod in pod_networks),
        pod_networks=tuple(pod_networks),
        inside=_inside(machines.values(), wiring),
        assignment=compare_addresses(machines, configurations, wiring, collected),
        unmanaged=tuple(one.node for one in by_files if not one.managed),
        fetching=tuple(one.node for one in by_files if one.fetched),
        vouched={one.node: one.trusted for one in by_files if one.trusted},
        unloaded={one.node: one.unloaded for one in by_files if one.unloaded},
        vrrp={one.node: one.vrrp for one in configurations if one.vrrp},
        twofold=tuple(one.node for one in by_files if one.first is not None),
        long=tuple(one.node for one in by_files if one.is_long),
        ends=wiring.ends(),
        policed=not any(is_on(one.k3s, "disable-network-policy") for one in configurations),
        balancers={one.node: one.balancer for one in configurations if one.balancer is not None},
        nonlocal_binds=frozenset(one.node for one in configurations if _binds_nonlocal(one)),
        hosts={one.node: one.hosts for one in configurations if one.hosts},
        asking={one.node: one.asking for one in configurations},
        k3s={one.node: one.k3s for one in configurations if one.k3s},
        node_ports=_node_ports(configurations, wiring),
        collected=collected.records,
        allotted=collected.allotted,
        holders=collected.holders,
    )


def _node_ports(configurations: Iterable[Configuration], wiring: Wiring) -> NodePorts:
    """What K3s's servers lead on at the ports of their nodes; nothing where there are no pods."""
    if not wiring.pod_networks:
        return {}
    return ports_of_services({one.node: one.k3s for one in configurations}, wiring.servers)


def _binds_nonlocal(configuration: Configuration) -> bool:
    """Return whether the last setting of net.ipv4.ip_nonlocal_bind turns it on."""
    stated = [one.value for one in configuration.settings if one.key == _NONLOCAL_BIND]
    return stated[-1:] == ["1"]


def _own_ips(machine: Machine, collected: Collected, ports: Mapping[str, Sequence[Port]]) -> Iterable[int]:
    """The addresses by which others know a machine; of one that is collected those of the topology's interfaces."""
    known = {port.interface for port in ports.get(machine.name, ())} if machine.name in collected.records else None
    return (
        ip
        for ip, hop in machine.fib.local.items()
        if hop.kind == "local" and hop.interface not in ASSUMED and (known is None or hop.interface in known)
    )


def _inside(machines: Iterable[Machine], wiring: Wiring) -> Ranges:
    """All IPs that are not the internet's: the networks of all interfaces, pods, services, and what is unassigned."""
    ranges = [*NOWHERE]
    for machine in machines:
        for addresses in machine.addresses.values():
            ranges += (network_of(address.ip, address.length).range for address in addresses)
    ranges += (network_of(address.ip, address.length).range for address in wiring.addresses)
    ranges += (prefix.range for prefix in (wiring.pods, wiring.services) if prefix is not None)
    ranges += (pod.network.range for pod in wiring.pod_networks)
    return merge(ranges)
