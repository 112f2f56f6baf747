"""Rocky Linux and AlmaLinux: NodePlan -> the node's files, cloud-init's NoCloud seed, and libvirt networks."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from netwright.files.artifact import NodeFile, NodeTree
from netwright.model import OPERATING_SYSTEMS
from netwright.plan.types import Link, NodePlan
from netwright.targets.cloud_init import cloud_init_artifacts
from netwright.targets.common import (
    CHRONY,
    CHRONY_SERVERS,
    HAPROXY,
    HOSTS,
    HOSTS_SCRIPT,
    KEEPALIVED,
    KEYS_SCRIPT,
    KEYS_UNIT,
    OUR_HOSTS,
    RULESET_UNIT,
    common_files,
    ruleset_unit,
    text_file,
)
from netwright.targets.context import TargetContext
from netwright.targets.firewalld import firewalld_files
from netwright.targets.libvirt import libvirt_artifacts
from netwright.text.natural import natural_key

SYSCTL_PATH = "/etc/sysctl.d/99-zz-netwright.conf"
"""Sorted behind 99-sysctl.conf, which is a link to /etc/sysctl.conf here and would beat a file named 90-."""
_CARDS_MTU = 1500
"""Octets: what a card takes where nothing is set."""
CNI_PATH = "/etc/NetworkManager/conf.d/10-netwright-cni.conf"
"""A file of the user's that lists devices of its own sorts behind it and wins."""

_NEW_KEYS = {"controller": "controller", "port_type": "port-type"}
_OLD_KEYS = {"controller": "master", "port_type": "slave-type"}
"""The keys of a member's profile; newer releases of NetworkManager take the older names as well."""


def build_tree(plan: NodePlan, context: TargetContext) -> NodeTree:
    """The files as a tree and as cloud-init's seed, and on a KVM host the libvirt networks."""
    written = (*_files(plan, context), *firewalld_files(plan, context.renderer))
    files = tuple(sorted(written, key=lambda file: natural_key(file.path)))
    seed = cloud_init_artifacts(plan, files, context)
    return NodeTree(
        node=plan.name,
        files=files,
        artifacts=(*seed.artifacts, *libvirt_artifacts(plan, context.renderer)),
        report=seed.report,
        secrets=seed.secrets,
    )


def _files(plan: NodePlan, context: TargetContext) -> Iterator[NodeFile]:
    yield from common_files(plan, context.renderer, sysctl_path=SYSCTL_PATH)
    units = {RULESET_UNIT: ruleset_unit(context.renderer)} if plan.ruleset and not plan.firewalld_managed else {}
    if any(link.tunnel for link in plan.links):
        tunnels = [link for link in plan.links if link.tunnel]
        yield text_file(KEYS_SCRIPT, context.renderer.render("rocky/wireguard-keys.sh.j2", links=tunnels))
        units[KEYS_UNIT] = context.renderer.render_once(f"rocky/{KEYS_UNIT}.j2")
    for name, unit in units.items():
        yield text_file(f"/etc/systemd/system/{name}", unit)
    if units:
        enabled = "".join(f"enable {name}\n" for name in units)
        yield text_file("/etc/systemd/system-preset/20-netwright.preset", enabled)
    yield text_file("/etc/cloud/cloud.cfg.d/99-netwright.cfg", "network: {config: disabled}\n")
    if plan.kubernetes:
        yield text_file(CNI_PATH, context.renderer.render_once("rocky/cni.conf.j2"))
    yield from _balancers(plan, context)
    if plan.time_servers:
        yield text_file(CHRONY, context.renderer.render_once("rocky/chrony.conf.j2"))
        asked = {"servers": plan.time_servers, "askers": plan.time_askers}
        yield text_file(CHRONY_SERVERS, context.renderer.render_once("rocky/chrony-servers.conf.j2", **asked))
    if plan.hosts:
        yield text_file(OUR_HOSTS, context.renderer.render_once("rocky/hosts.j2", records=plan.hosts))
        yield text_file(HOSTS_SCRIPT, context.renderer.render_once("rocky/hosts.sh.j2", hosts=HOSTS, ours=OUR_HOSTS))
    keys = _NEW_KEYS if OPERATING_SYSTEMS[plan.os].says_controller else _OLD_KEYS
    for link in plan.links:
        if plan.network_config == "keyfile":
            yield _keyfile(link, keys, context)
        else:
            yield from _ifcfg(link, context)


def _balancers(plan: NodePlan, context: TargetContext) -> Iterator[NodeFile]:
    """What moves virtual addresses, and what answers at them."""
    for path, template, addresses in (
        (KEEPALIVED, "rocky/keepalived.conf.j2", plan.moved_addresses),
        (HAPROXY, "rocky/haproxy.cfg.j2", plan.balanced_addresses),
    ):
        if addresses:
            yield text_file(path, context.renderer.render(template, node=plan.name, addresses=addresses))


def _keyfile(link: Link, keys: Mapping[str, str], context: TargetContext) -> NodeFile:
    """A connection profile; NetworkManager refuses one that others than root may read."""
    # NetworkManager takes the MTU of a lease, unless the profile has one.
    mtu = link.mtu or (_CARDS_MTU if link.dhcp == "address" else None)
    text = context.renderer.render("rocky/interface.nmconnection.j2", link=replace(link, mtu=mtu), keys=keys)
    return text_file(f"/etc/NetworkManager/system-connections/{link.name}.nmconnection", text, mode=0o600)


def _ifcfg(link: Link, context: TargetContext) -> Iterator[NodeFile]:
    folder = "/etc/sysconfig/network-scripts"
    yield text_file(f"{folder}/ifcfg-{link.name}", context.renderer.render("rocky/ifcfg-interface.j2", link=link))
    if any(not route.is_plain_default for route in link.routes):
        yield text_file(f"{folder}/route-{link.name}", context.renderer.render("rocky/route-interface.j2", link=link))
