"""Which conversations the lab tries."""

import pytest

from netwright.lab.probes import Trial
from netwright.verify.values.wiring import Flow, Traffic
from tests.soak.trials import plan_trials
from tests.verify.kernel.world import World, ip_number, model_of
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
