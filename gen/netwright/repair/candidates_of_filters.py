"""Cures for packets that a rule takes or lets go: filters, libvirt's modes, address translation."""

from collections.abc import Iterator
from typing import Any

from netwright.repair.edits import Candidate, insert, put, remove
from netwright.repair.involved import Suspect, Symptoms, listed, mapping
from netwright.text.source import TopologyPath

HOOKS = ("forward", "input")


def open_libvirt(symptoms: Symptoms) -> Iterator[Candidate]:
    """libvirt leaves the filtering of its networks to us: of one, or of all."""
    closed = tuple(
        put(("networks", name, "libvirt", "forward"), "open")
        for name, network in mapping(symptoms.document.get("networks")).items()
        if mapping(mapping(network).get("libvirt")).get("forward", "open") != "open"
    )
    yield from ((edit,) for edit in closed)
    if len(closed) > 1:
        yield closed


def accept_before(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A failing flow is accepted before the rule that refuses more than it should; or that rule is left out."""
    for path, rules in _chains(suspect):
        for number, rule in enumerate(rules):
            if "deny" not in mapping(rule):
                continue
            for _, flow in symptoms.flow_settings():
                if "allow" in flow:
                    yield (insert((*path, "rules", number), _as_rule(flow, "allow")),)
            yield (remove((*path, "rules", number)),)


def deny_before(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A flow that must not arrive is refused before the rule that accepts more than it should; or without that rule."""
    for path, rules in _chains(suspect):
        for number, rule in enumerate(rules):
            if "allow" not in mapping(rule):
                continue
            for _, flow in symptoms.flow_settings():
                if "deny" in flow:
                    yield (insert((*path, "rules", number), _as_rule(flow, "deny")),)
            yield (remove((*path, "rules", number)),)


def deny_at_the_receiver(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A node whose own addresses must not be reached refuses it where it comes in."""
    if not suspect.struck:
        return
    stated = mapping(mapping(suspect.settings.get("firewall")).get("input")).get("rules")
    last = len(stated) if isinstance(stated, list) else 0
    for _, flow in symptoms.flow_settings():
        if "deny" in flow:
            yield (insert((*suspect.path, "firewall", "input", "rules", last), _as_rule(flow, "deny")),)


def know_connections(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:  # noqa: ARG001
    """A chain lets the replies of known connections through."""
    for hook, chain in mapping(suspect.settings.get("firewall")).items():
        if mapping(chain).get("stateful") is False:
            yield (put((*suspect.path, "firewall", hook, "stateful"), True),)


def keep_addresses(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A masquerade leaves out where a failing flow goes; or there is no such masquerade."""
    stated = suspect.settings.get("masquerade")
    for number, entry in enumerate(stated if isinstance(stated, list) else ()):
        path = (*suspect.path, "masquerade", number)
        kept = listed(mapping(entry).get("except"))
        for _, flow in symptoms.flow_settings():
            ends = [end for end in listed(flow.get("to")) if end not in kept and end != "internet"]
            if ends:
                yield (put((*path, "except"), [*kept, *ends]),)
        yield (remove(path),)


def _chains(suspect: Suspect) -> Iterator[tuple[TopologyPath, list[Any]]]:
    """The chains that the suspect states, with their rules."""
    firewall = mapping(suspect.settings.get("firewall"))
    for hook in HOOKS:
        if hook in firewall:
            rules = mapping(firewall[hook]).get("rules")
            yield (*suspect.path, "firewall", hook), rules if isinstance(rules, list) else []


def _as_rule(flow: dict[str, Any], verdict: str) -> dict[str, Any]:
    return {key: flow[key] for key in ("from", "to") if flow.get(key) not in ("internet", ["internet"])} | {
        verdict: flow[verdict]
    }
