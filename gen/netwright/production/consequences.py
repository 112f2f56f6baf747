"""Consequences of a misspelt name: the findings of other rules that would go with it."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from netwright.checks import UnknownName, check, find_unknown_names
from netwright.model import Topology
from netwright.parse import parse
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath


def without_consequences(
    document: Mapping[str, Any], topology: Topology, found: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """The findings without those that would go if unknown names were put right; none is added.

    A name is put right by the known one that its message offers; where that offers several, by each of them in turn.
    """
    unknown_names = find_unknown_names(topology) if any(one.severity is Severity.ERROR for one in found) else ()
    if not unknown_names:
        return found
    unknown = {unknown_name.path for unknown_name in unknown_names}
    turns = max(len(unknown_name.candidates) for unknown_name in unknown_names)
    lasting = [_findings(_put_right(document, unknown_names, turn)) for turn in range(turns)]
    return tuple(
        diagnostic
        for diagnostic in found
        if diagnostic.path in unknown or all((diagnostic.rule, diagnostic.path) in others for others in lasting)
    )


def _findings(document: Mapping[str, Any]) -> set[tuple[str, TopologyPath]]:
    topology, _ = parse(document)
    return {(diagnostic.rule, diagnostic.path) for diagnostic in check(topology)}


def _put_right(document: Mapping[str, Any], unknown_names: Sequence[UnknownName], turn: int) -> Mapping[str, Any]:
    """The document with a candidate in the place of each unknown name."""
    right = copy.deepcopy(document)
    for unknown_name in unknown_names:
        if not unknown_name.candidates:
            continue
        known = unknown_name.candidates[min(turn, len(unknown_name.candidates) - 1)]
        holder: Any = right
        for step in unknown_name.path[:-1]:
            holder = holder[step]
        last = unknown_name.path[-1]
        if not unknown_name.is_key:
            holder[last] = known
        elif known not in holder:
            holder[known] = holder.pop(last)
    return right
