"""The user's cache directory: what netwright keeps there makes a run quicker, and is never needed."""

import os
import stat


def cache_directory() -> str | None:
    """netwright's folder in XDG_CACHE_HOME or ~/.cache, made if need be; None if there is none that is ours alone.

    Compiled templates are run from there, and the index is trusted about OUT. So a folder that others own or
    may enter is left alone: with sudo it is another user's, XDG_CACHE_HOME may name a shared place, or one in a
    checkout, which a change request can fill; git makes no folder that is closed to others.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    directory = os.path.join(base, "netwright")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        status = os.lstat(directory)
    except (OSError, RecursionError):  # makedirs calls itself for each folder that is missing
        return None
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return directory if is_ours else None
