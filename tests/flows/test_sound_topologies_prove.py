"""Files generated for a topology that asks for nothing impossible are proved by verify: random ones."""

import json
from pathlib import Path
from random import Random

import pytest

from netwright.production.production import prepare
from tests.flows.proofs import prove_production
from tests.flows.sound import throw

ROUNDS, EACH = 6, 10


@pytest.mark.parametrize("number", range(ROUNDS))
def test_generated_files_prove_every_flow(tmp_path: Path, number: int) -> None:
    proved = 0
    for seed in range(number * EACH, (number + 1) * EACH):
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "topology.yaml").write_text(json.dumps(throw(Random(seed))), encoding="utf-8")
        production, _ = prepare(str(folder / "topology.yaml"))
        if production is None:
            continue  # two flows that want different ways, say
        verification = prove_production(production, folder / "out")
        production.close()

        failed = [one.flow.name for one in verification.flows if one.pairs and not one.proved]
        assert not failed, f"seed {seed}: {failed} {[one.cause for one in verification.findings if one.flows]}"
        proved += 1

    assert proved > EACH // 2
