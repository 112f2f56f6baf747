"""Context of the targets besides the plan: the renderer, and the project that snippets are read from."""

from collections.abc import Hashable

from msgspec import Struct, field

from netwright.butane import Budget, FilesDir, Loaded, load_fragment
from netwright.files.project import Project
from netwright.targets.shared_butane import SharedButane
from netwright.templating.render import Renderer
from netwright.templating.snippets import SnippetRenderer
from netwright.text.source import Source


class TargetContext(Struct, frozen=True, kw_only=True):
    """The renderer of a run, the project's folder, and the topology for findings about its values."""

    renderer: Renderer
    snippets: SnippetRenderer
    project: Project
    topology: Source
    shared: dict[Hashable, SharedButane | None] = field(default_factory=dict)
    """Shared Butane by the shape of the nodes that it is for."""
    _snippets: dict[str, Source] = field(default_factory=dict)
    _fragments: dict[tuple[str, str, int], Loaded] = field(default_factory=dict)

    def snippet(self, path: str) -> Source:
        """The snippet at a path below the project's root, read once a run; ProjectFileError if it can't be read."""
        if path not in self._snippets:
            self._snippets[path] = self.project.read_text(path)
        return self._snippets[path]

    def fragment(self, source: Source, version: str, mib: int) -> Loaded:
        """A snippet as a fragment of Butane of that version, loaded once a run; its `local` files lie in the project.

        They have so many MiB together at most.
        """
        if source.template is not None:  # it differs from node to node
            return self._load(source, version, mib)
        key = (source.name, version, mib)
        if key not in self._fragments:
            self._fragments[key] = self._load(source, version, mib)
        return self._fragments[key]

    def _load(self, source: Source, version: str, mib: int) -> Loaded:
        local = FilesDir(self.project.root, Budget(mib), self.project)
        return load_fragment(source, version=version, local=local)
