"""The moment in which the staged state becomes OUT: one exchange, or, where there is none, file by file."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

from netwright.files.system import exchange, sync_file_system
from netwright.parallel.fault import OutputError, explain
from netwright.write.layout import folders_of
from netwright.write.manifest import MANIFEST
from netwright.write.place import OPEN_FOLDER, OutFolder, let_go
from netwright.write.stage import FOLDER, Staging
from netwright.write.survey import is_there
from netwright.write.verdict import NodeChanges

_NO_EXCHANGE = frozenset({errno.EINVAL, errno.EXDEV, errno.ENOSYS, errno.EBUSY, errno.EOPNOTSUPP})


def open_closed_folders(out_fd: int, verdicts: Iterable[NodeChanges]) -> None:
    """Give the directories that a killed run left closed the mode that they are made with. Raises OSError."""
    for verdict in verdicts:
        for folder in verdict.closed_folders:
            fd = os.open(folder, OPEN_FOLDER, dir_fd=out_fd)
            try:
                os.fchmod(fd, FOLDER)
            finally:
                let_go(os.close, fd)


def commit(place: OutFolder, staging: Staging) -> None:
    """Put the staging directory in OUT's place, and OUT in its place; both are on the disk when this returns.

    Raises OSError, or OutputError where the file system can't exchange directories; OUT is as it was then.
    """
    sync_file_system(staging.fd)
    if place.fd is None:
        os.rename(staging.name, place.name, src_dir_fd=staging.parent_fd, dst_dir_fd=staging.parent_fd)
    else:
        with exchangeable(place):
            exchange(staging.parent_fd, staging.name, staging.parent_fd, place.name)
    os.fsync(staging.parent_fd)


def commit_node(place: OutFolder, out_fd: int, staging: Staging, node: str) -> None:
    """Do the same with the folder of the only node that changes, which may also come or go.

    This is as much of one step as exchanging all of OUT, and spares linking the folders of all others.
    """
    sync_file_system(staging.fd)
    with exchangeable(place):
        if not is_there(node, dir_fd=out_fd):
            os.rename(node, node, src_dir_fd=staging.fd, dst_dir_fd=out_fd)
        elif not is_there(node, dir_fd=staging.fd):
            os.rename(node, node, src_dir_fd=out_fd, dst_dir_fd=staging.fd)
        else:
            exchange(staging.fd, node, out_fd, node)
    os.fsync(out_fd)


@contextlib.contextmanager
def exchangeable(place: OutFolder) -> Iterator[None]:
    """A block in which the system's error when it can't exchange or link becomes an OutputError naming --in-place."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_EXCHANGE:
            raise
        message = (
            f"can't be replaced in one step here ({explain(error)}), as on a mount point or a lower layer of an "
            "overlay; pass --in-place to rename file by file, which a crash can leave half done"
        )
        raise OutputError(place.title, message) from error


def commit_in_place(out_fd: int, staging: Staging, verdicts: list[NodeChanges]) -> None:
    """Delete and rename one file after the other, a node's manifest last. Raises OSError, with the rest undone.

    Each file is wholly old or wholly new at any time, OUT as a whole is not.
    """
    sync_file_system(staging.fd)
    for verdict in verdicts:
        for path in sorted(verdict.pruned, key=lambda path: path == MANIFEST):
            os.unlink(f"{verdict.node}/{path}", dir_fd=out_fd)
        _remove_empty(out_fd, verdict)
        _move(out_fd, staging.fd, verdict)
    sync_file_system(out_fd)


def _move(out_fd: int, stage_fd: int, verdict: NodeChanges) -> None:
    changed = (*verdict.added, *verdict.changed)
    for folder in (verdict.node, *(f"{verdict.node}/{folder}" for folder in folders_of(changed))) if changed else ():
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, FOLDER, dir_fd=out_fd)  # with this mode at once: the umask is cleared
    for path in sorted(changed, key=lambda path: path == MANIFEST):
        place = f"{verdict.node}/{path}"
        os.rename(place, place, src_dir_fd=stage_fd, dst_dir_fd=out_fd)


def _remove_empty(out_fd: int, verdict: NodeChanges) -> None:
    """Remove the directories that pruning emptied, and empty ones where a file is to be."""
    emptied = {*folders_of(verdict.pruned), *verdict.empty_in_the_way}
    for folder in sorted(emptied, key=lambda folder: -folder.count("/")):
        _remove_if_empty(out_fd, f"{verdict.node}/{folder}")
    if not verdict.paths:
        _remove_if_empty(out_fd, verdict.node)


def _remove_if_empty(out_fd: int, folder: str) -> None:
    try:
        os.rmdir(folder, dir_fd=out_fd)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            raise
