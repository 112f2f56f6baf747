"""Port forwards of a topology in verify's terms."""

from collections.abc import Iterable, Iterator

from netaddr import IPNetwork

from netwright.model import PortForward
from netwright.topology.forwards import (
    ForwardedPort,
    forwarded_ports,
    inside_sources,
    is_from_internet,
    outer_address,
    target_of,
)
from netwright.topology.resolved import ResolvedTopology
from netwright.verify import Ranges
from netwright.verify.values.addresses import complement, merge
from netwright.verify.values.packets import PROTOCOLS
from netwright.verify.values.wiring import Forward
from netwright.verify_input.numbers import number_of


def state_forwards(resolved: ResolvedTopology) -> Iterator[Forward]:
    """Yield the port forwards, each range of ports for itself."""
    for forward in resolved.topology.forwards:
        for port in forwarded_ports(forward):
            yield from _forward(resolved, forward, port)


def _forward(resolved: ResolvedTopology, forward: PortForward, port: ForwardedPort) -> Iterator[Forward]:
    target, outer = target_of(resolved, forward), outer_address(resolved, forward)
    if target is None or port.outer.ports is None or port.inner.ports is None:
        return
    sources = _ranges(inside_sources(resolved, forward))
    yield Forward(
        name=forward.name,
        node=forward.at.value,
        ip=number_of(outer) if outer is not None else None,
        protocol=PROTOCOLS[port.outer.protocol or ""],
        ports=port.outer.ports,
        target=number_of(target),
        to_port=port.inner.ports[0],
        from_internet=is_from_internet(forward),
        sources=sources,
        besides=complement(sources) if forward.hairpin else (),
    )


def _ranges(networks: Iterable[IPNetwork]) -> Ranges:
    return merge((network.first, network.last) for network in networks)
