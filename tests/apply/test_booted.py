"""`netwright apply` on machines that boot, over ssh: whole, or not at all."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from netwright.apply.script import call_off_script
from netwright.lab.machine import poll
from tests.apply.conftest import Cluster
from tests.netwright import command, read_terminal

LB1 = "    interfaces: {eth0: {network: lan, address: 10.1.0.2}}\n"
ROUTE = (LB1, f"{LB1}    routes: [{{to: 10.9.0.0/16, via: gw}}]\n")
SHUT = ("allow: [tcp/22, icmp]", "allow: [icmp]")
SYSCTL = ("address: 10.1.0.3}}}", "address: 10.1.0.3}}, sysctl: {net.ipv4.tcp_keepalive_time: 600}}")
FIREWALL = (
    "address: 10.1.0.3}}}",
    "address: 10.1.0.3}}, firewall: {input: {policy: drop, rules: [{allow: [tcp/22, icmp]}]}}}",
)
KEYFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"
SYSCTLS = "/etc/sysctl.d/90-netwright.conf"
UNIT = "netwright-nftables.service"
NOTHING = "Nothing to apply: the files are as OUT has them.\n"


def _is_as_at_first(cluster: Cluster, node: str) -> bool:
    return cluster.files(node) == cluster.first[node] and not cluster.has_change(node)


def _status(cluster: Cluster, node: str) -> int:
    return cluster.run("status", "--ssh", "--ssh-config", "ssh_config", "--node", node).status


def test_a_change_is_applied_whole_and_a_second_apply_does_nothing(cluster: Cluster) -> None:
    cluster.machines["lb1"].run(
        "sh", "-c", "echo mine > /etc/sysctl.d/60-mine.conf; chmod 604 /etc/sysctl.d/60-mine.conf"
    )
    cluster.generate(ROUTE)

    run = cluster.apply()

    assert run.status == 0, run.stdout + run.stderr
    assert run.stdout.endswith("lb1: applied\n1 machine: applied.\n")
    assert "10.9.0.0/16 via 10.1.0.1" in cluster.machines["lb1"].run("ip", "route").stdout
    assert cluster.read("lb1", KEYFILE).startswith("600 root:root\n")
    assert cluster.read("lb1", "/etc/sysctl.d/60-mine.conf") == "604 root:root\nmine\n"
    cluster.machines["lb1"].run("rm", "/etc/sysctl.d/60-mine.conf")
    assert _status(cluster, "lb1") == 0
    again = cluster.apply()
    assert (again.status, again.stdout) == (0, NOTHING)


def test_a_file_that_comes_goes_again_and_a_rollback_brings_it_back(cluster: Cluster) -> None:
    value = "/proc/sys/net/ipv4/tcp_keepalive_time"
    master = cluster.machines["master1"]
    before = master.run("cat", value).stdout
    cluster.generate(SYSCTL)
    assert cluster.apply().status == 0
    assert (cluster.read("master1", SYSCTLS)[:14], master.run("cat", value).stdout) == ("644 root:root\n", "600\n")

    back = cluster.run("rollback", "master1", "--yes", "--ssh-config", "ssh_config")

    assert back.status == 0, back.stdout + back.stderr
    assert _is_as_at_first(cluster, "master1")
    assert master.run("cat", value).stdout == before
    assert cluster.apply().status == 0
    cluster.generate()
    gone = cluster.apply()
    assert gone.status == 0, gone.stdout + gone.stderr
    assert f"  - {SYSCTLS}\n" in gone.stdout
    assert _is_as_at_first(cluster, "master1")


def test_a_unit_that_comes_goes_again_with_the_rollback(cluster: Cluster) -> None:
    cluster.generate(FIREWALL)
    run = cluster.apply("master1")
    assert run.status == 0, run.stdout + run.stderr
    master = cluster.machines["master1"]
    assert master.is_active("netwright-nftables.service")
    assert "policy drop" in master.run("nft", "list", "ruleset").stdout
    cluster.reboot("master1")
    master = cluster.machines["master1"]
    assert master.is_active("netwright-nftables.service")
    assert _status(cluster, "master1") == 0

    back = cluster.run("rollback", "master1", "--yes", "--ssh-config", "ssh_config")

    assert back.status == 0, back.stdout + back.stderr
    assert not master.is_active("netwright-nftables.service")
    assert master.run("nft", "list", "ruleset").stdout == ""
    assert _is_as_at_first(cluster, "master1")


def test_a_change_that_cuts_the_path_is_undone_by_the_machine(cluster: Cluster) -> None:
    rules = cluster.machines["lb1"].run("nft", "list", "ruleset").stdout
    cluster.generate(SHUT)

    run = cluster.apply("lb1", "--confirm-within", "8")

    assert run.status == 1
    assert "lb1: not applied, it is as before (it was not confirmed in time)\n" in run.stdout
    assert _is_as_at_first(cluster, "lb1")
    assert cluster.machines["lb1"].run("nft", "list", "ruleset").stdout == rules
    cluster.generate()
    assert _status(cluster, "lb1") == 0


DEATHS = {
    "before it begins": ("main begin", "exit 255", {"old"}),
    "once it has begun": ("main begin", '"$machine" > /dev/null; exit 255', {"new"}),
    "in its midst": ("main begin", '"$machine" & sleep 1.5; kill -9 $!; exit 255', {"old", "new"}),
    "before it is confirmed": ("main confirm", "exit 255", {"old"}),
    "once it is confirmed": ("main confirm", '"$machine" > /dev/null; exit 255', {"new"}),
}
"""Where the connection dies: at which call of the script, what is done in place of it, and what the machine may be."""


@pytest.mark.parametrize("death", DEATHS)
def test_wherever_the_connection_dies_the_machine_is_wholly_old_or_new(cluster: Cluster, death: str) -> None:
    call, instead, allowed = DEATHS[death]
    cluster.generate(ROUTE)
    script = f"""\
