"""OUT -> networks: every form that its network may take, with as many of its nodes as are there."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from netwright.topology.resolved import ResolvedTopology
from netwright.verify import Wiring
from netwright.verify.network_model.building import read_configurations
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks
from netwright.verify_input.delivering import Deliver, read_deliveries
from netwright.verify_input.wiring import assume, wire


def absent_nodes(out: Path, nodes: Sequence[str]) -> tuple[str, ...]:
    """The nodes that generate did not write below `out`."""
    return tuple(node for node in nodes if not os.path.isfile(f"{out}/{node}/manifest.json"))


def read_forms(
    out: Path,
    resolved: ResolvedTopology,
    absent: Collection[str] = (),
    *,
    deliver: Deliver = read_deliveries,
    records: Mapping[str, Record] | None = None,
) -> tuple[Network, ...]:
    """The network of the files below `out`, once for every turn of its virtual addresses, without absent nodes; of
    machines by their `records`."""
    wiring = restrict(wire(resolved), absent) if absent else wire(resolved)
    return build_networks(read_configurations(out, wiring, deliver), wiring, assume(resolved), records)


def restrict(wiring: Wiring, absent: Collection[str]) -> Wiring:
    """The wiring without some nodes."""
    gone = frozenset(absent)
    segments = (
        replace(
            segment,
            ports=tuple(port for port in segment.ports if port.node not in gone),
            bridge=segment.bridge if segment.bridge is not None and segment.bridge.node not in gone else None,
        )
        for segment in wiring.segments
    )
    return replace(
        wiring,
        nodes=tuple(node for node in wiring.nodes if node not in gone),
        segments=tuple(segment for segment in segments if segment.ports),
        pod_networks=tuple(pod for pod in wiring.pod_networks if pod.node not in gone),
        addresses=tuple(address for address in wiring.addresses if address.node not in gone),
        routers=tuple(router for router in wiring.routers if router not in gone),
        held=tuple(held for held in wiring.held if held.node not in gone),
        exits=tuple(one for one in wiring.exits if one.node not in gone),
        systems=MappingProxyType({node: system for node, system in wiring.systems.items() if node not in gone}),
        trusted=MappingProxyType({node: files for node, files in wiring.trusted.items() if node not in gone}),
        links=MappingProxyType({node: links for node, links in wiring.links.items() if node not in gone}),
    )
