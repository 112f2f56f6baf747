"""Scheduled jobs: timers and cron jobs, done now, so that a test need not wait until the night."""

import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from netwright.lab.booted.machine import BootedMachine
from netwright.lab.booted.roots import Roots

_SYSTEMS = ("/usr/lib/systemd/", "/lib/systemd/")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.*)")
_TABLES, _SPOOLS = ("/etc/cron.d", "/etc/crontab"), ("/var/spool/cron",)
_PERIODS = ("hourly", "daily", "weekly", "monthly")
_SECONDS = "60"


class Job(Struct, frozen=True, kw_only=True):
    """Something that is due later: what it is, and the command that does it now."""

    name: str
    command: tuple[str, ...]


def find_jobs(node: str, machine: BootedMachine, roots: Roots) -> tuple[Job, ...]:
    """Return jobs delivered to the machine, directly or by what was, that are due later."""
    jobs = [*_timers(node, machine, roots)]
    if machine.is_active("cron.service") or machine.is_active("crond.service"):
        jobs += _crontabs(node, roots)
        jobs += _periodical(node, roots)
    return tuple(jobs)


def _timers(node: str, machine: BootedMachine, roots: Roots) -> Iterator[Job]:
    """The timers that run, but for the system's own."""
    listed = machine.run("systemctl", "list-units", "--type=timer", "--plain", "--no-legend", "--no-pager").stdout
    changed = {*roots.changed(node, "/etc/systemd/system"), *roots.changed(node, "/usr/lib/systemd/system")}
    for line in listed.splitlines():
        timer = line.split()[0]
        shown = machine.run("systemctl", "show", "--value", "-p", "FragmentPath", "-p", "Unit", timer).stdout.split(
            "\n"
        )
        values = [value for value in shown if value]
        path, unit = next((v for v in values if v.startswith("/")), ""), next((v for v in values if v[0] != "/"), "")
        if unit and (path in changed or not path.startswith(_SYSTEMS)):
            yield Job(name=timer, command=("systemctl", "start", unit))


def _crontabs(node: str, roots: Roots) -> Iterator[Job]:
    for folder in (*_TABLES, *_SPOOLS):
        for path in roots.changed(node, folder):
            user = path.rsplit("/", 1)[-1] if folder in _SPOOLS else None
            yield from read_crontab(path, roots.read(node, path), user)


def read_crontab(path: str, text: str, user: str | None) -> Iterator[Job]:
    """The jobs of a crontab, but for those that cron does at its start; a system's one names the user in each line."""
    variables: list[str] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        variable = _VARIABLE.fullmatch(line)
        if not line or line.startswith(("#", "@reboot")):
            continue
        if variable:
            variables.append(f"{variable[1]}={variable[2].strip(chr(34) + chr(39))}")
            continue
        fields = 1 if line.startswith("@") else 5
        words = line.split(None, fields if user else fields + 1)
        if len(words) <= fields + (user is None):
            continue
        # A percent sign ends the command; what follows is its input (crontab(5)).
        command = re.split(r"(?<!\\)%", words[-1])[0].replace("\\%", "%")
        who = user or words[fields]
        script = shlex.join(["env", *variables, "sh", "-c", command])
        yield Job(name=f"{path}:{number}", command=("timeout", _SECONDS, "su", "-s", "/bin/sh", who, "-c", script))


def _periodical(node: str, roots: Roots) -> Iterator[Job]:
    for period in _PERIODS:
        folder = f"/etc/cron.{period}"
        if any(True for _ in roots.changed(node, folder)):
            yield Job(name=folder, command=("timeout", _SECONDS, "run-parts", folder))
