"""Cures for packets on a wrong way: routes, next hops, policy rules, owners of pods, the flow's own routers."""

from collections.abc import Iterator
from typing import Any

from netwright.repair.edits import Candidate, Edit, insert, put, remove
from netwright.repair.involved import Suspect, Symptoms, listed, mapping, networks_of
from netwright.text.source import TopologyPath


def route_by_the_owner(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A route to pods goes by the node that owns them; or it is the owner that is stated wrong."""
    owners = {pods: name for name, node in symptoms.nodes() for pods in listed(node.get("pod_cidr"))}
    for path, route in _routes(suspect):
        owner = owners.get(str(route.get("to")))
        if owner is None or "via" not in route or suspect.path == ("nodes", owner) or route["via"] == owner:
            continue
        yield (put((*path, "via"), owner),)
        yield from _swap_pods(symptoms, owner, str(route["via"]))


def _swap_pods(symptoms: Symptoms, owner: str, other: str) -> Iterator[Candidate]:
    """Two nodes' pod networks the other way round, as a list of nodes that was read wrongly may have them."""
    nodes = dict(symptoms.nodes())
    mine, theirs = (nodes.get(name, {}).get("pod_cidr") for name in (owner, other))
    if isinstance(mine, str) and isinstance(theirs, str):
        yield (put(("nodes", owner, "pod_cidr"), theirs), put(("nodes", other, "pod_cidr"), mine))


def route_by_the_router(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A next hop that is not on the segment, or a destination that is not, goes by the network's router instead."""
    router = symptoms.router_of(suspect.settings) if suspect.path[0] == "nodes" else None
    if router is None or router[1] == suspect.path[1]:
        return
    for path, route in _routes(suspect):
        if route.get("onlink") or ("via" not in route and route.get("type", "unicast") == "unicast"):
            kept = {key: value for key, value in route.items() if key not in ("via", "onlink", "dev")}
            yield (put(path, {"to": route.get("to"), "via": router[1], **kept}),)


def no_stated_route(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:  # noqa: ARG001
    """A stated route less: what flows need is derived. So is the default route that a network's router offers."""
    yield from ((remove(path),) for path, _ in _routes(suspect))
    if "default_route" in suspect.settings:
        yield (remove((*suspect.path, "default_route")),)


def no_policy_rule(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A route more in the table that a policy rule asks first; or that rule less."""
    rules = suspect.settings.get("policy_rules")
    router = symptoms.router_of(suspect.settings) if suspect.path[0] == "nodes" else None
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        table = mapping(rule).get("table")
        if router is not None and router[1] != suspect.path[1] and table is not None:
            for target in _far_networks(symptoms, suspect):
                yield (_add_route(suspect, {"to": target, "via": router[1], "table": table}),)
        yield (remove((*suspect.path, "policy_rules", number)),)


def one_more_route(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """The route that a node lacks towards the other end, by its network's router."""
    router = symptoms.router_of(suspect.settings) if suspect.path[0] == "nodes" else None
    if suspect.struck and router is not None and router[1] != suspect.path[1]:
        for target in _far_networks(symptoms, suspect):
            yield (_add_route(suspect, {"to": target, "via": router[1]}),)


def no_preferred_router(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A failing flow goes by the shortest way instead of the one that `via` prefers."""
    if suspect.struck:
        yield from ((remove(("flows", name, "via")),) for name, flow in symptoms.flow_settings() if "via" in flow)


def _routes(suspect: Suspect) -> Iterator[tuple[TopologyPath, dict[str, Any]]]:
    stated = suspect.settings.get("routes")
    for number, route in enumerate(stated if isinstance(stated, list) else ()):
        yield (*suspect.path, "routes", number), mapping(route)


def _add_route(suspect: Suspect, route: dict[str, Any]) -> Edit:
    stated = suspect.settings.get("routes")
    return insert((*suspect.path, "routes", len(stated) if isinstance(stated, list) else 0), route)


def _far_networks(symptoms: Symptoms, suspect: Suspect) -> list[str]:
    """The networks of the failing flows' ends, `pods` among them, on which the node is not itself."""
    nodes, networks = dict(symptoms.nodes()), mapping(symptoms.document.get("networks"))
    near = {name for one in mapping(suspect.settings.get("interfaces")).values() for name in networks_of(one)}
    found: dict[str, None] = {}
    for _, flow in symptoms.flow_settings():
        for end in (*listed(flow.get("from")), *listed(flow.get("to"))):
            members = [node for name, node in nodes.items() if end == name or end in listed(node.get("groups"))]
            on = [
                name
                for node in members
                for one in mapping(node.get("interfaces")).values()
                for name in networks_of(one)
            ]
            found.update(dict.fromkeys([end] if end in networks or end == "pods" else on))
    return [name for name in found if name not in near]
