"""Which conversations the lab tries."""

import pytest
from msgspec.structs import replace

from netwright.lab.probes import Seen, Trial
from netwright.lab.verdicts import agrees
from netwright.verify.values.wiring import Flow, Traffic
from tests.soak.trials import plan_trials
from tests.verify.kernel.world import Route, World, ip_number, model_of
from tests.verify.rules.boxes import CLIENT, SERVER, client, router, server


def _trial(protocol: str, ports: tuple[int, int] | None = None) -> Trial:
    network = model_of(World(boxes=(client(), router(), server()), pairs=()))
    source, destination = ((ip_number(ip), ip_number(ip)) for ip in (CLIENT, SERVER))
    traffic = (Traffic(protocol=protocol, ports=ports),)
    flow = Flow(name="web", sources=(source,), destinations=(destination,), traffic=traffic)
    (trial,) = plan_trials(network, [flow], 600)
    return trial


@pytest.mark.parametrize(
    ("protocol", "ports", "tried"),
    [
        ("icmp", None, [0]),
        ("tcp", (8080, 8090), [8080]),
        ("tcp", (0, 65535), [1]),
        ("udp", (0, 65535), [1]),
        ("tcp", (8472, 8472), [8472]),
        ("udp", (8472, 8480), [8473]),
    ],
)
def test_a_class_is_tried_with_a_port_that_programs_can_have(
    protocol: str, ports: tuple[int, int] | None, tried: list[int]
) -> None:
    assert [probe.port for probe in _trial(protocol, ports).probes] == tried


@pytest.mark.parametrize("port", [0, 8472])
def test_a_port_that_no_program_can_have_is_counted_as_not_sent(port: int) -> None:
    trial = _trial("udp", (port, port))

    assert (trial.probes, trial.unsent) == ((), 1)


def test_what_several_next_hops_leave_open_agrees_with_either() -> None:
    hops = (("10.1.0.1", "e0"), ("10.1.0.99", "e0"))
    boxes = client(routes=(Route(to="10.2.0.0/24", dev="e0", next_hops=hops),)), router(), server()
    ends = ((ip_number(ip), ip_number(ip)) for ip in (CLIENT, SERVER))
    source, destination = ends
    flow = Flow(
        name="web", sources=(source,), destinations=(destination,), traffic=(Traffic(protocol="tcp", ports=(80, 80)),)
    )

    (trial,) = plan_trials(model_of(World(boxes=boxes, pairs=())), [flow], 600)

    (probe,) = trial.probes
    arrived = Seen(at="server", source=source[0], answered=True)
    assert probe.reason == (
        "ARP_UNANSWERED at client on the way there: no machine on segment s1 answers ARP for 10.1.0.99"
    )
    assert agrees(probe, Seen(at=None, source=None, answered=False))
    assert agrees(probe, arrived)
    assert not agrees(probe, replace(arrived, at="router"))
