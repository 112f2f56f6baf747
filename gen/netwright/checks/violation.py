"""Findings of a rule: a violation, at one node or at none, and how violations become diagnostics."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.checks.spelling import Names
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath, format_path


class UnknownName(Struct, frozen=True, kw_only=True):
    """A name that nothing has, where it stands (`is_key`: as a key), and the names that may have been meant."""

    name: str
    path: TopologyPath
    is_key: bool
    candidates: tuple[str, ...]


class Violation(Struct, frozen=True, kw_only=True):
    """A value that breaks a rule. `node` is the name of the node at which it does, None if it does so at none.

    `unknown name` is the unknown name that breaks it, None for any other reason.

    A setting of a group or a network is read at each of its nodes; it is reported once, with the first of them.
    """

    severity: Severity
    path: TopologyPath
    message: str
    node: str | None
    related: tuple[TopologyPath, ...]
    on_key: bool
    unknown_name: UnknownName | None = None


def unknown(
    kinds: str, name: str, path: TopologyPath, known: Names, *, node: str | None = None, on_key: bool = False
) -> Violation:
    """A violation by a name that nothing of these kinds has."""
    return Violation(
        severity=Severity.ERROR,
        path=path,
        message=f'no {kinds} is called "{name}"{known.meant(name)}',
        node=node,
        related=(),
        on_key=on_key,
        unknown_name=UnknownName(name=name, path=path, is_key=on_key, candidates=known.candidates(name)),
    )


def error(
    path: TopologyPath,
    message: str,
    *,
    node: str | None = None,
    related: tuple[TopologyPath, ...] = (),
    on_key: bool = False,
) -> Violation:
    """A violation that stops the generation."""
    return Violation(severity=Severity.ERROR, path=path, message=message, node=node, related=related, on_key=on_key)


def warning(
    path: TopologyPath,
    message: str,
    *,
    node: str | None = None,
    related: tuple[TopologyPath, ...] = (),
    on_key: bool = False,
) -> Violation:
    """A violation that works, but will bite."""
    return Violation(severity=Severity.WARNING, path=path, message=message, node=node, related=related, on_key=on_key)


class _Collected(Struct):
    """The violations at one value: those of the first node, and the names of the others."""

    node: str | None
    violations: dict[Violation, None] = field(default_factory=dict)
    others: dict[str, None] = field(default_factory=dict)


def diagnose(rule: str, violations: Iterable[Violation]) -> Iterator[Diagnostic]:
    """A diagnostic for each violation of a rule; the same value's violations at further nodes are only counted."""
    places: dict[tuple[TopologyPath, Severity], _Collected] = {}
    for violation in violations:
        place = places.setdefault((violation.path, violation.severity), _Collected(node=violation.node))
        if violation.node == place.node:
            place.violations[violation] = None
        elif violation.node is not None:
            place.others[violation.node] = None
    for place in places.values():
        for violation in place.violations:
            yield Diagnostic(
                severity=violation.severity,
                path=violation.path,
                message=violation.message + _others(tuple(place.others)),
                rule=rule,
                related=violation.related,
                on_key=violation.on_key,
            )


def _others(nodes: tuple[str, ...]) -> str:
    match len(nodes):
        case 0:
            return ""
        case 1 | 2:
            return f" (the same at {' and '.join(nodes)})"
        case count:
            return f" (the same at {nodes[0]} and {count - 1} more nodes)"


def tell_once(found: Sequence[tuple[str, Sequence[Violation]]]) -> Iterator[tuple[str, Sequence[Violation]]]:
    """The violations of every rule, an unknown name told where it first stands only, with its other places."""
    places: dict[tuple[str, tuple[str, ...]], dict[TopologyPath, None]] = {}
    for _, violations in found:
        for unknown_name in (violation.unknown_name for violation in violations if violation.unknown_name):
            places.setdefault((unknown_name.name, unknown_name.candidates[:1]), {})[unknown_name.path] = None
    for rule, violations in found:
        told = []
        for violation in violations:
            if violation.unknown_name is None:
                told.append(violation)
                continue
            first, *others = places[violation.unknown_name.name, violation.unknown_name.candidates[:1]]
            if violation.path == first:
                told.append(replace(violation, message=violation.message + _elsewhere(others)))
        yield rule, told


def _elsewhere(places: Sequence[TopologyPath]) -> str:
    match len(places):
        case 0:
            return ""
        case 1 | 2:
            return f" (the same in {' and '.join(map(format_path, places))})"
        case count:
            return f" (the same in {format_path(places[0])} and {count - 1} more places)"
