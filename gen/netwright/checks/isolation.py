"""Isolated networks: no router leads into one that is meant to be closed."""

from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.topology.settings import makes_bridge


def isolated_network_has_no_way_out(survey: Survey) -> Iterator[Violation]:
    """An isolated network has no router, but for the host of a libvirt network that libvirt isolates too.

    Its nodes get no default route by it. That nothing else leads in or out is what `verify` proves.

    Fails:

        networks:
          storage: {cidr: 10.9.8.0/24, router: gw, isolated: true}
        nodes:
          gw: {interfaces: {eth2: {network: storage, address: 10.9.8.1}}}

    Passes:

        networks:
          storage: {cidr: 10.9.8.0/24, isolated: true}
        nodes:
          gw: {interfaces: {eth2: {network: storage, address: 10.9.8.1}}}
    """
    for network in survey.networks:
        if network.isolated is None or not network.isolated.value:
            continue
        if network.libvirt is not None and network.libvirt.forward not in ("isolated", "bridge"):
            message = (
                f"{network.name} is isolated, but libvirt lets packets through ({network.libvirt.forward}); "
                "set forward: isolated, or leave out isolated: true"
            )
            yield error(network.libvirt.cause, message, related=(network.isolated.cause,))
        elif not makes_bridge(network) and network.router is not None:
            message = (
                f"{network.name} is isolated, so that {network.router.value} can't lead out of it; "
                "leave out router, or isolated: true"
            )
            yield error(network.router.cause, message, related=(network.isolated.cause,))


RULES = (isolated_network_has_no_way_out,)
