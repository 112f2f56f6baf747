"""Virtual addresses by the real keepalived and HAProxy: they take the files, and an address moves with its service."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from netwright.lab.machine import File, LabMachine, boot
from netwright.lab.machine import poll as await_that
from netwright.verify.reading.formats.handoff import HAPROXY_SECTION, KEEPALIVED_SECTION, handoff_file
from tests.rigs.wires import Nic, await_carriers, wire

KEEPALIVED, HAPROXY = "/etc/keepalived/keepalived.conf", "/etc/haproxy/haproxy.cfg"
GOLDEN = Path(__file__).parents[1] / "golden"
FILES = [
    pytest.param(path, id=f"{path.relative_to(GOLDEN).parts[0]}-{path.relative_to(GOLDEN).parts[2]}-{path.name}")
    for name in ("keepalived.conf", "haproxy.cfg")
    for path in sorted(GOLDEN.glob(f"*/out/*/rootfs/etc/*/{name}"))
]
SHEETS = [
    pytest.param(sheet, section, id=f"{sheet.relative_to(GOLDEN).parts[0]}-{section[3:]}")
    for sheet in sorted(GOLDEN.glob("*/out/*/handoff.md"))
    for section in (KEEPALIVED_SECTION, HAPROXY_SECTION)
    if section in sheet.read_text(encoding="utf-8")
]


@pytest.fixture(scope="module")
def machine() -> Iterator[LabMachine]:
    """A machine with a card."""
    with boot("n") as (booted,):
        booted.run("ip", "link", "add", "eth0", "type", "bridge")
        add_user(booted)
        yield booted


def add_user(machine: LabMachine) -> None:
    """Add HAProxy's user and group, which its package brings."""
    for line, file in (("haproxy:x:188:188::/:/bin/false", "passwd"), ("haproxy:x:188:", "group")):
        machine.run("sh", "-c", f"echo {line} >>/etc/{file}")


@pytest.mark.parametrize("path", FILES)
def test_the_program_takes_its_file(path: Path, machine: LabMachine) -> None:
    place = f"/etc/{path.stem}/{path.relative_to(GOLDEN).parts[0]}-{path.parts[-5]}"

    assert complaints_of(machine, path.stem, place, path.read_bytes()) == (0, [])


@pytest.mark.parametrize(("sheet", "section"), SHEETS)
def test_the_program_takes_what_a_sheet_asks_for(sheet: Path, section: str, machine: LabMachine) -> None:
    program = {KEEPALIVED_SECTION: "keepalived", HAPROXY_SECTION: "haproxy"}[section]
    told = handoff_file(sheet.read_text(encoding="utf-8"), section)

    assert complaints_of(machine, program, f"/etc/{program}/sheet", told.encode()) == (0, [])


def complaints_of(machine: LabMachine, program: str, place: str, content: bytes) -> tuple[int, list[str]]:
    """Return the exit code of a program that tests a file, and what it says."""
    test = ("keepalived", "--config-test", "--log-console", f"--use-file={place}")
    if program == "haproxy":
        test = ("haproxy", "-c", "-f", place)
    if shutil.which(test[0]) is None:
        pytest.skip(f"needs {test[0]}")
    machine.install([File(path=place, content=content)])
    done = machine.run(*test, check=False)
    return done.returncode, [line for line in done.stderr.splitlines() if "NOTICE" not in line]


_BALANCERS = ("lb1", "lb2")
_ADDRESSES = {
    "lb1": "192.168.0.31/24",
    "lb2": "192.168.0.32/24",
    "client": "192.168.0.50/24",
    "m1": "10.2.0.21/24",
    "m2": "10.2.0.22/24",
}
_LISTEN = """
import selectors, socket, sys
servers = [socket.create_server(("", int(port))) for port in sys.argv[2:]]
selector = selectors.DefaultSelector()
for server in servers:
    selector.register(server, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept()
        connection.sendall(sys.argv[1].encode())
        connection.close()
"""
_ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1) as connection:
    print(connection.recv(100).decode(), end="")