script=$(mktemp)
cat > "$script"
if grep -q '^{{ {call}' "$script"; then exec < "$script"; {instead}; fi
exec "$machine" < "$script"
"""
    with cluster.answering("lb1", script):
        run = cluster.apply("lb1", "--confirm-within", "8" if allowed == {"old"} else "20")

    poll(lambda: not cluster.has_change("lb1"), seconds=20)
    assert not cluster.has_change("lb1")
    has_new = "10.9.0.0/16" in cluster.read("lb1", KEYFILE)
    assert has_new or _is_as_at_first(cluster, "lb1")
    assert _status(cluster, "lb1") == (0 if has_new else 1)
    assert ("new" if has_new else "old") in allowed
    assert run.status == (0 if has_new else 1)


def test_a_machine_that_boots_before_the_confirmation_is_wholly_old(cluster: Cluster) -> None:
    cluster.generate(ROUTE)
    with cluster.start("apply", "lb1", "--yes", "--ssh-config", "ssh_config", "--confirm-within", "600") as process:
        assert poll(lambda: "10.9.0.0/16" in cluster.read("lb1", KEYFILE), seconds=60)
        process.send_signal(signal.SIGKILL)

    cluster.reboot("lb1")

    assert _is_as_at_first(cluster, "lb1")
    cluster.generate()
    assert _status(cluster, "lb1") == 0


def test_a_unit_of_an_unconfirmed_change_is_gone_after_two_boots(cluster: Cluster) -> None:
    cluster.generate(FIREWALL)
    with cluster.start("apply", "master1", "--yes", "--ssh-config", "ssh_config", "--confirm-within", "600") as process:
        assert poll(lambda: cluster.machines["master1"].is_active(UNIT), seconds=60)
        process.send_signal(signal.SIGKILL)

    cluster.reboot("master1", twice=True)

    assert _is_as_at_first(cluster, "master1")
    assert not cluster.machines["master1"].is_active(UNIT)
    assert cluster.machines["master1"].run("nft", "list", "ruleset").stdout == ""
    cluster.generate()
    assert _status(cluster, "master1") == 0


FOREIGN = """\
table inet foreign {
    chain input { type filter hook input priority 1; policy accept; ip saddr 10.1.0.3 tcp dport 22 drop; }
}
"""


def test_a_flow_that_breaks_on_the_machine_undoes_its_change_and_ends_the_run(cluster: Cluster) -> None:
    cluster.generate(ROUTE, SYSCTL)
    steps = json.loads(cluster.run("apply", "--ssh-config", "ssh_config", "--format", "json").stdout)["plan"]["steps"]
    order = [node for step in steps for node in step["nodes"]]
    rule = FOREIGN if order[0] == "lb1" else FOREIGN.replace("input", "output")
    disturbed = f"""\
