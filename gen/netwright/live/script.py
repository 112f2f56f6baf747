"""The script that collects what a machine has: the same for every machine, with the files of ours that it looks for."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from netwright.live.wanted import Wanted

_FOLDERS_BEGIN = "export LC_ALL PATH\n"
_SYSCTL_FOLDER = "/proc/sys/"


def collecting_script(files: Iterable[str] = ()) -> str:
    """Return the script, which looks for some files more than those in the usual folders."""
    text = Path(__file__).with_name("collect.sh").read_text(encoding="utf-8")
    more = " ".join(map(shlex.quote, files))
    head, begin, body = text.partition(_FOLDERS_BEGIN)
    return f'{head}{begin}set -- {more} "$@"\n{body}' if more else text


def further_files(wanted: Iterable[Wanted]) -> list[str]:
    """Return the files that OUT delivers to any node, in order."""
    return sorted({path for one in wanted for path in one.files})
