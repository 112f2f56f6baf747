"""Merges fragments into a document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.butane.fragment import Fragment, Value
from netwright.butane.shape import Field, FieldKind, Shape, specification
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source, TopologyPath, format_path, locate_each

Origin = tuple[Source, TopologyPath]


class Merged(Struct, frozen=True, kw_only=True):
    """The merged document, and the report on what could not be merged.

    `origins` names the text that brought an entry of the document, where it was not the base.
    """

    document: Mapping[str, Any]
    report: Report
    base: Source
    origins: Mapping[TopologyPath, Origin]

    def attribute(self, diagnostics: Sequence[Diagnostic]) -> Report:
        """The findings about the merged document as findings about the texts that it was merged from."""
        entries = []
        related = [[_origin(path, self.base, self.origins) for path in found.related] for found in diagnostics]
        names = iter(_places([origin for origins in related for origin in origins]))
        for diagnostic, others in zip(diagnostics, related, strict=True):
            source, path = _origin(diagnostic.path, self.base, self.origins)
            named = [(origin, next(names)) for origin in others]
            elsewhere = "".join(f"; see {name}" for origin, name in named if origin[0] is not source)
            here = tuple(other for where, other in others if where is source)
            message = diagnostic.message + elsewhere
            entries.append((source, replace(diagnostic, path=path, related=here, message=message)))
        return Report.of([Report(entries=tuple(entries))])


def merge_documents(base: Mapping[str, Any], fragments: Sequence[Fragment], *, base_source: Source) -> Merged:
    """The base with the fragments' lists appended to its own, in the order of the fragments.

    The same path, unit, user or other unique entry from two texts is an error that names both places; so are two
    different values of one field. The arguments are not changed. `base_source` is how messages call the base.
    """
    root = specification(base["version"]).root
    document = dict(base)
    origins: dict[TopologyPath, Origin] = {}
    report = Report()
    for fragment in fragments:
        layer = _Layer(fragment=fragment, base=base_source, origins=origins)
        document = layer.lay(root, document, fragment.document, ())
        report += Report.about(fragment.source, layer.conflicts)
    return Merged(document=document, report=report, base=base_source, origins=origins)


class _Layer(Struct, kw_only=True):
    """One fragment on its way into the document; `origins` is shared with the layers below and added to."""

    fragment: Fragment
    base: Source
    origins: dict[TopologyPath, Origin]
    conflicts: list[Diagnostic] = field(default_factory=list)

    def lay(self, shape: Shape, below: Mapping[str, Any], above: Mapping[str, Any], path: TopologyPath) -> Value:
        """`below` with the fragment's part `above` laid over it."""
        out = dict(below)
        for name, given in above.items():
            known = shape.by_name[name]
            place = (*path, name)
            if given is None or given in ({}, []):
                continue
            if known.kind in {FieldKind.OBJECTS, FieldKind.STRINGS}:
                if known.unique is not None:
                    self._refuse_repetition(shape, known, out, given, path)
                out[name] = self._append(out.get(name) or [], given, place)
            elif known.shape is not None and known.shape.name != "resource":
                out[name] = self.lay(known.shape, out.get(name) or {}, given, place)
            elif out.get(name) is None:
                out[name] = given
                self._remember(place, place)
            elif out[name] != given:
                (other,) = _places([_origin(place, self.base, self.origins)])
                self._conflict(place, f"{name} has another value at {other}; keep one of them")
        return out

    def _append(self, before: Sequence[Any], given: Sequence[Any], path: TopologyPath) -> list[Any]:
        for index in range(len(given)):
            self._remember((*path, len(before) + index), (*path, index))
        return [*before, *given]

    def _remember(self, place: TopologyPath, own: TopologyPath) -> None:
        self.origins[place] = (self.fragment.source, self.fragment.places.get(own, own))

    def _refuse_repetition(
        self, shape: Shape, known: Field, out: Value, given: Sequence[Any], path: TopologyPath
    ) -> None:
        """Report what the fragment brings although another text has brought it; within one text the rules see it."""
        taken: dict[str, TopologyPath] = {}
        for other in shape.fields:
            if other is known or (known.unique_across is not None and other.unique_across == known.unique_across):
                for key, index in _keys(other, out.get(other.name) or ()):
                    taken.setdefault(key, (*path, other.name, index))
        repeated = [
            (key, index, origin)
            for key, index in _keys(known, given)
            if key in taken and (origin := _origin(taken[key], self.base, self.origins))[0] is not self.fragment.source
        ]
        names = _places([origin for _, _, origin in repeated])
        for (key, index, _), name in zip(repeated, names, strict=True):
            self._conflict((*path, known.name, index), f"{key} is already defined at {name}; keep one of them")

    def _conflict(self, path: TopologyPath, message: str) -> None:
        place = self.fragment.places.get(path, path)
        self.conflicts.append(
            Diagnostic(severity=Severity.ERROR, path=place, message=message, rule="fragments_do_not_conflict")
        )


def _keys(known: Field, entries: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Return what must be unique in each entry, and the entry's index; entries without such a key are passed over."""
    for index, entry in enumerate(entries):
        if known.unique == ".":
            key = entry
        elif known.unique == "number or label":
            continue
        else:
            key = entry.get(known.unique)
        if key:
            yield key, index


def _origin(path: TopologyPath, base: Source, origins: Mapping[TopologyPath, Origin]) -> Origin:
    """The text that brought the value at `path`, and the value's place in it."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            source, place = origins[path[:length]]
            return source, (*place, *path[length:])
    return base, path


def _places(origins: Sequence[Origin]) -> list[str]:
    """Return the places in the text of each of the values."""
    return [
        f"{source.name} ({format_path(path)})"
        if position is None
        else f"{source.name}:{position.line}:{position.column}"
        for (source, path), position in zip(origins, locate_each(origins), strict=True)
    ]
