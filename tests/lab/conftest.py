"""Fixtures of the lab's tests."""

import shutil
from pathlib import Path

import pytest

from tests.lab.running import PROJECT


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A copy of the reference network's files."""
    return Path(shutil.copytree(PROJECT / "out", tmp_path / "out"))
