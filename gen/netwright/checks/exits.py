"""Ways to the internet: which device leads there, and by which interface."""

from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.topology.settings import stated_uplinks, uplink


def internet_is_behind_the_last_node(survey: Survey) -> Iterator[Violation]:
    """The default next hop of a managed node with `internet: true` is no node of the topology.

    `internet: true` stands at the last node, behind which the internet is. Nodes before it need nothing of the kind:
    where flows go to the internet, the last node that netwright configures hides their senders.

    Fails:

        networks:
          wan: {cidr: 198.51.100.0/24, router: isp}
        nodes:
          isp: {os: unmanaged, interfaces: {wan: {network: wan, address: 198.51.100.1}}}
          edge: {os: rocky10, forward: true, internet: true, interfaces: {eth0: {network: wan, address: 198.51.100.2}}}

    Passes:

        networks:
          wan: {cidr: 198.51.100.0/24, router: isp}
        nodes:
          isp: {os: unmanaged, internet: true, interfaces: {wan: {network: wan, address: 198.51.100.1}}}
          edge: {os: rocky10, forward: true, interfaces: {eth0: {network: wan, address: 198.51.100.2}}}
    """
    for node in survey.nodes:
        found = uplink(survey.resolved, node)
        beyond = survey.owner(found.gateway) if found is not None else None
        if beyond is not None and beyond.node is not node:
            name = beyond.node.name
            message = (
                f"{node.name} has internet: true, but its default route leads to {name}, a node of the topology; "
                f"set internet: true on {name} instead"
            )
            yield error(node.cause, message, node=node.name, on_key=True)


def internet_has_an_uplink(survey: Survey) -> Iterator[Violation]:
    """A managed node with `internet: true` has a default route, so that its uplink is known.

    Without one, netwright writes nothing for the interface by which it leads to the internet, whose address and default
    route something else has to set (DHCP, PPP). Flows to the internet are accepted and masqueraded by any interface
    that the topology does not name.

    Fails:

        nodes:
          gw: {internet: true}

    Passes:

        networks:
          wan: {cidr: 198.51.100.0/24}
        nodes:
          gw:
            internet: true
            default_route: {via: 198.51.100.1}
            interfaces: {eth2: {network: wan, address: 198.51.100.2}}
    """
    for node in survey.nodes:
        if node.internet and node.is_managed and uplink(survey.resolved, node) is None:
            named = [interface.name for interface in node.interfaces]
            message = (
                f"{node.name} has internet: true and no default route, so that netwright writes nothing for the "
                f"interface that leads to the internet, and takes it for one other than {_list(named)}; add that "
                "interface on a network of its own, and default_route: {via: ADDRESS OF THE PROVIDER'S ROUTER}"
            )
            yield warning(node.cause, message, node=node.name, on_key=True)


def internet_has_one_uplink(survey: Survey) -> Iterator[Violation]:
    """A managed node with `internet: true` leads there by one interface.

    Flows and port forwards are made for the next hop that is preferred, and proved for that one. What leaves by another
    interface, while the first is down, is neither let through nor masqueraded.

    Fails:

        networks:
          wan1: {cidr: 198.51.100.0/24}
          wan2: {cidr: 203.0.113.0/24}
        nodes:
          gw:
            internet: true
            default_route: {prefer: [{via: 198.51.100.1}, {via: 203.0.113.1}]}
            interfaces:
              eth2: {network: wan1, address: 198.51.100.2}
              eth3: {network: wan2, address: 203.0.113.2}

    Passes:

        networks:
          wan1: {cidr: 198.51.100.0/24}
        nodes:
          gw:
            internet: true
            default_route: {prefer: [{via: 198.51.100.1}, {via: 198.51.100.3}]}
            interfaces: {eth2: {network: wan1, address: 198.51.100.2}}
    """
    for node in survey.nodes:
        if not node.internet or not node.is_managed:
            continue
        first, *others = stated_uplinks(survey.resolved, node) or (None,)
        for other in others:
            if first is not None and other.interface is not first.interface:
                message = (
                    f"{node.name} leads to the internet by {first.interface.name}; what leaves by "
                    f"{other.interface.name} (via {other.gateway}) is neither let through nor masqueraded; have both "
                    "next hops on one interface, or a router for each, with a virtual address between them"
                )
                yield warning(node.cause, message, node=node.name, on_key=True)


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


RULES = (internet_is_behind_the_last_node, internet_has_an_uplink, internet_has_one_uplink)
