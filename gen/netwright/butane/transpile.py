"""Butane text -> Ignition text."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from netwright.butane.compile import compile_document, known_specification
from netwright.butane.conform import conforms
from netwright.butane.decode import Decoder, Document, Moved, as_written
from netwright.butane.dialect import YamlError
from netwright.butane.encoding import dump_ignition
from netwright.butane.findings import Diagnostics
from netwright.butane.local import FilesDir, Withheld
from netwright.butane.nodes import Node, read_nodes
from netwright.butane.shape import Shape, Specification, specification
from netwright.text.report import Diagnostic, Report
from netwright.text.source import Source, TopologyPath, format_path


class Transpiled(Struct, frozen=True, kw_only=True):
    """The Ignition config as JSON, None if the text has errors, everything that was found, and where fields come from
    (see Compiled)."""

    ignition: str | None
    report: Report
    origins: Callable[[], Iterator[tuple[TopologyPath, TopologyPath]]] = lambda: iter(())


def transpile(
    source: Source, *, files_dir: Path | None = None, pretty: bool = False, withheld: Withheld | None = None
) -> Transpiled:
    """The Ignition config of a Butane text; `local` files are looked up beneath `files_dir`, but none that is
    `withheld`."""
    found = Diagnostics()
    moved: Moved = {}
    document = read_document(source, found, moved)
    if document is None:
        return Transpiled(ignition=None, report=Report.about(source, found.diagnostics))
    local = None if files_dir is None else FilesDir(files_dir, withheld=withheld)
    compiled = compile_document(document, local=local)
    diagnostics = [*found.diagnostics, *(as_written(one, moved) for one in compiled.diagnostics)]
    report = _report(source, document, moved, diagnostics)
    if compiled.ignition is None:
        return Transpiled(ignition=None, report=report)
    ignition = dump_ignition(compiled.ignition, pretty=pretty)
    return Transpiled(ignition=ignition, report=report, origins=compiled.origins)


def read_document(source: Source, found: Diagnostics, moved: Moved) -> Document | None:
    """The document as plain data, read by its own version's rules; None with errors if that is not possible.

    `moved` gets the lists that lost empty entries (Decoder).
    """
    try:
        root = read_nodes((source.text or "").removeprefix("\ufeff"))
        known = _specification_of(root, found)
        document = None if known is None else Decoder(found, moved=moved).document(root, known.root)
    except YamlError as error:
        found.diagnostics.append(error.diagnostic)
        return None
    if known is None or document is None or not found.fatal:
        return document
    wrong = Diagnostics()
    conforms(known, document, wrong)  # all that is wrong with the text is told at once
    found.diagnostics += (as_written(one, moved) for one in wrong.diagnostics)
    return None


def _specification_of(root: Node | None, found: Diagnostics) -> Specification | None:
    decoder = Decoder()
    header = decoder.document(root, _header())
    known = None if header is None else _named_specification(header, decoder.found)
    if known is None:
        found.diagnostics += decoder.found.diagnostics
    return known


def _named_specification(header: Document, found: Diagnostics) -> Specification | None:
    for name in ("variant", "version"):
        if not isinstance(header.get(name, ""), str):
            found.error((name,), "field_has_its_type", f"the {name} is not text; write it as one word")
            return None
    return known_specification(header, found)


def _header() -> Shape:
    """Fields that every version's document has at its root."""
    root = specification("1.0.0").root
    fields = tuple(known for known in root.fields if known.name in {"variant", "version"})
    return Shape(name="header", fields=fields, by_name={known.name: known for known in fields}, has_unique=False)


def _report(source: Source, document: Document, moved: Moved, diagnostics: list[Diagnostic]) -> Report:
    """The findings with the text that they concern, which is one embedded in the document for some."""
    entries = []
    embedded: dict[TopologyPath, Source] = {}
    for diagnostic in diagnostics:
        depth = _depth_of_text(diagnostic)
        if depth is None:
            entries.append((source, diagnostic))
            continue
        path = diagnostic.path[:depth]
        if path not in embedded:
            embedded[path] = Source(name=f"{source.name}, {format_path(path)}", text=_value(document, path, moved))
        inner = diagnostic.path if diagnostic.position is not None else diagnostic.path[depth:]
        entries.append((embedded[path], replace(diagnostic, path=inner)))
    return Report.of([Report(entries=tuple(entries))])


def _depth_of_text(diagnostic: Diagnostic) -> int | None:
    """Return the depth of the embedded config that the finding is about, None if it is about the document."""
    path = diagnostic.path
    if path[:2] != ("ignition", "config") or "inline" not in path:
        return None
    depth = path.index("inline") + 1
    return depth if len(path) > depth or diagnostic.position is not None else None


def _value(document: Document, path: TopologyPath, moved: Moved) -> Any:
    """The value at a path of the text, whose lists may have had empty entries that the document lacks."""
    value: Any = document
    for depth, step in enumerate(path):
        written = moved.get(path[:depth]) if isinstance(step, int) else None
        value = value[step if written is None else written.index(step)]
    return value
