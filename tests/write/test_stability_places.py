"""Where, when and by whom netwright is run means nothing for the bytes and modes of OUT."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.netwright import PROJECT, environment
from tests.topologies import Document, topologies, write_flow

BATCH = """
import os, sys
from pathlib import Path
from netwright.production.production import prepare
from netwright.text.report import render_text
from netwright.write import generate

topologies, results = Path(sys.argv[1]), Path(sys.argv[2])
os.umask(int(sys.argv[3], 8))
for topology in sorted(topologies.iterdir()):
    production, report = prepare(os.path.relpath(topology))
    result = results / topology.stem
    result.mkdir()
    result.chmod(0o755)
    if production is not None:
        report += generate(result / "out", production.nodes, production.build, fingerprint="").report
    text = render_text(report).replace(os.path.relpath(topology), topology.name)
    (result / "report.txt").write_text(text, encoding="utf-8")
"""

USUAL = environment(PYTHONHASHSEED="0")
PLACES: Mapping[str, tuple[dict[str, str], str, str]] = {
    "another seed, Turkish locale, strict umask, root directory": (
        environment(
            PYTHONHASHSEED="4711",
            LC_ALL="tr_TR.UTF-8",
            TZ="Pacific/Kiritimati",
            USER="somebody",
            LOGNAME="somebody",
            HOME="/home/somebody",
            HOSTNAME="elsewhere",
        ),
        "077",
        "/",
    ),
    "random seed, C locale, no umask, optimized": (
        environment(
            PYTHONHASHSEED="random",
            LC_ALL="C",
            PYTHONUTF8="0",
            PYTHONCOERCECLOCALE="0",
            PYTHONOPTIMIZE="2",
            TZ=":/nonexistent",
            SOURCE_DATE_EPOCH="1",
            COLUMNS="20",
            USER="",
        ),
        "000",
        "/usr",
    ),
}
"""Variables, umask and current directory."""


def sample(number: int) -> list[Document]:
    """Random topologies, some of them with errors."""
    drawn: list[Document] = []

    @settings(
        max_examples=number, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    @given(document=topologies())
    def draw(document: Document) -> None:
        drawn.append(document)

    draw()
    return drawn


def run_batch(topologies: Path, results: Path, variables: dict[str, str], umask: str, cwd: str) -> dict[str, object]:
    """Everything that a process made of the topologies: modes and bytes by path."""
    results.mkdir()
    subprocess.run([sys.executable, "-c", BATCH, topologies, results, umask], cwd=cwd, env=variables, check=True)
    return dict(read_everything(results))


def read_everything(root: Path) -> Iterator[tuple[str, object]]:
    for path in root.rglob("*"):
        mode = oct(path.lstat().st_mode)
        yield (
            str(path.relative_to(root)),
            mode if path.is_dir() else (path.name == "report.txt" or mode, path.read_bytes()),
        )


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of topologies: random ones and the reference network."""
    folder = tmp_path_factory.mktemp("batch")
    for number, document in enumerate(sample(25)):
        (folder / f"{number:03}.yaml").write_text(write_flow(document))
    shutil.copy(PROJECT / "topology.yaml", folder / "reference.yaml")
    return folder


@pytest.fixture(scope="module")
def usual(batch: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return what a usual process makes of them."""
    return run_batch(batch, tmp_path_factory.mktemp("usual") / "results", USUAL, "022", str(batch))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_place_and_person_mean_nothing(
    batch: Path, usual: dict[str, object], tmp_path: Path, place: tuple[dict[str, str], str, str]
) -> None:
    elsewhere = run_batch(batch, tmp_path / "results", *place)

    assert elsewhere.keys() == usual.keys()
    for path, content in usual.items():
        assert elsewhere[path] == content, path


def test_bytes_name_no_path_of_this_computer(batch: Path, usual: dict[str, object]) -> None:
    contents = [content[1] for content in usual.values() if isinstance(content, tuple)]

    assert contents
    for path in (batch, batch.parent, PROJECT):
        assert not [content for content in contents if os.fsencode(path) in content], path
