"""Work that several of pytest's processes want, done by the first of them for all."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rigs.emulator import EmulatorError


def once(factory: pytest.TempPathFactory, name: str, work: Callable[[Path], None]) -> Path:
    """The folder of that name in which `work` has left its results, in this process or another; if it fails, the test
    fails with its reason in all of them."""
    folder = _shared(factory) / name
    failure = folder / "failure"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            failure.write_text("it was interrupted")
            try:
                work(folder)
            except (AssertionError, EmulatorError) as error:
                failure.write_text(str(error))
            else:
                failure.unlink()
    if failure.exists():
        pytest.fail(failure.read_text(), pytrace=False)
    return folder


@contextlib.contextmanager
def cache_of_booted(factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache for the Debian of machines that boot, which all processes of this run share."""
    cache = _shared(factory) / "cache-of-booted"
    cache.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield


@contextlib.contextmanager
def room_to_boot(factory: pytest.TempPathFactory, *, alone: bool = False) -> Iterator[None]:
    """While the block lasts, machines that boot find the kernel's inotify instances: small networks may stand beside
    one another, a large one stands alone."""
    with open(_shared(factory) / "room-to-boot.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def _shared(factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of this run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
