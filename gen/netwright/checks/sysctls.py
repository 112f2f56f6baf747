"""Kernel parameters: none contradicts another setting, and each has an effect."""

import posixpath
from collections.abc import Iterator

from netwright.checks.foreign import is_made_by_others
from netwright.checks.spelling import Names
from netwright.checks.survey import Survey, default_ways
from netwright.checks.violation import Violation, error, warning
from netwright.model import Node, SysctlSetting
from netwright.text.source import format_path
from netwright.topology.settings import IP_FORWARD, derived_parameters, interface_key, stated_parameters

_ALIASES = {interface_key("all", "forwarding"): IP_FORWARD}
"""Keys that are another name of the same parameter (kernel, Documentation/networking/ip-sysctl.rst)."""


def sysctl_agrees_with_the_settings(survey: Survey) -> Iterator[Violation]:
    """A kernel parameter under `sysctl` has the same value as the setting that decides it, and as its other mentions.

    `forward`, `kubernetes`, `rp_filter`, `proxy_arp`, `arp_ignore` and `arp_announce` become parameters too. Of two
    values one would silently lose.

    Fails:

        nodes:
          lb1: {rp_filter: loose, sysctl: {net.ipv4.conf.all.rp_filter: 1}}

    Passes:

        nodes:
          lb1: {rp_filter: loose, sysctl: {net.ipv4.conf.all.log_martians: 1}}
    """
    for node in survey.nodes:
        decided: dict[tuple[str, ...], SysctlSetting] = {}
        for parameter in (*derived_parameters(node), *stated_parameters(node)):
            key = _ALIASES.get(parameter.key, parameter.key)
            first = decided.setdefault(key, parameter)
            # A Kubernetes node's own forwarding is judged by a rule of its own.
            if first.value != parameter.value and first.cause[-1] != "kubernetes":
                decision = f"{format_path(first.cause)}, by which {'.'.join(key)} is {first.value}"
                message = f"{parameter.value} contradicts {decision}; keep one of them"
                yield error(parameter.cause, message, node=node.name, related=(first.cause,))


def sysctl_key_has_no_dot_segments(survey: Survey) -> Iterator[Violation]:
    """A sysctl key has no word that is `.` or `..`.

    `net/./ipv4/ip_forward` is another name of `net.ipv4.ip_forward`, so that it would contradict or repeat a setting
    unnoticed; systemd refuses a key with `..`.

    Fails:

        nodes:
          gw: {sysctl: {net/./ipv4/ip_forward: 0}}

    Passes:

        nodes:
          gw: {sysctl: {net.ipv4.ip_nonlocal_bind: 1}}
    """
    for node in survey.nodes:
        for parameter in node.sysctls:
            if not {".", ".."}.isdisjoint(parameter.key):
                right = tuple(posixpath.normpath(f"/{'/'.join(parameter.key)}").split("/")[1:])
                separator = "/" if any("." in word for word in right) else "."
                cure = f"write {separator.join(right)}" if len(right) > 1 else "leave it out"
                message = f'the sysctl key "{"/".join(parameter.key)}" has a segment of dots; {cure}'
                yield error(parameter.cause, message, node=node.name, on_key=True)


def sysctl_spells_dotted_interfaces_with_slashes(survey: Survey) -> Iterator[Violation]:
    """A parameter of an interface whose name contains a dot is written with slashes.

    With dots, `net.ipv4.conf.flannel.1.rp_filter` means interface `flannel`, and is silently not applied. An
    interface that the node has in the topology is recognised either way.

    Fails:

        nodes:
          worker1: {sysctl: {net.ipv4.conf.flannel.1.rp_filter: 0}}

    Passes:

        nodes:
          worker1: {sysctl: {net/ipv4/conf/flannel.1/rp_filter: 0}}
    """
    for node, parameter in _interface_parameters(survey):
        family, section, *name, word = parameter.key[1:]
        if len(name) > 1 and {".", ".."}.isdisjoint(name):
            right = f"net/{family}/{section}/{'.'.join(name)}/{word}"
            message = f"with dots this is no parameter of interface {'.'.join(name)}; write {right}"
            yield error(parameter.cause, message, node=node.name, on_key=True)


def sysctl_interface_is_known(survey: Survey) -> Iterator[Violation]:
    """A parameter of an interface is one of an interface that the node has.

    The kernel has no such parameter otherwise. Interfaces that other software makes (`cni0`, `flannel.1`,
    `docker0`, `wg0` and so on) are not judged.

    Fails:

        nodes:
          lb1: {sysctl: {net.ipv4.conf.ens3.send_redirects: 0}}

    Passes:

        nodes:
          lb1: {sysctl: {net.ipv4.conf.eth0.send_redirects: 0}}
    """
    for node, parameter in _interface_parameters(survey):
        _, _, *name, _ = parameter.key[1:]
        names = [interface.name for interface in node.links]
        if len(name) == 1 and name[0] not in {"all", "default", "lo", *names} and not is_made_by_others(name[0], names):
            message = f'{node.name} has no interface "{name[0]}"{Names(names).meant(name[0])}'
            yield warning(parameter.cause, message, node=node.name, on_key=True)