script=$(mktemp)
cat > "$script"
"$machine" < "$script"
if grep -q '^{{ main begin' "$script"; then
    SSH_ORIGINAL_COMMAND="nft -f -" "$machine" <<'EOF'
{rule}
EOF
fi
"""

    with cluster.answering(order[0], disturbed):
        run = cluster.apply()

    cluster.machines[order[0]].run("nft", "delete", "table", "inet", "foreign")
    assert run.status == 1
    why = "the flow answers held before and does not now: tcp/22 from 10.1.0.3 to 10.1.0.2: "
    assert f"{order[0]}: not applied, it is as before ({why}" in run.stdout
    assert f"not applied: {', '.join(order)}." in run.stdout
    assert _is_as_at_first(cluster, order[0])
    assert _is_as_at_first(cluster, order[1])


SUDO = """\
#!/bin/sh
echo "$1 $2" >> /run/sudo.log
[ "$1" = -n ] || exit 1
shift
exec /usr/local/bin/as-root --reuid=0 --regid=0 --clear-groups "$@"
"""
"""In place of sudo, which is not installed here: as that, it becomes root, and is only asked not to ask."""


def test_a_user_without_root_applies_by_sudo(cluster: Cluster) -> None:
    cluster.generate(ROUTE)
    lb1 = cluster.machines["lb1"]
    install = """\
cat > /usr/local/bin/sudo
cp $(command -v setpriv) /usr/local/bin/as-root
chmod 755 /usr/local/bin/sudo
chmod 4755 /usr/local/bin/as-root
rm -f /run/sudo.log
install -m 666 /dev/null /run/sudo.log
"""
    assert lb1.run("sh", "-c", install, stdin=SUDO).returncode == 0
    login = """\
