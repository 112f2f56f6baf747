"""Facts of a plan about the networks that libvirt makes on the node."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from netwright.explain.fact import Fact, Removal
from netwright.explain.link_facts import route_fact
from netwright.model import ForwardMode
from netwright.plan.types import LibvirtNetwork, PlannedRoute
from netwright.text.source import TopologyPath


def libvirt_facts(network: LibvirtNetwork) -> Iterator[Fact]:
    def change(
        title: str, cause: TopologyPath, alter: Callable[[LibvirtNetwork], LibvirtNetwork], flows: tuple[str, ...] = ()
    ) -> Fact:
        return Fact(title=title, cause=cause, flows=flows, without=_with_libvirt(network.name, alter))

    mode: ForwardMode = "nat" if network.forward != "nat" else "route"
    yield change(
        f"libvirt's forward mode {network.forward}",
        (*network.cause, "forward"),
        lambda one: replace(one, forward=mode),
    )
    yield change(f"DNS of {network.bridge}", (*network.cause, "dns"), lambda one: replace(one, dns=not one.dns))
    if network.libvirt_name != network.name:
        yield change(
            f"libvirt's name {network.libvirt_name} of the network",
            (*network.cause, "name"),
            lambda one: replace(one, libvirt_name=one.name),
        )
    if network.mtu is not None:
        yield change(f"MTU of {network.bridge}", network.cause, lambda one: replace(one, mtu=None))
    for address in network.addresses:
        ip = address.ip
        yield change(
            f"address {address.ip}/{address.prefix} of {network.bridge}",
            address.cause,
            lambda one, ip=ip: replace(one, addresses=tuple(at for at in one.addresses if at.ip != ip)),  # type: ignore[misc]
        )
    for route in network.routes:
        yield route_fact(route, network.bridge, _with_libvirt(network.name, _drop_libvirt_route(route)))
    yield Fact(
        title=f"libvirt network {network.name} on bridge {network.bridge}",
        cause=network.cause,
        flows=(),
        without=lambda plan: replace(
            plan, libvirt_networks=tuple(one for one in plan.libvirt_networks if one.name != network.name)
        ),
        whole=True,
    )


def _with_libvirt(name: str, alter: Callable[[LibvirtNetwork], LibvirtNetwork]) -> Removal:
    return lambda plan: replace(
        plan,
        libvirt_networks=tuple(alter(one) if one.name == name else one for one in plan.libvirt_networks),
    )


def _drop_libvirt_route(route: PlannedRoute) -> Callable[[LibvirtNetwork], LibvirtNetwork]:
    return lambda network: replace(network, routes=tuple(one for one in network.routes if one is not route))
