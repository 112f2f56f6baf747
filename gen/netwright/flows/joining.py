"""Packet filter needs that differ in one end only, joined into one."""

from typing import Literal

from msgspec.structs import replace

from netwright.flows.types import FilterNeed, FlowNames, Need, Networks
from netwright.topology.resolved import outermost

_Side = Literal["sources", "destinations"]


def join_filters(needs: dict[Need, FlowNames]) -> dict[Need, FlowNames]:
    """The needs with filters of the same flows joined: first their destinations, then their sources.

    What is let through stays exactly the same: only needs are joined that agree in everything else.
    """
    return _join(_join(needs, "destinations"), "sources")


def _join(needs: dict[Need, FlowNames], end: _Side) -> dict[Need, FlowNames]:
    joined: dict[Need, FlowNames] = {}
    alike: dict[tuple[FilterNeed, tuple[str, ...]], list[FilterNeed]] = {}
    for need, flows in needs.items():
        if isinstance(need, FilterNeed) and not _is_outside(need, end):
            alike.setdefault((_with(need, end, ()), tuple(sorted(flows))), []).append(need)
        else:
            joined.setdefault(need, {}).update(flows)
    for (_, names), members in alike.items():
        networks = outermost({network for need in members for network in _networks(need, end)})
        joined.setdefault(_with(members[0], end, networks), {}).update(dict.fromkeys(names))
    return joined


def _is_outside(need: FilterNeed, end: _Side) -> bool:
    return need.sources_outside if end == "sources" else need.destinations_outside


def _networks(need: FilterNeed, end: _Side) -> Networks:
    return need.sources if end == "sources" else need.destinations


def _with(need: FilterNeed, end: _Side, networks: Networks) -> FilterNeed:
    return replace(need, sources=networks) if end == "sources" else replace(need, destinations=networks)
