"""The script for machines, on a folder: a change is made whole or not at all, wherever it is interrupted."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from netwright.apply.script import begin_script, look_script, rollback_script
from netwright.apply.values import ABSENT, LINK, CommandLines
from tests.apply.plain import ID, LATER, PlainMachine, change_of, files_of, lay, plain_machine

WANTED = {
    "/etc/a.conf": ("new a\n", 0o600),
    "/etc/deep/er/b.conf": ("new b\n", 0o644),
    "/etc/gone.conf": None,
}


@pytest.fixture
def machine(tmp_path: Path) -> PlainMachine:
    found = plain_machine(tmp_path)
    lay(found, "/etc/a.conf", "old a\n")
    lay(found, "/etc/gone.conf", "old gone\n", 0o640)
    lay(found, "/etc/foreign.conf", "not ours\n", 0o604)
    return found


def test_a_change_waits_for_its_confirmation(machine: PlainMachine) -> None:
    said = machine.begin(change_of(machine, WANTED))

    assert (said["state"], said["why"]) == ("waiting", "")
    new = files_of(machine)
    assert {path: one for path, one in new.items() if not path.endswith("-old")} == {
        "/etc/a.conf": ("new a\n", 0o600),
        "/etc/deep": ("", 0o755),
        "/etc/deep/er": ("", 0o755),
        "/etc/deep/er/b.conf": ("new b\n", 0o644),
        "/etc/foreign.conf": ("not ours\n", 0o604),
        "/etc/systemd": ("", 0o755),
        "/etc/systemd/system": ("", 0o755),
    }
    assert machine.confirm() == "applied"
    assert files_of(machine) == {path: one for path, one in new.items() if not path.endswith("-old")}


def test_what_is_called_off_is_as_before(machine: PlainMachine) -> None:
    before = files_of(machine)
    machine.begin(change_of(machine, WANTED))

    assert machine.call_off() == "undone"
    assert files_of(machine) == before
    assert machine.confirm() == "undone"


def test_a_failed_command_undoes_all(machine: PlainMachine) -> None:
    before = files_of(machine)
    log = machine.folder / "log"
    there = CommandLines(leave=(f"echo leave >> {log}",), then=("echo 'no way' >&2; exit 3", f"echo never >> {log}"))
    back = CommandLines(then=(f"echo back >> {log}",))

    said = machine.begin(change_of(machine, WANTED, there=there, back=back))

    assert said["state"] == "undone"
    assert said["why"] == "echo 'no way' >&2; exit 3: status 3: no way"
    assert files_of(machine) == before
    assert log.read_text() == "leave\nback\n"


def test_a_file_that_changed_since_it_was_looked_at_stays(machine: PlainMachine) -> None:
    change = change_of(machine, WANTED)
    lay(machine, "/etc/gone.conf", "edited just now\n")
    before = files_of(machine)

    said = machine.begin(change)

    assert (said["state"], said["why"]) == ("undone", "/etc/gone.conf has changed since it was looked at: apply again")
    assert files_of(machine) == before


def test_a_second_change_at_the_same_time_is_refused(machine: PlainMachine) -> None:
    machine.begin(change_of(machine, WANTED))
    here = files_of(machine)

    said = machine.begin(change_of(machine, {"/etc/a.conf": ("other\n", 0o644)}), LATER)

    assert said["refused"] == "tester"
    assert files_of(machine) == here
    assert machine.confirm(LATER) == "unknown"
    assert machine.confirm(ID) == "applied"
    assert machine.begin(change_of(machine, {"/etc/a.conf": ("other\n", 0o644)}), LATER)["state"] == "waiting"


def test_new_files_and_folders_get_their_label(machine: PlainMachine) -> None:
    log = machine.folder / "labels"
    stub = machine.folder / "programs/restorecon"
    stub.write_text(f'#!/bin/sh\n[ -e "$1" ] && echo "$*" >> {log}\nexit 1\n')
    stub.chmod(0o755)

    assert machine.begin(change_of(machine, WANTED))["state"] == "waiting"

    etc = machine.root / "etc"
    labelled = [Path(line) for line in log.read_text().splitlines()]
    assert labelled == [
        etc / "systemd/system/netwright-undo.service",
        *(etc / "deep", etc / "deep/er", etc / "a.conf", etc / "deep/er/b.conf"),
    ]


def test_values_of_the_kernel_come_back(machine: PlainMachine) -> None:
    lay(machine, "/proc/sys/net/one", "0\n")
    value = machine.root / "proc/sys/net/one"
    there = CommandLines(then=(f"echo 1 > {value}",))

    machine.begin(change_of(machine, WANTED, there=there, parameters=("/proc/sys/net/one", "/proc/sys/net/absent")))
    assert value.read_text() == "1\n"
    machine.call_off()

    assert value.read_text() == "0\n"


def test_links_that_start_units_come_back(machine: PlainMachine) -> None:
    system = machine.root / "etc/systemd/system"
    (system / "multi-user.target.wants").mkdir()
    (system / "multi-user.target.wants/old.service").symlink_to("/usr/lib/systemd/system/old.service")
    before = files_of(machine)
    there = CommandLines(
        then=(f"cd {system}/multi-user.target.wants; rm old.service; ln -s ../new.service new.service; ln -s x y",)
    )

    machine.begin(change_of(machine, WANTED, there=there, units=("old.service", "new.service")))
    (system / "multi-user.target.wants/y").unlink()
    assert files_of(machine) != before
    machine.boot()

    assert files_of(machine) == before


def test_a_symbolic_link_in_place_of_a_file_comes_back(machine: PlainMachine) -> None:
    (machine.root / "etc/a.conf").unlink()
    (machine.root / "etc/a.conf").symlink_to("foreign.conf")
    before = files_of(machine)
    change = change_of(machine, WANTED)
    files = tuple(replace(one, was=LINK) if one.path == "/etc/a.conf" else one for one in change.files)

    assert machine.begin(replace(change, files=files))["state"] == "waiting"
    assert not (machine.root / "etc/a.conf").is_symlink()
    machine.call_off()

    assert files_of(machine) == before


def test_a_rollback_brings_back_bytes_mode_and_owner(machine: PlainMachine) -> None:
    os.chown(machine.root / "etc/gone.conf", 12, 34)
    before = files_of(machine)
    machine.begin(change_of(machine, WANTED))
    machine.confirm()

    assert machine.run(rollback_script(ID, LATER, 60, "tester"))["state"] == "waiting"
    assert machine.confirm(LATER) == "applied"

    assert files_of(machine) == before
    status = (machine.root / "etc/gone.conf").stat()
    assert (status.st_uid, status.st_gid) == (12, 34)
    look = machine.run(look_script({"/etc/a.conf": ABSENT}))
    assert (look["applied"], look["applied-manifest"], look["applied-kind"]) == (LATER, "", "rollback")


def test_a_rollback_of_files_that_were_edited_since_is_undone(machine: PlainMachine) -> None:
    machine.begin(change_of(machine, WANTED))
    machine.confirm()
    lay(machine, "/etc/a.conf", "edited\n")
    here = files_of(machine)

    said = machine.run(rollback_script(ID, LATER, 60, "tester"))

    assert (said["state"], said["why"]) == ("undone", "/etc/a.conf has changed since it was looked at: apply again")
    assert files_of(machine) == here


def test_a_part_of_a_script_does_nothing(machine: PlainMachine) -> None:
    before = files_of(machine)
    script = begin_script(change_of(machine, WANTED), ID, 60, "tester")
    machine.run(script)
    machine.call_off()
    for length in (len(script) - 2, len(script) - 30, len(script) * 3 // 4, len(script) // 2):
        done = subprocess.run(["sh", "-s"], input=script[:length].encode(), capture_output=True, check=False)
        assert done.stdout == b""

    assert files_of(machine) == before


def _sweep(
    folder: Path, ready: Callable[[PlainMachine], object], act: Callable[[PlainMachine], object]
) -> Iterator[str]:
    """Yield what the machine is after each place at which an act may end, and the boot after that: "old" or "new"."""
    turns, turn = 1, 0
    while turn <= turns:
        machine = plain_machine(folder / str(turn))
        lay(machine, "/etc/a.conf", "old a\n")
        lay(machine, "/etc/gone.conf", "old gone\n", 0o640)
        states = {"old": _ours(files_of(machine)), "new": NEW}
        ready(machine)
        machine.die_at(turn - 1 if turn else None)
        act(machine)
        turns = max(turns, machine.count())
        machine.die_at(None)
        machine.boot()
        found = _ours(files_of(machine))
        yield next((name for name, files in states.items() if files == found), f"neither at turn {turn}: {found}")
        assert machine.begin(change_of(machine, {"/etc/z.conf": ("z\n", 0o644)}), LATER)["state"] == "waiting"
        turn += 1


NEW = {
    "/etc/a.conf": ("new a\n", 0o600),
    "/etc/deep": ("", 0o755),
    "/etc/deep/er": ("", 0o755),
    "/etc/deep/er/b.conf": ("new b\n", 0o644),
}


def _ours(files: dict[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    return {path: one for path, one in files.items() if path.startswith(("/etc/a", "/etc/gone", "/etc/deep"))}


def test_a_change_that_ends_anywhere_is_undone_by_the_next_boot(tmp_path: Path) -> None:
    found = [*_sweep(tmp_path, lambda _machine: None, lambda one: one.begin(change_of(one, WANTED)))]

    assert len(found) > 40
    assert {*found} == {"old"}


def test_an_undoing_that_ends_anywhere_is_finished_by_the_next_boot(tmp_path: Path) -> None:
    found = [*_sweep(tmp_path, lambda one: one.begin(change_of(one, WANTED)), PlainMachine.call_off)]

    assert len(found) > 10
    assert {*found} == {"old"}


def test_a_confirmation_that_ends_anywhere_leaves_old_or_new(tmp_path: Path) -> None:
    found = [*_sweep(tmp_path, lambda one: one.begin(change_of(one, WANTED)), PlainMachine.confirm)]

    assert found[0] == "new"
    assert found[1:] == sorted(found[1:], reverse=True)
    assert {*found} == {"old", "new"}
