"""Translates a document object by object, in the order of the specification."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.butane.encoding import data_url, text_of
from netwright.butane.findings import Diagnostics
from netwright.butane.foreign import modern_key
from netwright.butane.local import LocalFileError, LocalFiles
from netwright.butane.mounts import with_mount_units
from netwright.butane.rules.butane import BUTANE_RULES
from netwright.butane.shape import Field, FieldKind, Shape, Specification, camel
from netwright.butane.translated import Translated
from netwright.butane.trees import Trees
from netwright.text.report import Diagnostic
from netwright.text.source import TopologyPath

Value = Mapping[str, Any]


class Translation(Struct):
    """One document on its way to Ignition, and what is known about it so far.

    Findings are kept by stage, as the errors of one stop the next: about the document itself, about its local files,
    about fields that the version denies. `judged` are the translated objects that the rules of Ignition will look at
    once trees and mount units are in; `key_places` has where in the document the entries of a list come from, by its
    own path; `renamed` holds the fields that the document has under another name, since they are read from a file.
    """

    specification: Specification
    local: LocalFiles | None
    document: Diagnostics = field(default_factory=Diagnostics)
    reading: Diagnostics = field(default_factory=Diagnostics)
    denied: Diagnostics = field(default_factory=Diagnostics)
    judged: list[tuple[Shape, Translated]] = field(default_factory=list)
    key_places: dict[TopologyPath, list[TopologyPath]] = field(default_factory=dict)
    renamed: dict[TopologyPath, TopologyPath] = field(default_factory=dict)

    def config(self, document: Value) -> Translated:
        """The Ignition config of the whole document."""
        out = self.translate(self.specification.root, document, ())
        header = {**out.pop("ignition", {}), "version": self.specification.ignition_version}
        self._add_mount_units(document, out)
        return Translated({"ignition": header, **out})

    def translate(self, shape: Shape, value: Value, path: TopologyPath) -> Translated:
        """The Ignition form of one object, its fields in the order of the specification."""
        if not self._is_sound(shape, value, path):
            return Translated()
        out = Translated()
        for known in shape.fields:
            name = known.ignition
            given = value.get(known.name)
            if name is None:
                if known.shape is not None and given is not None:
                    self._below(known, given, (*path, known.name))  # for its rules only
                continue
            if given is None:
                if known.default is not None:
                    out[name] = known.default
                continue
            if known.shape is not None or known.kind is FieldKind.STRINGS:
                given = self._below(known, given, (*path, known.name))
                if not given:
                    continue
            elif given == known.omit:
                continue
            elif known.kind is FieldKind.INTEGER and not _is_go_integer(given):
                self.document.error((*path, known.name), "number_is_whole", _not_go_integer(given))
            out[name] = given
        finish = _FINISHERS.get(shape.name)
        if finish is not None:
            out = finish(self, value, out, path)
        self.record(shape, out, path)
        return out

    def _is_sound(self, shape: Shape, value: Value, path: TopologyPath) -> bool:
        """Return whether the object can be translated; its keys and the rules of Butane are looked at as well."""
        if any(map(_half_character, value.values())):
            self._refuse_halves(value, path)
            return False
        if not value.keys() <= shape.by_name.keys():
            self._warn_of_unknown_keys(shape, value, path)
        rule = BUTANE_RULES.get(shape.name)
        if rule is not None:
            rule(value, path, self.document)
        return True

    def record(self, shape: Shape, out: Translated, path: TopologyPath) -> None:
        """Remember a translated object for the rules of Ignition."""
        out.place = path
        self.judged.append((shape, out))

    def in_document(self, found: Diagnostic) -> Diagnostic:
        """Return the finding at the field as the document names it."""
        path = self.renamed.get(found.path)
        return found if path is None else replace(found, path=path)

    def origins(self) -> Iterator[tuple[TopologyPath, TopologyPath]]:
        """Yield the path of each field of the config, and of what it comes from in the document."""
        for shape, value in self.judged:
            path = value.place
            there = tuple(camel(step) if isinstance(step, str) else step for step in path)
            for known in shape.fields:
                if known.ignition is not None and known.ignition in value:
                    here = (*path, known.name)
                    yield (*there, known.ignition), self.renamed.get(here, here)

    def read(self, name: str, path: TopologyPath) -> bytes | None:
        """The contents of a local file that the field at `path` names, None with an error if it can't be taken."""
        if self.local is None:
            message = "there is no files directory to look it up in; give one with -d/--files-dir"
            self.reading.error(path, "local_file_is_readable", message)
            return None
        try:
            return self.local.read(name)
        except LocalFileError as error:
            self.reading.error(path, "local_file_is_readable", str(error))
            return None

    def _add_mount_units(self, document: Value, out: Translated) -> None:
        filesystems = (document.get("storage") or {}).get("filesystems") or ()
        units = with_mount_units(filesystems, out.get("systemd", {}).get("units", []))
        for unit, place in units:
            if place is not None:
                self.record(self.specification.shapes["unit"], unit, place)
        if units:
            out.pop("systemd", None)
            out["systemd"] = Translated(units=[unit for unit, _ in units])
            self.record(self.specification.shapes["systemd"], out["systemd"], ("systemd",))

    def _below(self, known: Field, given: Any, path: TopologyPath) -> Any:
        if known.shape is None:
            return list(given)
        if known.kind is FieldKind.OBJECTS:
            shape = known.shape
            return [self.translate(shape, entry, (*path, index)) for index, entry in enumerate(given)]
        if known.denied is not None and _is_set(known.shape, given):
            self.denied.error(path, "field_is_supported", f"{known.denied}; leave {known.name} out")
        return self.translate(known.shape, given, path)

    def _refuse_halves(self, value: Value, path: TopologyPath) -> None:
        for name, given in value.items():
            half = _half_character(given)
            if half is not None:
                message = f"U+{ord(half):04X} is half of a character, which no text has; remove it"
                self.document.error((*path, name), "text_is_unicode", message)

    def _warn_of_unknown_keys(self, shape: Shape, value: Value, path: TopologyPath) -> None:
        for key in value:
            if key not in shape.by_name:
                message = _unknown_key(shape, value, str(key), self.specification.version)
                self.document.warning((*path, key), "key_is_known", message, on_key=True)


