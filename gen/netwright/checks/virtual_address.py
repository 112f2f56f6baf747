"""Virtual address: the Kubernetes API's, which its holders have in turn."""

from collections.abc import Iterator

from netwright.checks.addresses import whole_network_address
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.model import Api


def virtual_address_is_on_a_network(survey: Survey) -> Iterator[Violation]:
    """The Kubernetes API's virtual address is a host's address on one of the networks.

    Fails:

        kubernetes:
          api: {vip: 10.17.5.10, holders: [lb1]}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1]}
    """
    api = _api(survey)
    if api is None:
        return
    path = ("kubernetes", "api", "vip")
    network = survey.network_at(api.vip)
    if network is None:
        names = ", ".join(str(one.cidr) for one in survey.networks[:6])
        yield error(
            path, f"{api.vip} is on no network of the topology; take an address of its holders' network ({names})"
        )
    elif meaning := whole_network_address(api.vip, network.cidr):
        yield error(path, f"{api.vip} is the {meaning} of {network.name} ({network.cidr}); take a host's")


def virtual_address_is_on_its_holders_network(survey: Survey) -> Iterator[Violation]:
    """Every holder of the Kubernetes API's virtual address has an interface on its network.

    The holder answers ARP for it there.

    Fails:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1, worker1]}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1]}
    """
    api = _api(survey)
    network = survey.network_at(api.vip) if api else None
    if api is None or network is None:
        return
    for holder in api.holders:
        node = survey.resolved.nodes.get(holder.value)
        if node is not None and not survey.connected(node, api.vip):
            message = (
                f"{node.name} ({survey.networks_of(node)}) has no interface on {network.name} ({network.cidr}), "
                f"the network of {api.vip}; give it one, or name another holder"
            )
            yield error(holder.cause, message)


def virtual_address_is_free(survey: Survey) -> Iterator[Violation]:
    """The Kubernetes API's virtual address is no node's own address.

    It would not move when that node fails. Only where there is a single holder, its own address does as well.

    Fails:

        kubernetes:
          api: {vip: 10.17.3.12, holders: [lb1, gw]}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1, gw]}
    """
    api = _api(survey)
    owner = survey.owner(api.vip) if api else None
    if api is None or owner is None or [holder.value for holder in api.holders] == [owner.node.name]:
        return
    message = (
        f"{api.vip} is the own address of {owner.node.name}, which does not move to another holder; take a free one"
    )
    yield error(("kubernetes", "api", "vip"), message, related=(owner.attachment.cause,))


def _api(survey: Survey) -> Api | None:
    kubernetes = survey.resolved.topology.kubernetes
    return kubernetes.api if kubernetes else None


RULES = (
    virtual_address_is_on_a_network,
    virtual_address_is_on_its_holders_network,
    virtual_address_is_free,
)
