"""What the targets work with beside the plan: the renderer, and the project that snippets are read from."""

from dataclasses import dataclass, field

from gen.project import Project
from gen.render import Renderer
from gen.source import Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """The renderer of a run, the project's folder, and the topology for findings about its values."""

    renderer: Renderer
    project: Project
    topology: Source
    _snippets: dict[str, Source] = field(default_factory=dict)

    def snippet(self, path: str) -> Source:
        """The snippet at a path below the project's root, read once a run; ProjectFileError if it can't be read."""
        if path not in self._snippets:
            self._snippets[path] = self.project.read_text(path)
        return self._snippets[path]
