"""Whole pictures: tests/graph/golden/, and the one in docs/; make golden and make docs write them anew."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from netwright.graph.d2 import render_d2
from netwright.graph.dot import render_dot
from netwright.graph.drawing import Drawing
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
FORMATS: Mapping[str, Callable[[Drawing], str]] = {
    "svg": lambda drawing: render_svg(lay_out(drawing)),
    "mmd": render_mermaid,
    "dot": render_dot,
    "d2": render_d2,
}


@pytest.mark.parametrize("case", FLOWS)
@pytest.mark.parametrize("suffix", FORMATS)
def test_picture_is_the_committed_one(case: str, suffix: str, request: pytest.FixtureRequest) -> None:
    drawing = draw_topology(CASES / case / "topology.yaml", FLOWS[case])
    golden = GOLDEN / f"{case}.{suffix}"

    text = FORMATS[suffix](drawing)
    if request.config.getoption("--update"):
        golden.write_text(text, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == text


def test_picture_in_docs_is_current() -> None:
    picture = render_svg(lay_out(draw_topology(REFERENCE, "ingress-to-pods")))

    assert (PROJECT / "docs/reference-network.svg").read_text(encoding="utf-8") == picture, "run make docs"


def test_readme_shows_the_picture_in_docs() -> None:
    assert "](docs/reference-network.svg)" in (PROJECT / "README.md").read_text(encoding="utf-8")
