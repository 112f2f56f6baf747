"""K3s's own configuration in the user's snippets, compared with the topology.

`generate` stops where they differ, as at any error in a snippet; it reads snippets only that may speak of K3s.
"""

from collections.abc import Iterable, Iterator

from netwright.files.artifact import NodeTree
from netwright.model import Node
from netwright.production.production import Production
from netwright.text.counting import list_some
from netwright.text.report import Diagnostic, Report, Severity
from netwright.verify.network_model.k3s_settings import Contradiction, contradictions
from netwright.verify.reading.formats.cloudinit import read_user_data
from netwright.verify.reading.formats.ignition import read_ignition
from netwright.verify.reading.formats.k3s import K3sSetting, read_k3s
from netwright.verify.values.wiring import Wiring
from netwright.verify_input.wiring import assume, wire

_NAMED = 10
"""Number of nodes a finding names at most."""
_READERS = {".ign": read_ignition, "/user-data": read_user_data}


def report_contradictions(production: Production) -> Report:
    """The errors where snippets contradict the topology about K3s; one finding for all nodes with the same."""
    wiring = wire(production.resolved)
    read: dict[tuple[str, ...], tuple[K3sSetting, ...]] = {}
    found: dict[tuple[tuple[str, ...], str, str], list[str]] = {}
    for node in production.resolved.topology.nodes:
        snippets = _snippets(node)
        if node.role is None or not snippets:
            continue
        delivered = (*snippets, node.name) if _is_different(production, node) else snippets
        if delivered not in read:
            read[delivered] = tuple(_settings(production.build(node.name)))
        for one in _contradictions(production, wiring, node, read[delivered]):
            said = f"{one.setting} ({_place(production, snippets, one.setting)})"
            found.setdefault((one.path, one.stated, said), []).append(node.name)
    diagnostics = [
        Diagnostic(
            severity=Severity.ERROR,
            path=path,
            rule="k3s_agrees_with_the_topology",
            message=f"{stated} here, but K3s on {list_some(nodes, _NAMED)} is set to {said}; set both the same",
        )
        for (path, stated, said), nodes in found.items()
    ]
    return Report.about(production.source, diagnostics)


def _is_different(production: Production, node: Node) -> bool:
    """Return whether the node may deliver other settings than others with its snippets: its own, or a template's."""
    plan = production.plan(node.name)
    return bool(plan.k3s) or any(one.is_template for one in (*plan.butane_snippets, *plan.cloud_init_snippets))


def _place(production: Production, snippets: Iterable[str], setting: K3sSetting) -> str:
    """Return the place of a setting: the line of the snippet, if it is to be found there, and of the delivered file."""
    for name in snippets:
        lines = (production.context.snippet(name).text or "").splitlines()
        for number, line in enumerate(lines, start=1):
            if setting.key in line and all(value in line for value in setting.values[:1]):
                return f"{name}:{number}, delivered as {setting.origin}"
    return str(setting.origin)


def _snippets(node: Node) -> tuple[str, ...]:
    return tuple(snippet.value for snippet in (*node.butane_snippets, *node.cloud_init_snippets))


def _settings(tree: NodeTree) -> Iterator[K3sSetting]:
    """Return the settings that a node delivers to K3s."""
    for artifact in tree.artifacts:
        reader = next((reader for end, reader in _READERS.items() if artifact.path.endswith(end)), None)
        if reader is not None:
            provisioned = reader(f"{tree.node}/{artifact.path}", artifact.content.decode())
            files = {path: (path, file.content.decode(errors="replace")) for path, file in provisioned.files.items()}
            yield from read_k3s(files, [(origin, order.line) for origin, order in provisioned.commands], []).values()


def _contradictions(
    production: Production, wiring: Wiring, node: Node, settings: tuple[K3sSetting, ...]
) -> Iterator[Contradiction]:
    kubernetes = production.resolved.topology.kubernetes
    yield from contradictions(
        {setting.key: setting for setting in settings},
        wiring,
        node=node.name,
        backend=assume(production.resolved).cni,
        card=kubernetes.interface.value if kubernetes is not None and kubernetes.interface is not None else None,
        cards=[interface.name for interface in node.interfaces],
        addresses=[int(attachment.ip) for interface in node.interfaces for attachment in interface.attachments],
    )
