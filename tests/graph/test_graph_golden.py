"""Whole pictures: tests/graph/golden/, and the one in docs/; make golden and make docs write them anew."""

from pathlib import Path

import pytest

from netwright.graph.layout import lay_out
from netwright.graph.mermaid import render_mermaid
from netwright.graph.svg import render_svg
from tests.graph.pictures import CASES, PROJECT, REFERENCE, draw_topology

GOLDEN = Path(__file__).parent / "golden"
FLOWS = {
    "flows-two-routers": "there",
    "flows-shared-segment": "ingress-to-pods",
    "flows-internet": "updates",
    "two-nics-mac": None,
    "pools": "ingress",
    "port-forwards": "mail",
}


@pytest.mark.parametrize("case", FLOWS)
@pytest.mark.parametrize("suffix", ["svg", "mmd"])
def test_picture_is_the_committed_one(case: str, suffix: str, request: pytest.FixtureRequest) -> None:
    drawing = draw_topology(CASES / case / "topology.yaml", FLOWS[case])
    golden = GOLDEN / f"{case}.{suffix}"

    text = render_svg(lay_out(drawing)) if suffix == "svg" else render_mermaid(drawing)
    if request.config.getoption("--update"):
        golden.write_text(text, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == text


def test_picture_in_docs_is_current() -> None:
    picture = render_svg(lay_out(draw_topology(REFERENCE, "ingress-to-pods")))

    assert (PROJECT / "docs/reference-network.svg").read_text(encoding="utf-8") == picture, "run make docs"


def test_readme_shows_the_picture_in_docs() -> None:
    assert "](docs/reference-network.svg)" in (PROJECT / "README.md").read_text(encoding="utf-8")
