"""The real systemd-sysctl, reading sysctl.d directories: what the kernel's network settings are afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gen.artifact import NodeFile
from tests.rigs.machine import Machine
from tests.rigs.wires import Nic, boot_wired

PROGRAM = "/lib/systemd/systemd-sysctl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
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
    """What `keys` (slash form, such as net/ipv4/conf/eth0.100/rp_filter) hold once systemd-sysctl has read the files.

    `links` are symbolic links of the machine with their targets. `before` are values that the kernel holds at first, so
    that a file that sets nothing is seen. Only keys below /net are applied: others are of the whole computer.
    """
    with boot_wired({"node": nics}) as machines:
        machine = machines["node"]
        machine.install(files)
        for link, target in (links or {}).items():
            machine.run("ln", "-s", target, link)
        for key, value in (before or {}).items():
            _write(machine, key, value)
        done = machine.run(PROGRAM, "--prefix=/net")
        return Applied(values={key: _read(machine, key) for key in keys}, complaints=tuple(done.stderr.splitlines()))


def _read(machine: Machine, key: str) -> str | None:
    done = machine.run("cat", f"/proc/sys/{_checked(key)}", check=False)
    return " ".join(done.stdout.split()) if done.returncode == 0 else None


def _write(machine: Machine, key: str, value: str) -> None:
    machine.run("sh", "-c", 'printf %s "$2" > "/proc/sys/$1"', "sh", _checked(key), value)


def _checked(key: str) -> str:
    if not key.startswith("net/"):
        raise ValueError(f"{key} is a setting of the whole computer, not of a network namespace")
    return key
