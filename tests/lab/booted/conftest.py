"""The Debian of machines that boot is made once for all tests, whichever process runs them."""

from collections.abc import Iterator

import pytest

from tests.once import cache_of_booted, room_to_boot


@pytest.fixture(scope="package", autouse=True)
def one_debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that all processes of this run share; the command lets one of them make the Debian."""
    with cache_of_booted(tmp_path_factory):
        yield


@pytest.fixture
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Room for a few machines."""
    with room_to_boot(tmp_path_factory):
        yield
