"""A rollout as values: machines, their changed files with what must follow, and steps."""

from enum import IntEnum, StrEnum
from typing import Literal

from msgspec import Struct


class Loss(StrEnum):
    """What is lost while a change comes into effect, the least first."""

    NONE = "none"
    UNKNOWN = "unknown"
    SHORT = "short"
    GUESTS = "guests"
    REBOOT = "reboot"

    @property
    def rank(self) -> int:
        """The place in the order of losses."""
        return [*Loss].index(self)


Moment = Literal["now", "boot", "provisioning", "person"]
"""When a change is in effect: after its commands, from the next boot, from the next provisioning, or once a person has
done it."""

Sign = Literal["+", "~", "-"]
"""A file or machine that comes, changes or goes."""


class Stage(IntEnum):
    """The order in which commands run on a machine, as at its boot: rules before parameters, and these before links.

    LEAVE comes before the files are replaced.
    """

    LEAVE = 0
    UNITS = 1
    RULES = 2
    PARAMETERS = 3
    DEVICES = 4
    READ = 5
    LINKS = 6
    NETWORKS = 7
    NAMES = 8
    PROGRAMS = 9
    CLUSTER = 10


class Command(Struct, frozen=True):
    """A command on the machine, as root types it."""

    stage: Stage
    text: str


class ChangedFile(Struct, frozen=True, kw_only=True):
    """A file of a machine before and after, None where there is none: an absolute path there, or one beside rootfs/."""

    path: str
    before: str | None
    after: str | None

    @property
    def sign(self) -> Sign:
        """Whether it comes, changes or goes."""
        return "+" if self.before is None else "-" if self.after is None else "~"


class Consequence(Struct, frozen=True, kw_only=True):
    """What must follow so that a changed file is in effect, what that costs, and what else is to be known.

    `guests` are the nodes that lose their link.
    """

    commands: tuple[Command, ...] = ()
    loss: Loss = Loss.NONE
    moment: Moment = "now"
    notes: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()


class FilePlan(Struct, frozen=True, kw_only=True):
    """A changed file and its consequence."""

    file: ChangedFile
    consequence: Consequence


class MachinePlan(Struct, frozen=True, kw_only=True):
    """All that a rollout changes on one machine. `sign` tells whether the machine itself comes, changes or goes."""

    node: str
    sign: Sign
    files: tuple[FilePlan, ...]

    @property
    def loss(self) -> Loss:
        """The worst of its files' losses."""
        return max((one.consequence.loss for one in self.files), key=lambda loss: loss.rank, default=Loss.NONE)

    @property
    def commands(self) -> tuple[Command, ...]:
        """Its commands in order, each once; what is stacked on a device is deleted before it."""
        commands = [*dict.fromkeys(command for one in self.files for command in one.consequence.commands)]
        devices = [command for command in reversed(commands) if command.stage is Stage.DEVICES]
        others = [command for command in commands if command.stage is not Stage.DEVICES]
        return tuple(sorted((*devices, *others), key=lambda command: command.stage))

    @property
    def guests(self) -> tuple[str, ...]:
        """The nodes that lose their link, each once."""
        return tuple(dict.fromkeys(guest for one in self.files for guest in one.consequence.guests))


class Break(Struct, frozen=True, kw_only=True):
    """A flow that holds before and after, and not in between, with one of its packets and what happens to it."""

    flow: str
    source: str
    destination: str
    traffic: str
    verdict: str


class BrokenFlow(Struct, frozen=True, kw_only=True):
    """A flow that breaks while a step is done, and the number of the step that ends it."""

    example: Break
    until: int


class Step(Struct, frozen=True, kw_only=True):
    """Machines that are changed together, in any order, and the flows that break by that."""

    nodes: tuple[str, ...]
    broken: tuple[BrokenFlow, ...] = ()


class Rollout(Struct, frozen=True, kw_only=True):
    """The machines to change, in natural order, and the steps in which to do it.

    `state` is what the files are compared with. `steps` is None where there was no state to begin with; `is_proved`
    tells whether each was proved, `flows` is the number of flows that hold before and after.
    """

    state: str
    machines: tuple[MachinePlan, ...]
    steps: tuple[Step, ...] | None = None
    is_proved: bool = True
    flows: int = 0
