"""Parts of a topology involved in failures: nodes where packets failed or passed, their groups, networks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from netwright.text.natural import natural_key
from netwright.text.source import TopologyPath
from netwright.verify import Finding, FindingKind, Outcome

ROUTING = frozenset(
    {
        Outcome.NO_ROUTE,
        Outcome.UNREACHABLE_ROUTE,
        Outcome.ARP_UNANSWERED,
        Outcome.LOOP,
        Outcome.WRONG_NODE,
        Outcome.RPF_DROP,
        Outcome.FORWARDING_OFF,
        Outcome.CT_INVALID,
        Outcome.NAT_APPLIED,
        Outcome.FILTERED,
        Outcome.UNKNOWN,
    }
)
"""Outcomes of a packet on a wrong way."""


class Suspect(Struct, frozen=True, kw_only=True):
    """The settings of a node, group or network, and where the document has them; `struck` is an affected node."""

    path: TopologyPath
    settings: dict[str, Any]
    struck: bool = False


class Symptoms(Struct, frozen=True, kw_only=True):
    """The document, the kinds of failures and the flows that fail."""

    document: dict[str, Any]
    kinds: frozenset[FindingKind]
    flows: tuple[str, ...]

    def flow_settings(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The failing flows as the document has them."""
        stated = mapping(self.document.get("flows"))
        return ((name, mapping(stated[name])) for name in self.flows if name in stated)

    def nodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All nodes as the document has them."""
        return ((name, mapping(node)) for name, node in mapping(self.document.get("nodes")).items())

    def router_of(self, node: dict[str, Any]) -> tuple[str, str] | None:
        """The first of the node's networks that has a router, and that router."""
        networks = mapping(self.document.get("networks"))
        for interface in mapping(node.get("interfaces")).values():
            for name in networks_of(interface):
                router = mapping(networks.get(name)).get("router")
                if isinstance(router, str):
                    return name, router
        return None


def observe(document: dict[str, Any], findings: Sequence[Finding]) -> Symptoms:
    """The symptoms of failures."""
    flows = dict.fromkeys(flow for finding in findings for flow in finding.flows)
    return Symptoms(document=document, kinds=frozenset(one.kind for one in findings), flows=tuple(flows))


def suspects(document: dict[str, Any], findings: Sequence[Finding]) -> Iterator[Suspect]:
    """Return where it failed first, then its way backwards; each node is followed by its groups and networks."""
    struck = dict.fromkeys(node for finding in findings for node in finding.nodes)
    passed = [
        decision.node
        for finding in findings
        if finding.example is not None
        for decision in reversed((*finding.example.there, *finding.example.back))
    ]
    nodes = mapping(document.get("nodes"))
    groups, networks = mapping(document.get("groups")), mapping(document.get("networks"))
    met: set[TopologyPath] = set()
    for name in dict.fromkeys((*struck, *passed)):
        node = mapping(nodes.get(name))
        above = [(("groups", one), mapping(groups.get(one))) for one in listed(node.get("groups"))]
        above += [(("networks", one), mapping(networks.get(one))) for one in _networks(node)]
        for path, settings in ((("nodes", name), node), *sorted(above, key=lambda one: natural_key(one[0][1]))):
            if path not in met and settings:
                met.add(path)
                yield Suspect(path=path, settings=settings, struck=name in struck and path[0] == "nodes")


def _networks(node: dict[str, Any]) -> Iterable[str]:
    return dict.fromkeys(name for one in mapping(node.get("interfaces")).values() for name in networks_of(one))


def networks_of(interface: Any) -> tuple[str, ...]:
    """The networks that an interface is on."""
    stated = mapping(interface)
    return (*listed(stated.get("network")), *mapping(stated.get("networks")))


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> tuple[Any, ...]:
    """The values of a list; a single text alone."""
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else ()
