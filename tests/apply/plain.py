"""A folder in place of a machine, on which the script for machines runs with the real shell and coreutils."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from netwright.apply.script import begin_script, call_off_script, confirm_script, state_script
from netwright.apply.values import ABSENT, CommandLines, FileChange, ListedFile, MachineChange
from netwright.verify.reading.record import read_record

ID, LATER = "20261130-120000-abcdef", "20261130-120500-abcdef"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin\n"
_SYSTEMD_RUN = """\
#!/bin/sh
# Runs at once what is to be waited for, on the folder; of timers it notes that they are armed.
waits=
while :; do
    case $1 in
        --wait) waits=1 ;;
        --*) ;;
        *) break ;;
    esac
    shift
done
if [ "$waits" ]; then
    script=$2
    shift 2
    sed -e 's|^root=$|root={folder}/root|' -e 's|^PATH=.*|PATH={folder}/programs:/usr/sbin:/usr/bin|' "$script" |
        /bin/sh -s "$@"
else echo "$*" >> {folder}/armed; fi
"""
_COUNTED = ("mv", "ln", "rm", "cp", "mkdir", "rmdir", "sync", "chmod", "chown")
_COUNTING = """\
#!/bin/sh
read -r count < {folder}/count
echo $((count + 1)) > {folder}/count
[ ! -e {folder}/die.$count ] || kill -9 0
exec /usr/bin/{name} "$@"
"""
"""A program that ends all of the script in place of its turn number `die`."""


class PlainMachine(Struct, frozen=True, kw_only=True):
    """The machine's root is `folder`/root; `folder`/programs has programs that go before the system's."""

    folder: Path

    @property
    def root(self) -> Path:
        """The root."""
        return self.folder / "root"

    def run(self, script: str) -> dict[str, str]:
        """What a script prints on the machine, by name; nothing where it is ended early."""
        done = subprocess.run(
            ["/bin/sh", "-s"],
            input=self._placed(script).encode(),
            capture_output=True,
            check=False,
            start_new_session=True,
        )
        if done.returncode == -9:
            return {}
        return {name: fact.output.decode() for name, fact in read_record(done.stdout).items()}

    def kept(self, *words: str) -> int:
        """The exit status of the script as the machine keeps it, with words of its own."""
        script = self.root / "var/lib/netwright" / words[0] / "machine.sh"
        text = self._placed(script.read_text())
        command = ["/bin/sh", "-s", *words[1:]]
        return subprocess.run(command, input=text.encode(), check=False, start_new_session=True).returncode

    def begin(self, change: MachineChange, identity: str = ID) -> dict[str, str]:
        """Begin a change."""
        return self.run(begin_script(change, identity, 60, "tester"))

    def state(self, identity: str = ID) -> str:
        """What has become of a change."""
        return self.run(state_script(identity)).get("state", "")

    def confirm(self, identity: str = ID) -> str:
        """What has become of a change once it is confirmed."""
        return self.run(confirm_script(identity)).get("state", "")

    def call_off(self, identity: str = ID) -> str:
        """What has become of a change once it is called off."""
        return self.run(call_off_script(identity, "as the test wants")).get("state", "")

    def boot(self) -> None:
        """What the unit does as the machine starts."""
        for name in ("undoing", "pending"):
            link = self.root / "var/lib/netwright" / name
            if link.is_symlink():
                assert self.kept(name, "undo", os.readlink(link).rpartition("/")[2], "boot") == 0
                return

    def _placed(self, script: str) -> str:
        placed = script.replace("\nroot=\n", f"\nroot={self.root}\n")
        return placed.replace(_PATH, f"PATH={self.folder}/programs:/usr/sbin:/usr/bin:/sbin:/bin\n")

    def count(self) -> int:
        """How many of the counted programs have run."""
        return int((self.folder / "count").read_text())

    def die_at(self, turn: int | None) -> None:
        """End the script at a turn of the counted programs from now on, or never."""
        for mark in self.folder.glob("die.*"):
            mark.unlink()
        (self.folder / "count").write_text("0\n")
        if turn is not None:
            (self.folder / f"die.{turn}").touch()


def plain_machine(folder: Path) -> PlainMachine:
    """A machine with nothing on it."""
    machine = PlainMachine(folder=folder)
    programs = folder / "programs"
    programs.mkdir(parents=True)
    for path in ("etc/systemd/system", "var/lib"):
        (machine.root / path).mkdir(parents=True)
    texts = {name: _COUNTING.format(folder=folder, name=name) for name in _COUNTED}
    texts |= {
        "systemd-run": _SYSTEMD_RUN.format(folder=folder),
        "systemctl": f'#!/bin/sh\necho "$*" >> {folder}/systemctl\n[ "$1" != start ]\n',
    }
    # What is killed here keeps its memory; only a power cut would not.
    texts["sync"] = texts["sync"].replace("exec /usr/bin/sync", "true")
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    machine.die_at(None)
    return machine


def lay(machine: PlainMachine, path: str, content: str, mode: int = 0o644) -> None:
    """Lay a file on the machine."""
    place = machine.root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    place.chmod(mode)


def change_of(machine: PlainMachine, wanted: Mapping[str, tuple[str, int] | None], **values: Any) -> MachineChange:
    """The change that brings files to the machine, by path with their text and mode, or takes them away."""
    files = tuple(_file_change(machine, path, one) for path, one in wanted.items())
    manifest = tuple(
        ListedFile(path=one.path, digest=one.digest, mode=one.mode, owner=one.owner)
        for one in files
        if one.content is not None
    )
    nothing = CommandLines()
    return MachineChange(
        **{"node": "n", "files": files, "there": nothing, "back": nothing, "manifest": manifest, **values}
    )


def _file_change(machine: PlainMachine, path: str, one: tuple[str, int] | None) -> FileChange:
    place = machine.root / path.lstrip("/")
    was = hashlib.sha256(place.read_bytes()).hexdigest() if place.is_file() else ABSENT
    if one is None:
        return FileChange(path=path, was=was, content=None)
    content = one[0].encode()
    return FileChange(
        path=path,
        was=was,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        mode=f"{one[1]:o}",
        owner="root:root",
    )


def files_of(machine: PlainMachine) -> dict[str, tuple[str, int]]:
    """All files of the machine's /etc with their text (a link's target) and mode, folders too; but not the unit that
    undoes at boot, which stays."""
    found = {}
    etc = machine.root / "etc"
    for place in sorted(etc.rglob("*")):
        path = f"/{place.relative_to(machine.root)}"
        if "netwright-undo" in path or path.endswith("/sysinit.target.wants"):
            continue
        text = os.readlink(place) if place.is_symlink() else "" if place.is_dir() else place.read_text()
        found[path] = (text, place.lstat().st_mode & 0o7777)
    return found
