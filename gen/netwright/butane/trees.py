"""Embeds local directory trees as files and links."""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from netwright.butane.encoding import text_of
from netwright.butane.findings import Diagnostics
from netwright.butane.local import LocalFileError, LocalFiles, TreeFile, TreeLink
from netwright.butane.rules.paths import clean_path
from netwright.butane.translated import Translated
from netwright.text.source import TopologyPath

_SOURCES = ("source", "inline", "local")
_RULE = "tree_fits_in"


class Trees(Struct):
    """The nodes of one config while trees are added to it.

    `files`, `links` and `directories` are the config's own lists; `embed_contents` lays text into the contents of a
    file, in the config's language. `added` names each node that a tree brought, by its kind ("file" or "link"), with
    the place of its tree; `completed` are the config's own nodes that a tree filled.
    """

    files: list[Translated]
    links: list[Translated]
    directories: Sequence[Translated]
    embed_contents: Callable[[Mapping[str, Any], str], Translated]
    added: list[tuple[str, Translated, TopologyPath]] = field(default_factory=list)
    completed: list[Translated] = field(default_factory=list)

    def embed(self, trees: Sequence[Mapping[str, Any]], local: LocalFiles | None, found: Diagnostics) -> None:
        """Add the files and links of every tree, in the order in which a walk finds them."""
        files = {node["path"]: node for node in self.files}
        links = {node["path"]: node for node in self.links}
        taken = {node["path"] for node in self.directories}
        for index, tree in enumerate(trees):
            place = ("storage", "trees", index)
            if local is None:
                message = "there is no files directory to look it up in; give one with -d/--files-dir"
                found.error(place, "local_file_is_readable", message)
                return
            try:
                for entry in local.walk(tree["local"]):
                    if isinstance(entry, LocalFileError):
                        found.error(place, "local_file_is_readable", str(entry))
                        continue
                    path = _joined(tree.get("path") or "/", entry.path)
                    mine, others = (files, links) if isinstance(entry, TreeFile) else (links, files)
                    if path in others or path in taken:
                        found.error(place, _RULE, f"{path} is something else in storage; rename one of them")
                    elif not self._add(entry, path, mine, place):
                        message = f"{path} already has contents or a target; leave them out there or remove the file"
                        found.error(place, _RULE, message)
            except LocalFileError as error:
                found.error(place, "local_file_is_readable", str(error))

    def _add(self, entry: TreeFile | TreeLink, path: str, nodes: dict[str, Translated], place: TopologyPath) -> bool:
        """Return whether the entry could be added or laid into the node that has its path."""
        node = nodes.get(path)
        if node is None:
            node = nodes[path] = Translated(path=path)
            kind, listed = ("file", self.files) if isinstance(entry, TreeFile) else ("link", self.links)
            listed.append(node)
            self.added.append((kind, node, place))
        elif node.get("target") or any((node.get("contents") or {}).get(source) for source in _SOURCES):
            return False
        else:
            self.completed.append(node)
        if isinstance(entry, TreeLink):
            node["target"] = entry.target
            return True
        if node.get("mode") is None:
            node["mode"] = 0o755 if entry.executable else 0o644
        node["contents"] = self.embed_contents(node.get("contents") or {}, text_of(entry.contents))
        return True


def _joined(base: str, path: str) -> str:
    joined = posixpath.join(base, path)
    return clean_path(joined) if joined.startswith("/") else posixpath.normpath(joined)
