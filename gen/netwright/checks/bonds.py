"""Bonds: options that go with their mode, and a partner for LACP."""

from collections.abc import Iterator

from netwright.checks.links import devices_of
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import Attachment, Bond, Interface, Node, Setting
from netwright.text.source import TopologyPath
from netwright.topology.links import carried_by
from netwright.topology.settings import is_router, makes_bridge

_ONLY_FOR = {
    "lacp_rate": ("802.3ad",),
    "min_links": ("802.3ad",),
    "primary": ("active-backup", "balance-tlb", "balance-alb"),
    "transmit_hash": ("balance-xor", "802.3ad", "balance-tlb"),
}
"""Options of bonds that are for some modes only (Linux, Documentation/networking/bonding.rst)."""


def bond_options_suit_the_mode(survey: Survey) -> Iterator[Violation]:
    """The options of a bond are those of its mode, and agree with each other.

    The kernel refuses, or ignores, the others. `primary` is one of the members; delays are multiples of `miimon`.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              bond0: {bond: {members: [eno1], lacp_rate: fast}, network: front, address: 10.17.3.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              bond0: {bond: {members: [eno1], mode: 802.3ad, lacp_rate: fast}, network: front, address: 10.17.3.13}
    """
    for node, link in devices_of(survey):
        if isinstance(link.device, Bond):
            for cause, message in _unfit(link.name, link.device):
                yield error(cause, f"{message} ({link.name} of {node.name})", node=node.name)


def _unfit(name: str, bond: Bond) -> Iterator[tuple[TopologyPath, str]]:
    for option, modes in _ONLY_FOR.items():
        setting: Setting[object] | None = getattr(bond, option)
        if setting is not None and bond.effective_mode not in modes:
            key = setting.cause[-1]
            yield setting.cause, f"{key} is for mode {' or '.join(modes)}, not {bond.effective_mode}; remove it"
    members = [member.value for member in bond.members]
    if bond.primary is not None and bond.primary.value not in members:
        yield bond.primary.cause, f"{bond.primary.value} is no member of {name}; name {' or '.join(members)}"
    interval = bond.effective_miimon
    for delay in filter(None, (bond.up_delay, bond.down_delay)):
        if delay.value and (not interval or delay.value % interval):
            yield delay.cause, f"{delay.value} is no multiple of miimon ({interval}); the kernel rounds it down to one"


def lacp_has_a_partner(survey: Survey) -> Iterator[Violation]:
    """A bond on a network that libvirt makes is in another mode than 802.3ad.

    What its members are plugged into is a bridge of the host, which does not speak LACP: the bond finds no partner,
    uses one of its members, and with `min_links` above 1 none.

    Fails:

        networks:
          front: {router: kvm, libvirt: {bridge: virbr1, forward: open}}
        nodes:
          kvm: {os: rocky10, forward: true, interfaces: {virbr1: {network: front, address: 10.17.3.4}}}
          lb2:
            os: rocky10
            interfaces:
              eth0: {}
              eth1: {}
              bond0: {bond: {members: [eth0, eth1], mode: 802.3ad}, network: front, address: 10.17.3.13}

    Passes:

        networks:
          front: {router: kvm, libvirt: {bridge: virbr1, forward: open}}
        nodes:
          kvm: {os: rocky10, forward: true, interfaces: {virbr1: {network: front, address: 10.17.3.4}}}
          lb2:
            os: rocky10
            interfaces:
              eth0: {}
              eth1: {}
              bond0: {bond: {members: [eth0, eth1]}, network: front, address: 10.17.3.13}
    """
    for node, link in devices_of(survey):
        bond = link.device
        if not isinstance(bond, Bond) or bond.mode is None or bond.mode.value != "802.3ad":
            continue
        for network in filter(None, map(survey.resolved.network_of, _attachments_above(node, link))):
            if makes_bridge(network) and not is_router(network, node):
                bridge = network.libvirt.bridge if network.libvirt is not None else network.name
                message = (
                    f"{link.name} of {node.name} finds no partner: {bridge}, which libvirt makes for {network.name}, "
                    "does not speak LACP; set mode: active-backup"
                )
                yield warning(bond.mode.cause, message, node=node.name, related=(network.cause,))
                break


def _attachments_above(node: Node, link: Interface) -> Iterator[Attachment]:
    """Yield the addresses of a link and of all that it carries."""
    carried, waiting, seen = carried_by(node), [link], {link.name}
    while waiting:
        current = waiting.pop()
        yield from current.attachments
        waiting += (one for one in carried.get(current.name, ()) if one.name not in seen)
        seen.update(one.name for one in carried.get(current.name, ()))


RULES = (bond_options_suit_the_mode, lacp_has_a_partner)
