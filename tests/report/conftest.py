"""Pages of the report, made once for all tests."""

from pathlib import Path

import pytest

from tests.netwright import netwright
from tests.report.network import EARLIER, TOPOLOGY


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network not generated since its topology changed, what it is to be, and the page of both."""
    folder = tmp_path_factory.mktemp("lab")
    for out, topology in (("out", EARLIER), ("before", TOPOLOGY)):
        (folder / "topology.yaml").write_text(topology)
        assert netwright("generate", "-q", "-o", out, cwd=folder).status == 0
    run = netwright("report", "-o", "page.html", "--against", "before/", cwd=folder)
    assert (run.status, run.stderr) == (1, "")
    return folder
