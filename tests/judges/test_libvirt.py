"""The networks of a KVM host are valid for libvirt, and say what the plan says."""

from netwright.model import Family
from netwright.plan.types import LibvirtNetwork
from tests.judges.cases import Case, cases_with
from tests.rigs.libvirt import Network, NetworkRoute, network_complaints, read_network


def planned(network: LibvirtNetwork) -> Network:
    return Network(
        name=network.libvirt_name,
        uuid=str(network.uuid),
        bridge=network.bridge,
        forward=None if network.forward == "isolated" else network.forward,
        dns=network.dns,
        mtu=network.mtu,
        addresses=tuple(f"{address.ip}/{address.prefix}" for address in network.addresses),
        routes=tuple(
            NetworkRoute(to=str(route.destination), via=str(route.gateway), metric=route.metric)
            for route in network.routes
        ),
    )


@cases_with(Family.ROCKY, lambda plan: plan.libvirt_networks)
def test_libvirt_accepts_every_network(case: Case) -> None:
    files = sorted(case.out.glob("*/libvirt/*.xml"))

    assert files
    assert {file.name: network_complaints(str(file)) for file in files} == {file.name: "" for file in files}


@cases_with(Family.ROCKY, lambda plan: plan.libvirt_networks)
def test_networks_say_what_the_plan_says(case: Case) -> None:
    for name, plan in case.plans(Family.ROCKY).items():
        folder = case.out / name / "libvirt"

        assert {file.name: read_network(file.read_text()) for file in folder.glob("*")} == {
            f"{network.name}.xml": planned(network) for network in plan.libvirt_networks
        }
