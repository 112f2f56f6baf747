"""Appliers of a node's network files: the daemon that they are written for, where this machine has it, else ip."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from msgspec import Struct

from netwright.lab import networkd, networkmanager
from netwright.lab.boot import Guest, configure
from netwright.lab.machine import Daemon, File, Installable, LabMachine, boot
from netwright.lab.namespaces import ENVIRONMENT, LabError, Namespaces
from netwright.text.counting import list_some
from netwright.verify.network_model.cards import named_links
from netwright.verify.reading.link_files import KEYFILES

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

_AT_ONCE = 32
"""Daemons that run side by side: each takes one of the few inotify instances that the kernel gives a user."""
_NODES_SHOWN = 12
_SILENCE, _PATIENCE = 4.0, 60.0
"""Seconds without a word after which a daemon is taken to be stuck, and seconds that it gets at most."""


class Program(Struct, frozen=True, kw_only=True):
    """A daemon that reads files below a folder; `needs` are the programs that must be installed, by their package."""

    name: str
    folder: str
    needs: dict[str, str]
    start: Callable[[LabMachine, Iterable[Installable]], AbstractContextManager[Daemon]]
    is_settled: Callable[[LabMachine, Daemon, Sequence[str]], bool]
    read_complaints: Callable[[Sequence[str]], tuple[str, ...]]

    @property
    def lacks(self) -> tuple[str, ...]:
        """The packages that this machine has not installed."""
        absent = (name for name in self.needs if shutil.which(name, path=ENVIRONMENT["PATH"]) is None)
        return tuple(dict.fromkeys(self.needs[name] for name in absent))

    def is_for(self, guest: Guest) -> bool:
        """Return whether some of the node's files are for this program, and the lab's cards are such as they find."""
        files = guest.delivery.files
        has_files = any(path.startswith(self.folder) and not path.endswith(".link") for path in files)
        return has_files and not _has_special_cards(guest)


def _has_special_cards(guest: Guest) -> bool:
    """Return whether files find cards by a driver or place, which those of the lab do not have."""
    patterns = [link.patterns for link in guest.configuration.links if link.patterns is not None]
    return any(pattern.drivers or pattern.paths for pattern in patterns)


PROGRAMS = (
    Program(
        name="systemd-networkd",
        folder=networkd.FOLDER,
        needs={networkd.PROGRAM: "systemd-networkd"},
        start=networkd.networkd,
        is_settled=lambda machine, _, cards: networkd.is_settled(machine, cards),
        read_complaints=networkd.read_complaints,
    ),
    Program(
        name="NetworkManager",
        folder=KEYFILES,
        needs=networkmanager.PROGRAMS,
        start=networkmanager.networkmanager,
        is_settled=lambda _, daemon, __: networkmanager.is_settled(daemon),
        read_complaints=networkmanager.read_complaints,
    ),
)


class Choice(Struct, frozen=True, kw_only=True):
    """The daemons that are to apply files, and remarks on those that are not."""

    programs: tuple[Program, ...] = ()
    absent: tuple[Program, ...] = ()


IP_ALONE = Choice()


def choose_programs(apply: str) -> Choice:
    """The daemons by the user's word: `auto`, all that are installed, or `ip`, none."""
    if apply == "ip":
        return IP_ALONE
    return Choice(
        programs=tuple(program for program in PROGRAMS if not program.lacks),
        absent=tuple(program for program in PROGRAMS if program.lacks),
    )


def apply_files(spaces: Namespaces, guests: Sequence[Guest], choice: Choice, progress: Progress) -> tuple[str, ...]:
    """Apply every node's network files, and return the remarks: by one of the daemons, or by ip as verify reads
    them."""
    nodes: dict[str, list[str]] = {}
    remarks: list[str] = []
    for program in choice.programs:
        wanted = [guest for guest in guests if program.is_for(guest)]
        for start in range(0, len(wanted), _AT_ONCE):
            progress(f"{program.name} applies files", start, len(wanted))
            remarks += _run(spaces, program, wanted[start : start + _AT_ONCE])
        if wanted:
            nodes[program.name] = [guest.name for guest in wanted]
    folders = tuple(program.folder for program in choice.programs)
    for guest in guests:
        named = named_links(guest.configuration, guest.ports, [])
        by_ip = _has_special_cards(guest)
        links = [one for one in named if by_ip or not any(folder in one[1].origin.file for folder in folders)]
        configure(spaces, guest.name, links)
        if links:
            nodes.setdefault("ip", []).append(guest.name)
    who = "; ".join(f"{name}: {list_some(names, _NODES_SHOWN)}" for name, names in nodes.items())
    absent = (
        f"{program.name} is not here (install {', '.join(program.lacks)}): ip applied its files."
        for program in choice.absent
        if any(program.is_for(guest) for guest in guests)
    )
    return (f"Network files were applied by {who}.", *absent, *remarks)


def _run(spaces: Namespaces, program: Program, guests: Sequence[Guest]) -> Iterator[str]:
    """Return the program's messages about the nodes' files, once it is through with them."""
    with boot(*(guest.name for guest in guests), spaces=spaces) as machines, contextlib.ExitStack() as daemons:
        running = [
            (guest, machine, daemons.enter_context(program.start(machine, _files(guest))))
            for guest, machine in zip(guests, machines, strict=True)
        ]
        stuck = _await(program, running)
        for guest, _, daemon in running:
            if guest.name in stuck:
                yield f"{guest.name}: {program.name} never ends: a next hop may be on no network of its card"
            yield from (f"{guest.name}: {program.name}: {line}" for line in program.read_complaints(daemon.log()))


def _await(program: Program, running: Sequence[tuple[Guest, LabMachine, Daemon]]) -> set[str]:
    """The nodes on which the program is not through with every card, though nothing happens any more."""
    start = spoke = time.monotonic()
    words = -1
    while True:
        waiting = set()
        for guest, machine, daemon in running:
            if daemon.process.poll() is not None:
                last = (*daemon.log(), "it printed nothing")[0]
                raise LabError(f"{guest.name}: {program.name} ended at once ({last}); try --apply ip")
            if not program.is_settled(machine, daemon, [port.interface for port in guest.ports]):
                waiting.add(guest.name)
        now, length = time.monotonic(), sum(len(daemon.log()) for _, _, daemon in running)
        if length != words:
            words, spoke = length, now
        if not waiting or now - spoke > _SILENCE or now - start > _PATIENCE:
            return waiting
        time.sleep(0.02)


def _files(guest: Guest) -> Iterator[File]:
    """The delivered files as they lie on the node; where nothing sets the mode, as the program needs it."""
    for path, file in guest.delivery.files.items():
        usual = 0o600 if path.startswith(KEYFILES) else 0o644
        yield File(path=path, content=file.text.encode(), mode=usual if file.mode is None else file.mode)
