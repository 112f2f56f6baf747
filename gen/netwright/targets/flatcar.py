"""Flatcar Container Linux: NodePlan -> the node's files, its Butane and its Ignition."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from netwright.butane import GivenFiles, compile_document, dump_butane, dump_ignition, merge_documents
from netwright.files.artifact import Artifact, NodeFile, NodeTree
from netwright.plan.types import Link, NodePlan
from netwright.targets.common import HOSTS, RULESET_UNIT, TIMESYNCD, common_files, ruleset_unit, text_file
from netwright.targets.context import TargetContext
from netwright.targets.next_hops import gather_next_hops
from netwright.targets.secrets import check_secrets, keep_literal
from netwright.targets.shared_butane import Provision, SharedButane, mark_contents, share_butane
from netwright.targets.snippets import read_fragments
from netwright.text.natural import natural_key
from netwright.text.report import Report
from netwright.text.source import Source

SYSCTL_PATH = "/etc/sysctl.d/90-netwright.conf"
"""Sorted behind 60-baselayout.conf, Flatcar's own."""
UNIT_FOLDER = "/etc/systemd/system/"
OURSELVES = Source(name="netwright itself", text=None)
"""Name in messages of the Butane that is made of the plan."""


def build_tree(plan: NodePlan, context: TargetContext) -> NodeTree:
    """The files as a tree, as Butane that takes their contents from that tree, and as Ignition."""
    files = tuple(sorted(_files(plan, context), key=lambda file: natural_key(file.path)))
    shared = _mould(plan, files, context)
    made = _Made(provision=shared.fill(files)) if shared else _provision(plan, files, context)
    if made.provision is None:
        return NodeTree(node=plan.name, files=(), artifacts=(), report=made.report)
    artifacts = (
        Artifact(path=f"{plan.name}.bu", content=made.provision.butane.encode()),
        Artifact(path=f"{plan.name}.ign", content=keep_literal(made.provision.ignition, made.secrets).encode()),
    )
    report = made.report + check_secrets(plan, made.secrets, artifacts, context)
    return NodeTree(node=plan.name, files=files, artifacts=artifacts, report=report, secrets=made.secrets)


class _Made(Struct, frozen=True, kw_only=True):
    """A node's Butane and Ignition, None if there are errors, the secrets in them, and everything that was found."""

    provision: Provision | None
    secrets: tuple[str, ...] = ()
    report: Report = field(default_factory=Report)


def _mould(plan: NodePlan, files: tuple[NodeFile, ...], context: TargetContext) -> SharedButane | None:
    """Return the Butane shared by the node and all like it; None if there are findings about each of them, or if its
    snippets are made for it alone."""
    if any(snippet.is_template for snippet in plan.butane_snippets):
        return None
    shape = (
        plan.butane_version,
        plan.butane_snippets,
        tuple((file.path, file.mode, file.content if _is_unit(file) else None) for file in files),
    )
    if shape not in context.shared:
        marked = mark_contents(files, but=_is_unit)
        made = _provision(plan, marked, context)
        clean = made.provision is not None and not made.report.entries
        context.shared[shape] = share_butane(made.provision) if clean and made.provision else None
    return context.shared[shape]


def _provision(plan: NodePlan, files: tuple[NodeFile, ...], context: TargetContext) -> _Made:
    read = read_fragments(plan, context)
    merged = merge_documents(_butane_document(plan, files), read.fragments, base_source=OURSELVES)
    compiled = compile_document(merged.document, local=GivenFiles({file.path[1:]: file.content for file in files}))
    report = read.report + merged.report + merged.attribute(compiled.diagnostics)
    if compiled.ignition is None or report.errors:
        return _Made(provision=None, report=report)
    butane, ignition = dump_butane(merged.document), dump_ignition(compiled.ignition, pretty=True)
    return _Made(provision=Provision(butane=butane, ignition=ignition), secrets=read.secrets, report=report)


def _is_unit(file: NodeFile) -> bool:
    """Return whether Butane carries the file as a unit, with its contents, instead of taking them from the tree."""
    return file.path.startswith(UNIT_FOLDER)


def _butane_document(plan: NodePlan, files: tuple[NodeFile, ...]) -> dict[str, Any]:
    """Butane whose files directory is the node's rootfs/. Every file sets overwrite: it may be applied again."""
    document: dict[str, Any] = {"variant": "flatcar", "version": plan.butane_version}
    document["storage"] = {
        "files": [
            {"path": file.path, "overwrite": True, "mode": file.mode, "contents": {"local": file.path[1:]}}
            for file in files
            if not _is_unit(file)
        ]
    }
    units = [
        {"name": file.path.removeprefix(UNIT_FOLDER), "enabled": True, "contents": file.content.decode()}
        for file in files
        if _is_unit(file)
    ]
    if units:
        document["systemd"] = {"units": units}
    return document


def _files(plan: NodePlan, context: TargetContext) -> Iterator[NodeFile]:
    yield from common_files(plan, context.renderer, sysctl_path=SYSCTL_PATH)
    if plan.ruleset:
        yield text_file(f"{UNIT_FOLDER}{RULESET_UNIT}", ruleset_unit(context.renderer))
    if plan.time_servers:
        yield text_file(TIMESYNCD, context.renderer.render_once("flatcar/timesyncd.conf.j2", servers=plan.time_servers))
    if plan.hosts:
        yield text_file(HOSTS, context.renderer.render_once("flatcar/hosts.j2", records=plan.hosts))
    for link in gather_next_hops(plan.links):
        yield from _network_files(plan, link, context)


def _network_files(plan: NodePlan, link: Link, context: TargetContext) -> Iterator[NodeFile]:
    """The .netdev file of a device and the link's .network file, or a drop-in where others write the files themselves.

    networkd takes the first file that matches in the order of names: 10- comes before Flatcar's zz-default.network, and
    before what finds a card by a pattern.
    """
    base = f"/etc/systemd/network/{10 if link.is_certain else 20}-{link.name}.network"
    if not plan.dropins_only:
        if link.device is not None:
            netdev = context.renderer.render("flatcar/10-device.netdev.j2", link=link)
            yield text_file(f"/etc/systemd/network/10-{link.name}.netdev", netdev)
        yield text_file(base, context.renderer.render("flatcar/10-interface.network.j2", link=link))
    elif link.routes or link.policy_rules:
        yield text_file(f"{base}.d/50-routes.conf", context.renderer.render("flatcar/50-routes.conf.j2", link=link))
