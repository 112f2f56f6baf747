"""Changes of a topology's document that may repair a flow: one suspicion each, the likeliest first, none proved."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gen.load import Document
from gen.natural import natural_key
from gen.source import TopologyPath, format_path
from gen.verify import Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A place of the document and the value to put there; None takes away what is there."""

    path: TopologyPath
    value: str | bool | None

    def __str__(self) -> str:
        if self.value is None:
            return f"remove {format_path(self.path)}"
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"change {format_path(self.path)} to {value}"


Candidate = tuple[Edit, ...]


def propose(document: Document, findings: Sequence[Finding]) -> Iterator[Candidate]:
    """The candidates that the failures suggest, at the places where they struck."""
    kinds = {str(finding.kind) for finding in findings}
    if not isinstance(document, dict):
        return
    if kinds & {"FILTERED", "CT_INVALID", "UNKNOWN"}:
        yield from _open_libvirt(document)
    for path, settings in _suspects(document, findings):
        if kinds & {"FORWARDING_OFF", "ARP_UNANSWERED"} and settings.get("forward") is False:
            yield (Edit(path=(*path, "forward"), value=True),)
        if "RPF_DROP" in kinds:
            yield from _loosen(path, settings)
        if kinds & {"FILTERED", "CT_INVALID"}:
            yield from _open_chains(path, settings)
        if "NAT_APPLIED" in kinds:
            yield from _remove_each((*path, "masquerade"), settings.get("masquerade"))
        yield from _straighten_routes(document, path, settings)


def apply(document: Document, candidate: Candidate) -> Document:
    """The document with the candidate's edits; the given one stays as it is."""
    changed = copy.deepcopy(document)
    for edit in candidate:
        place: Any = changed
        for step in edit.path[:-1]:
            place = place[step]
        if edit.value is None:
            del place[edit.path[-1]]
        else:
            place[edit.path[-1]] = edit.value
    return changed


def _suspects(document: dict[str, Any], findings: Sequence[Finding]) -> Iterator[tuple[TopologyPath, dict[str, Any]]]:
    """The settings of nodes on the counterexamples' ways, and of their groups; where it struck first."""
    names = [node for finding in findings for node in finding.nodes]
    for finding in findings:
        if finding.example is not None:
            names += [decision.node for decision in (*finding.example.there, *finding.example.back)]
    groups: dict[str, None] = {}
    for name in dict.fromkeys(names):
        node = _mapping(_mapping(document.get("nodes")).get(name))
        groups.update(dict.fromkeys(group for group in node.get("groups") or ()))
        yield ("nodes", name), node
    for group in sorted(groups, key=natural_key):
        yield ("groups", group), _mapping(_mapping(document.get("groups")).get(group))


def _open_libvirt(document: dict[str, Any]) -> Iterator[Candidate]:
    closed = tuple(
        Edit(path=("networks", name, "libvirt", "forward"), value="open")
        for name, network in _mapping(document.get("networks")).items()
        if _mapping(_mapping(network).get("libvirt")).get("forward", "open") != "open"
    )
    yield from ((edit,) for edit in closed)
    if len(closed) > 1:
        yield closed


def _loosen(path: TopologyPath, settings: dict[str, Any]) -> Iterator[Candidate]:
    for name, interface in _mapping(settings.get("interfaces")).items():
        if _mapping(interface).get("rp_filter") == "strict":
            yield (Edit(path=(*path, "interfaces", name, "rp_filter"), value="loose"),)
    if settings.get("rp_filter") == "strict" or (path[0] == "nodes" and "rp_filter" not in settings):
        yield (Edit(path=(*path, "rp_filter"), value="loose"),)


def _open_chains(path: TopologyPath, settings: dict[str, Any]) -> Iterator[Candidate]:
    for hook in ("forward", "input"):
        chain = _mapping(_mapping(settings.get("firewall")).get(hook))
        above = (*path, "firewall", hook)
        if chain.get("stateful") is False:
            yield (Edit(path=(*above, "stateful"), value=True),)
        for number, rule in enumerate(chain.get("rules") or ()):
            if "deny" in _mapping(rule):
                yield (Edit(path=(*above, "rules", number), value=None),)


def _straighten_routes(document: dict[str, Any], path: TopologyPath, settings: dict[str, Any]) -> Iterator[Candidate]:
    """Stated routes to the node that owns the destination's pods, or not stated at all."""
    owners = {
        pods: name
        for name, node in _mapping(document.get("nodes")).items()
        for pods in _listed(_mapping(node).get("pod_cidr"))
    }
    for number, route in enumerate(settings.get("routes") or ()):
        owner = owners.get(str(_mapping(route).get("to")))
        if owner is not None and "via" in route and path != ("nodes", owner) and route["via"] != owner:
            yield (Edit(path=(*path, "routes", number, "via"), value=owner),)
    yield from _remove_each((*path, "routes"), settings.get("routes"))
    if "default_route" in settings:
        yield (Edit(path=(*path, "default_route"), value=None),)


def _remove_each(path: TopologyPath, stated: Any) -> Iterator[Candidate]:
    for number in range(len(stated) if isinstance(stated, list) else 0):
        yield (Edit(path=(*path, number), value=None),)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else ()
