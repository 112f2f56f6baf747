"""Fragments of Butane: texts that are merged into a document, made independent of the files they name."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.butane.conform import conforms
from netwright.butane.decode import Decoder
from netwright.butane.dialect import YamlError
from netwright.butane.encoding import text_of
from netwright.butane.findings import Diagnostics
from netwright.butane.local import FilesDir, LocalFileError
from netwright.butane.nodes import read_nodes
from netwright.butane.shape import VERSIONS, FieldKind, Shape, Specification, specification
from netwright.butane.translated import Translated
from netwright.butane.trees import Trees
from netwright.text.report import Report, Severity
from netwright.text.source import Source, TopologyPath

Value = dict[str, Any]


class Fragment(Struct, frozen=True, kw_only=True, eq=False):
    """Part of a document, without variant and version, its local files embedded.

    `places` are the places in the text of those entries that the text does not spell out, such as a tree's files.
    `local_bytes` is how much was read from local files.
    """

    source: Source
    document: Mapping[str, Any]
    places: Mapping[TopologyPath, TopologyPath]
    local_bytes: int = 0


class Loaded(Struct, frozen=True, kw_only=True):
    """A fragment, None if its text has errors, and everything that was found."""

    fragment: Fragment | None
    report: Report


def load_fragment(source: Source, *, version: str, local: FilesDir | None) -> Loaded:
    """The fragment that the Butane text is, for a document of `version`, its local files taken from `local`.

    The text may leave out variant and version. Unknown keys are errors: nothing of a fragment is silently lost.
    """
    found = Diagnostics()
    known = specification(version)
    try:
        root = read_nodes((source.text or "").removeprefix("\ufeff"))
        document = Decoder(found).document(root, known.root)
    except YamlError as error:
        found.diagnostics.append(error.diagnostic)
        document = None
    fragment = None
    if document is not None and _header_fits(document, version, found) and not found.fatal:
        header = {"variant": "flatcar", "version": version}
        if conforms(known, {**document, **header}, found):
            embedding = _Embedding(known, local, found)
            embedded = embedding.embed(known.root, document, ())
            size = local.budget.spent if local is not None else 0
            fragment = Fragment(source=source, document=embedded, places=embedding.places, local_bytes=size)
    diagnostics = tuple(replace(diagnostic, severity=Severity.ERROR) for diagnostic in found.diagnostics)
    return Loaded(fragment=None if diagnostics else fragment, report=Report.about(source, diagnostics))


def _header_fits(document: Value, version: str, found: Diagnostics) -> bool:
    variant, own = document.pop("variant", "flatcar"), document.pop("version", version)
    if variant != "flatcar":
        found.error(("variant",), "variant_is_known", f"the variant {variant} is not supported; use flatcar")
    elif own not in VERSIONS:
        message = f"version {own} of variant flatcar is not supported; use {' or '.join(VERSIONS)}"
        found.error(("version",), "version_is_known", message)
    elif VERSIONS.index(own) > VERSIONS.index(version):
        message = f"the fragment needs version {own}, the document is of {version}; raise the document's version"
        found.error(("version",), "version_is_known", message)
    else:
        return True
    return False


class _Embedding(Struct):
    """Puts the contents of local files where their names stand."""

    known: Specification
    local: FilesDir | None
    found: Diagnostics
    places: dict[TopologyPath, TopologyPath] = field(default_factory=dict)

    def embed(self, shape: Shape, value: Mapping[str, Any], path: TopologyPath) -> Value:
        """The object with everything local embedded."""
        out: Value = {}
        for name, given in value.items():
            known = shape.by_name.get(name)
            if known is None:
                message = f"the key {name} is unknown in version {self.known.version}; remove it"
                self.found.error((*path, name), "key_is_known", message, on_key=True)
            elif given is None or known.shape is None:
                out[name] = given
            elif known.kind is FieldKind.OBJECT:
                out[name] = self.embed(known.shape, given, (*path, name))
            else:
                entries = enumerate(given)
                out[name] = [self.embed(known.shape, entry, (*path, name, index)) for index, entry in entries]
        match shape.name:
            case "resource":
                self._embed_contents(out, "local", "inline", path)
            case "unit" | "dropin":
                self._embed_contents(out, "contents_local", "contents", path)
            case "passwd_user":
                self._embed_keys(out, path)
            case "storage":
                self._embed_trees(out)
        return out

    def _embed_contents(self, out: Value, name: str, target: str, path: TopologyPath) -> None:
        if out.get(name) is None or out.get(target) is not None:
            return
        contents = self._read(out[name], (*path, name))
        if contents is not None:
            del out[name]
            out[target] = contents
            self.places[*path, target] = (*path, name)

    def _embed_keys(self, out: Value, path: TopologyPath) -> None:
        keys = list(out.get("ssh_authorized_keys") or ())
        for index, name in enumerate(out.pop("ssh_authorized_keys_local", None) or ()):
            place = (*path, "ssh_authorized_keys_local", index)
            for line in re.split(r"\r?\n", self._read(name, place) or ""):
                if line:
                    self.places[*path, "ssh_authorized_keys", len(keys)] = place
                    keys.append(line)
        if keys:
            out["ssh_authorized_keys"] = keys

    def _embed_trees(self, out: Value) -> None:
        trees = out.get("trees")
        if not trees or not all(tree.get("local") for tree in trees):
            return
        files, links = out.setdefault("files", []), out.setdefault("links", [])
        own = {"files": len(files), "links": len(links)}
        if not all(node.get("path") for node in (*files, *links)):
            return
        target = Trees(
            files=files,
            links=links,
            directories=out.get("directories") or (),
            embed_contents=lambda contents, text: Translated({**contents, "inline": text}),
        )
        target.embed(trees, self.local, self.found)
        for name, kind in (("files", "file"), ("links", "link")):
            added = [place for added, _, place in target.added if added == kind]
            for offset, place in enumerate(added):
                self.places["storage", name, own[name] + offset] = place
        for name in ("trees", *(name for name in own if not out[name])):
            del out[name]

    def _read(self, name: str, path: TopologyPath) -> str | None:
        if self.local is None:
            message = "there is no files directory to look it up in; embed the contents"
            self.found.error(path, "local_file_is_readable", message)
            return None
        try:
            return text_of(self.local.read(name))
        except LocalFileError as error:
            self.found.error(path, "local_file_is_readable", str(error))
            return None
