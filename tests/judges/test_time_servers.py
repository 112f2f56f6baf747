"""Time servers as the programs that read their files know them, and chrony that answers whom it should."""

import shutil

import pytest

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine, boot
from netwright.lab.machine import poll as await_that
from netwright.model import Family
from netwright.plan.types import NodePlan
from netwright.verify.reading.formats.time_servers import read_time_sources
from tests.judges.cases import Case, case, cases_with
from tests.rigs.wires import Nic, await_carriers, wire

CHRONY, SERVERS = "/etc/chrony.conf", "/etc/chrony.d/10-netwright.conf"
CHRONYD = ("chronyd", "-u", "root", "-d", "-x")  # with -x it leaves the clock alone, which all machines share


def asks_for_time(plan: NodePlan) -> bool:
    return bool(plan.time_servers)


@cases_with(Family.FLATCAR, asks_for_time)
def test_timesyncd_is_told_the_planned_servers_last(case: Case) -> None:
    for name, plan in case.plans(Family.FLATCAR).items():
        with boot("node") as (machine,):
            other = NodeFile(path="/etc/systemd/timesyncd.conf", content=b"[Time]\nNTP=192.0.2.99\n")
            machine.install([other, *case.files(name)])
            shown = machine.run("systemd-analyze", "cat-config", "systemd/timesyncd.conf").stdout.splitlines()

            given = [line for line in shown if line.startswith("NTP=")]
            servers = " ".join(server.text for server in plan.time_servers)
            assert given == ["NTP=192.0.2.99", *(["NTP=", f"NTP={servers}"] if servers else [])]


@cases_with(Family.ROCKY, asks_for_time)
def test_chronyd_takes_its_file_and_the_administrators(case: Case) -> None:
    if shutil.which("chronyd") is None:
        pytest.skip("needs chronyd")
    for name in (name for name, plan in case.plans(Family.ROCKY).items() if plan.time_servers):
        with boot("node") as (machine,):
            machine.install(case.files(name))
            alone = machine.run("chronyd", "-p", "-f", CHRONY, check=False)
            machine.install([NodeFile(path="/etc/chrony.d/local.conf", content=b"local stratum 10\n")])
            both = machine.run("chronyd", "-p", "-f", CHRONY, check=False)

            written = [(machine.read(path) or b"").decode().splitlines() for path in (CHRONY, SERVERS)]
            told = [line for lines in written for line in lines if not line.startswith(("#", "include"))]
            assert (alone.returncode, alone.stderr) == (both.returncode, both.stderr) == (0, "")
            assert [line for line in alone.stdout.splitlines() if not line.startswith(("#", "include"))] == told
            assert [line for line in told if "iburst" in line]
            assert "local stratum 10" in both.stdout.splitlines()


FILES = {
    CHRONY: "Server 10.0.0.1 iburst\n ! server 10.0.0.2\n#pool a\n%peer b\ninclude /etc/chrony.d/*.conf\n"
    "confdir /etc/one /etc/two\nsourcedir /etc/three\nPOOL c.example\nserver\t10.0.0.3\n",
    "/etc/chrony.d/b.conf": "peer 10.0.0.4\ninclude /etc/chrony.d/other\n",
    "/etc/chrony.d/a.conf": "server 10.0.0.5 minpoll 4\n",
    "/etc/chrony.d/sub/c.conf": "server 10.0.0.6\n",
    "/etc/chrony.d/other": "server 10.0.0.7\n",
    "/etc/one/x.conf": "server 10.0.0.8\n",
    "/etc/two/x.conf": "server 10.0.0.9\n",
    "/etc/two/a.conf": "server 10.0.0.10\n",
    "/etc/three/x.conf": "server 10.0.0.11\n",
    "/etc/four/x.conf": "server 10.0.0.12\n",
}


def test_verify_reads_files_as_chronyd_does() -> None:
    if shutil.which("chronyd") is None:
        pytest.skip("needs chronyd")
    read = [one.server for one in read_time_sources({path: (path, text) for path, text in FILES.items()})]

    with boot("node") as (machine,):
        machine.install([NodeFile(path=path, content=text.encode()) for path, text in FILES.items()])
        shown = machine.run("chronyd", "-p", "-f", CHRONY).stdout

    told = [line.split()[1] for line in shown.splitlines() if line.split()[0].lower() in ("server", "pool", "peer")]
    assert read == told


def test_chrony_answers_the_nodes_that_ask_it_and_no_other() -> None:
    if shutil.which("chronyd") is None:
        pytest.skip("needs chronyd")
    golden = case("time-servers")
    with boot("ntp1", "worker") as (server, client):
        wire(client, Nic(name="eth0"), server, Nic(name="eth0"))
        for machine, address in ((server, "10.1.0.11/8"), (client, "10.2.0.21/8"), (client, "10.2.0.22/8")):
            machine.run("ip", "address", "add", address, "dev", "eth0")
            machine.run("ip", "link", "set", "eth0", "up")
        await_carriers(client)
        own = NodeFile(path="/etc/chrony.d/local.conf", content=b"local stratum 10\n")
        server.install([*golden.files("ntp1"), NodeFile(path="/etc/chrony.keys", content=b""), own])
        server.run("mkdir", "-p", "/var/lib/chrony", "/var/log/chrony")
        with server.daemon(*CHRONYD, "-f", CHRONY):
            assert await_that(lambda: is_answered(client, "10.2.0.21"), seconds=30)
            assert not is_answered(client, "10.2.0.22")


def is_answered(machine: LabMachine, source: str) -> bool:
    """Return whether the machine gets the time with one of its addresses."""
    asking = (
        "-Q",
        "-t",
        "5",
        f"bindacqaddress {source}",
        "server 10.1.0.11 iburst maxsamples 1",
        "pidfile /run/asking.pid",
    )
    done = machine.run(*CHRONYD, *asking, check=False)
    return done.returncode == 0 and "System clock wrong by" in done.stderr + done.stdout
