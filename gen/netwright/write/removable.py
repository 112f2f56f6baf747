"""Check that this user may remove what is to be replaced, before anything is written.

Else the new state of OUT would take effect, and the old one stay behind, where the next run can't clear it away.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence

from netwright.files.system import Status, ask_status
from netwright.write.layout import folders_of
from netwright.write.verdict import NodeChanges


def find_stuck(out_fd: int, verdicts: Sequence[NodeChanges], *, in_place: bool) -> Iterator[tuple[str, str]]:
    """Yield each path below OUT that this user may not change or remove, and what is wrong with it.

    The verdicts are on the folders that are replaced as a whole, or, with `in_place`, file by file. Raises OSError.
    """
    device = ask_status(out_fd, ".").device
    folders, files = ["."], []
    for verdict in verdicts:
        prefix = f"{verdict.node}/" if verdict.node else ""
        below = _changed_folders(verdict) if in_place else _all_folders(verdict)
        folders += [verdict.node] if verdict.node else []
        folders += [prefix + folder for folder in below]
        files += [prefix + path for path in (*verdict.changed, *verdict.pruned)]
    for folder in folders:
        if (reason := _folder_reason(out_fd, folder, device, is_replaced=not in_place)) is not None:
            yield folder, reason
    for path in files:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if ask_status(out_fd, path).is_immutable:
                yield path, IMMUTABLE


def _all_folders(verdict: NodeChanges) -> Collection[str]:
    kept = (*verdict.foreign_folders, *verdict.empty_in_the_way)
    return dict.fromkeys((*folders_of((*verdict.paths, *verdict.pruned, *verdict.foreign, *kept)), *kept))


def _changed_folders(verdict: NodeChanges) -> Collection[str]:
    return dict.fromkeys((*folders_of((*verdict.added, *verdict.changed, *verdict.pruned)), *verdict.empty_in_the_way))


IMMUTABLE = "is immutable; allow changes of it (chattr -i -a), or move it away"


def _folder_reason(out_fd: int, folder: str, device: tuple[int, int], *, is_replaced: bool) -> str | None:
    try:
        status = ask_status(out_fd, folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(status.mode):
        return None
    if status.is_immutable:
        return IMMUTABLE
    if is_replaced and status.device != device:  # mounted there
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), folder)
    if _may_empty(out_fd, folder, status):
        return None
    return f"is user {status.uid}'s, and this one may not remove files in it; change its owner, or move it away"


def _may_empty(out_fd: int, folder: str, status: Status) -> bool:
    """Return whether files in the directory may be removed; in a sticky one only by their owner, or the directory's."""
    mine = status.uid == os.geteuid()
    if mine and status.mode & 0o300 == 0o300:
        return True
    is_sticky = bool(status.mode & stat.S_ISVTX) and not mine and os.geteuid() != 0
    return not is_sticky and os.access(folder, os.W_OK | os.X_OK, dir_fd=out_fd, effective_ids=True)
