"""Effects of dockerd on packets that its machine forwards, and on what is for its containers, as verify predicts them:
judged by the program."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from netwright.lab.machine import File, LabMachine, boot
from netwright.lab.machine import poll as await_that
from netwright.verify.network_model.programs import DOCKER, DOCKER_NETWORK, docker_rules, docker_translation
from tests.rigs import container_runtime
from tests.rigs.wires import Nic, await_carriers, wire
from tests.verify.rules.boxes import CLIENT, FORWARD, SERVER, nft
from tests.verify.test_programs import ROUTER, asked, sent

_PATH = {"PATH": "/run/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_TABLES = ("iptables", "ip6tables", "iptables-save", "iptables-restore")


def test_docker_drops_what_is_forwarded_unless_it_was_before_it_started() -> None:
    _need("dockerd", "containerd", "xtables-nft-multi")
    forwards = {"off": "0", "on": "1"}
    with boot(*(f"{role}-{state}" for state in forwards for role in ("client", "router", "server"))) as booted:
        machines = {machine.name: machine for machine in booted}
        with ExitStack() as daemons:
            for state, value in forwards.items():
                client, router, server = (machines[f"{role}-{state}"] for role in ("client", "router", "server"))
                _connect(client, router, server)
                router.run("sh", "-c", f"echo {value} > /proc/sys/net/ipv4/ip_forward")
                _start(router, daemons)
            await_carriers(*booted)
            routers = {state: machines[f"router-{state}"] for state in forwards}
            assert await_that(lambda: all(map(_is_up, routers.values())), seconds=60)
            pings = {state: _answers(machines[f"client-{state}"]) for state in forwards}
            policies = {state: _policy(router) for state, router in routers.items()}
            forwarding = {
                state: router.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip()
                for state, router in routers.items()
            }
            translation = routers["on"].run("nft", "list", "chain", "ip", "nat", "POSTROUTING").stdout

    assert pings == {"off": False, "on": True}
    assert policies == {"off": "drop", "on": "accept"}
    assert forwarding == {"off": "1", "on": "1"}
    assert f"policy {policies['off']}" in docker_rules("drop")
    for text in (translation.replace("counter packets 0 bytes 0 ", ""), docker_translation(())):
        assert f'oifname != "{DOCKER}" ip saddr {DOCKER_NETWORK} masquerade' in text


_OPENED = f"ct original ip daddr {ROUTER} meta l4proto tcp ct original proto-dst 443 accept"
_CLOSED = [f"{FORWARD} policy drop;", "ct state established,related accept"]
_FILTERS = {
    "nothing": "",
    "a closed input": nft(["type filter hook input priority filter; policy drop;", "ct state established accept"]),
    "a closed forward chain": nft(_CLOSED),
    "a flow's accept": nft([*_CLOSED, f'oifname "docker0" ip saddr {CLIENT} {_OPENED}']),
    "an accept for another sender": nft([*_CLOSED, f'oifname "docker0" ip saddr 10.2.0.10 {_OPENED}']),
    "an accept for another address": nft([*_CLOSED, _OPENED.replace(ROUTER, "10.2.0.1")]),
    "an accept for another port": nft([*_CLOSED, _OPENED.replace("443", "8443")]),
    "a drop of the published port": nft([FORWARD, "tcp dport 443 drop"]),
    "a drop of the container's port": nft([FORWARD, "tcp dport 8443 drop"]),
    "a drop of all that goes there": nft([FORWARD, 'oifname "docker0" drop']),
    "a drop before": nft(["type filter hook prerouting priority mangle;", f"ip daddr {ROUTER} tcp dport 443 drop"]),
}
"""Packet filters of the router that publishes tcp/443."""
_SERVER = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
while True:
    caller, address = server.accept()
    caller.sendall(address[0].encode())
    caller.close()
"""
_CALL = """
import socket, sys
try:
    print(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1).recv(99).decode())
except OSError:
    pass
"""


