"""`netwright lab` as a command: what it prints, where, and what it says where it can't do its work."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.running import PROJECT, command, lab, replace_delivered
from tests.netwright import TOPOLOGY, Run, netwright, on_terminal
from tests.proving.test_flannel_wireguard import TOPOLOGY as ENCRYPTED

ONE_FLOW = ("--flow", "lan-to-api")
_SMALL = "tests/golden/flows-two-routers"
SMALL = (f"{_SMALL}/topology.yaml", "-o", f"{_SMALL}/out", "--apply", "ip")
"""Five machines, for what does not depend on the network."""
LINKS = {
    "bond": "bonding for appliance's ae0 (a bond)",
    "vlan": "8021q for appliance's ae0.310 (a VLAN)",
    "bridge": "bridge for worker1's br0 (a bridge)",
    "dummy": "dummy for worker1's dummy0 (a dummy device)",
}
"""What is lacking where the kernel does not make a device of the kind, in the golden case `links`."""


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose shell says where it is, and ends."""
    program = tmp_path / "shell"
    program.write_text(
        "#!/bin/sh\ncat /proc/sys/kernel/hostname; ip -br address; ls /sys/class/net; ls -d /proc/[0-9]* | wc -l\n"
    )
    program.chmod(0o755)
    return {**os.environ, "SHELL": str(program)}


def show(*arguments: str, **variables: str) -> Run:
    """The command's end on a terminal."""
    return on_terminal(*command(*arguments), cwd=PROJECT, env={**os.environ, "TERM": "xterm", **variables})


