"""Nodes -> a document of plain data, each scalar read as the specification's field wants it."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.butane.dialect import YamlError
from netwright.butane.findings import Diagnostics
from netwright.butane.nodes import Alias, Mapping, Node, Scalar, Sequence
from netwright.butane.scalars import as_boolean, as_integer, as_text, resolve
from netwright.butane.shape import Field, FieldKind, Shape
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import Position, TopologyPath

Document = dict[str, Any]


Moved = dict[TopologyPath, tuple[int, ...]]
"""By the path of a list that lost empty entries as it was read: the indexes at which those that stayed were written."""


def as_written(found: Diagnostic, moved: Moved) -> Diagnostic:
    """Return the finding about a document with the paths that the text has."""
    if not moved:
        return found
    related = tuple(_as_written(path, moved) for path in found.related)
    return replace(found, path=_as_written(found.path, moved), related=related)


def _as_written(path: TopologyPath, moved: Moved) -> TopologyPath:
    written: TopologyPath = ()
    for step in path:
        indexes = moved.get(written, ()) if isinstance(step, int) else ()
        written += (indexes[step] if isinstance(step, int) and step < len(indexes) else step,)
    return written


class Decoder(Struct):
    """One walk from nodes to plain data; raises YamlError for what ends it at once.

    `moved` holds, for each list that lost empty entries, where the entries that stayed were written.

    Fields of the wrong type are passed on as they are, for the schema to find. What stands below an alias or a merge
    key is taken as if written there, but unknown keys in it are not told about, as Butane does not see them.
    """

    found: Diagnostics = field(default_factory=Diagnostics)
    decoded: int = 0
    repeated: int = 0
    moved: Moved = field(default_factory=dict)
    open_aliases: list[Node] = field(default_factory=list)

    def document(self, root: Node | None, shape: Shape) -> Document | None:
        """The document, None if there is none or if its root is something else than a mapping."""
        if root is None:
            return {}
        value = self._object(root, shape, (), quiet=False)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.found.error((), "field_has_its_type", "the document is not a mapping; begin it with variant: flatcar")
        return None

    def _object(self, node: Node, shape: Shape, path: TopologyPath, *, quiet: bool) -> Any:
        if isinstance(node, Alias):
            return self._repeat(node, lambda target: self._object(target, shape, path, quiet=True))
        self._count()
        if not isinstance(node, Mapping):
            return self._as_it_is(node)
        out: Document = {}
        for name, value, merged in self._entries(node):
            known = shape.by_name.get(name)
            if known is not None:
                decoded = self._field(value, known, (*path, name), quiet=quiet or merged)
                if decoded is not None:
                    out[name] = decoded
            elif not (quiet or merged):
                out[name] = None
        return out

    def _field(self, node: Node, known: Field, path: TopologyPath, *, quiet: bool) -> Any:
        if known.kind is FieldKind.OBJECT and known.shape is not None:
            if not isinstance(node, Mapping) and not quiet and self._target_is_object(node):
                self._warn_of_repetition(node, path)
            return self._object(node, known.shape, path, quiet=quiet)
        if known.kind in {FieldKind.OBJECTS, FieldKind.STRINGS}:
            return self._list(node, known, path, quiet=quiet)
        return self._scalar(node, known.kind)

    def _list(self, node: Node, known: Field, path: TopologyPath, *, quiet: bool) -> Any:
        if isinstance(node, Alias):
            return self._repeat(node, lambda target: self._list(target, known, path, quiet=True))
        self._count()
        if not isinstance(node, Sequence):
            return self._as_it_is(node)
        out: list[Any] = []
        written: list[int] = []
        for number, entry in enumerate(node.entries):
            place = (*path, number)
            if known.shape is None:
                value = self._scalar(entry, FieldKind.STRING)
            else:
                value = self._object(entry, known.shape, place, quiet=quiet)
            if value is not None:  # Go leaves nothing out of a list, and what follows moves up
                out.append(value)
                written.append(number)
        if len(out) < len(node.entries) and not quiet:
            self.moved[path] = tuple(written)
        if known.shape is not None and not quiet:
            for index, entry in enumerate(node.entries[: len(out)]):
                if not isinstance(entry, Mapping) and self._target_is_object(entry):
                    self._warn_of_repetition(entry, (*path, index))
        return out

    def _scalar(self, node: Node, kind: FieldKind) -> Any:
        if isinstance(node, Alias):
            return self._repeat(node, lambda target: self._scalar(target, kind))
        self._count()
        if not isinstance(node, Scalar):
            return self._as_it_is(node)
        match kind:
            case FieldKind.INTEGER:
                return as_integer(node)
            case FieldKind.BOOLEAN:
                return as_boolean(node)
        return as_text(node)

    def _as_it_is(self, node: Node) -> Any:
        """A value of the wrong type, only as deep as the message about it will show."""
        if isinstance(node, Scalar):
            value = resolve(node)
            return value if value is None else node.text
        if isinstance(node, Sequence):
            return [None] * min(1, len(node.entries))
        if isinstance(node, Mapping):
            return {key.text: None for key, _ in node.entries[:1] if isinstance(key, Scalar)}
        return self._as_it_is(node.target)

    def _entries(self, node: Mapping) -> list[tuple[str, Node, bool]]:
        """Name, value and whether a merge key brought it, of every entry; what is written wins over what is merged."""
        own: dict[str, tuple[str, Node, bool]] = {}
        first: dict[str, Scalar] = {}
        merged: Node | None = None
        for key, value in node.entries:
            if isinstance(key, Alias):
                message = (
                    f"to Butane the key is called {key.anchor}, whatever *{key.anchor} stands for; write it as text"
                )
                raise YamlError(key.position, message)
            if not isinstance(key, Scalar):
                raise YamlError(key.position, "a key is a list or a mapping; write it as text")
            if key.text in first:
                self._repeated_key(key, first[key.text])
                continue
            first[key.text] = key
            if key.text == "<<" and not key.quoted and key.tag in _MERGE_TAGS:
                merged = value
            elif as_text(key) not in {None, key.text}:
                raise YamlError(key.position, f"to Butane the key is called {key.text}; write it without !!binary")
            own[key.text] = (key.text, value, False)
        if merged is None:
            return list(own.values())
        for name, value, _ in self._merged_entries(merged):
            own.setdefault(name, (name, value, True))
        return list(own.values())

    def _merged_entries(self, merged: Node) -> list[tuple[str, Node, bool]]:
        sources = merged.entries if isinstance(merged, Sequence) else [merged]
        entries: list[tuple[str, Node, bool]] = []
        for source in sources:
            target = source.target if isinstance(source, Alias) else source
            if not isinstance(target, Mapping):
                raise YamlError(source.position, "only mappings can be merged; name one after <<")
            if isinstance(source, Alias):
                entries += self._repeat(source, self._counted_entries)
            else:
                entries += self._counted_entries(target)
        return entries

    def _counted_entries(self, node: Node) -> list[tuple[str, Node, bool]]:
        self._count()
        return self._entries(node) if isinstance(node, Mapping) else []

    def _repeat(self, alias: Alias, decode: Callable[[Scalar | Sequence | Mapping], Any]) -> Any:
        if any(alias.target is node for node in self.open_aliases):
            raise YamlError(alias.position, f"the anchor &{alias.anchor} contains itself; write its contents out")
        self.open_aliases.append(alias.target)
        try:
            return decode(alias.target)
        finally:
            self.open_aliases.pop()

    def _count(self) -> None:
        """Raise for a document that is hardly more than repetitions, by the measure that Go's YAML has for that."""
        self.decoded += 1
        self.repeated += bool(self.open_aliases)
        if self.decoded > 1000 and self.repeated > 100:
            share = 0.99 - 0.89 * min(1.0, max(0.0, (self.decoded - 400_000) / 3_600_000))
            if self.repeated / self.decoded > share:
                raise YamlError(
                    Position(line=1, column=1), "the document repeats itself excessively by aliases; write it out"
                )

    @staticmethod
    def _target_is_object(node: Node) -> bool:
        target = node.target if isinstance(node, Alias) else node
        return isinstance(target, Mapping) or (isinstance(target, Scalar) and as_text(target) is None)

    def _warn_of_repetition(self, node: Node, path: TopologyPath) -> None:
        if isinstance(node, Alias):
            message = f"*{node.anchor} stands for a mapping whose keys are not checked here; write the mapping out"
        else:
            message = "there is nothing here; write {} or leave the key out"
        self.found.warning(path, "mapping_is_written_out", message)

    def _repeated_key(self, key: Scalar, first: Scalar) -> None:
        self.found.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR,
                path=(),
                message=f"the key {key.text} is already there, at line {first.position.line}; keep one of them",
                rule="key_is_unique",
                position=key.position,
            )
        )


_MERGE_TAGS = frozenset({None, "!", "!!merge", "tag:yaml.org,2002:merge"})
