"""Rules in firewalld: what zones and policies can express of a node's rules."""

import re
from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.model import CNI_ZONE
from netwright.topology.settings import firewalld_zone

_ZONE = re.compile(r"[A-Za-z0-9_-]{1,17}")
"""Names that firewalld takes for a zone (firewalld.zone(5))."""
_TAKEN = frozenset({CNI_ZONE, "public", "trusted", "block", "drop", "libvirt", "libvirt-routed", "docker", "nm-shared"})
"""Zones of firewalld, libvirt, Docker, NetworkManager and flannel that these have a use for of their own."""


def firewalld_is_managed_on_enterprise_linux(survey: Survey) -> Iterator[Violation]:
    """A node with `firewalld: managed` has Rocky Linux or AlmaLinux.

    Others have no firewalld that netwright could configure. In `defaults` it holds for those that have.

    Fails:

        nodes:
          worker1: {os: flatcar, firewalld: managed}

    Passes:

        nodes:
          gw: {os: rocky10, firewalld: managed}
    """
    for node in survey.nodes:
        stated = node.firewalld
        if stated is None or stated.value != "managed" or node.os is None or node.system.runs_firewalld:
            continue
        if stated.cause[0] != "defaults":
            message = (
                f"{node.name} has {node.system.name}, and netwright manages firewalld on Rocky and AlmaLinux only; "
                "leave it out there"
            )
            yield error(stated.cause, message, node=node.name)


def network_can_name_a_zone(survey: Survey) -> Iterator[Violation]:
    """The first network of an interface can be the name of its zone, where firewalld is managed.

    firewalld takes at most 17 letters, digits, `-` and `_`. The zones public, trusted, block, drop, docker, nm-shared,
    cni and those of libvirt have a use of their own.

    Fails:

        networks:
          public: {cidr: 10.17.9.0/24}
        nodes:
          gw2: {os: rocky10, firewalld: managed, interfaces: {eth0: {network: public, address: 10.17.9.2}}}

    Passes:

        networks:
          edge: {cidr: 10.17.9.0/24}
        nodes:
          gw2: {os: rocky10, firewalld: managed, interfaces: {eth0: {network: edge, address: 10.17.9.2}}}
    """
    for node in survey.nodes:
        for interface in node.links:
            name = firewalld_zone(node, interface)
            if name is not None and (name in _TAKEN or _ZONE.fullmatch(name) is None):
                why = (
                    f"the zone {name} has a use of its own"
                    if name in _TAKEN
                    else f"no zone of firewalld is called {name}: a name has at most 17 letters, digits, - and _"
                )
                message = f"{why}; give the network of {interface.name} another one, or set firewalld: masked"
                yield error(interface.cause, message, node=node.name, on_key=True)


RULES = (firewalld_is_managed_on_enterprise_linux, network_can_name_a_zone)