export SSH_ORIGINAL_COMMAND="exec setpriv --reuid=4711 --regid=4711 --clear-groups $SSH_ORIGINAL_COMMAND"
exec "$machine"
"""
    with cluster.answering("lb1", login):
        run = cluster.apply("lb1")
        status = cluster.run("status", "--ssh", "--ssh-config", "ssh_config", "--node", "lb1")
    calls = {*lb1.run("sh", "-c", "cat /run/sudo.log; cd /usr/local/bin; rm sudo as-root").stdout.splitlines()}

    assert run.status == 0, run.stdout + run.stderr
    assert status.status == 0, status.stdout
    assert "10.9.0.0/16" in cluster.read("lb1", KEYFILE)
    assert cluster.read("lb1", KEYFILE).startswith("600 root:root\n")
    assert {"-n sh", "-n true"} <= calls
    assert all(one.startswith("-n ") for one in calls)


def test_a_full_disk_leaves_all_as_it_was(cluster: Cluster) -> None:
    folder = KEYFILE.rpartition("/")[0]
    fill = f"cp -a {folder} /run/kept && mount -t tmpfs -o size=8k,mode=700 full {folder} && cp -a /run/kept/. {folder}"
    cluster.generate(ROUTE)
    lb1 = cluster.machines["lb1"]
    assert lb1.run("sh", "-c", f"{fill} && ! dd if=/dev/zero of={folder}/.full").returncode == 0

    run = cluster.apply("lb1")

    assert lb1.run("sh", "-c", f"umount {folder} && rm -r /run/kept").returncode == 0
    assert run.status == 1
    assert "No space left on device" in run.stdout
    assert "lb1: not applied, it is as before" in run.stdout
    assert _is_as_at_first(cluster, "lb1")


def test_a_disk_without_room_for_the_change_is_said_before_it_begins(cluster: Cluster) -> None:
    cluster.generate(ROUTE)
    lb1 = cluster.machines["lb1"]
    assert lb1.run("mount", "-t", "tmpfs", "-o", "size=8k,mode=700", "full", "/var/lib/netwright").returncode == 0

    run = cluster.apply("lb1")

    assert lb1.run("umount", "/var/lib/netwright").returncode == 0
    assert run.status == 1
    assert "lb1: not touched (the change can't be taken: " in run.stdout
    assert _is_as_at_first(cluster, "lb1")


def _with_other_keys(cluster: Cluster) -> Sequence[str]:
    known = (cluster.folder / "known").read_text().replace("AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAJ")
    (cluster.folder / "changed").write_text(known)
    return ("--ssh-option", f"UserKnownHostsFile={cluster.folder}/changed")


def _of_nowhere(_cluster: Cluster) -> Sequence[str]:
    return ("--ssh-option", "HostName=10.1.0.99")


@pytest.mark.parametrize(
    ("options", "said"),
    [(_with_other_keys, "lb1: Host key verification failed."), (_of_nowhere, "lb1: ssh: connect to host 10.1.0.99")],
    ids=["another host key", "down"],
)
def test_machines_that_are_not_reached_are_named_and_none_is_changed(
    cluster: Cluster, options: object, said: str
) -> None:
    assert callable(options)
    cluster.generate(ROUTE, SYSCTL)

    run = cluster.apply(*options(cluster))

    assert run.status == 1
    assert said in run.stderr
    assert run.stdout.startswith("Nothing was applied, because of lb1, master1;")
    assert _is_as_at_first(cluster, "lb1")
    assert _is_as_at_first(cluster, "master1")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (r"printf '\033[2J\n::error::x\n'", "what it answers is no record of a machine"),
        ("yes", "its record is larger than"),
        (
            r"printf 'format\tMQ==\tIDA=\nfiles\tG1sySg==\tIDA=\nend\t\tIDA=\n'",
            "what it answers lists files in another form",
        ),
        ("exec \"$machine\" | sed 's/^pending.*/pending\tG1syShtbMko=\tIDA=/'", "a change of somebody is under way"),
    ],
    ids=["escapes", "flood", "other words", "a strange change"],
)
def test_a_hostile_answer_is_data(cluster: Cluster, script: str, said: str) -> None:
    cluster.generate(SYSCTL)
    with cluster.answering("master1", script):
        run = cluster.apply("master1")

    assert run.status == 1
    assert f"master1: {said}" in run.stderr
    assert "\x1b" not in run.stdout + run.stderr
    assert _is_as_at_first(cluster, "master1")


def test_the_first_failure_ends_the_run_and_it_is_resumed(cluster: Cluster) -> None:
    cluster.generate(ROUTE, SYSCTL)
    broken = """\
