"""Explanation of a line of OUT: its facts, the flows and topology lines behind it, and what breaks without them."""

import os
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from netwright.explain.attribution import Attribution
from netwright.explain.fact import Fact
from netwright.explain.facts import facts_of
from netwright.model import Flow
from netwright.production.production import Production
from netwright.text.counting import count
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import KeyPositions, Source, TopologyPath, format_path, locate
from netwright.text.standard_input import read_input

LARGEST_FILE = 64 * 1024 * 1024
"""The most bytes of a manifest that are read."""

_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,8})")


class Reason(Struct, frozen=True, kw_only=True):
    """One fact that a line needs, with the places in the topology that it comes from."""

    title: str
    flows: tuple[str, ...]
    causes: tuple[tuple[TopologyPath, KeyPositions], ...]
    without: str | None


class Explanation(Struct, frozen=True, kw_only=True):
    """A line of OUT and its reasons."""

    file: str
    line: int
    text: str
    node: str
    reasons: tuple[Reason, ...]


def explain_line(
    production: Production, out: str, place: str, known: dict[str, Attribution] | None = None
) -> Explanation | Report:
    """Explain the line FILE:LINE of OUT; return a report if there is no such line, or OUT is not as generated.

    Whoever asks for several lines hands the same `known` over each time: what was found out of a node, by its name.
    """
    known = {} if known is None else known
    match = _PLACE.fullmatch(place)
    if match is None:
        return _refusal(place, "name a line of a generated file, as out/kvm/libvirt/kube02.xml:14")
    path, line = match["file"], int(match["line"])
    below = os.path.relpath(path, out).split(os.sep)
    if len(below) < 2 or below[0] not in production.nodes:
        return _refusal(path, f"is no file of a node below {out}; name one such as {out}/{production.nodes[0]}/...")
    node, file = below[0], "/".join(below[1:])
    if file == "manifest.json":
        return _explain_manifest(production, path, node, line)
    plan = production.plan(node)
    attribution = known.get(node) or Attribution(production.build_plan, plan, tuple(facts_of(plan)))
    known[node] = attribution
    wanted = attribution.lines(file)
    if wanted is None:
        return _refusal(path, "is not generated; run netwright generate, or name another file")
    try:
        content = read_input(path, sum(len(line.encode()) + 1 for line in wanted))
    except OSError as error:
        return _refusal(path, f"can't be read: {error.strerror}")
    if content is None or content.decode(errors="replace").split("\n") != wanted:
        return _refusal(path, "is not as generated from the topology; run netwright generate first")
    if line > len(wanted) - (not wanted[-1]):
        return _refusal(path, f"has {count(len(wanted) - (not wanted[-1]), 'line')}; name one of them")
    facts = attribution.facts_behind(file, line)
    reasons = tuple(_reason(production, node, fact) for fact in facts) or (_plain_reason(production, node),)
    return Explanation(file=path, line=line, text=wanted[line - 1], node=node, reasons=reasons)


def _explain_manifest(production: Production, path: str, node: str, line: int) -> Explanation | Report:
    """Explain a line of a manifest; what it lists is explained where it stands."""
    try:
        content = read_input(path, LARGEST_FILE)
        text = (content or b"").decode(errors="replace").split("\n")[line - 1]
    except (OSError, IndexError):
        return _refusal(path, "has no such line; name one of its lines")
    reason = Reason(
        title=f"lists path, hash, mode and owner of every file that netwright writes for {node}",
        flows=(),
        causes=_located(production.source, [production.plan(node).cause]),
        without="netwright does not know its own files, and refuses to overwrite them",
    )
    return Explanation(file=path, line=line, text=text, node=node, reasons=(reason,))


def _reason(production: Production, node: str, fact: Fact) -> Reason:
    paths: list[TopologyPath] = [fact.cause] if not fact.flows or fact.cause[0] != "flows" else []
    paths += [("flows", flow) for flow in fact.flows]
    return Reason(
        title=f"{fact.title}, on {node}",
        flows=fact.flows,
        causes=_located(production.source, paths),
        without=what_breaks(fact, node),
    )


def _plain_reason(production: Production, node: str) -> Reason:
    """For what stands in every file of its kind, whatever the topology is."""
    plan = production.plan(node)
    path = dict(plan.causes).get("os", plan.cause)
    return Reason(
        title=f"stands in every file of this kind on a node of {plan.os}",
        flows=(),
        causes=_located(production.source, [path]),
        without=None,
    )


def _located(source: Source, paths: list[TopologyPath]) -> tuple[tuple[TopologyPath, KeyPositions], ...]:
    places = locate(source, paths)
    return tuple((path, places[path]) for path in dict.fromkeys(paths))


def what_breaks(fact: Fact, node: str) -> str | None:
    """Return what happens to the flows that a fact serves if it is not there; None if it serves none."""
    if not fact.flows:
        return None
    return fact.kind.value.format(flows=", ".join(fact.flows), node=node)


def describe_flow(flow: Flow) -> str:
    """A flow in one line: from, to, and what is allowed or denied."""
    start = ", ".join(end.text for end in flow.sources)
    end = ", ".join(end.text for end in flow.destinations)
    words = [
        (traffic.protocol or "any") + (f"/{_ports(traffic.ports)}" if traffic.ports else "") for traffic in flow.traffic
    ]
    nat = ", no address changed" if flow.nat_never else ""
    return f"{start} -> {end}: {'' if flow.allow else 'deny '}{', '.join(words)}{nat}"


def _ports(ports: tuple[int, int]) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def explanation_json(explanation: Explanation, source: Source) -> Mapping[str, Any]:
    """The explanation as plain data."""
    return {
        "file": explanation.file,
        "line": explanation.line,
        "text": explanation.text,
        "node": explanation.node,
        "reasons": [
            {
                "fact": reason.title,
                "flows": list(reason.flows),
                "causes": [
                    {
                        "path": format_path(path),
                        "file": source.name,
                        "line": (place.key or place.value).line,
                        "column": (place.key or place.value).column,
                    }
                    for path, place in reason.causes
                ],
                "without": reason.without,
            }
            for reason in explanation.reasons
        ],
    }


def _refusal(name: str, message: str) -> Report:
    diagnostic = Diagnostic(severity=Severity.ERROR, path=(), rule="line_is_generated", message=message)
    return Report.about(Source(name=name, text=None), [diagnostic])