def test_what_docker_publishes_goes_where_verify_says() -> None:
    _need("dockerd", "containerd", "docker", "xtables-nft-multi")
    with boot("client", "router", "server") as (client, router, server), ExitStack() as daemons:
        _connect(client, router, server)
        router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        _start(router, daemons)
        await_carriers(client, router, server)
        assert await_that(lambda: _is_up(router), seconds=60)
        container = _publish(router)
        assert await_that(lambda: _call(client, ROUTER, 443) == CLIENT, seconds=30)
        daemons.enter_context(server.daemon("python3", "-c", _SERVER, "8080"))
        assert await_that(lambda: _call(router, SERVER, 8080) == "10.2.0.1", seconds=30)
        measured = {}
        for name, text in _FILTERS.items():
            router.run("nft", "-f", "-", stdin=f"add table inet rules\ndelete table inet rules\n{text}")
            measured[name] = _call(client, ROUTER, 443), _call(router, SERVER, 8080, within=container)

    assert measured == {
        name: (
            CLIENT if asked(text).proved else "",
            "10.2.0.1" if sent(nft=text).all_flows_hold else "",
        )
        for name, text in _FILTERS.items()
    }
    assert {arrives for arrives, _ in measured.values()} == {CLIENT, ""}
    assert {leaves for _, leaves in measured.values()} == {"10.2.0.1", ""}


def _need(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def _publish(router: LabMachine) -> str:
    """A container that publishes a port, of an image without files; returns the number of its process."""
    docker = ("docker", "--host=unix:///run/docker.sock")
    router.run("tar", "-C", "/run/bin", "-cf", "/run/image.tar", ".")
    router.run(*docker, "import", "/run/image.tar", "image")
    how = ("--detach", "--runtime=plain", "--name=web", "--publish=443:8443")
    container = router.run(*docker, "run", *how, "image", "/usr/bin/python3", "-c", _SERVER, "8443").stdout.strip()
    shown = router.run(*docker, "inspect", "--format", "{{.State.Pid}}", container)
    return shown.stdout.strip()


def _call(machine: LabMachine, ip: str, port: int, *, within: str | None = None) -> str:
    """The address that who answers there has seen, nothing if there is no answer; `within` a process's network."""
    enter = ("nsenter", f"--target={within}", "--net", "--") if within is not None else ()
    return machine.run(*enter, "python3", "-c", _CALL, ip, str(port)).stdout.strip()


def _connect(client: LabMachine, router: LabMachine, server: LabMachine) -> None:
    wire(router, Nic(name="n0"), client, Nic(name="e0"))
    wire(router, Nic(name="n1"), server, Nic(name="e0"))
    for machine, card, address in (
        (client, "e0", "10.1.0.10/24"),
        (router, "n0", "10.1.0.1/24"),
        (router, "n1", "10.2.0.1/24"),
        (server, "e0", "10.2.0.10/24"),
    ):
        machine.run("ip", "link", "set", card, "up")
        machine.run("ip", "address", "add", address, "dev", card)
    client.run("ip", "route", "add", "default", "via", "10.1.0.1")
    server.run("ip", "route", "add", "default", "via", "10.2.0.1")


def _start(router: LabMachine, daemons: ExitStack) -> None:
    """containerd and dockerd; iptables is a link below /etc on Debian, of which the machine has its own."""
    router.run("ip", "link", "set", "lo", "up")
    router.run("mkdir", "-p", "/run/bin")
    for name in _TABLES:
        router.run("ln", "-s", "/usr/sbin/xtables-nft-multi", f"/run/bin/{name}")
    socket = "/run/containerd.sock"
    places = ("--root=/var/lib/containerd", "--state=/run/containerd-state")
    daemons.enter_context(router.daemon("containerd", f"--address={socket}", *places, environment=_PATH))
    assert await_that(lambda: router.run("test", "-S", socket, check=False).returncode == 0, seconds=30)
    runtime = Path(container_runtime.__file__).read_bytes()
    router.install([File(path="/run/bin/plain", content=b"#!/usr/bin/python3\n" + runtime, mode=0o755)])
    own = ("--data-root=/var/lib/docker", "--exec-root=/run/docker", "--pidfile=/run/docker.pid")
    runtimes = "--add-runtime=plain=/run/bin/plain"
    host = "--host=unix:///run/docker.sock"
    daemons.enter_context(router.daemon("dockerd", f"--containerd={socket}", host, *own, runtimes, environment=_PATH))


def _is_up(router: LabMachine) -> bool:
    return router.run("test", "-S", "/run/docker.sock", check=False).returncode == 0


def _answers(client: LabMachine) -> bool:
    return client.run("ping", "-c", "1", "-W", "2", "10.2.0.10", check=False).returncode == 0


def _policy(router: LabMachine) -> str:
    chain = router.run("nft", "list", "chain", "ip", "filter", "FORWARD").stdout
    return chain.partition("policy ")[2].partition(";")[0]