"""


class _Network:
    """The golden network of balancers: their segment, the masters behind a router, and what runs on each."""

    def __init__(self, machines: dict[str, LabMachine], running: ExitStack) -> None:
        self._machines = machines
        self._running = running
        self._daemons: dict[tuple[str, str], ExitStack] = {}

    def start(self) -> None:
        """Cables, addresses, and every program."""
        switch = self._machines["switch"]
        for bridge, gateway in (("lan", "192.168.0.1/24"), ("back", "10.2.0.1/24")):
            switch.run("ip", "link", "add", bridge, "up", "type", "bridge")
            switch.run("ip", "address", "add", gateway, "dev", bridge)
        switch.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for name, address in _ADDRESSES.items():
            machine, bridge = self._machines[name], "lan" if address.startswith("192") else "back"
            wire(machine, Nic(name="eth0"), switch, Nic(name=f"to-{name}"))
            switch.run("ip", "link", "set", f"to-{name}", "master", bridge)
            machine.run("ip", "link", "set", "lo", "up")
            machine.run("ip", "link", "set", "eth0", "up")
            machine.run("ip", "address", "add", address, "dev", "eth0")
            machine.run("ip", "route", "add", "default", "via", "192.168.0.1" if bridge == "lan" else "10.2.0.1")
        await_carriers(*self._machines.values())
        for name in ("m1", "m2"):
            self.run(name, "masters", sys.executable, "-c", _LISTEN, name, "6443", "9346")
        for name in _BALANCERS:
            self._start_balancer(name)

    def _start_balancer(self, name: str) -> None:
        machine, rootfs = self._machines[name], GOLDEN / "balancers/out" / name / "rootfs"
        add_user(machine)
        machine.run("mkdir", "-p", "/var/lib/haproxy")
        machine.run("sysctl", "-qp", str(next((rootfs / "etc/sysctl.d").iterdir())))
        machine.install(File(path=path, content=(rootfs / path[1:]).read_bytes()) for path in (KEEPALIVED, HAPROXY))
        self.run(name, "web", sys.executable, "-c", _LISTEN, name, "80", "443")
        self.run(name, "haproxy", "haproxy", "-W", "-db", "-f", HAPROXY)
        pids = ("--pid=/run/1.pid", "--vrrp_pid=/run/2.pid", "--checkers_pid=/run/3.pid")
        self.run(name, "keepalived", "keepalived", "--dont-fork", "--log-console", *pids)

    def run(self, name: str, what: str, *command: str) -> None:
        """Run a program on a machine until it is stopped."""
        self._daemons[name, what] = self._running.enter_context(ExitStack())
        self._daemons[name, what].enter_context(self._machines[name].daemon(*command))

    def stop(self, name: str, what: str) -> None:
        """Stop a program."""
        self._daemons[name, what].close()

    def holders(self, address: str) -> list[str]:
        """The balancers that have an address now."""
        return [
            name
            for name in _BALANCERS
            if f" {address}/" in self._machines[name].run("ip", "-4", "-oneline", "address").stdout
        ]

    def ask(self, address: str, port: int) -> str:
        """Return who answers the client."""
        done = self._machines["client"].run(sys.executable, "-c", _ASK, address, str(port), check=False)
        return done.stdout


def test_an_address_moves_when_its_service_ends() -> None:
    if shutil.which("keepalived") is None or shutil.which("haproxy") is None:
        pytest.skip("needs keepalived and haproxy")
    names = (*_ADDRESSES, "switch")
    with boot(*names) as booted, ExitStack() as running:
        network = _Network(dict(zip(names, booted, strict=True)), running)
        network.start()
        api, web = "192.168.0.33", "192.168.0.34"

        assert await_that(lambda: all(len(network.holders(ip)) == 1 for ip in (api, web)), seconds=60, interval=0.5)
        (first,), (other,) = network.holders(api), {*_BALANCERS} - {*network.holders(api)}
        assert {network.ask(api, 6443) for _ in range(4)} == {"m1", "m2"}
        assert [network.ask(web, 443)] == network.holders(web)

        network.stop(first, "haproxy")
        assert await_that(lambda: network.holders(api) == [other], seconds=40, interval=0.5)
        assert await_that(lambda: network.ask(api, 9345) == "m1", seconds=20, interval=0.5)

        (holder,), (spare,) = network.holders(web), {*_BALANCERS} - {*network.holders(web)}
        network.stop(holder, "web")
        assert await_that(lambda: network.holders(web) == [spare], seconds=40, interval=0.5)
        assert await_that(lambda: network.ask(web, 80) == spare, seconds=20, interval=0.5)

        network.stop("m1", "masters")  # the only one that serves joining nodes
        assert await_that(lambda: network.holders(api) == [], seconds=40, interval=0.5)
