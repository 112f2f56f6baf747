"""The real systemd-sysctl, reading sysctl.d directories: what the kernel's network settings are afterwards."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine
from tests.rigs.wires import Nic, boot_wired

PROGRAM = "/lib/systemd/systemd-sysctl"


class Applied(Struct, frozen=True, kw_only=True):
    """The settings afterwards by their path below /proc/sys, None for one that is not there; and what was printed."""

    values: Mapping[str, str | None]
    complaints: tuple[str, ...]


def apply_sysctl(
    files: Sequence[NodeFile],
    keys: Sequence[str],
    *,
    nics: Sequence[Nic] = (),
    links: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
) -> Applied:
    """Return what `keys` (such as net/ipv4/conf/eth0.100/rp_filter) hold once systemd-sysctl has read the files.

    `links` are symbolic links of the machine with their targets. `before` are values that the kernel holds at first, in
    the order in which they are set, so that a file that sets nothing is seen. Keys that are not below net/ are those of
    the whole computer: a file of the machine's own stands in for each.
    """
    with boot_wired({"node": nics}) as machines:
        machine = machines["node"]
        machine.install(files)
        for link, target in (links or {}).items():
            machine.run("ln", "-s", target, link)
        shared = [key for key in keys if not key.startswith("net/")]
        _stand_in(machine, shared)
        for key, value in (before or {}).items():
            _write(machine, key, value)
        prefixes = sorted({f"--prefix=/{key.split('/')[0]}" for key in ("net/", *shared)})
        done = machine.run(PROGRAM, *prefixes)
        return Applied(values={key: _read(machine, key) for key in keys}, complaints=tuple(done.stderr.splitlines()))


def _stand_in(machine: LabMachine, keys: Sequence[str]) -> None:
    for folder in sorted({key.split("/")[0] for key in keys}):
        machine.run("mount", "-t", "tmpfs", "tmpfs", f"/proc/sys/{folder}")
    for key in keys:
        machine.run("install", "-D", "/dev/null", f"/proc/sys/{key}")


def _read(machine: LabMachine, key: str) -> str | None:
    done = machine.run("cat", f"/proc/sys/{key}", check=False)
    return " ".join(done.stdout.split()) if done.returncode == 0 else None


def _write(machine: LabMachine, key: str, value: str) -> None:
    machine.run("sh", "-c", 'printf %s "$2" > "/proc/sys/$1"', "sh", key, value)