script=$(mktemp)
sed 's/^{ main begin.*/{ say format 1; say problem "not today"; say state unknown; say end ""; exit; }/' > "$script"
exec "$machine" < "$script"
"""
    steps = json.loads(cluster.run("apply", "--ssh-config", "ssh_config", "--format", "json").stdout)["plan"]["steps"]
    order = [node for step in steps for node in step["nodes"]]
    with cluster.answering(order[1], broken):
        run = cluster.apply()

    assert run.status == 1
    assert f"{order[0]}: applied\n{order[1]}: not touched (not today)\n" in run.stdout
    assert run.stdout.endswith(f"applied: {order[0]}; not applied: {order[1]}. netwright apply --resume goes on.\n")
    resumed = cluster.apply("--resume")
    assert resumed.status == 0, resumed.stdout + resumed.stderr
    assert resumed.stdout.endswith(f"{order[1]}: applied\n1 machine: applied.\n")
    assert cluster.apply("--resume").status == 2


def test_without_a_person_the_plan_is_shown_and_nothing_applied(cluster: Cluster) -> None:
    cluster.generate(SYSCTL)

    run = cluster.run("apply", "--ssh-config", "ssh_config")

    assert run.status == 1
    assert f"master1\n  + {SYSCTLS}\n" in run.stdout
    assert run.stdout.endswith("\nNothing was applied; --yes applies it.\n")
    assert _is_as_at_first(cluster, "master1")


@pytest.mark.parametrize(("answer", "outcome"), [("n", "Nothing was applied"), ("y", "1 machine: applied.")])
def test_a_person_at_a_terminal_is_asked(cluster: Cluster, answer: str, outcome: str) -> None:
    cluster.generate(SYSCTL)
    outer, inner = pty.openpty()
    words = command("apply", "master1", "--ssh-config", "ssh_config")
    with (
        cluster.network.spaces.enter("gw"),
        subprocess.Popen(
            words, cwd=cluster.folder, env=cluster.environment(), stdin=inner, stdout=inner, stderr=inner
        ) as process,
    ):
        os.close(inner)
        os.write(outer, f"{answer}\n".encode())
        said = read_terminal(outer)

    assert "Apply it? [y/N]:" in said
    assert outcome in said
    assert process.returncode == (0 if answer == "y" else 1)
    assert cluster.read("master1", SYSCTLS).startswith("644") == (answer == "y")


def test_what_is_under_way_refuses_another_apply_and_names_who_began(cluster: Cluster) -> None:
    cluster.generate(ROUTE)
    with cluster.start("apply", "lb1", "--yes", "--ssh-config", "ssh_config", "--confirm-within", "60") as first:
        assert poll(lambda: cluster.has_change("lb1"), seconds=60)
        first.send_signal(signal.SIGKILL)

    second = cluster.apply("lb1")

    assert second.status == 1
    assert re.search(r"lb1: a change of \S+ on \S+, \S+ \S+ UTC is under way there", second.stderr)
    lb1 = cluster.machines["lb1"]
    identity = lb1.run("readlink", "/var/lib/netwright/pending").stdout.strip().rpartition("/")[2]
    lb1.run("sh", "-s", stdin=call_off_script(identity, "the test ends"))
    assert _is_as_at_first(cluster, "lb1")


def test_a_machine_on_which_nothing_was_applied_yet_is_told_where_it_comes_from(cluster: Cluster) -> None:
    master = cluster.machines["master1"]
    cluster.generate(SYSCTL)
    shutil.copytree(cluster.folder / "out", cluster.folder / "was" / "out")
    shutil.copy(cluster.folder / "topology.yaml", cluster.folder / "was")
    content = (cluster.folder / "out/master1/rootfs" / SYSCTLS[1:]).read_text()
    master.run("sh", "-c", f"rm -r /var/lib/netwright; cat > {SYSCTLS}", stdin=content)
    cluster.generate()
    assert cluster.apply("master1").stdout == NOTHING

    run = cluster.apply("master1", "--against", "was/out/")

    assert run.status == 0, run.stdout + run.stderr
    assert f"  - {SYSCTLS}\n" in run.stdout
    assert _is_as_at_first(cluster, "master1")


def test_out_that_is_not_generated_is_refused(cluster: Cluster) -> None:
    path = Path(cluster.folder, "topology.yaml")
    path.write_text(path.read_text().replace(*ROUTE))

    run = cluster.apply()

    assert run.status == 2
    assert "of out differ from what topology.yaml generates" in run.stderr
    assert "run netwright generate" in run.stderr
