"""The rules of one machine: those of its files, those that its programs add, and what keeps them from being known."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from netwright.verify.network_model.assumed import INTERNET
from netwright.verify.network_model.chains import Firewall
from netwright.verify.network_model.firewalld import Loaded, load_firewalld, rules_of_2
from netwright.verify.network_model.foreign import (
    flannel_ruleset,
    kube_proxy_rules,
    libvirt_rules,
    read_rules,
    uplink_rules,
)
from netwright.verify.network_model.programs import RUNNING, docker_translation, own_firewalld, program_rules
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.facts import Link, Origin, Unknown
from netwright.verify.values.nftables import Ruleset
from netwright.verify.values.startup import Window
from netwright.verify.values.wiring import Assumptions, Wiring


class MachineRules(Struct, frozen=True, kw_only=True):
    """The rules of a machine.

    `programs` are the names of the programs that run there and have rules of their own; `firewalld` is the text of
    what firewalld loads by the machine's files, "" where it has none; `window` is a time in which packets pass without
    rules.
    """

    firewall: Firewall
    programs: tuple[str, ...]
    firewalld: str
    window: Window | None


def find_rules(
    configuration: Configuration,
    wiring: Wiring,
    assumptions: Assumptions,
    links: Sequence[tuple[str, Link]],
    unknown: list[Unknown],
    *,
    pods: tuple[Prefix, ...],
    forwards: bool,
) -> MachineRules:
    """Return the rules of a machine with its `links` and `pods`; `forwards`: its files turn forwarding on at boot.

    What is not known of them is added to `unknown`.
    """
    programs = tuple(program_rules(configuration, wiring, forwards=forwards))
    rulesets = _rulesets(configuration, pods, wiring, assumptions, programs)
    firewalld = _own_firewalld(configuration, wiring, links, unknown)
    if firewalld is not None:
        rulesets += _rules_of_firewalld(firewalld, configuration, wiring, leads_on=bool(pods))
    if len(rulesets) > 1:
        unknown += _late_flush(configuration)
    names = (*(program for program, _ in programs), *(("firewalld",) if firewalld is not None else ()))
    own_window = configuration.firewalld.window if firewalld is not None and configuration.firewalld else None
    return MachineRules(
        firewall=Firewall(rulesets),
        programs=names,
        firewalld=_text_of_firewalld(firewalld, configuration, wiring) if firewalld is not None else "",
        window=configuration.window or own_window,
    )


def is_translated_outside(configuration: Configuration, wiring: Wiring, assumptions: Assumptions) -> bool:
    """Return whether a machine translates the sources of what leaves for the internet, by rules outside its files:
    its hand-off sheet asks for it. Of a machine that has files, these decide."""
    leads_out = wiring.exit_of(configuration.node) is not None
    return leads_out and assumptions.internet_translates and not configuration.managed


def _rulesets(
    configuration: Configuration,
    pods: tuple[Prefix, ...],
    wiring: Wiring,
    assumptions: Assumptions,
    programs: Sequence[tuple[str, str]],
) -> list[Ruleset]:
    """The node's own rules, then those that other programs are assumed to add."""
    rulesets = [configuration.ruleset]
    if assumptions.libvirt_rules and configuration.networks:
        rulesets.append(read_rules("libvirt", libvirt_rules(configuration.networks)))
    if pods and wiring.pods is not None and assumptions.cni != "none":
        rulesets.append(flannel_ruleset(wiring.pods, pods))
    if configuration.agent is not None:
        rulesets.append(configuration.agent)
    if pods and assumptions.kube_proxy_drops_invalid:
        rulesets.append(read_rules("kube-proxy", kube_proxy_rules()))
    if is_translated_outside(configuration, wiring, assumptions):
        rulesets.append(read_rules("the internet device", uplink_rules(INTERNET)))
    if configuration.node in wiring.docker:
        rulesets.append(read_rules("Docker", docker_translation(wiring.containers.get(configuration.node, ()))))
    rulesets += (read_rules(program, text, optional=True) for program, text in programs)
    return rulesets


def _rules_of_firewalld(
    firewalld: Loaded, configuration: Configuration, wiring: Wiring, *, leads_on: bool
) -> Iterator[Ruleset]:
    """Yield its rules. It lets pass what kube-proxy (`leads_on`) and Docker lead on, whose rules are not known."""
    yield firewalld.ruleset(optional=leads_on or configuration.node in wiring.docker)
    of_2 = _refusals_of_2(firewalld, configuration, wiring)
    if of_2:
        yield read_rules("firewalld", of_2, optional=True)


def _text_of_firewalld(firewalld: Loaded, configuration: Configuration, wiring: Wiring) -> str:
    return firewalld.text + _refusals_of_2(firewalld, configuration, wiring)


def _refusals_of_2(firewalld: Loaded, configuration: Configuration, wiring: Wiring) -> str:
    """Return what firewalld 2.x, which release 10 has, refuses beside the rules."""
    return rules_of_2(firewalld.placed) if wiring.systems.get(configuration.node, "").endswith("10") else ""


def _own_firewalld(
    configuration: Configuration, wiring: Wiring, links: Sequence[tuple[str, Link]], unknown: list[Unknown]
) -> Loaded | None:
    """What firewalld loads by the machine's files, None where it does not run or has none."""
    files = own_firewalld(configuration, wiring)
    if files is None:
        if configuration.firewalld is not None and wiring.firewalld.get(configuration.node) not in (*RUNNING, "masked"):
            reason = "firewalld may load it; set firewalld: managed or running"
            unknown.append(
                Unknown(origin=Origin(file=configuration.node, line=0), text="/etc/firewalld", reason=reason)
            )
        return None
    if not files.enabled and wiring.firewalld[configuration.node] == "managed":
        reason = "nothing enables firewalld, which has the rules of the machine"
        unknown.append(Unknown(origin=Origin(file=configuration.node, line=0), text="", reason=reason))
    loaded = load_firewalld(files, {name: link.zone for name, link in links if link.manager == "NetworkManager"})
    unknown += loaded.unknown
    return loaded


def _late_flush(configuration: Configuration) -> Iterator[Unknown]:
    if configuration.late_flush is not None:
        reason = "it may run when other programs have loaded their rules, and wipes them"
        yield Unknown(origin=configuration.late_flush, text="flush ruleset", reason=reason)