def _interface_parameters(survey: Survey) -> Iterator[tuple[Node, SysctlSetting]]:
    """The nodes' parameters that belong to an interface."""
    for node in survey.nodes:
        for parameter in node.sysctls:
            if len(parameter.key) >= 5 and parameter.key[0] == "net" and parameter.key[2] in {"conf", "neigh"}:
                yield node, parameter


def rp_filter_takes_effect(survey: Survey) -> Iterator[Violation]:
    """An interface's `rp_filter` is not undone by the node's.

    The kernel takes the higher of both values (off 0, strict 1, loose 2): `off` counts only while the node's is
    off, and `strict` while it is not loose. Rocky 8 and AlmaLinux 8 set the node's to strict unless told otherwise.

    Fails:

        nodes:
          gw:
            rp_filter: loose
            interfaces: {eth0: {rp_filter: "off"}}

    Passes:

        nodes:
          gw:
            rp_filter: "off"
            interfaces: {eth0: {rp_filter: loose}}
    """
    for node in survey.nodes:
        parameters = survey.parameters[node.name]
        everywhere = parameters.get(interface_key("all", "rp_filter"))
        release = node.os.value.name if node.os else ""
        value = everywhere.value if everywhere else _RP_FILTER_OF_RELEASE.get(release, "0")
        for interface in node.interfaces:
            own = parameters.get(interface_key(interface.name, "rp_filter"))
            if own is None or own.value not in _RP_FILTER or value not in _RP_FILTER or own.value >= value:
                continue
            mine, theirs = _RP_FILTER[own.value], _RP_FILTER[value]
            message = (
                f"{mine} on {interface.name} is overruled by {node.name if everywhere else release}'s {theirs}: "
                f"the kernel takes the higher; set rp_filter: {mine} on the node"
            )
            related = (everywhere.cause,) if everywhere else ()
            yield warning(own.cause, message, node=node.name, related=related)


_RP_FILTER = {"0": "off", "1": "strict", "2": "loose"}
_RP_FILTER_OF_RELEASE = {"rocky8": "1", "almalinux8": "1"}


def arp_setting_takes_effect(survey: Survey) -> Iterator[Violation]:
    """An interface's `arp_ignore` or `arp_announce` is not undone by the kernel parameter of all interfaces.

    The kernel takes the higher of both values.

    Fails:

        nodes:
          gw:
            sysctl: {net.ipv4.conf.all.arp_announce: 2}
            interfaces: {eth0: {arp_announce: 1}}

    Passes:

        nodes:
          gw:
            sysctl: {net.ipv4.conf.all.arp_announce: 1}
            interfaces: {eth0: {arp_announce: 2}}
    """
    for node in survey.nodes:
        parameters = survey.parameters[node.name]
        for interface in node.links:
            for setting in filter(None, (interface.arp_ignore, interface.arp_announce)):
                key = interface_key("all", str(setting.cause[-1]))
                general = parameters.get(key)
                if general is not None and general.value.isdecimal() and int(general.value) > setting.value:
                    message = (
                        f"{setting.value} on {interface.name} is overruled by {'.'.join(key)} = {general.value}: "
                        "the kernel takes the higher; leave out one of them"
                    )
                    yield warning(setting.cause, message, node=node.name, related=(general.cause,))


def strict_rp_filter_stays_strict(survey: Survey) -> Iterator[Violation]:
    """A strict `rp_filter` is set where NetworkManager leaves it strict.

    NetworkManager, which configures Rocky and AlmaLinux, makes a strict filter loose on a card with a default route.

    Fails:

        networks:
          front: {cidr: 10.17.3.0/24, router: gw}
        nodes:
          lb1: {rp_filter: strict}

    Passes:

        networks:
          front: {cidr: 10.17.3.0/24, router: gw}
        nodes:
          lb1: {rp_filter: loose}
    """
    for node in survey.nodes:
        if node.system.provisioning != "cloud-init":
            continue
        own = {interface.name: interface.rp_filter for interface in node.interfaces}
        for name in dict.fromkeys(way.interface.name for way in default_ways(survey, node)):
            setting = own[name] or node.rp_filter
            if setting is not None and setting.value == "strict":
                message = (
                    f"strict becomes loose on {name}: NetworkManager relaxes it on a card with a default route; "
                    "set loose, or default_route: none"
                )
                yield warning(setting.cause, message, node=node.name)


RULES = (
    strict_rp_filter_stays_strict,
    sysctl_agrees_with_the_settings,
    sysctl_key_has_no_dot_segments,
    sysctl_spells_dotted_interfaces_with_slashes,
    sysctl_interface_is_known,
    rp_filter_takes_effect,
    arp_setting_takes_effect,
)
