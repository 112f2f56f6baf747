"""Calls of Linux that Python 3.11 does not offer: renameat2, syncfs, statx, death with the parent; and signals held."""

import contextlib
import ctypes
import errno
import os
import signal
import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_RENAME_EXCHANGE = 2
_PR_SET_PDEATHSIG = 1


@cache
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


_STATX = struct.Struct("=8xQ4xI4xH106xII")
_STATX_SIZE = 256
_STATX_BASIC = 0x7FF
_AT_SYMLINK_NOFOLLOW = 0x100
_IMMUTABLE_OR_APPEND = 0x30


class Status(NamedTuple):
    """A file's owner, mode and device, and whether chattr forbids to change or remove it."""

    uid: int
    mode: int
    device: tuple[int, int]
    is_immutable: bool


def ask_status(fd: int, path: str) -> Status:
    """The status of a file below an open directory, not of what a link points to: statx(2). Raises OSError."""
    libc, buffer = _libc(), ctypes.create_string_buffer(_STATX_SIZE)
    if not hasattr(libc, "statx"):  # an old C library: what chattr set stays unknown
        found = os.lstat(path, dir_fd=fd)
        return Status(found.st_uid, found.st_mode, (os.major(found.st_dev), os.minor(found.st_dev)), False)
    while libc.statx(fd, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_BASIC, buffer) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), path)
    attributes, uid, mode, *device = _STATX.unpack_from(buffer)
    return Status(uid, mode, (device[0], device[1]), bool(attributes & _IMMUTABLE_OR_APPEND))


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


@contextlib.contextmanager
def hold_interrupt() -> Iterator[None]:
    """A block in which an interrupt waits: Python tells of one in the midst of a fork, and goes on."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
