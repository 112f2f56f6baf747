"""Everything one delivery may run, on the first boot and later, and what is found of it."""

from msgspec import Struct

from netwright.verify.reading.running.events import Complaint, Event
from netwright.verify.values.boots import Boot
from netwright.verify.values.wiring import PublishedPorts


class Order(Struct, frozen=True, kw_only=True):
    """A command of the carrier: text for a shell or words, on every boot or on the first only."""

    text: str | tuple[str, ...]
    every_boot: bool = False

    @property
    def line(self) -> str:
        """The command as one line."""
        return self.text if isinstance(self.text, str) else " ".join(self.text)


class UnitLink(Struct, frozen=True, kw_only=True):
    """A symbolic link that is delivered."""

    path: str
    target: str


class Programme(Struct, frozen=True, kw_only=True):
    """Programs that a delivery may run. `seeded` means that cloud-init writes it, during the first boot.

    `files` are path, text and whether it is executable; `remote` are those that are fetched, with the same; `read` are
    the files that have a reader of their own. `bare` means that nothing states what starts, `docker` that Docker is to
    run and may publish what is `published`, `firewalld` the same of firewalld, `stated` are kernel parameters that a
    file sets to one value alone, `filesystems` folders whose file systems hold what is delivered below them.
    """

    files: tuple[tuple[str, str, bool], ...] = ()
    remote: tuple[tuple[str, bool], ...] = ()
    read: frozenset[str] = frozenset()
    links: tuple[UnitLink, ...] = ()
    enabled: frozenset[str] = frozenset()
    orders: tuple[Order, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    filesystems: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    stated: frozenset[tuple[tuple[str, ...], str]] = frozenset()
    seeded: bool = False
    bare: bool = False
    docker: bool = False
    published: tuple[PublishedPorts, ...] = ()
    firewalld: bool = False


class Running(Struct, frozen=True, kw_only=True):
    """Findings: complaints, trusted files that are there or needed, and sysctl files applied on the first boot
    ("" is all of them). `masked` are units without suffix, `missing` rulesets that are loaded and not delivered,
    `changes` what surely happens to the network by commands; `unloaded` are rulesets that nothing loads, with the boot
    and the reason.
    """

    complaints: tuple[Complaint, ...]
    used: frozenset[str]
    applied: frozenset[str]
    missing: tuple[str, ...]
    modules: frozenset[str]
    masked: frozenset[str]
    enables_firewalld: bool = False
    changes: tuple[Event, ...] = ()
    unloaded: frozenset[tuple[str, str, str]] = frozenset()
    keyed: frozenset[Boot] = frozenset()
    """The boots on which NetworkManager gets private keys before it starts."""
