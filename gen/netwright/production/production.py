"""A topology file -> what to generate from it: nodes, how each one's tree is built, a fingerprint of the input."""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from netwright import __version__
from netwright.files.artifact import NodeTree
from netwright.files.project import Project, ProjectFileError
from netwright.files.resources import resource_dir
from netwright.flows import NO_NEEDS, Derivation, derive
from netwright.model import Topology
from netwright.plan import plan_node
from netwright.plan.types import NodePlan
from netwright.production.firewalld import check_firewalld
from netwright.production.read import read_topology
from netwright.targets import TargetContext, build_tree
from netwright.templating.render import open_renderer
from netwright.templating.snippets import SUFFIX, SnippetRenderer
from netwright.text.natural import natural_key
from netwright.text.report import Report
from netwright.text.source import Source
from netwright.topology.description import describe_networks, describe_node, describe_services
from netwright.topology.resolved import ResolvedTopology, resolve_topology


class Production(Struct, frozen=True, kw_only=True):
    """Product of a run: nodes in natural order, their plans and trees, and a digest of everything they depend on.

    Where a snippet takes in further files, known only once it is built, the fingerprint is never the same twice.
    """

    source: Source
    resolved: ResolvedTopology
    derivation: Derivation
    nodes: tuple[str, ...]
    fingerprint: str
    context: TargetContext

    def plan(self, node: str) -> NodePlan:
        """The plan of a node."""
        return plan_node(self.resolved, self.resolved.nodes[node], self.derivation.needs.get(node, NO_NEEDS))

    def build(self, node: str) -> NodeTree:
        """The tree of a node."""
        return self.build_plan(self.plan(node))

    def build_plan(self, plan: NodePlan) -> NodeTree:
        """The tree that a plan comes to, one of ours or one that asks what if."""
        return build_tree(plan, self.context)

    def speaks_of_k3s(self) -> bool:
        """Return whether a snippet of a Kubernetes node may tell K3s something, by name or in a tree of files."""
        nodes = [node for node in self.resolved.topology.nodes if node.role is not None]
        files = {file.value for node in nodes for file in (*node.butane_snippets, *node.cloud_init_snippets)}
        return any(_may_speak_of_k3s(self.context, file) for file in files)

    def close(self) -> None:
        """End the processes that render the user's templates."""
        self.context.renderer.close()
        self.context.snippets.close()


def _may_speak_of_k3s(context: TargetContext, snippet: str) -> bool:
    try:
        text = (context.snippet(snippet).text or "").lower()
    except ProjectFileError:
        return False  # building reports it
    return "k3s" in text or "trees" in text


def prepare(path: str) -> tuple[Production | None, Report]:
    """The production of a topology file, None if it has errors; and everything found."""
    read = read_topology(path)
    if read.topology is None or read.source is None:
        return None, read.report
    project = Project(root=Path(path).parent)
    renderer, report = open_renderer(project, read.topology.templates, read.source)
    report = read.report + report
    if report.errors:
        return None, report
    resolved = resolve_topology(read.topology)
    derivation = derive(resolved)
    report += Report.about(read.source, derivation.diagnostics)
    if not report.errors:
        report += Report.about(read.source, check_firewalld(resolved, derivation))
    if report.errors:
        renderer.close()
        return None, report
    context = TargetContext(
        renderer=renderer, snippets=_snippet_renderer(resolved, project), project=project, topology=read.source
    )
    production = Production(
        source=read.source,
        resolved=resolved,
        derivation=derivation,
        nodes=tuple(sorted((node.name for node in read.topology.nodes), key=natural_key)),
        fingerprint=_fingerprint(read.topology, read.source, context),
        context=context,
    )
    return production, report


def _snippet_renderer(resolved: ResolvedTopology, project: Project) -> SnippetRenderer:
    """What renders the snippets that are templates, with the topology's values."""
    common = {"networks": describe_networks(resolved), **describe_services(resolved)}
    return SnippetRenderer(
        lambda: {source.name: source for source in _templates(resolved.topology, project)},
        common,
        lambda node: {"node": describe_node(resolved, resolved.nodes[node])},
    )


def _templates(topology: Topology, project: Project) -> Iterator[Source]:
    for path in sorted(_snippets(topology)):
        if path.endswith(SUFFIX):
            with contextlib.suppress(ProjectFileError):  # building the node reports it
                yield project.read_text(path)


def _snippets(topology: Topology) -> frozenset[str]:
    files = (file for node in topology.nodes for file in (*node.butane_snippets, *node.cloud_init_snippets))
    return frozenset(file.value for file in files)


def _fingerprint(topology: Topology, source: Source, context: TargetContext) -> str:
    digest = hashlib.sha256()
    for part in _inputs(topology, source, context):
        if part is None:
            return os.urandom(32).hex()
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _inputs(topology: Topology, source: Source, context: TargetContext) -> Iterator[bytes | None]:
    yield __version__.encode()
    yield from _code()
    yield (source.text or "").encode()
    if topology.templates is not None:
        for override in context.renderer.overrides:
            yield f"{override.name}\n{override.text}".encode()
    for path in sorted(_snippets(topology)):
        try:
            text = context.snippet(path).text or ""
        except ProjectFileError:
            yield None
            return
        yield None if "local" in text else f"{path}\n{text}".encode()


def _code() -> Iterator[bytes]:
    """The code that makes the trees: the language, libraries, and our own code and templates as they lie on disk.

    While it is worked on, our code changes without a new version.
    """
    yield sys.version.encode()
    for library in ("jinja2", "netaddr", "yaml"):
        file = str(sys.modules[library].__file__)
        yield _stamp(file, os.stat(file))
    package = Path(__file__).parents[1]
    for root in (package, resource_dir("templates"), resource_dir("schema")):
        folders = [os.fspath(root)]
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if not entry.is_dir():
                        yield _stamp(entry.path, entry.stat())
                    elif entry.name != "__pycache__":
                        folders.append(entry.path)


def _stamp(path: str, status: os.stat_result) -> bytes:
    return f"{path} {status.st_size} {status.st_mtime_ns}".encode()
