"""The Debian of machines that boot is made once for all tests, whichever process runs them."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def one_debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that all processes of this run share; the command lets one of them make the Debian."""
    folder = tmp_path_factory.getbasetemp()
    cache = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cache-of-booted"
    cache.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield
