"""A judgement as text, and as one JSON object."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from gen.proving.against import describe_change
from gen.proving.judgement import Judgement
from gen.proving.matrix import matrix_lines
from gen.proving.repair import describe_repair
from gen.verify import render_text
from gen.verify.printing import verification_object


def render_plain(judgement: Judgement) -> str:
    """What people read on a terminal."""
    return render_text(judgement.verification, tuple(_sections(judgement)))


def _sections(judgement: Judgement) -> Iterator[str]:
    if judgement.repairs:
        yield from ("", "What would repair it:")
        yield from (f"  - {describe_repair(repair)}" for repair in judgement.repairs)
    if judgement.changes is not None:
        yield ""
        yield from map(describe_change, judgement.changes)
        if not judgement.changes:
            yield "No flow changes its verdict or its way."
    if judgement.matrix is not None:
        yield from ("", "Who reaches whom by ping, rows to columns:", *matrix_lines(judgement.matrix))


def render_object(judgement: Judgement) -> str:
    """The verification, and under further keys what else was asked for."""
    document = verification_object(judgement.verification)
    document["repairs"] = [asdict(repair) for repair in judgement.repairs]
    if judgement.changes is not None:
        document["changes"] = [asdict(change) for change in judgement.changes]
    if judgement.matrix is not None:
        cells = [cell for row in judgement.matrix.cells for cell in row]
        document["matrix"] = [{**asdict(cell), "verdict": cell.verdict} for cell in cells]
    return json.dumps(document, indent=1) + "\n"
