"""Labs that outlive the command: their namespaces under names that `ip netns` knows, netwright-ID-NODE."""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence

from msgspec import Struct

from netwright.lab.namespaces import ENVIRONMENT, LabError, Namespaces, entered

_PREFIX = "netwright-"
_FOLDER = "/run/netns"


class Kept(Struct, frozen=True, kw_only=True):
    """A lab that stands; `names` are its nodes, their pods, and what is around."""

    id: str
    names: tuple[str, ...]

    def label(self, name: str) -> str:
        """Return the name of a lab's namespace for `ip netns`."""
        return f"{_PREFIX}{self.id}-{name}"


def keep(spaces: Namespaces) -> Kept:
    """The lab under an id that no other has. Raises LabError."""
    kept = Kept(id=secrets.token_hex(3), names=spaces.names)
    try:
        for name in kept.names:
            spaces.publish(name, kept.label(name))
    except BaseException:
        _delete(kept)
        raise
    return kept


def list_kept() -> tuple[Kept, ...]:
    """All labs that stand."""
    found: dict[str, list[str]] = {}
    for label in sorted(os.listdir(_FOLDER)) if os.path.isdir(_FOLDER) else ():
        run, _, name = label.removeprefix(_PREFIX).partition("-")
        if label.startswith(_PREFIX) and name:
            found.setdefault(run, []).append(name)
    return tuple(Kept(id=run, names=tuple(names)) for run, names in found.items())


def find_kept(run: str) -> Kept:
    """The lab with that id. Raises LabError."""
    labs = {kept.id: kept for kept in list_kept()}
    if run not in labs:
        raise LabError(f"there is no lab {run}; {_say(labs)}")
    return labs[run]


def _say(ids: Sequence[str] | dict[str, Kept]) -> str:
    return f"kept are {', '.join(ids)}" if ids else "none is kept"


def remove(kept: Kept) -> None:
    """Ends a lab that was kept. Raises LabError."""
    _delete(kept)


def _delete(kept: Kept) -> None:
    for label in map(kept.label, kept.names):
        if not os.path.exists(f"{_FOLDER}/{label}"):
            continue
        command = ["ip", "netns", "delete", label]
        done = subprocess.run(command, text=True, capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)} failed: {done.stderr.strip()}")


@contextlib.contextmanager
def inside(kept: Kept, name: str) -> Iterator[None]:
    """This thread inside a namespace of the lab."""
    descriptor = os.open(f"{_FOLDER}/{kept.label(name)}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with entered(descriptor):
            yield
    finally:
        os.close(descriptor)
