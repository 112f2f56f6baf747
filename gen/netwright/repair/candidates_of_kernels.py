"""Candidates for a kernel's refusals whatever the routes are: forwarding, reverse path filter, ARP."""

import re
from collections.abc import Iterator

from netwright.repair.edits import Candidate, put, remove
from netwright.repair.involved import Suspect, Symptoms, mapping, networks_of
from netwright.verify import Outcome

_DECIDING = re.compile(
    r"net[./]ipv4[./](ip_forward|conf[./].*[./](forwarding|rp_filter|arp_ignore|arp_announce|arp_filter|proxy_arp"
    r"|accept_local|proxy_arp_pvlan|medium_id))|net[./]bridge[./].*"
)


def forward(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """A node forwards; of an unmanaged one, the person who looks after it is asked to let it."""
    is_silent = Outcome.FORWARDING_OFF in symptoms.kinds and suspect.struck and "forward" not in suspect.settings
    if suspect.settings.get("forward") is False or is_silent:
        yield (put((*suspect.path, "forward"), True),)


def filter_loosely(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:  # noqa: ARG001
    """The reverse path filter takes any route for an answer, not only the best one by the same interface."""
    interfaces = mapping(suspect.settings.get("interfaces"))
    for name, interface in interfaces.items():
        if mapping(interface).get("rp_filter") == "strict":
            yield (put((*suspect.path, "interfaces", name, "rp_filter"), "loose"),)
    stated = suspect.settings.get("rp_filter")
    if stated == "strict" or (stated is None and suspect.struck):
        yield (put((*suspect.path, "rp_filter"), "loose"),)


def no_own_sysctl(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:  # noqa: ARG001
    """A kernel parameter less of those that decide about packets."""
    for key in mapping(suspect.settings.get("sysctl")):
        if _DECIDING.fullmatch(key):
            yield (remove((*suspect.path, "sysctl", key)),)
    for name, interface in mapping(suspect.settings.get("interfaces")).items():
        place = (*suspect.path, "interfaces", name)
        for key in mapping(mapping(interface).get("sysctl")):
            yield (remove((*place, "sysctl", key)),)
        for key in ("arp_ignore", "arp_announce"):
            if mapping(interface).get(key):
                yield (remove((*place, key)),)


def answer_for_others(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:
    """The router of a network answers ARP there for what is behind it."""
    networks = mapping(symptoms.document.get("networks"))
    nodes = dict(symptoms.nodes())
    for interface in mapping(suspect.settings.get("interfaces")).values():
        for network in networks_of(interface):
            router = mapping(networks.get(network)).get("router")
            for name, other in mapping(nodes.get(str(router), {}).get("interfaces")).items():
                if ("nodes", router) != suspect.path and network in networks_of(other):
                    yield (put(("nodes", str(router), "interfaces", name, "proxy_arp"), True),)


def own_the_files(symptoms: Symptoms, suspect: Suspect) -> Iterator[Candidate]:  # noqa: ARG001
    """A node whose .network files only netwright writes: what others write there is unknown."""
    if suspect.settings.get("dropins_only") is True:
        yield (put((*suspect.path, "dropins_only"), False),)