def test_table_says_what_is_not_as_wanted_and_why(out: Path) -> None:
    replace_delivered(out, "worker1", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0")

    done = lab("-o", str(out), "--apply", "ip", "--flow", "ingress-to-pods")

    assert "ingress-to-pods: 16 of 112 are not as wanted:" in done.stdout
    assert "FORWARDING_OFF at worker1 on the way there: forwarding is 0 on eth0" in done.stdout
    assert re.search(
        r"ingress-to-pods +arrives +112 of 112 +96 as wanted +96 as wanted +16 of 16 measured +yes", done.stdout
    )


def test_what_verify_does_not_know_is_named(out: Path) -> None:
    rootfs = out / "worker1/rootfs/etc/systemd/network/10-eth0.network"
    rootfs.write_text(rootfs.read_text().replace("10.17.4.24", "10.17.4.99"))

    done = lab("-o", str(out), "--apply", "ip", *ONE_FLOW)

    assert done.returncode == 0
    assert (
        "What verify does not know: worker1/rootfs/etc/systemd/network/10-eth0.network:6: differs from what "
        "worker1/worker1.ign delivers: here `Address=10.17.4.99/24`, delivered `Address=10.17.4.24/24`; "
    ) in done.stdout


@pytest.mark.parametrize(
    ("where", "said"),
    [("nowhere", "nowhere: error: does not exist; "), ("pyproject.toml", "pyproject.toml: error: is no directory; ")],
    ids=["missing", "file"],
)
def test_out_that_is_no_directory_is_bad_input(where: str, said: str) -> None:
    done = lab("-o", where)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def test_a_default_route_with_several_next_hops_is_applied_by_ip() -> None:
    case = PROJECT / "tests/golden/several-next-hops"

    done = lab(str(case / "topology.yaml"), "-o", str(case / "out"), "--apply", "ip")

    assert (done.returncode, done.stdout.count("1 of 1 flow works as wanted; verify and the kernel agree")) == (0, 1)


def test_flow_within_one_machine_has_nothing_to_send(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(f"{TOPOLOGY}flows: {{within: {{from: [lb1], to: [lb1], allow: [icmp]}}}}\n")
    assert netwright("generate", cwd=tmp_path).status == 0

    done = lab(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"), "--apply", "ip")

    assert done.returncode == 1
    assert "\nwithin: nothing to send: no two machines have the addresses of its ends\n" in done.stdout


def test_topology_without_flows_says_how_to_state_one(tmp_path: Path) -> None:
    topology, _, _ = (PROJECT / "topology.yaml").read_text().partition("\nflows:")
    (tmp_path / "topology.yaml").write_text(f"{topology}\n")
    (tmp_path / "snippets").symlink_to(PROJECT / "snippets")

    done = lab(str(tmp_path / "topology.yaml"), "-o", str(PROJECT / "out"), "--apply", "ip")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert any(line.startswith("Network files were applied by ip: ") for line in lines)
    assert lines[-4] == "The topology has no flows; state in it what must work, such as"
    assert lines[-1] == "there is nothing to send"


def test_flow_that_there_is_not_is_bad_input() -> None:
    done = lab("--flow", "nope")

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no flow nope" in done.stderr


def makes(kind: str) -> bool:
    """Return whether this machine's kernel makes a device of the kind."""
    parent, number = ("link v0 ", " id 1") if kind == "vlan" else ("", "")
    script = f"ip link add name v0 type veth peer name v1 && ip link add {parent}name made type {kind}{number}"
    return subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("options", [("--apply", "auto"), ("--apply", "ip"), ("--boot",)], ids=" ".join)
def test_modules_that_the_kernel_lacks_are_named(options: tuple[str, ...]) -> None:
    lacking = [words for kind, words in LINKS.items() if not makes(kind)]

    done = lab("tests/golden/links/topology.yaml", "-o", "tests/golden/links/out", *options) if lacking else None

    if done is not None:
        modules = " ".join(words.split()[0] for words in lacking)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"netwright: this machine's kernel lacks {', '.join(lacking)}; load them (modprobe {modules}), "
            "or take a kernel that has them; netwright verify proves flows through such links\n"
        )


def test_a_kernel_whose_bridges_filter_no_vlans_is_named(tmp_path: Path) -> None:
    trial = "ip link add name made type bridge vlan_filtering 1"
    filters = not subprocess.run(["unshare", "--net", *trial.split()], capture_output=True, check=False).returncode
    bridge = "interfaces: {eno1: {}, br0: {bridge: {members: [eno1], vlan_filtering: true, untagged: 5}, %s}}"
    (tmp_path / "topology.yaml").write_text(
        "version: 1\nname: filtering\nnetworks: {lan: {cidr: 10.1.0.0/24}}\nnodes:\n"
        f"  a: {{os: flatcar, {bridge % 'network: lan, address: 10.1.0.1'}}}\n"
        f"  b: {{os: flatcar, {bridge % 'network: lan, address: 10.1.0.2'}}}\n"
        "flows:\n  there: {from: a, to: b, allow: [icmp]}\n"
    )
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    done = lab(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"), "--apply", "ip")

    refusal = (
        "netwright: this machine's kernel has no bridges that filter VLANs, for a's br0; take one that is built with "
        "BRIDGE_VLAN_FILTERING; netwright verify proves flows through such links\n"
    )
    assert (done.returncode, done.stderr) == ((0, "") if filters else (2, refusal))


def test_flannels_wireguard_needs_a_kernel_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(ENCRYPTED)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    done = lab(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"))

    # With it the flows are tried: tests/lab/test_devices.py.
    assert done.returncode == (0 if makes("wireguard") else 2)
    assert (
        makes("wireguard")
        or "this machine's kernel lacks wireguard for w1's flannel-wg (a WireGuard tunnel)" in done.stderr
    )


def test_cards_of_a_driver_that_no_card_here_has_are_configured_by_ip(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(
        """\
version: 1
name: found
networks: {lan: {cidr: 10.1.0.0/24}}
nodes:
  a: {os: flatcar, interfaces: {ens3: {match: {driver: virtio_net}, network: lan, address: 10.1.0.1}}}
  b: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.0.2}}}
  c: {os: rocky10, firewalld: absent, interfaces: {
    lan0: {match: {path: "pci-0000:02:00.*"}, rename: true, network: lan, address: 10.1.0.3}}}
flows: {all: {from: [a, b, c], to: [a, b, c], allow: [icmp]}}
"""
    )
    assert netwright("generate", cwd=tmp_path).status == 0

    done = lab(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    assert "Network files were applied by systemd-networkd: b; NetworkManager: c; ip: a." in done.stdout


def test_progress_is_shown_on_a_terminal_and_cleared() -> None:
    golden = "tests/golden/flows-shared-segment"

    run = show(f"{golden}/topology.yaml", "-o", f"{golden}/out")

    assert run.status == 0
    assert run.stdout.endswith("\n2 of 2 flows work as wanted; verify and the kernel agree about 2 flows\n")
    assert "systemd-networkd applies files 0/3" in run.stderr
    assert re.search(r"sending 0/\d+", run.stderr)
    assert re.search(r"\r\x1b\[Kin \d+\.\d s", run.stderr)


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param(("--quiet",), {}, id="quiet"),
        pytest.param(("--format", "json"), {}, id="json"),
        pytest.param((), {"TERM": "dumb"}, id="dumb terminal"),
    ],
)
def test_progress_is_kept_back_where_it_is_unwelcome(arguments: tuple[str, ...], variables: dict[str, str]) -> None:
    run = show(*SMALL, *arguments, **variables)

    assert run.status == 0
    assert "\x1b" not in run.stdout + run.stderr


def test_no_color_has_nothing_to_leave_out() -> None:
    run = show(*SMALL, NO_COLOR="1")

    assert "\x1b[3" not in run.stdout + run.stderr


def test_quiet_says_nothing() -> None:
    done = lab("--quiet", *SMALL)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("arguments", [(), ("shell", "worker1"), ("remove", "--all")], ids=["trial", "shell", "remove"])
def test_without_root_the_message_says_what_to_do(arguments: tuple[str, ...]) -> None:
    done = lab(*arguments, prefix=("unshare", "--user"))

    assert (done.returncode, done.stdout) == (2, "")
    assert "the lab needs root" in done.stderr
    assert "sudo" in done.stderr


def test_without_the_capability_the_message_names_it() -> None:
    done = lab(prefix=("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"))

    assert done.returncode == 2
    assert "the kernel refuses a network namespace" in done.stderr
    assert "CAP_SYS_ADMIN" in done.stderr


def hide(*programs: str) -> tuple[str, ...]:
    """A prefix with which the programs are not to be found."""
    covers = "; ".join(f"mount --bind /dev/null {program}" for program in programs)
    return ("unshare", "--mount", "sh", "-ec", f'{covers}; exec "$@"', "sh")


def test_missing_daemons_leave_their_files_to_ip() -> None:
    done = lab(*ONE_FLOW, prefix=hide("/usr/sbin/NetworkManager"))

    assert done.returncode == 0
    assert "NetworkManager is not here (install NetworkManager): ip applied its files." in done.stdout
    assert "ip: router, kvm, api-lb, lb1, lb2, haproxy1, haproxy2." in done.stdout


def test_missing_programs_are_named_with_their_packages() -> None:
    done = lab(*ONE_FLOW, prefix=hide("/usr/sbin/nft"))

    assert (done.returncode, done.stdout) == (2, "")
    assert "the lab needs nft; install nftables" in done.stderr


@pytest.mark.parametrize(
    ("name", "address"),
    [
        pytest.param("worker1", "10.17.4.24/24", id="node"),
        pytest.param("worker1.pods", "10.42.0.2/32", id="pods"),
        pytest.param("INTERNET", "192.88.99.254/32", id="internet"),
    ],
)
def test_shell_runs_on_the_node(shell: dict[str, str], name: str, address: str) -> None:
    done = lab("shell", name, "--apply", "ip", env=shell)

    host, *lines = done.stdout.splitlines()
    assert (done.returncode, host) == (0, name)
    assert address in done.stdout
    assert "eth0" in lines
    assert int(lines[-1]) < 10


def test_shells_status_is_the_commands(shell: dict[str, str]) -> None:
    done = lab("shell", "host1", *SMALL, env={**shell, "SHELL": "/bin/false"})

    assert done.returncode == 1


def test_a_shell_that_is_not_here_is_named() -> None:
    done = lab("shell", "host1", *SMALL, env={**os.environ, "SHELL": "/nowhere/zsh"})

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "netwright: the shell /nowhere/zsh can't be run; set SHELL to one that is here, such as /bin/sh\n"
    )


def test_shell_has_a_terminal_with_job_control() -> None:
    script = "echo is $(tty) $-; exit 3\n"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(PROJECT)
        os.environ.update(SHELL="/bin/bash", TERM="dumb")
        line = command("shell", "host1", *SMALL)
        os.execv(line[0], line)
    os.write(terminal, script.encode())
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
    except OSError:
        pass
    os.close(terminal)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 3
    assert re.search(rb"is /dev/pts/\d+ \w*im\w*", shown)
    assert b"no job control" not in shown


def test_unknown_node_for_a_shell_is_bad_input() -> None:
    done = lab("shell", "nobody")

    assert done.returncode == 2
    assert "there is no node nobody; there are router, kvm" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("trial", "--help"), ("topology.yaml", "--help"), ("--keep", "-h")],
    ids=["hidden name", "file", "option"],
)
def test_help_of_a_trial_is_that_of_the_command(arguments: tuple[str, ...]) -> None:
    done = lab(*arguments)

    assert done.stdout.startswith("Usage: netwright lab [OPTIONS] [TOPOLOGY]\n\n  Build the network of OUT in ")
    assert "trial" not in done.stdout
    assert "Exit status: 0 every flow works" in done.stdout
    assert "--keep" in done.stdout


@pytest.mark.parametrize("arguments", [("--nope",), ("topology.yaml", "more"), ("--format", "xml")], ids=" ".join)
def test_usage_error_of_a_trial_speaks_of_what_was_typed(arguments: tuple[str, ...]) -> None:
    done = lab(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("Usage: netwright lab [OPTIONS] [TOPOLOGY]\nTry 'netwright lab --help' for help.\n")


@pytest.mark.parametrize(
    ("arguments", "meant"), [(("lst",), "list"), (("shel", "worker1"), "shell"), (("remov", "--all"), "remove")]
)
def test_mistyped_command_is_no_topology(arguments: tuple[str, ...], meant: str) -> None:
    done = lab(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"Error: {arguments[0]} is neither a topology nor a command; {meant} is one\n" in done.stderr


@pytest.mark.parametrize("arguments", [("list",), ("remove", "--all")], ids=["list", "remove"])
def test_where_no_lab_is_kept_it_is_said(arguments: tuple[str, ...]) -> None:
    done = lab(*arguments, prefix=("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"))

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no lab is kept; netwright lab --keep leaves one\n"


def test_kept_lab_is_listed_entered_and_removed(shell: dict[str, str]) -> None:
    document = json.loads(lab(*ONE_FLOW, "--apply", "ip", "--keep", "--format", "json").stdout)
    kept = document["kept"]
    try:
        listed = lab("list").stdout
        entered = lab("shell", "worker1", "--lab", kept, env=shell)
        wrong = lab("shell", "nobody", "--lab", kept)
    finally:
        removed = lab("remove", kept)

    assert [line.split()[0] for line in listed.splitlines() if "worker1.pods" in line].count(kept) == 1
    assert "10.17.4.24/24" in entered.stdout
    assert wrong.returncode == 2
    assert f"  netwright lab remove {kept}" in document["remarks"]
    assert (removed.returncode, removed.stdout) == (0, f"removed {kept}\n")
    assert kept not in lab("list").stdout


def test_lab_that_there_is_not_cannot_be_removed() -> None:
    done = lab("remove", "000000")

    assert done.returncode == 2
    assert "there is no lab 000000; " in done.stderr


def test_remove_wants_to_know_what() -> None:
    assert lab("remove").returncode == 2
    assert lab("remove", "--all", "000000").returncode == 2


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        pytest.param("lab ", {"shell", "list", "remove"}, id="commands"),
        pytest.param("lab --ke", {"--keep"}, id="options"),
        pytest.param("lab shell worker", {f"worker{number}" for number in range(1, 5)}, id="nodes"),
    ],
)
def test_shells_complete_it(words: str, wanted: set[str]) -> None:
    environment = {
        **os.environ,
        "_NETWRIGHT_COMPLETE": "bash_complete",
        "COMP_WORDS": f"netwright {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    program = "from netwright.commands.main import netwright; netwright(prog_name='netwright')"

    done = subprocess.run(
        [command()[0], "-c", program], cwd=PROJECT, env=environment, text=True, capture_output=True, check=True
    )

    offered = {line.partition(",")[2] for line in done.stdout.splitlines()}
    assert wanted <= offered
