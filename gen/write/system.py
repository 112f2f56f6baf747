"""Three calls of Linux that Python 3.11 does not offer: renameat2, syncfs, and death with the parent."""

import ctypes
import errno
import os
import signal

_RENAME_EXCHANGE = 2
_PR_SET_PDEATHSIG = 1


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def exchange(one_fd: int, one: str, other_fd: int, other: str) -> None:
    """Swap two directories, each named in an open one, in one step: renameat2(2), RENAME_EXCHANGE. Raises OSError."""
    libc = _libc()
    if not hasattr(libc, "renameat2"):  # musl before 1.2.5
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), one)
    while libc.renameat2(one_fd, os.fsencode(one), other_fd, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), one)


def sync_file_system(fd: int) -> None:
    """Bring everything that was written to a file system to its disk: syncfs(2). Raises OSError."""
    libc = _libc()
    while libc.syncfs(fd) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def die_with(parent: int) -> None:
    """Have this process killed as soon as its parent is gone: prctl(2) with PR_SET_PDEATHSIG."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
