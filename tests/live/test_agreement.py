"""What is predicted from records, against what the kernels do with every flow's packets: as the machines are, and with
changes that the files do not know of."""

import pytest

from tests.live.test_verify_live import CHANGES, Change
from tests.rigs.live_network import LiveNetwork

KNOWN = {name: change for name, change in CHANGES.items() if change.kind not in ("UNKNOWN", "NO_CARRIER")}
"""Without a card that is down: the proof names that, the kernel at the other end that nothing answers."""


def test_kernels_do_as_records_predict(live: LiveNetwork) -> None:
    measured = live.measure(live.whole)

    assert [one.fine for one in measured] == [True, True]


@pytest.mark.parametrize("change", KNOWN.values(), ids=KNOWN)
def test_kernels_do_as_the_record_of_a_changed_machine_predicts(live: LiveNetwork, change: Change) -> None:
    with live.changed(change.node, change.there, change.back):
        measured = live.measure({**live.whole, change.node: live.collect(change.node)})

    assert [str(pair) for one in measured for pair in one.disagreements()] == []
    assert all(one.seen for one in measured)
