"""Operating systems: what each node's can and cannot do."""

import posixpath
import re
from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import Node, Provisioning, Setting
from netwright.text.source import TopologyPath
from netwright.topology.settings import libvirt_bridges


def node_has_an_os(survey: Survey) -> Iterator[Violation]:
    """Every node has an operating system: its own, a group's, or that of `defaults`.

    A device that netwright does not configure has `os: unmanaged`.

    Fails:

        nodes:
          lb2: {interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for node in survey.nodes:
        if node.os is None:
            message = f"{node.name} has no os; set os: flatcar, rocky9 or another one, or unmanaged"
            yield error(node.cause, message, on_key=True)


def network_config_is_read_by_the_os(survey: Survey) -> Iterator[Violation]:
    """The format of a Rocky node's network configuration is one that its release reads.

    Rocky 10 and AlmaLinux 10 ignore ifcfg files: the node would come up without an address.

    Fails:

        nodes:
          lb1: {network_config: ifcfg}

    Passes:

        nodes:
          lb1: {network_config: keyfile}
    """
    for node in survey.nodes:
        if node.os is None or node.network_config is None or not node.os.value.network_configs:
            continue
        chosen, read = node.network_config.value, node.os.value.network_configs
        if chosen not in read:
            message = f"{node.os.value.name} of {node.name} does not read {chosen} files; set it to {' or '.join(read)}"
            yield error(node.network_config.cause, message, node=node.name)


def network_config_outlives_the_os(survey: Survey) -> Iterator[Violation]:
    """A node of Rocky 9 or AlmaLinux 9 gets keyfiles.

    Without `network_config` it gets ifcfg files, as its cloud images have them. The release still reads them but
    calls them deprecated, and the next one no longer reads them.

    Fails:

        nodes:
          lb2: {os: rocky9, interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb2: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    by_default: TopologyPath | None = None
    for node in survey.nodes:
        if node.os is None or node.os.value.name not in _DEPRECATING:
            continue
        release, successor = node.os.value.name, _DEPRECATING[node.os.value.name]
        message = (
            f"{node.name} gets ifcfg files, which {release} deprecates and {successor} ignores; "
            "set network_config: keyfile"
        )
        if node.network_config is None:
            by_default = by_default or node.os.cause
            yield warning(by_default, message, node=node.name)
        elif node.network_config.value == "ifcfg":
            yield warning(node.network_config.cause, message, node=node.name)


_DEPRECATING = {"rocky9": "rocky10", "almalinux9": "almalinux10"}


def settings_suit_the_os(survey: Survey) -> Iterator[Violation]:
    """The settings of a node, or of a group of like nodes, are of use to its operating system.

    `network_config` and `cloud_init` are for Rocky, `butane`, `butane_version`, `local_files_mib` and `dropins_only`
    for Flatcar. They do nothing elsewhere. A group whose members differ may set them all.

    Fails:

        nodes:
          worker1: {network_config: keyfile}

    Passes:

        nodes:
          lb1: {network_config: keyfile}
    """
    for node, key, cause in _strange_settings(survey):
        if node.os is not None:
            message = f"{key} does nothing at {node.name}, which is {node.os.value.name}; leave it out"
            yield warning(cause, message, node=node.name)


def _strange_settings(survey: Survey) -> Iterator[tuple[Node, str, TopologyPath]]:
    """The settings that do nothing at any node for which they are set."""
    useful: set[TopologyPath] = set()
    useless: list[tuple[Node, str, TopologyPath]] = []
    for node in survey.nodes:
        for key, provisioning, cause in _bound_settings(node):
            if node.os is None or node.os.value.provisioning == provisioning:
                useful.add(cause)
            elif cause[0] in {"nodes", "groups"}:
                useless.append((node, key, cause))
    yield from (entry for entry in useless if entry[2] not in useful)


def _bound_settings(node: Node) -> Iterator[tuple[str, Provisioning, TopologyPath]]:
    """The node's settings that are for one family of systems only."""
    single: tuple[tuple[str, Provisioning, Setting[object] | None], ...] = (
        ("network_config", "cloud-init", node.network_config),
        ("butane_version", "ignition", node.butane_version),
        ("local_files_mib", "ignition", node.local_files_mib),
        ("dropins_only", "ignition", node.dropins_only),
    )
    for key, provisioning, setting in single:
        if setting is not None:
            yield key, provisioning, setting.cause
    for snippet in node.butane_snippets:
        yield "butane", "ignition", snippet.cause
    for snippet in node.cloud_init_snippets:
        yield "cloud_init", "cloud-init", snippet.cause


def unmanaged_node_has_no_configuration(survey: Survey) -> Iterator[Violation]:
    """An unmanaged node has no filter rules, NAT, policy rules or trusted files of its own.

    Nothing is written for it but a sheet with the addresses, routes and kernel parameters that it needs: the rules
    would not exist anywhere.

    Fails:

        nodes:
          router:
            os: unmanaged
            interfaces: {lan: {network: front, address: 10.17.3.254}}
            masquerade: [{from: back, out: lan}]

    Passes:

        nodes:
          router:
            os: unmanaged
            interfaces: {lan: {network: front, address: 10.17.3.254}}
            routes: [{to: back, via: gw}]
    """
    written = {cause for node in survey.nodes if not _is_unmanaged(node) for _, cause in _configuration(node)}
    for node in survey.nodes:
        if _is_unmanaged(node):
            for key, cause in _configuration(node):
                if cause[0] in {"nodes", "groups"} and cause not in written:
                    message = (
                        f"{node.name} is unmanaged, and netwright would not write its {key}; "
                        "leave it out, or set its os"
                    )
                    yield error(cause, message, node=node.name)


def _is_unmanaged(node: Node) -> bool:
    return node.os is not None and not node.is_managed


def _configuration(node: Node) -> Iterator[tuple[str, TopologyPath]]:
    for chain in (node.input, node.forward_chain):
        if chain is not None:
            yield "firewall", chain.cause
    yield from (("masquerade", rule.cause) for rule in node.masquerades)
    yield from (("nat_exempt", rule.cause) for rule in node.nat_exemptions)
    yield from (("policy_rules", rule.cause) for rule in node.policy_rules)
    yield from (("trust", file.cause) for file in node.trusted)


def trusted_file_is_named_in_full(survey: Survey) -> Iterator[Violation]:
    """A file under `trust` is named by its whole path, without `.`, `..`, and doubled slashes.

    `verify` compares it with the paths of files that are delivered, and of programs that commands run.

    Fails:

        nodes:
          lb1: {trust: [opt/../opt/backup.sh]}

    Passes:

        nodes:
          lb1: {trust: [/opt/backup.sh]}
    """
    for node in survey.nodes:
        for file in node.trusted:
            right = posixpath.normpath("/" + file.value.lstrip("/"))
            if right == "/":
                yield error(file.cause, f"{file.value} is no file; name one such as /opt/backup.sh", node=node.name)
            elif file.value != right:
                yield error(file.cause, f"{file.value} is not the whole path; write {right}", node=node.name)


_KERNEL_NAME = re.compile(r"eth[0-9]+")
"""A name that the kernel gives in the order of finding cards; others are by slot (systemd.net-naming-scheme(7))."""


def several_interfaces_have_macs(survey: Survey) -> Iterator[Violation]:
    """On a Flatcar node with several network cards each of those called eth0, eth1 and so on has its `mac`.

    Which of two network cards is called eth0 depends on the order in which the machine finds them; with `mac` the
    configuration follows the card.

    Fails:

        nodes:
          worker3:
            os: flatcar
            default_route: {via: 10.17.4.1}
            interfaces: {eth0: {network: back, address: 10.17.4.26}, eth1: {network: front, address: 10.17.3.26}}

    Passes:

        nodes:
          worker3:
            os: flatcar
            default_route: {via: 10.17.4.1}
            interfaces:
              eth0: {network: back, address: 10.17.4.26, mac: "52:54:00:00:04:26"}
              eth1: {network: front, address: 10.17.3.26, mac: "52:54:00:00:03:26"}
    """
    for node in survey.nodes:
        cards = [link for link in node.links if link.device is None]
        if node.system.provisioning != "ignition" or len(cards) < 2:
            continue
        unbound = [
            card for card in cards if card.mac is None and card.match is None and _KERNEL_NAME.fullmatch(card.name)
        ]
        if unbound:
            names = " and ".join(card.name for card in unbound)
            count = len(cards)
            message = (
                f"{node.name} has {count} network cards, and nothing tells which card is {names}; set the mac of each"
            )
            yield warning(unbound[0].cause, message, node=node.name, on_key=True)


def optional_interface_is_waited_for(survey: Survey) -> Iterator[Violation]:
    """An interface with `optional` has a file of netwright's that tells what a machine waits for when it starts.

    Devices that netwright does not configure have none, nor have nodes with `dropins_only`, and libvirt's bridges.

    Fails:

        nodes:
          lb2: {os: unmanaged, interfaces: {eth0: {network: front, address: 10.17.3.13, optional: true}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13, optional: true}}}
    """
    for node in survey.nodes:
        is_written = node.is_managed and not (node.dropins_only is not None and node.dropins_only.value)
        bridges = libvirt_bridges(survey.resolved, node)
        for interface in node.links:
            if interface.optional and (not is_written or interface.name in bridges):
                message = (
                    f"netwright writes no file that tells {node.name} to wait for {interface.name}; remove optional"
                )
                yield error((*interface.cause, "optional"), message, node=node.name)


RULES = (
    optional_interface_is_waited_for,
    node_has_an_os,
    network_config_is_read_by_the_os,
    network_config_outlives_the_os,
    settings_suit_the_os,
    unmanaged_node_has_no_configuration,
    trusted_file_is_named_in_full,
    several_interfaces_have_macs,
)
