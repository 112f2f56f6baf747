"""Facts of a plan about virtual addresses: keepalived's instances and HAProxy's services."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from netwright.explain.fact import Fact, Removal
from netwright.plan.types import NodePlan
from netwright.plan.virtual_address_types import PlannedVirtualAddress


def virtual_address_facts(plan: NodePlan) -> Iterator[Fact]:
    for address in plan.virtual_addresses:
        for service in address.services:
            name = service.name
            yield Fact(
                title=f"port {service.port} of the virtual address {address.name}",
                cause=service.cause,
                flows=(),
                without=_with_address(
                    address.name,
                    lambda one, name=name: replace(  # type: ignore[misc]
                        one, services=tuple(service for service in one.services if service.name != name)
                    ),
                ),
            )
        if address.vrrp is not None:
            yield Fact(
                title=f"keepalived's instance for the virtual address {address.name}",
                cause=address.vrrp.cause,
                flows=(),
                without=_with_address(address.name, lambda one: replace(one, vrrp=None)),
            )
        yield Fact(
            title=f"virtual address {address.name}, {address.ip}",
            cause=address.cause,
            flows=(),
            without=_without_address(address.name),
            whole=True,
        )


def _with_address(name: str, alter: Callable[[PlannedVirtualAddress], PlannedVirtualAddress]) -> Removal:
    return lambda plan: replace(
        plan,
        virtual_addresses=tuple(alter(one) if one.name == name else one for one in plan.virtual_addresses),
    )


def _without_address(name: str) -> Removal:
    return lambda plan: replace(
        plan, virtual_addresses=tuple(one for one in plan.virtual_addresses if one.name != name)
    )
