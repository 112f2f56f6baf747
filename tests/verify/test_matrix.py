"""The table of who reaches whom."""

from pathlib import Path

from gen.verify import Traffic, matrix
from tests.verify.reference import HERE, generate, ranges, reference_wiring


def test_the_reference_network_as_a_table(tmp_path: Path) -> None:
    out = generate(tmp_path, (HERE / "reference.yaml").read_text(encoding="utf-8"))
    ends = {
        "ingress": ranges("10.17.3.12/32", "10.17.3.13/32"),
        "pods": ranges("10.42.0.0/16"),
        "haproxy1": ranges("10.17.5.20/32"),
    }

    cells = matrix(out, reference_wiring(), ends, (Traffic(protocol="tcp", ports=(8080, 8080)),))

    shown = {(cell.source, cell.destination): (cell.answered, cell.pairs, cell.translated) for cell in cells}
    pods = 7 * 253
    assert shown == {
        ("ingress", "ingress"): (2, 2, False),
        ("ingress", "pods"): (2 * pods, 2 * pods, False),
        ("ingress", "haproxy1"): (0, 2, False),
        ("pods", "ingress"): (2 * pods, 2 * pods, True),
        ("pods", "pods"): (pods * pods - 7 * 253 * 253, pods * pods - 7 * 253 * 253, False),
        ("pods", "haproxy1"): (0, pods, False),
        ("haproxy1", "ingress"): (0, 2, False),
        ("haproxy1", "pods"): (0, pods, False),
        ("haproxy1", "haproxy1"): (0, 0, False),
    }
    assert {cell.verdicts for cell in cells if cell.answered < cell.pairs} == {("FILTERED",)}
