"""What a rule finds: a breach, at one node or at none, and how breaches become diagnostics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from netwright.checks.spelling import Names
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath, format_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Misnomer:
    """A name that nothing has, where it stands (`is_key`: as a key), and the names that may have been meant."""

    name: str
    path: TopologyPath
    is_key: bool
    candidates: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """A value that breaks a rule. `node` is the name of the node at which it does, None if it does so at none.

    `misnomer` is the unknown name that breaks it, None for any other reason.

    What a group or a network says is read at each of its nodes; it is reported once, with the first of them.
    """

    severity: Severity
    path: TopologyPath
    message: str
    node: str | None
    related: tuple[TopologyPath, ...]
    on_key: bool
    misnomer: Misnomer | None = None


def unknown(
    kinds: str, name: str, path: TopologyPath, known: Names, *, node: str | None = None, on_key: bool = False
) -> Breach:
    """A breach by a name that nothing of these kinds has."""
    return Breach(
        severity=Severity.ERROR,
        path=path,
        message=f'no {kinds} is called "{name}"{known.meant(name)}',
        node=node,
        related=(),
        on_key=on_key,
        misnomer=Misnomer(name=name, path=path, is_key=on_key, candidates=known.candidates(name)),
    )


def error(
    path: TopologyPath,
    message: str,
    *,
    node: str | None = None,
    related: tuple[TopologyPath, ...] = (),
    on_key: bool = False,
) -> Breach:
    """A breach that stops the generation."""
    return Breach(severity=Severity.ERROR, path=path, message=message, node=node, related=related, on_key=on_key)


def warning(
    path: TopologyPath,
    message: str,
    *,
    node: str | None = None,
    related: tuple[TopologyPath, ...] = (),
    on_key: bool = False,
) -> Breach:
    """A breach that works, but will bite."""
    return Breach(severity=Severity.WARNING, path=path, message=message, node=node, related=related, on_key=on_key)


@dataclass(slots=True)
class _Place:
    """The breaches at one value: those of the first node, and the names of the others."""

    node: str | None
    breaches: dict[Breach, None] = field(default_factory=dict)
    others: dict[str, None] = field(default_factory=dict)


def diagnose(rule: str, breaches: Iterable[Breach]) -> Iterator[Diagnostic]:
    """A diagnostic for each breach of a rule; the same value's breaches at further nodes are only counted."""
    places: dict[tuple[TopologyPath, Severity], _Place] = {}
    for breach in breaches:
        place = places.setdefault((breach.path, breach.severity), _Place(node=breach.node))
        if breach.node == place.node:
            place.breaches[breach] = None
        elif breach.node is not None:
            place.others[breach.node] = None
    for place in places.values():
        for breach in place.breaches:
            yield Diagnostic(
                severity=breach.severity,
                path=breach.path,
                message=breach.message + _others(tuple(place.others)),
                rule=rule,
                related=breach.related,
                on_key=breach.on_key,
            )


def _others(nodes: tuple[str, ...]) -> str:
    match len(nodes):
        case 0:
            return ""
        case 1 | 2:
            return f" (the same at {' and '.join(nodes)})"
        case count:
            return f" (the same at {nodes[0]} and {count - 1} more nodes)"


def tell_once(found: Sequence[tuple[str, Sequence[Breach]]]) -> Iterator[tuple[str, Sequence[Breach]]]:
    """The breaches of every rule, an unknown name told where it first stands only, with its other places."""
    places: dict[tuple[str, tuple[str, ...]], dict[TopologyPath, None]] = {}
    for _, breaches in found:
        for misnomer in (breach.misnomer for breach in breaches if breach.misnomer):
            places.setdefault((misnomer.name, misnomer.candidates[:1]), {})[misnomer.path] = None
    for rule, breaches in found:
        told = []
        for breach in breaches:
            if breach.misnomer is None:
                told.append(breach)
                continue
            first, *others = places[breach.misnomer.name, breach.misnomer.candidates[:1]]
            if breach.path == first:
                told.append(replace(breach, message=breach.message + _elsewhere(others)))
        yield rule, told


def _elsewhere(places: Sequence[TopologyPath]) -> str:
    match len(places):
        case 0:
            return ""
        case 1 | 2:
            return f" (the same in {' and '.join(map(format_path, places))})"
        case count:
            return f" (the same in {format_path(places[0])} and {count - 1} more places)"