def _half_character(value: object) -> str | None:
    """The first lone surrogate of a text or list of texts, but for those that stand for a byte which is no UTF-8."""
    if isinstance(value, str):
        found = None if value.isascii() else _LONE_SURROGATE.search(value)
        return found[0] if found else None
    return next(filter(None, map(_half_character, value)), None) if isinstance(value, list) else None


_LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _is_go_integer(value: object) -> bool:
    """Return whether Go takes the number for one of its 64 bits; JSON Schema takes 420.0 for a whole number as well."""
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _not_go_integer(value: object) -> str:
    shown = str(value) if len(str(value)) <= _LONGEST_NUMBER else f"{str(value)[:_LONGEST_NUMBER]}..."
    if isinstance(value, int):
        return f"{shown} does not fit into 64 bits; write a smaller number"
    return f"{shown} has a point, and a whole number is expected here; write {value:.0f}"


_LONGEST_NUMBER = 30


def _unknown_key(shape: Shape, value: Value, key: str, version: str) -> str:
    if key == "<<":
        return "the merged keys count, but are not checked for being known; write them out"
    modern = modern_key(shape.name, key)
    if modern is not None:
        return f"the key {key} is one of Container Linux Configs and has no effect in version {version}; {modern}"
    from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling needs it

    close = get_close_matches(key, [name for name in shape.by_name if name not in value], n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(shape.by_name)}"
    return f"the key {key} is unknown in version {version} and has no effect; {hint}"


