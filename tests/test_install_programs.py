"""tests/install-programs: a program is hidden in a mount namespace of its own, and apt-get only tells its arguments."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "install-programs"

# With a new /usr/sbin in which keepalived is missing and nothing forbids starting services.
HIDDEN = """
set -eu
mkdir "$0/upper"
mount -t tmpfs tmpfs "$0/upper"
mkdir "$0/upper/upper" "$0/upper/work"
mount -t overlay -o "lowerdir=/usr/sbin,upperdir=$0/upper/upper,workdir=$0/upper/work" overlay /usr/sbin
rm -f /usr/sbin/keepalived /usr/sbin/policy-rc.d
"$@" && code=0 || code=$?
[ ! -e /usr/sbin/policy-rc.d ] || echo "policy-rc.d is left"
exit "$code"
"""
APT_GET = """#!/bin/sh
[ -x /usr/sbin/policy-rc.d ] || echo "services would start"
echo "apt-get $*"
case "$*" in *install*) ;; *) exit 0 ;; esac
echo >> "{tries}"
[ "$(wc -l < "{tries}")" -gt {failures} ] || {{ echo "E: Failed to fetch" >&2; exit 100; }}
"""


def install(folder: Path, *, failures: int) -> subprocess.CompletedProcess[str]:
    """Run the script where keepalived is missing and the first downloads fail."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a mount namespace")
    programs = {
        "apt-get": APT_GET.format(tries=folder / "tries", failures=failures),
        "sleep": '#!/bin/sh\necho "sleep $1"\n',
        "systemctl": '#!/bin/sh\necho "systemctl $*"\n',
    }
    (folder / "bin").mkdir()
    for name, text in programs.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    command = ["unshare", "--mount", "sh", "-c", HIDDEN, str(folder), str(SCRIPT)]
    path = f"{folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": path})


def test_what_is_missing_is_installed_and_not_started(tmp_path: Path) -> None:
    done = install(tmp_path, failures=0)

    options = "-q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
    update, installation, disabling, *versions = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert update == f"apt-get {options} update"
    assert installation == f"apt-get {options} install --no-install-recommends keepalived"
    assert disabling == "systemctl disable --quiet keepalived.service"
    assert versions[0].startswith("Judges: Linux ")


def test_a_failed_download_is_asked_for_again(tmp_path: Path) -> None:
    done = install(tmp_path, failures=2)

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [line for line in lines if line.startswith("sleep")] == ["sleep 5", "sleep 10"]
    assert sum(line.endswith("update") for line in lines) == 3
    assert "systemctl disable --quiet keepalived.service" in lines


def test_it_gives_up_after_six_failures(tmp_path: Path) -> None:
    done = install(tmp_path, failures=100)

    assert done.returncode == 1
    assert sum(line.startswith("sleep") for line in done.stdout.splitlines()) == 5
    assert "apt-get failed six times" in done.stderr
    assert "Judges" not in done.stdout


def test_the_versions_of_the_judges_are_printed_once() -> None:
    done = subprocess.run([str(SCRIPT)], capture_output=True, text=True, check=True)

    assert done.stdout.count("Judges: Linux ") == 1
    assert "nftables 1" in done.stdout.replace("\n", "")
