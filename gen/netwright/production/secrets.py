"""Secrets that snippets ask for: where their placeholders stand in OUT."""

from collections.abc import Iterator

from msgspec import Struct

from netwright.files.artifact import NodeTree
from netwright.production.production import Production
from netwright.templating.snippets import placeholder
from netwright.text.report import Report


class PlacedSecret(Struct, frozen=True, kw_only=True):
    """A place of a secret: its name, the node, and the file below OUT with the line."""

    name: str
    node: str
    file: str
    line: int


def find_secrets(production: Production) -> tuple[tuple[PlacedSecret, ...], Report]:
    """Return every place of every secret, and what is wrong with the nodes that have some."""
    trees = [production.build(node) for node in production.nodes if _has_templates(production, node)]
    places = sorted((place for tree in trees for place in _places(tree)), key=lambda place: place.name)
    return tuple(places), Report.of(tree.report for tree in trees)


def _has_templates(production: Production, node: str) -> bool:
    plan = production.plan(node)
    return any(snippet.is_template for snippet in (*plan.butane_snippets, *plan.cloud_init_snippets))


def _places(tree: NodeTree) -> Iterator[PlacedSecret]:
    for artifact in tree.artifacts:
        for number, line in enumerate(artifact.content.decode(errors="replace").split("\n"), start=1):
            for name in tree.secrets:
                if placeholder(name) in line:
                    yield PlacedSecret(name=name, node=tree.node, file=f"{tree.node}/{artifact.path}", line=number)