def _is_set(shape: Shape, value: Value) -> bool:
    """Return whether the object sets anything at all, which an empty list or object does not."""
    for known in shape.fields:
        given = value.get(known.name)
        if given not in (None, []) and (
            known.kind is not FieldKind.OBJECT or known.shape is None or _is_set(known.shape, given)
        ):
            return True
    return False


def _finish_resource(translation: Translation, value: Value, out: Translated, path: TopologyPath) -> Translated:
    inline, local = value.get("inline"), value.get("local")
    if inline is None and local is None:
        return out
    if local is not None:
        contents = translation.read(local, (*path, "local"))
        if contents is None:
            return out
        return _resource(out, text_of(contents))
    return _resource(out, inline or "")


def _resource(resource: Value, contents: str) -> Translated:
    """The resource with the contents in it; "no compression" is set, so that it does not inherit one when merged."""
    out = Translated(compression=resource.get("compression", ""), source=data_url(contents))
    if resource:
        out = Translated({"compression": out["compression"], **resource, "source": out["source"]})
        if "verification" in resource:
            out["verification"] = out.pop("verification")
    return out


def _finish_unit(translation: Translation, value: Value, out: Translated, path: TopologyPath) -> Translated:
    name = value.get("contents_local")
    if not name or "contents_local" not in translation.specification.shapes["unit"].by_name:
        return out
    translation.renamed[*path, "contents"] = (*path, "contents_local")
    contents = translation.read(name, (*path, "contents_local"))
    return out if contents is None else Translated({"contents": text_of(contents), **out})


def _finish_user(translation: Translation, value: Value, out: Translated, path: TopologyPath) -> Translated:
    files = value.get("ssh_authorized_keys_local")
    shape = translation.specification.shapes["passwd_user"]
    if not files or "ssh_authorized_keys_local" not in shape.by_name:
        return out
    keys = out.pop("sshAuthorizedKeys", [])
    places: list[TopologyPath] = [(*path, "ssh_authorized_keys", index) for index in range(len(keys))]
    for index, name in enumerate(files):
        place = (*path, "ssh_authorized_keys_local", index)
        contents = translation.read(name, place)
        lines = [line for line in re.split(r"\r?\n", text_of(contents or b"")) if line]
        keys += lines
        places += [place] * len(lines)
    if keys:
        translation.key_places[*path, "ssh_authorized_keys"] = places
        out["sshAuthorizedKeys"] = keys
        _put_in_order(shape, out)
    return out


def _finish_storage(translation: Translation, value: Value, out: Translated, _: TopologyPath) -> Translated:
    trees = value.get("trees")
    if not trees or not all(tree.get("local") for tree in trees):
        return out
    files, links = out.get("files", []), out.get("links", [])
    directories = out.get("directories", ())
    target = Trees(files=files, links=links, directories=directories, embed_contents=_resource)
    target.embed(trees, translation.local, translation.reading)
    shapes = translation.specification.shapes
    for kind, node, place in target.added:
        translation.record(shapes[kind], node, place)
    for node in files:
        _put_in_order(shapes["file"], node)
    for node in target.completed:
        _put_in_order(shapes["link" if "target" in node else "file"], node)
    if files:
        out["files"] = files
    if links:
        out["links"] = links
    _put_in_order(shapes["storage"], out)
    return out


def _put_in_order(shape: Shape, out: Translated) -> None:
    """Bring the fields into the order of the specification again, in the object itself, which knows its place."""
    names = (known.ignition for known in shape.fields if known.ignition is not None)
    ordered = {name: out[name] for name in names if name in out}
    out.clear()
    out.update(ordered)


_FINISHERS: Mapping[str, Callable[[Translation, Value, Translated, TopologyPath], Translated]] = {
    "dropin": _finish_unit,
    "passwd_user": _finish_user,
    "resource": _finish_resource,
    "storage": _finish_storage,
    "unit": _finish_unit,
}
"""Translations of the fields that only Butane knows, by the object's name."""
