"""The reference network, running from its committed output, does what it was made for."""

from collections.abc import Iterator

import pytest

from tests.judges.cases import REFERENCE, case
from tests.judges.reference import INTERNET, POD, Reference, start_reference
from tests.rigs.packets import ping, tcp_source


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    """The machines as their files configure them."""
    with start_reference(case(REFERENCE)) as running:
        yield running


def test_a_pod_answers_a_load_balancer_and_sees_its_own_address(reference: Reference) -> None:
    assert tcp_source(reference.lb1, reference.pod, POD) == "10.17.3.12"
    assert ping(reference.lb1, POD)


def test_nobody_else_reaches_a_pod_and_no_other_port_is_open(reference: Reference) -> None:
    reference.router.run("ip", "route", "replace", "10.42.0.0/16", "via", "192.168.0.40")

    assert tcp_source(reference.lb1, reference.pod, POD, port=9090) is None
    assert tcp_source(reference.router, reference.pod, POD) is None


def test_the_administrators_reach_the_machines_from_the_lan_by_ssh_only(reference: Reference) -> None:
    assert tcp_source(reference.router, reference.lb1, "10.17.3.12", port=22) == "192.168.0.1"
    assert tcp_source(reference.router, reference.lb1, "10.17.3.12", port=8080) is None


def test_the_machines_reach_the_internet_with_the_kvm_hosts_address(reference: Reference) -> None:
    assert tcp_source(reference.lb1, reference.router, INTERNET, port=443) == "192.168.0.40"
    assert tcp_source(reference.master1, reference.router, INTERNET, port=443) == "192.168.0.40"


def test_a_pod_reaches_nothing_on_the_lan(reference: Reference) -> None:
    assert tcp_source(reference.pod, reference.router, "192.168.0.1") is None


def test_without_its_route_on_the_kvm_host_a_pod_network_is_out_of_reach() -> None:
    with start_reference(case(REFERENCE), without_route="10.42.6.0/24") as running:
        assert tcp_source(running.lb1, running.pod, POD) is None
        assert not ping(running.lb1, POD)
        assert ping(running.router, "10.17.4.25")
