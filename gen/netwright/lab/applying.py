"""Appliers of a node's network files: the daemon that they are written for, where this machine has it, else ip."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from msgspec import Struct

from netwright.lab import networkd, networkmanager
from netwright.lab.boot import Guest, configure
from netwright.lab.cabling import Waiting, join_bridges
from netwright.lab.devices import devices_by_files, devices_by_sheet, make_devices
from netwright.lab.machine import Daemon, File, Installable, LabMachine, boot
from netwright.lab.namespaces import ENVIRONMENT, LabError, Namespaces
from netwright.lab.tunnels import Keyring, configure_tunnels, own_keys
from netwright.text.counting import list_some
from netwright.verify.network_model.leases import Leases, take_leases
from netwright.verify.reading.link_files import KEYFILES
from netwright.verify.values.wiring import Wiring

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

_AT_ONCE = 32
"""Daemons that run side by side: each takes one of the few inotify instances that the kernel gives a user."""
_NODES_SHOWN = 12
_SILENCE, _PATIENCE = 4.0, 60.0
"""Seconds without a word after which a daemon is taken to be stuck, and seconds that it gets at most."""

_LEARNING = 30.0
"""Seconds for which a bridge carries nothing by a port that is new: two times the kernel's forward delay."""


class Program(Struct, frozen=True, kw_only=True):
    """A daemon that reads files below a folder; `needs` are the programs that must be installed, by their package."""

    name: str
    folder: str
    needs: dict[str, str]
    start: Callable[[LabMachine, Iterable[Installable]], AbstractContextManager[Daemon]]
    unsettled: Callable[[LabMachine, Daemon, Guest], Iterator[str]]
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


def _unsettled(machine: LabMachine, daemon: Daemon, guest: Guest) -> Iterator[str]:
    """The links of a node with which NetworkManager is not done; it does not name one while it starts."""
    if not networkmanager.is_settled(daemon):
        yield "its start"
    elif guest.stated:
        yield from networkmanager.unsettled(machine, [link.name for link in guest.stated])


