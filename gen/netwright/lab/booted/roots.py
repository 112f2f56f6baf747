"""The root of each machine: its own layer in memory over one base for all of its system."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from netwright.lab.booted.families import RootChanges
from netwright.lab.booted.world import OuterMachine

_FOLDER = "/run/roots"


class Roots(Struct, frozen=True, kw_only=True):
    """Roots below the world's /run; `bases` are the folders that they stand on, by system."""

    world: OuterMachine
    bases: Mapping[str, str]
    _systems: dict[str, str] = field(default_factory=dict)

    def prepare(self, system: str, family: RootChanges) -> None:
        """Makes the layer that turns the base into the system, as far as it can be."""
        place = f"{_FOLDER}/{system}.system"
        root = self._mount(place, self.bases[system])
        for path, content in family.files:
            self.world.write(f"{root}{path}", content.encode(), 0o755 if content.startswith("#!") else 0o644)
        for path in family.absent:
            self.world.run("rm", "-rf", f"{root}{path}")
        for command in family.commands:
            self.world.run("chroot", root, *command)
        self.world.run("systemctl", f"--root={root}", "preset-all")
        self.world.run("umount", root)
        self._systems[system] = f"{place}/upper:{self.bases[system]}"

    def make(self, node: str, system: str) -> str:
        """The node's root, mounted."""
        return self._mount(f"{_FOLDER}/{node}", self._systems.get(system, self.bases[system]))

    def changed(self, node: str, folder: str) -> Iterator[str]:
        """The files below a folder of the node that are not its system's."""
        upper = self.world.path(f"{_FOLDER}/{node}/upper")
        for path in sorted((upper / folder.lstrip("/")).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield "/" + str(path.relative_to(upper))

    def read(self, node: str, path: str) -> str:
        """The text of such a file."""
        place = self.world.path(f"{_FOLDER}/{node}/upper") / path.lstrip("/")
        return place.read_text(encoding="utf-8", errors="replace")

    def _mount(self, place: str, lower: str) -> str:
        self.world.run("mkdir", "-p", f"{place}/upper", f"{place}/work", f"{place}/root")
        options = f"lowerdir={lower},upperdir={place}/upper,workdir={place}/work"
        self.world.run("mount", "-t", "overlay", "netwright", "-o", options, f"{place}/root")
        return f"{place}/root"


def as_base(folder: Path) -> str:
    """A folder as overlayfs takes it: colons and commas are its own."""
    text = str(folder.resolve())
    for letter in "\\:,":
        text = text.replace(letter, f"\\{letter}")
    return text
