"""`netwright lab`: the reference network in the kernel, whole and damaged, and what is left of it afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gen.lab import LabError, built, find_kept, inside, keep, plan_trials, read_plans, remove
from gen.lab.namespaces import Namespaces
from gen.verify import Assumptions
from tests.verify.reference import INGRESS_TO_PODS, reference_wiring

PROJECT = Path(__file__).resolve().parents[2]


def lab(*arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The command's end."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "gen", "lab", *arguments],
        cwd=PROJECT,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )


def named_namespaces() -> set[str]:
    """What `ip netns` knows."""
    return set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A copy of the reference network's files."""
    return Path(shutil.copytree(PROJECT / "out", tmp_path / "out"))


@pytest.mark.parametrize("program", ["auto", "ip"])
def test_reference_network_works_and_the_kernel_agrees_with_verify(program: str) -> None:
    done = lab("--apply", program, "--format", "json")

    document = json.loads(done.stdout)
    disagreeing = [probe for flow in document["flows"] for probe in flow["probes"] if not probe["agrees"]]
    assert (done.returncode, document["fine"], disagreeing) == (0, True, []), done.stderr
    assert len(document["flows"]) == 7
    assert all(flow["tried"] > 0 for flow in document["flows"])


def replace_libvirt_route(out: Path) -> None:
    """A pod network routed to a node that does not own it."""
    path = out / "kvm/libvirt/kube02.xml"
    text = path.read_text()
    changed = re.sub(r'(address="10\.42\.6\.0" prefix="24" gateway=)"10\.17\.4\.25"', r'\1"10.17.4.24"', text)
    assert changed != text
    path.write_text(changed)


def turn_forwarding_off(out: Path) -> None:
    """A worker that does not forward to its pods."""
    _replace_delivered(out, "worker1", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0")


def remove_accept_rule(out: Path) -> None:
    """A KVM host that does not let TCP through to the pods."""
    _replace_delivered(out, "kvm", "ip daddr 10.42.0.0/16 tcp dport 8080 accept", "ip daddr 10.42.0.0/16 counter")


def _replace_delivered(out: Path, node: str, old: str, new: str) -> None:
    """Changes a line in rootfs/, and delivers rootfs/ in place of the Ignition config or the seed."""
    paths = [path for path in (out / node / "rootfs").rglob("*") if path.is_file() and old in path.read_text()]
    assert paths
    for path in paths:
        path.write_text(path.read_text().replace(old, new))
    ignition, seed = out / node / f"{node}.ign", out / node / "cloud-init/user-data"
    if ignition.exists():
        document = json.loads(ignition.read_text())
        for file in document["storage"]["files"]:
            copy = out / node / "rootfs" / file["path"].lstrip("/")
            if copy in paths:
                file["contents"] = {"source": "data:," + "".join(f"%{byte:02x}" for byte in copy.read_bytes())}
        ignition.write_text(json.dumps(document))
    else:
        seed.write_text(seed.read_text().replace(old, new))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(replace_libvirt_route, id="pod route to the wrong node"),
        pytest.param(turn_forwarding_off, id="forwarding off"),
        pytest.param(remove_accept_rule, id="accept rule removed"),
    ],
)
def test_damage_is_measured_as_verify_predicts_it(out: Path, damage: Callable[[Path], None]) -> None:
    damage(out)

    done = lab("-o", str(out), "--format", "json")

    flows: dict[str, Any] = {flow["name"]: flow for flow in json.loads(done.stdout)["flows"]}
    hurt = flows["ingress-to-pods"]
    assert done.returncode == 1, done.stderr
    assert all(flow["agreed"] for flow in flows.values())
    assert 0 < hurt["measured_wanted"] < hurt["tried"]
    assert all(probe["predicted"] is not None for probe in hurt["probes"])


def test_table_says_what_is_not_as_wanted(out: Path) -> None:
    turn_forwarding_off(out)

    done = lab("-o", str(out))

    assert "ingress-to-pods: 4 of 28 are not as wanted:" in done.stdout
    assert "FORWARDING_OFF at worker1" in done.stdout


@pytest.mark.parametrize("program", ["auto", "ip"])
def test_nothing_is_left_behind(program: str) -> None:
    # With process numbers of its own, the shell sees what the lab leaves, and nothing of anybody else's.
    look = "readlink /proc/[0-9]*/ns/net | sort -u; ls -d /proc/[0-9]* | wc -l"
    script = f'{look}; echo ---; "$@"; echo "$?"; {look}'

    done = lab("--quiet", "--apply", program, prefix=("unshare", "-pf", "--mount-proc", "sh", "-c", script, "sh"))

    before, _, after = done.stdout.partition("---\n")
    assert after == f"0\n{before}"


def test_nothing_is_left_behind_after_an_exception() -> None:
    wiring = reference_wiring()
    plan, *_ = read_plans(PROJECT / "out", wiring, Assumptions())
    before = set(os.listdir("/proc/self/fd")), os.readlink("/proc/thread-self/ns/net")

    with (
        pytest.raises(LabError, match="worker1: false failed"),
        built(plan, plan_trials(plan.network, [INGRESS_TO_PODS]), lambda *_: None) as standing,
    ):
        standing.spaces.run("worker1", ["false"])

    assert (set(os.listdir("/proc/self/fd")), os.readlink("/proc/thread-self/ns/net")) == before


def test_nothing_is_left_behind_after_an_interrupt() -> None:
    command = [sys.executable, "-m", "gen", "lab", "shell", "worker1"]
    environment = os.environ | {"SHELL": "/bin/cat"}
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"ready\n")
        process.stdin.flush()
        process.stdout.readline()
        shell = _child_of(process.pid)
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        status = process.wait(timeout=30)

    assert status == 130
    assert not os.path.exists(f"/proc/{shell}/ns")


def _child_of(pid: int) -> int:
    """The only child of a process."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_kept_lab_can_be_entered_until_it_is_removed() -> None:
    spaces = Namespaces(["one"])
    kept = keep(spaces)
    spaces.close()
    try:
        with inside(find_kept(kept.id), "one"):
            shown = subprocess.run(["ip", "-br", "link"], text=True, capture_output=True, check=True)
    finally:
        remove(kept)

    assert shown.stdout.split()[0] == "lo"
    assert kept.label("one") not in named_namespaces()


def test_without_root_the_message_says_what_to_do() -> None:
    done = lab(prefix=("unshare", "--user"))

    assert done.returncode == 2
    assert "the lab needs root" in done.stderr
    assert "sudo" in done.stderr


def test_without_the_capability_the_message_names_it() -> None:
    done = lab(prefix=("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"))

    assert done.returncode == 2
    assert "the kernel refuses a network namespace" in done.stderr
    assert "CAP_SYS_ADMIN" in done.stderr


def test_unknown_node_for_a_shell_is_bad_input() -> None:
    done = lab("shell", "nobody")

    assert done.returncode == 2
    assert "there is no node nobody; there are router, kvm" in done.stderr


def test_shell_runs_on_the_node(tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text("#!/bin/sh\nip -br address show dev eth0\n")
    shell.chmod(0o755)

    done = lab("shell", "worker1", prefix=("env", f"SHELL={shell}"))

    assert "10.17.4.24/24" in done.stdout
