"""Options and rules of the whole suite."""

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.host import mask_host
from tests.netwright import TOPOLOGY, netwright

PLATFORM_MARKER = "platform"
"""Skips of tests that need what no package brings, such as another kernel or processor."""

# No test depends on how fast the computer is, and all take the same examples every time; `make soak` takes others.
patient = settings(settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", parent=patient, derandomize=True, database=None)
settings.register_profile("adventurous", parent=patient, derandomize=False)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update, which golden cases obey."""
    parser.addoption("--update", action="store_true", help="write what golden cases expect anew; read the difference")


def pytest_configure(config: pytest.Config) -> None:
    """Name our own markers, and mask the host's settings before anything reads them."""
    config.add_cleanup(mask_host())
    config.addinivalue_line("markers", f"{PLATFORM_MARKER}: needs what no package brings; may be skipped in CI")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of a test; where CI=true a skip is a failure, as `make test` installs all that tests need."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _forbids_skips() and not _may_skip(item):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be: {reason}"
    return report


def _forbids_skips() -> bool:
    return os.environ.get("CI") == "true"


def _may_skip(item: pytest.Item) -> bool:
    return item.get_closest_marker(PLATFORM_MARKER) is not None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The report of a module; one that skips itself as a whole is a failure in CI too."""
    report = yield
    if report.skipped and _forbids_skips():
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skips itself, and in CI nothing may be skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tests.netwright.TOPOLOGY and its OUT, to be looked at only."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", cwd=folder).status == 0
    return folder


@pytest.fixture
def project(generated: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    shutil.copytree(generated, tmp_path, dirs_exist_ok=True)
    return tmp_path
