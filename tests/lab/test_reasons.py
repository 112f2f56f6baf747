"""A reason that the kernel contradicts is a disagreement, though the packet is lost either way."""

import pytest
from msgspec.structs import replace

from netwright.lab.probes import Probe, ProbeLoss, Seen
from netwright.lab.verdicts import agrees
from netwright.verify import Assumptions
from netwright.verify.network_model.building import read_network
from netwright.verify.network_model.network import Place
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ICMP
from tests.lab.running import PROJECT
from tests.verify.reference import reference_wiring

SAID = ProbeLoss(outcome=Outcome.RPF_DROP, node="kvm", back=False, cause="rp_filter=1")


def probe(loss: ProbeLoss) -> Probe:
    """A conversation of which verify says that the first packet is lost so."""
    network = read_network(PROJECT / "out", reference_wiring(), Assumptions())
    return Probe(
        source=1,
        destination=2,
        protocol=ICMP,
        port=0,
        sender=Place(kind="machine", machine=network.machines["lb1"]),
        home=None,
        predicted=Seen(at=None, source=None, answered=False, loss=loss),
        reason=str(loss),
        uncertain=False,
    )


@pytest.mark.parametrize(
    ("measured", "agree"),
    [
        pytest.param(replace(SAID, cause="in other words"), True, id="same"),
        pytest.param(None, True, id="not known"),
        pytest.param(replace(SAID, outcome=Outcome.FILTERED), False, id="other outcome"),
        pytest.param(replace(SAID, node="lb1"), False, id="other node"),
        pytest.param(replace(SAID, back=True), False, id="other direction"),
    ],
)
def test_reason_is_compared_as_far_as_it_is_known(measured: ProbeLoss | None, *, agree: bool) -> None:
    seen = Seen(at=None, source=None, answered=False, loss=measured)

    assert agrees(probe(SAID), seen) == agree


def test_loop_may_be_named_after_any_of_its_nodes() -> None:
    loop = replace(SAID, outcome=Outcome.LOOP)
    seen = Seen(at=None, source=None, answered=False, loss=replace(loop, node="lb1"))

    assert agrees(probe(loop), seen)