PROGRAMS = (
    Program(
        name="systemd-networkd",
        folder=networkd.FOLDER,
        needs={networkd.PROGRAM: "systemd-networkd"},
        start=networkd.networkd,
        unsettled=lambda machine, _, guest: networkd.unsettled(machine, [port.interface for port in guest.ports]),
        read_complaints=networkd.read_complaints,
    ),
    Program(
        name="NetworkManager",
        folder=KEYFILES,
        needs=networkmanager.PROGRAMS,
        start=networkmanager.networkmanager,
        unsettled=_unsettled,
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


NO_LEASES = Leases()


class Site(Struct, frozen=True, kw_only=True):
    """The place in which files are applied: namespaces, the ends of cables that wait for bridges, WireGuard's keys."""

    spaces: Namespaces
    wiring: Wiring
    waiting: Waiting
    keyring: Keyring


class Applier:
    """Applies the network files of nodes: by the daemons of the choice, or by ip as verify reads them."""

    def __init__(self, site: Site, choice: Choice, progress: Progress) -> None:
        """Applies none yet."""
        self._site, self._choice, self._progress = site, choice, progress
        self._nodes: dict[str, list[str]] = {}
        self._guests: list[Guest] = []
        self._complaints: list[str] = []

    def apply(self, guests: Sequence[Guest], leases: Leases = NO_LEASES, *, by_ip: bool = False) -> None:
        """Applies the files of some nodes; ip gives the leases, where no daemon asks for them."""
        self._guests += guests
        programs = () if by_ip else self._choice.programs
        for program in programs:
            wanted = [guest for guest in guests if program.is_for(guest)]
            for start in range(0, len(wanted), _AT_ONCE):
                self._progress(f"{program.name} applies files", start, len(wanted))
                self._complaints += _run(self._site, program, wanted[start : start + _AT_ONCE])
            if wanted:
                self._nodes.setdefault(program.name, []).extend(guest.name for guest in wanted)
        for guest in guests:
            left = () if _has_special_cards(guest) else tuple(program.folder for program in programs)
            self._apply_by_ip(guest, left, leases)
        join_bridges(self._site.spaces, self._site.waiting)

    def _apply_by_ip(self, guest: Guest, left: Sequence[str], leases: Leases) -> None:
        named = guest.named
        links = [one for one in named if not any(folder in one[1].origin.file for folder in left)]
        devices = (
            devices_by_files(guest.configuration, named, guest.stated, left)
            if guest.configuration.managed
            else devices_by_sheet(guest.stated, guest.configuration.devices)
        )
        made = [*devices]
        make_devices(self._site.spaces, guest.name, made)
        names = {one.name for one in made}
        tunnels = [one for one in guest.configuration.devices if one.name in names]
        keys = [*own_keys(self._site.wiring, self._site.keyring, guest.name)]
        self._complaints += configure_tunnels(self._site.spaces, guest.name, tunnels, keys, self._site.keyring)
        configure(self._site.spaces, guest.name, take_leases(links, guest.name, leases, []))
        if links:
            self._nodes.setdefault("ip", []).append(guest.name)

    def remarks(self) -> tuple[str, ...]:
        """Return who applied which nodes' files, and what the daemons complained of."""
        who = "; ".join(f"{name}: {list_some(self._in_order(own), _NODES_SHOWN)}" for name, own in self._nodes.items())
        absent = (
            f"{program.name} is not here (install {', '.join(program.lacks)}): ip applied its files."
            for program in self._choice.absent
            if any(program.is_for(guest) for guest in self._guests)
        )
        return (f"Network files were applied by {who}.", *absent, *self._complaints)

    def _in_order(self, names: Sequence[str]) -> list[str]:
        return [node for node in self._site.wiring.nodes if node in names]


def _run(site: Site, program: Program, guests: Sequence[Guest]) -> Iterator[str]:
    """Return the program's messages about the nodes' files, once it is through with them."""
    with boot(*(guest.name for guest in guests), spaces=site.spaces) as machines, contextlib.ExitStack() as daemons:
        running = []
        for guest, machine in zip(guests, machines, strict=True):
            machine.install(_secrets(guest, site))
            daemon = daemons.enter_context(program.start(machine, _files(guest, site.keyring)))
            running.append((guest, machine, daemon))
        stuck = _await(program, running, site)
        for guest, _, daemon in running:
            if guest.name in stuck:
                with_what = list_some(stuck[guest.name], _NODES_SHOWN)
                yield f"{guest.name}: {program.name} never ends with {with_what}: {_why_stuck(guest)}"
            yield from (f"{guest.name}: {program.name}: {line}" for line in program.read_complaints(daemon.log()))


def _why_stuck(guest: Guest) -> str:
    reason = "a next hop may be on no network of its card"
    return f"{reason}, or the link never comes up" if guest.stated or guest.is_leased else reason


def _await(
    program: Program, running: Sequence[tuple[Guest, LabMachine, Daemon]], site: Site
) -> dict[str, tuple[str, ...]]:
    """The links with which the program is not through, though nothing happens any more, by their nodes."""
    start = spoke = time.monotonic()
    silence = _SILENCE + _LEARNING * any(guest.has_bridge for guest, _, _ in running)
    words = -1
    while True:
        join_bridges(site.spaces, site.waiting)
        waiting: dict[str, tuple[str, ...]] = {}
        for guest, machine, daemon in running:
            if daemon.process.poll() is not None:
                last = (*daemon.log(), "it printed nothing")[0]
                raise LabError(f"{guest.name}: {program.name} ended at once ({last}); try --apply ip")
            left = tuple(program.unsettled(machine, daemon, guest))
            if left:
                waiting[guest.name] = left
        now, length = time.monotonic(), sum(len(daemon.log()) for _, _, daemon in running)
        if length != words:
            words, spoke = length, now
        if not waiting or now - spoke > silence or now - start > _PATIENCE:
            return waiting
        time.sleep(0.02)


def _files(guest: Guest, keyring: Keyring) -> Iterator[File]:
    """The delivered files as they lie on the node; where nothing sets the mode, as the program needs it."""
    for path, file in guest.delivery.files.items():
        usual = 0o600 if path.startswith(KEYFILES) else 0o644
        text = networkmanager.with_old_names(file.text) if path.startswith(KEYFILES) else file.text
        text = keyring.rewrite(networkd.match_cables(text, guest.ports))
        yield File(path=path, content=text.encode(), mode=usual if file.mode is None else file.mode)


def _secrets(guest: Guest, site: Site) -> Iterator[File]:
    """The private keys of tunnels: as files, and for NetworkManager in profiles, as its script makes them at boot."""
    keys = {one.file: one.private for one in own_keys(site.wiring, site.keyring, guest.name)}
    for path, private in keys.items():
        yield File(path=path, content=f"{private}\n".encode(), mode=0o640, owner=f"root:{networkd.GROUP}")
    for device in guest.configuration.devices:
        own = keys.get(device.key_file.value) if device.key_file is not None else None
        if device.manager == "NetworkManager" and own is not None:
            path, file = next(one for one in guest.delivery.files.items() if one[1].shown == device.origin.file)
            yield networkmanager.with_key(path, site.keyring.rewrite(file.text), own)
